// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"path/filepath"
	"slices"
	"strings"

	"durward/config/strength"
	"durward/contract"
	"durward/internal/strictyaml"
	"durward/internal/units"
)

// Diff lists how the configuration differs from old, each difference with a
// label: weaker, stronger or neutral. Files that are named, other than
// contracts, are compared by their names and not by what is in them.
//
// If some request that old refuses, also without credentials that it could
// leave out, may be allowed by c, a weaker difference is among them.
func (c *Config) Diff(old *Config) strength.Changes {
	before, after := old.resolved(c), c.resolved(old)
	before.moveTo(old.folder(), c.folder())
	changes := strength.Compare(
		strength.Document{Root: before, Place: old.place, Redact: old.redact, Operations: old.operationIDs},
		strength.Document{Root: after, Place: c.place, Redact: c.redact, Operations: c.operationIDs})
	d := &differ{old: before, new: after, was: old, is: c, out: changes}
	d.passOn()
	d.contentsOf()
	for _, name := range c.APINames() {
		if old.APIs[name] != nil && c.APIs[name] != nil {
			d.contract(name)
			d.demands(name)
			d.decompressed(name)
		}
	}
	d.out.Sort()
	return d.out
}

// moveTo gives the places where Durward keeps its own data as a document in
// another folder would have them: two checkouts do not differ in them.
func (c *Config) moveTo(from, target string) {
	move := func(path string) string {
		rest, ok := strings.CutPrefix(path, from+string(filepath.Separator))
		if from == "" || target == "" || !ok {
			return path
		}
		return filepath.Join(target, rest)
	}
	c.Audit.Directory = move(c.Audit.Directory)
	if path, ok := strings.CutPrefix(c.Store, "sqlite:"); ok {
		c.Store = "sqlite:" + move(path)
	}
}

