// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"durward/authz"
	"durward/internal/strictyaml"
	"durward/store"
)

// travelling are the fields whose files are part of a revision in the store,
// because they say what is decided: contracts and policies. All other files
// (keys, certificates, revocation lists, address lists, what ${file:...} names)
// are secret, or change by themselves, and stay on the nodes.
var travelling = regexp.MustCompile(`^apis\b.*\.(contract|policies\[\d+\]\.file)$`)

// Pack reads, fills in and checks the document at path as Load does, and gives
// it with the files that travel with it, as they were written: ${...} is left
// as it is. Names are below the document's folder, with slashes; name is that
// of the document. What lies outside of the folder, and secrets that stand in
// the document itself, are faults.
func Pack(path string, env func(string) (string, bool)) (name string, files map[string][]byte, err error) {
	data, err := readFile(path, maxDocument)
	if err != nil {
		return "", nil, strictyaml.Errors{{File: path, Reason: "cannot be read: " + err.Error()}}
	}
	c, err := Parse(path, data, env)
	if err != nil {
		return "", nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	f := &faults{}
	name = filepath.Base(path)
	files = map[string][]byte{name: data}
	pack := func(field, file string) {
		rel, ok := below(dir, file)
		if !ok {
			f.add(field, "%s lies outside of the document's folder, so it cannot travel with it", file)
			return
		}
		content, err := readFile(file, maxContract)
		if err != nil {
			f.add(field, "the file %s cannot be read: %v", rel, err)
			return
		}
		files[rel] = content
	}
	for _, api := range c.APINames() {
		for _, file := range c.contracts[api].Files() {
			pack(strictyaml.Key("apis", api)+".contract", file)
		}
	}
	c.travellers(func(field string, v reflect.Value) {
		if v.String() != "" && !strings.HasSuffix(field, ".contract") {
			pack(field, v.String())
		}
	})
	for _, field := range writtenSecrets(path, data) {
		f.add(field, "the secret stands in the document, which would store it with the revision; write ${VAR} or ${file:PATH}")
	}
	return name, files, c.locate(errors.Join(f.all...))
}

// BundleOptions say where a bundle becomes a configuration.
type BundleOptions struct {
	// Dir is where the paths of files that stay on the node start.
	Dir string
	// Store is the URL of the store that the bundle came from. It takes the
	// place of the document's.
	Store string
	// Env looks up variables; nil means that none is set.
	Env func(string) (string, bool)
}

// LoadBundle is Load for what Pack gave. Errors name all files as if they lay
// in Dir. What travels is never read from Dir, only from the bundle: while it
// is loaded, its files lie in a temporary folder that only this user can enter.
func LoadBundle(name string, files map[string][]byte, o BundleOptions) (*Config, error) {
	shown := filepath.Join(o.Dir, name)
	dir, err := filepath.Abs(filepath.Dir(shown))
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "durward-bundle-") // mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := unpack(files, root); err != nil {
		return nil, err
	}
	c := &Config{unpacked: &unpacked{root, dir}}
	if c.doc, err = strictyaml.Decode(files[name], c, strictyaml.Options{Name: shown, Env: o.Env}); err != nil {
		return nil, err
	}
	own := c.Store
	c.fill(dir)
	f := &faults{}
	c.takeStore(f, own, o.Store)
	c.takePolicies(f, dir, files)
	c.travellers(func(field string, v reflect.Value) {
		rel, ok := below(dir, v.String())
		switch _, there := files[rel]; {
		case v.String() == "":
		case !ok || !there || !v.CanSet():
			f.add(field, notThere)
		default:
			v.SetString(filepath.Join(root, filepath.FromSlash(rel)))
		}
	})
	if err := c.locate(errors.Join(f.all...)); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	// Everything that travels was read. The paths that stay are the same
	// wherever the bundle is loaded with the same Dir, and so is Fingerprint.
	c.travellers(func(_ string, v reflect.Value) { v.SetString(c.unpacked.inPlace(v.String())) })
	return c, nil
}

