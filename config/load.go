// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"durward/audit"
	"durward/contract"
	"durward/internal/strictyaml"
	"durward/internal/units"
)

// MaxFile bounds the document and each contract that it names, in bytes.
const (
	maxDocument = strictyaml.MaxSize
	maxContract = 32 << 20
)

// Load reads, fills in and checks the document at path. env looks up
// variables; os.LookupEnv is the usual one, nil means that none is set. The
// error lists every fault, each as file:line:column: field: reason.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, err := readFile(path, maxDocument)
	if err != nil {
		return nil, strictyaml.Errors{{File: path, Reason: "cannot be read: " + err.Error()}}
	}
	return Parse(path, data, env)
}

// Parse is Load for a document that was read already. name stands in errors,
// and its folder is where relative paths start.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	c := &Config{}
	doc, err := strictyaml.Decode(data, c, strictyaml.Options{Name: name, Env: env})
	if err != nil {
		return nil, err
	}
	c.doc = doc
	c.fill(filepath.Dir(name))
	if err := c.Check(); err != nil {
		return nil, err
	}
	c.noteContents()
	return c, nil
}

// fill puts the defaults that depend on the document's folder, and brings
// what can be written in two ways into one form.
func (c *Config) fill(dir string) {
	c.inherit()
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if c.Store == "" {
		c.Store = "sqlite:durward.db"
	}
	if path, ok := strings.CutPrefix(c.Store, "sqlite:"); ok && path != "" && !filepath.IsAbs(path) {
		c.Store = "sqlite:" + filepath.Join(dir, path)
	}
	if c.Audit.Directory == "" {
		c.Audit.Directory = filepath.Join(dir, audit.DefaultDirectory)
	}
	if c.Limits.Requests == 0 {
		c.Limits.Requests = 10000
	}
	if c.Limits.RequestsPerAddress == 0 {
		c.Limits.RequestsPerAddress = 500
	}
	if c.Limits.Drain == 0 {
		c.Limits.Drain = units.Duration(30 * time.Second)
	}
	if c.Log.Level == "" {
		c.Log.Level = "info"
	}
	if c.Log.Format == "" {
		c.Log.Format = "text"
	}
	for _, api := range c.APIs {
		if api.Prefix == "/" {
			api.Prefix = ""
		}
		for i, h := range api.Hosts {
			api.Hosts[i] = strings.ToLower(h)
		}
	}
}

// APINames lists the names of the APIs, sorted.
func (c *Config) APINames() []string { return slices.Sorted(maps.Keys(c.APIs)) }

// Contract gives the parsed contract of an API of a loaded Config.
func (c *Config) Contract(api string) *contract.Document { return c.contracts[api] }

// Position tells where the document sets a field, or the nearest one above it.
func (c *Config) Position(field string) (line, column int) {
	if c.doc == nil {
		return 0, 0
	}
	p := c.doc.Position(field)
	return p.Line, p.Column
}

// Files lists the files that make up the configuration: the document, what it
// fills in with ${file:...}, the contracts and what they refer to. A watcher
// that follows them sees every change of the Config. Certificates and key sets
// are followed by those who use them.
func (c *Config) Files() []string {
	if c.doc == nil {
		return nil
	}
	files := append([]string{c.doc.Name}, c.doc.Files()...)
	for _, name := range c.APINames() {
		if doc := c.contracts[name]; doc != nil {
			files = append(files, doc.Files()...)
		}
	}
	files = slices.AppendSeq(files, maps.Keys(c.ruleFiles))
	slices.Sort(files)
	return slices.Compact(files)
}

// readFile reads a regular file of at most limit bytes. Its errors name no
// path: the caller says which field is meant.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plain(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, plain(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, nil
}

func plain(err error) error {
	if pe, ok := err.(*os.PathError); ok {
		return pe.Err
	}
	return err
}
