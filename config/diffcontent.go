// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"

	"durward/config/strength"
	"durward/internal/strictyaml"
)

// readOnce are the fields that name files which are read at load and decide who
// may call. Others are followed by those who use them, without a reload.
var readOnce = map[string]bool{
	"authz.Source.file": true, "directory.Config.file": true, "clientcert.Config.ca": true, "listen.ClientCertificates.ca": true,
}

// noteContents remembers what was in those files, by field, so that Diff can
// tell when they are overwritten later.
func (c *Config) noteContents() {
	c.contents = map[string]string{}
	walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
		if f.Owner == nil || !readOnce[strength.Key(f)] || v.Kind() != reflect.String || v.String() == "" {
			return
		}
		data, err := readFile(v.String(), maxContract)
		if err != nil {
			return // Check says so
		}
		sum := sha256.Sum256(data)
		c.contents[path] = v.String() + "\x00" + hex.EncodeToString(sum[:])
	})
}

// contentsOf finds files of the same name and place whose content differs.
func (d *differ) contentsOf() {
	walk(reflect.ValueOf(d.is).Elem(), "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
		before, after := d.was.contents[path], d.is.contents[path]
		if before == after || before == "" || v.Kind() != reflect.String || before[:min(len(before), len(v.String()))] != v.String() {
			return
		}
		d.add(strength.Weaker, path, "cannot be compared: what is in the file differs", strength.Side{Value: v.String()}, strength.Side{Value: v.String()}, d.operationsAt(path)...)
	})
}

// operationsAt lists the operations of the API that a field is of.
func (d *differ) operationsAt(path string) []string {
	for _, name := range d.is.APINames() {
		if within(path, strictyaml.Key("apis", name)) {
			return prefixed(name, d.is.operationIDs(name))
		}
	}
	return nil
}
