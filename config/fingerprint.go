// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"durward/internal/strictyaml"
)

// Fingerprint is the SHA-256, in hex, of the effective document: all fields
// after substitution and with the document's own defaults, and the content of
// the contracts. Two Configs with the same fingerprint decide alike.
//
// Values of fields marked as secret are left out, so that nobody can guess a
// weak one from a fingerprint in a record; a change of a secret alone does
// not change it.
func (c *Config) Fingerprint() string {
	h := sha256.New()
	hashFields(h, reflect.ValueOf(c).Elem())
	for _, name := range c.APINames() {
		if doc := c.contracts[name]; doc != nil {
			io.WriteString(h, strictyaml.Key("contract", name)+": "+doc.SHA256()+"\n")
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashFields writes every field with its path to h, but no secret.
func hashFields(h io.Writer, v reflect.Value) {
	walk(v, "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer: // left out
		case f.Secret:
			fmt.Fprintf(h, "%s: secret, set: %t\n", path, !v.IsZero())
		default:
			fmt.Fprintf(h, "%s: %s\n", path, strconv.Quote(text(v)))
		}
	})
}

// text writes a scalar in one way only.
func text(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v.Interface())
}
