// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"durward/internal/strictyaml"
)

// Fingerprint is the SHA-256, in hex, of the effective document: all fields
// after substitution and with the document's own defaults, and the content of
// the contracts. Two Configs with the same fingerprint decide alike.
//
// Values of fields marked as secret are left out, so that nobody can guess a
// weak one from a fingerprint in a record; a change of a secret alone does
// not change it. Same sees such a change.
func (c *Config) Fingerprint() string {
	return hex.EncodeToString(c.sum(false))
}

// Same tells whether both decide alike, secrets included: a reload from one to
// the other would change nothing.
func (c *Config) Same(other *Config) bool {
	return subtle.ConstantTimeCompare(c.sum(true), other.sum(true)) == 1
}

func (c *Config) sum(secrets bool) []byte {
	h := sha256.New()
	hashFields(h, reflect.ValueOf(c).Elem(), secrets)
	for _, name := range c.APINames() {
		io.WriteString(h, strictyaml.Key("contract", name)+": "+c.digests[name]+"\n")
	}
	for _, path := range slices.Sorted(maps.Keys(c.ruleFiles)) {
		io.WriteString(h, "rules "+strconv.Quote(path)+": "+c.ruleFiles[path]+"\n")
	}
	return h.Sum(nil)
}

// hashFields writes every field with its path to h, and secrets only on demand.
func hashFields(h io.Writer, v reflect.Value, secrets bool) {
	walk(v, "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer: // left out
		case f.Secret && !secrets:
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