const notThere = "the file is not part of the revision"

// takePolicies puts the text of policies into the place of their files, which
// are read more than once: whoever compiles them finds those of the bundle.
func (c *Config) takePolicies(f *faults, dir string, files map[string][]byte) {
	for _, name := range c.APINames() {
		if c.APIs[name] == nil {
			continue
		}
		policies := c.APIs[name].Authorize.Policies
		for i := range policies {
			p := &policies[i]
			if p.File == "" {
				continue
			}
			field := strictyaml.Key("apis", name) + ".authorize.policies[" + strconv.Itoa(i) + "]"
			rel, ok := below(dir, p.File)
			text, there := files[rel]
			switch {
			case !ok || !there:
				f.add(field+".file", notThere)
			case p.Cedar != "":
				f.add(field, "names a file and holds policies: only one of them may be")
			case len(text) > authz.MaxPolicies || !utf8.Valid(text):
				f.add(field+".file", "must be UTF-8 text of at most %d bytes", authz.MaxPolicies)
			default:
				p.File, p.Cedar = "", string(text)
			}
		}
	}
}

// takeStore puts the store that the revision came from into the place of the
// document's, which must not name another: its keys would not be looked at.
func (c *Config) takeStore(f *faults, own, url string) {
	path, err := store.ParseURL(url)
	if err != nil {
		f.add("store", "%v", err)
		return
	}
	if path == "" {
		url = "memory:"
	} else {
		url = "sqlite:" + path
	}
	if own != "" && c.Store != url {
		f.add("store", "is not the store of this revision: leave it out, nodes use the store that they follow")
	}
	c.Store = url
}

// travellers visits the paths of files that travel with the document.
func (c *Config) travellers(visit func(field string, v reflect.Value)) {
	walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, field strictyaml.Field, v reflect.Value) {
		if field.Path && v.Kind() == reflect.String && travelling.MatchString(path) {
			visit(path, v)
		}
	})
}

// below gives the name of a file below a folder, with slashes.
func below(dir, file string) (string, bool) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(dir, abs)
	return filepath.ToSlash(rel), err == nil && rel != "." && filepath.IsLocal(rel)
}

// unpack writes files below a folder, readable by this user only. os.Root holds
// against names that would lead out of it.
func unpack(files map[string][]byte, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, content := range files {
		name = filepath.FromSlash(name)
		if dir := filepath.Dir(name); dir != "." {
			if err := root.MkdirAll(dir, 0o700); err != nil {
				return err
			}
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if _, err := f.Write(content); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// unpacked is where the files of a Config from a bundle lay while it was
// loaded, and where they would lie beside its document.
type unpacked struct{ root, dir string }

// inPlace names files by the place that people know.
func (u *unpacked) inPlace(text string) string {
	if u == nil {
		return text
	}
	return strings.ReplaceAll(text, u.root, u.dir)
}

// writtenSecrets lists the secret fields whose value, or its default, stands in
// the document itself. The document is read with every reference empty and
// again with every reference known: what is left without one was written.
func writtenSecrets(name string, data []byte) []string {
	const known = "reference"
	read := func(value string) map[string]string {
		c := &Config{}
		// Faults are expected: a reference may stand where a number should.
		_, _ = strictyaml.Decode(data, c, strictyaml.Options{
			Name: name, Env: func(string) (string, bool) { return value, true },
			ReadFile: func(string, int64) ([]byte, error) { return []byte(value), nil },
		})
		all := map[string]string{}
		walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
			if f.Secret && v.Kind() == reflect.String {
				all[path] = v.String()
			}
		})
		return all
	}
	empty, full := read(""), read(known)
	var found []string
	for field, text := range empty {
		rest := strings.ReplaceAll(full[field], known, "")
		if text != "" && (full[field] == text || rest != text) {
			found = append(found, field)
		}
	}
	return found
}
