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
	doc, err := contract.Load(api.Contract)
	if err != nil {
		f.add(at+".contract", "%v", err)
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
	if len(out) == 0 {
		f.add(at+".contract", "declares no operation")
	}
	return out, true
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
