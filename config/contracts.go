// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"durward"
	"durward/contract"
	"durward/internal/strictyaml"
)

// operations reads the contract of an API and lists its operations.
func (c *Config) operations(f *faults, at, name string, api *API) ([]*durward.Operation, bool) {
	if api.Contract == "" {
		f.add(at+".contract", "is required: only operations of an OpenAPI document can be called")
		return nil, false
	}
	if !readable(api.Contract) {
		return nil, false // checkFiles says so
	}
	doc, err := contract.Load(api.Contract, api.Validation.Gaps...)
	for _, e := range durward.Flatten(err) {
		f.add(at+".contract", "%v", e)
	}
	if err != nil {
		return nil, false
	}
	if c.contracts == nil {
		c.contracts, c.digests = map[string]*contract.Document{}, map[string]string{}
	}
	c.contracts[name], c.digests[name] = doc, digest(doc)
	var out []*durward.Operation
	for _, op := range doc.Operations() {
		out = append(out, &durward.Operation{ID: op.ID, Method: op.Method, Template: op.Template})
	}
	if len(out)+len(doc.Closed()) == 0 {
		f.add(at+".contract", "declares no operation")
	}
	return out, true
}

// ClosedOperations are the operations of a contract that cannot be applied, as
// ones that the router knows and that take no request.
func ClosedOperations(doc *contract.Document) []*durward.Operation {
	var out []*durward.Operation
	for _, op := range doc.Closed() {
		out = append(out, &durward.Operation{ID: op.ID, Method: op.Method, Template: op.Template, Refusal: durward.CodeUnknownOperation})
	}
	return out
}

// Warnings lists what of the contracts is not applied, which validation.gaps
// has accepted, and names there that stand for nothing.
func (c *Config) Warnings() []string {
	var out []string
	for _, name := range c.APINames() {
		doc, at := c.contracts[name], strictyaml.Key("apis", name)+".validation.gaps"
		if doc == nil {
			continue
		}
		for _, gap := range doc.Gaps() {
			out = append(out, at+": "+gap.String())
		}
		for _, name := range doc.Stale(c.APIs[name].Validation.Gaps) {
			out = append(out, at+": "+name+" is no gap of the contract any more; remove it")
		}
	}
	return out
}

// Gaps counts the parts of the contracts that are not applied; there are none
// without a configuration.
func (c *Config) Gaps() int {
	n := 0
	if c == nil {
		return 0
	}
	for _, doc := range c.contracts {
		n += len(doc.Gaps())
	}
	return n
}

// digest identifies the content of all files of a contract. A file that went
// away since the contract was read counts as another content.
func digest(doc *contract.Document) string {
	h := sha256.New()
	io.WriteString(h, doc.SHA256())
	for _, name := range doc.Files()[1:] {
		data, err := readFile(name, maxContract)
		sum := sha256.Sum256(data)
		fmt.Fprintf(h, " %x %t", sum, err == nil)
	}
	return hex.EncodeToString(h.Sum(nil))
}
