// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"durward/authn"
	"durward/internal/strictyaml"
)

// outputs are the fields tagged as paths that Durward makes itself.
var outputs = map[string]bool{
	"audit.directory": true, "audit.index.path": true, "audit.export[].path": true, "audit.checkpoints.key": true, "audit.seal.keys": true, "audit.checkpoints.witnesses[].file": true,
	"admin.socket": true, "token.directory": true, "recorder.directory": true,
}

var indexes = regexp.MustCompile(`\[[0-9]+\]`)

// output tells whether a field names what Durward makes itself.
func output(path string) bool { return outputs[indexes.ReplaceAllString(path, "[]")] }

// checkFiles looks whether the files that the document names can be read, so
// that `durward validate` finds what would stop `durward run`.
func (c *Config) checkFiles(f *faults) {
	walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, field strictyaml.Field, v reflect.Value) {
		if !field.Path || v.Kind() != reflect.String || v.String() == "" || output(path) {
			return
		}
		if _, err := readFile(v.String(), maxContract); err != nil {
			f.add(path, "the file cannot be used: %v", err)
		}
	})
	for i, l := range c.Listen {
		if l.TLS == nil {
			continue
		}
		for j, pair := range l.TLS.Certificates {
			checkPair(f, "listen["+strconv.Itoa(i)+"].tls.certificates["+strconv.Itoa(j)+"]", pair.Cert, pair.Key)
		}
	}
	for _, name := range c.APINames() {
		if api := c.APIs[name]; api != nil && api.Upstream.TLS != nil {
			t := api.Upstream.TLS
			checkPair(f, "apis."+name+".upstream.tls", t.Certificate, t.Key)
			checkPool(f, "apis."+name+".upstream.tls.ca", t.CA)
		}
		if api := c.APIs[name]; api != nil {
			checkMethods(f, "apis."+name+".authenticate", api.Authenticate)
		}
	}
	if c.Token != nil {
		f.in("token", c.Token.CheckFiles())
	}
	for _, name := range slices.Sorted(maps.Keys(c.Issuers)) {
		if issuer := c.Issuers[name]; issuer != nil {
			checkPool(f, strictyaml.Key("issuers", name)+".ca", issuer.CA)
		}
	}
}

// checkPair looks whether a certificate and its key belong together. Files
// that cannot be read are reported already.
func checkPair(f *faults, at, certificate, key string) {
	if certificate == "" || key == "" || !readable(certificate) || !readable(key) {
		return
	}
	if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
		f.add(at, "certificate and key cannot be used: %v", err)
	}
}

// checkMethods looks into the key files of signatures.
func checkMethods(f *faults, at string, methods []authn.Method) {
	for i := range methods {
		m, here := &methods[i], at+"["+strconv.Itoa(i)+"]"
		if m.Signature != nil {
			f.in(here+".signature", m.Signature.CheckFiles())
		}
		checkMethods(f, here+".all", m.All)
	}
}

func checkPool(f *faults, at, path string) {
	if path == "" {
		return
	}
	data, err := readFile(path, maxContract)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(data) {
		f.add(at, "the file holds no certificate in PEM form")
	}
}

func readable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// walk visits every value of a Config that a document can set, with its path,
// in a fixed order.
func walk(v reflect.Value, path string, field strictyaml.Field, visit func(string, strictyaml.Field, reflect.Value)) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			visit(path, field, v)
			return
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Struct && strictyaml.IsMapping(v.Type()):
		for _, f := range strictyaml.Fields(v.Type()) {
			f.Secret = f.Secret || field.Secret
			next := f.Name
			if path != "" {
				next = path + "." + f.Name
			}
			walk(v.FieldByIndex(f.Index), next, f, visit)
		}
	case v.Kind() == reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int {
			switch {
			case a.String() < b.String():
				return -1
			case a.String() > b.String():
				return 1
			}
			return 0
		})
		for _, k := range keys {
			walk(v.MapIndex(k), strictyaml.Key(path, k.String()), field, visit)
		}
	case v.Kind() == reflect.Slice && !isText(v):
		for i := range v.Len() {
			walk(v.Index(i), path+"["+strconv.Itoa(i)+"]", field, visit)
		}
	default:
		visit(path, field, v)
	}
}

func isText(v reflect.Value) bool {
	_, ok := v.Interface().(encoding.TextMarshaler)
	return ok
}