// folder is where the document lies, "" when there is none.
func (c *Config) folder() string {
	if c.doc == nil {
		return ""
	}
	path, err := filepath.Abs(c.doc.Name)
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// resolved is the configuration with what its operations effectively have, as
// far as they or those of the other one say something. It shares the rest.
func (c *Config) resolved(other *Config) *Config {
	out := *c
	out.APIs = map[string]*API{}
	for name, api := range c.APIs {
		if api == nil {
			continue
		}
		one := *api
		o := other.APIs[name]
		if o != nil && one.Validation.MaxDecompressed == 0 && o.Validation.MaxDecompressed != 0 {
			one.Validation.MaxDecompressed = units.Bytes(4 * one.Validation.BodyLimit())
		}
		one.Operations = map[string]*Operation{}
		for id, op := range api.Operations {
			if op != nil {
				one.Operations[id] = op
			}
		}
		if o != nil {
			for id := range merged(api.Operations, o.Operations) {
				one.Operations[id] = api.resolvedOperation(id, o.Operation(id))
			}
		}
		out.APIs[name] = &one
	}
	return &out
}

func merged(a, b map[string]*Operation) map[string]bool {
	out := map[string]bool{}
	for _, m := range []map[string]*Operation{a, b} {
		for id := range m {
			out[id] = true
		}
	}
	return out
}

// resolvedOperation gives an operation the API's values where it or the other
// one has its own.
func (a *API) resolvedOperation(id string, other *Operation) *Operation {
	own := a.Operation(id)
	out := *own
	if own.MaxBody != 0 || other.MaxBody != 0 {
		out.MaxBody = a.ValidationOf(id).MaxBody
	}
	if own.Security != nil || other.Security != nil {
		s := a.securityOf(id)
		out.Security = &s
	}
	if own.Upgrades != nil || other.Upgrades != nil {
		out.Upgrades = a.UpstreamOf(id).Upgrades
	}
	return &out
}

// operationIDs lists the operations of an API's contract.
func (c *Config) operationIDs(api string) []string {
	doc := c.contracts[api]
	if doc == nil {
		return nil
	}
	var ids []string
	for _, op := range doc.Operations() {
		ids = append(ids, op.ID)
	}
	return ids
}

// place tells where the document says a field of the merged configuration.
func (c *Config) place(field string) (file string, line int) {
	if c.doc == nil {
		return "", 0
	}
	at := c.origin(field)
	if at == "" {
		at = field
	}
	return c.doc.Name, c.doc.Position(at).Line
}

// redact takes out of a value what came from outside the document or is secret.
func (c *Config) redact(field, value string) string {
	if c.doc == nil {
		return value
	}
	if at := c.origin(field); at != "" {
		field = at
	}
	return c.doc.Fault(field, value).Reason
}

// differ adds to the differences of single fields those that several of them,
// and the contracts, make together.
type differ struct {
	old, new *Config // resolved
	was, is  *Config // as loaded
	out      strength.Changes
}

func (d *differ) add(label strength.Label, field, reason string, old, new strength.Side, operations ...string) {
	if operations == nil {
		operations = []string{}
	}
	old.Field, new.Field = field, field
	old.File, old.Line = d.was.place(field)
	new.File, new.Line = d.is.place(field)
	d.out = append(d.out, strength.Change{Label: label, Field: field, Reason: reason, Old: old, New: new, Operations: operations})
}

// passOn finds requests that an API no longer takes and another one may now: of
// two APIs the one with the named host goes first.
func (d *differ) passOn() {
	for _, name := range d.was.APINames() {
		before, after := d.was.APIs[name], d.is.APIs[name]
		if before == nil || after != nil && before.Prefix == after.Prefix && slices.Equal(before.Hosts, after.Hosts) {
			continue
		}
		for _, other := range d.is.APINames() {
			api := d.is.APIs[other]
			if other == name || api == nil || d.was.APIs[other] == nil || !overlap(before, api) {
				continue
			}
			field := strictyaml.Key("apis", name)
			d.add(strength.Weaker, field, "requests that were for it may now be for API "+other,
				strength.Side{Value: placeOf(before)}, strength.Side{Value: placeOf(api)}, prefixed(other, d.is.operationIDs(other))...)
		}
	}
}

// overlap tells whether requests for a could be for b if a were not there.
func overlap(a, b *API) bool {
	hosts := len(a.Hosts) == 0 || len(b.Hosts) == 0 || shareHost(a.Hosts, b.Hosts)
	return hosts && (a.Prefix == b.Prefix || strings.HasPrefix(a.Prefix, b.Prefix+"/") || strings.HasPrefix(b.Prefix, a.Prefix+"/"))
}

func placeOf(a *API) string {
	hosts := strings.Join(a.Hosts, ", ")
	if hosts == "" {
		hosts = "every host"
	}
	return hosts + " " + a.Prefix + "/"
}

func prefixed(api string, ids []string) []string {
	out := []string{}
	for _, id := range ids {
		out = append(out, api+"/"+id)
	}
	return out
}

// decompressed finds operations that may take more decompressed content
// because of a body limit of their own.
func (d *differ) decompressed(name string) {
	a, b := d.was.APIs[name], d.is.APIs[name]
	effective := func(v contract.Config) int64 {
		if v.MaxDecompressed != 0 {
			return int64(v.MaxDecompressed)
		}
		return 4 * v.BodyLimit()
	}
	for _, id := range d.is.operationIDs(name) {
		if a.Operation(id).MaxBody == 0 && b.Operation(id).MaxBody == 0 {
			continue
		}
		was, is := a.ValidationOf(id), b.ValidationOf(id)
		// Where max_body grows as well, that is said of it.
		if effective(is) > effective(was) && is.BodyLimit() <= was.BodyLimit() {
			d.add(strength.Weaker, strictyaml.Key("apis", name)+".validation.max_decompressed", "more than before: bytes of decompressed content",
				strength.Side{}, strength.Side{}, name+"/"+id)
		}
	}
}
