// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"durward/address"
	"durward/authn"
	"durward/config/strength"
	"durward/contract"
	"durward/cors"
	"durward/internal/strictyaml"
	"durward/ratelimit"
	"durward/waf"
)

// Defaults is the `defaults:` part of the document: what APIs have that do not
// say it themselves. Structures are taken over field by field, lists and maps
// as a whole. An API that protects less than what is said here does not load,
// unless its `override` names the field.
type Defaults struct {
	// Validation says how requests are held against the contract.
	Validation contract.Config `yaml:"validation"`
	// Authenticate lists the kinds of credential that are taken.
	Authenticate authn.Config `yaml:"authenticate"`
	// Security says how the contracts' own security is taken.
	Security Security `yaml:"security"`
	// Addresses are the client addresses that may call.
	Addresses address.Config `yaml:"addresses"`
	// RateLimit limits clients before they are authenticated. Each API counts
	// for itself.
	RateLimit ratelimit.Config `yaml:"rate_limit"`
	// Quota limits who was authenticated. Each API counts for itself.
	Quota ratelimit.PrincipalConfig `yaml:"quota"`
	// WAF is the firewall.
	WAF *waf.Config `yaml:"waf"`
	// CORS says which web origins may call from a browser.
	CORS *cors.Config `yaml:"cors"`
	// Response guards what upstreams answer.
	Response Response `yaml:"response"`
}

// defaultsPath is where Defaults stand in the document.
const defaultsPath = "defaults"

// asAPI gives the defaults as an API that says nothing else.
func (d *Defaults) asAPI() *API {
	return &API{
		Validation: d.Validation, Authenticate: d.Authenticate, Security: d.Security, Addresses: d.Addresses,
		RateLimit: d.RateLimit, Quota: d.Quota, CORS: d.CORS, Response: d.Response, WAF: d.WAF,
	}
}

// inherited are the fields of Defaults, as fields of an API.
var inherited = func() []strictyaml.Field {
	var out []strictyaml.Field
	for _, d := range strictyaml.Fields(reflect.TypeFor[Defaults]()) {
		for _, f := range strictyaml.Fields(reflect.TypeFor[API]()) {
			if f.Name == d.Name && f.Type == d.Type {
				out = append(out, f)
			}
		}
	}
	return out
}()

// inherit puts the defaults into the APIs.
func (c *Config) inherit() {
	parent := reflect.ValueOf(c.Defaults.asAPI()).Elem()
	for name, api := range c.APIs {
		if api == nil {
			continue
		}
		at := strictyaml.Key("apis", name)
		for _, f := range inherited {
			c.merge(reflect.ValueOf(api).Elem().FieldByIndex(f.Index), parent.FieldByIndex(f.Index), at+"."+f.Name)
		}
	}
}

// merge fills in child, which stands at path, what the document does not say
// there from parent. What has a short form (a rate) is one value.
func (c *Config) merge(child, parent reflect.Value, path string) {
	t := child.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || strictyaml.IsText(t) {
		if !c.doc.Has(path) {
			child.Set(parent)
		}
		return
	}
	if child.Kind() == reflect.Pointer {
		switch {
		case parent.IsNil():
			return
		case child.IsNil():
			child.Set(parent)
			return
		}
		child, parent = child.Elem(), parent.Elem()
	}
	for _, f := range strictyaml.Fields(t) {
		c.merge(child.FieldByIndex(f.Index), parent.FieldByIndex(f.Index), path+"."+f.Name)
	}
}

// origin finds where a field of an API got its value: its own path, that of
// the defaults, or "" when nobody said it.
func (c *Config) origin(path string) string {
	if c.doc == nil || c.doc.Has(path) {
		return path
	}
	rest, ok := strings.CutPrefix(path, "apis")
	if !ok {
		return ""
	}
	for name := range c.APIs {
		below, ok := strings.CutPrefix(rest, strings.TrimPrefix(strictyaml.Key("apis", name), "apis")+".")
		if ok && c.doc.Has(defaultsPath+"."+below) {
			return defaultsPath + "." + below
		}
	}
	return ""
}

// checkInheritance holds each API against the defaults, and each operation
// against its API: who is below may be stricter, and weaker only in what its
// override names. What nobody said above binds nobody.
func (c *Config) checkInheritance(f *faults) {
	if c.doc == nil {
		return // put together by a program, which has merged what it wanted
	}
	parent := c.Defaults.asAPI()
	for _, name := range c.APINames() {
		api := c.APIs[name]
		if api == nil {
			continue
		}
		at := strictyaml.Key("apis", name)
		c.checkOverride(f, at, api.Override)
		for _, field := range inherited {
			if !c.doc.Has(defaultsPath+"."+field.Name) || !c.doc.Has(at+"."+field.Name) {
				continue
			}
			c.bind(f, at, api.Override, strength.Judge(
				strength.Document{Root: parent, At: defaultsPath}, strength.Document{Root: api, At: at}, field.Name), c.doc.Has)
		}
		for id, op := range api.Operations {
			if op != nil {
				c.bindOperation(f, at, api, id, op)
			}
		}
	}
}

// bindOperation holds what an operation says in place of its API. Its limits
// come on top, and public is a word for itself.
func (c *Config) bindOperation(f *faults, apiAt string, api *API, id string, op *Operation) {
	at := strictyaml.Key(apiAt+".operations", id)
	c.checkOverride(f, at, op.Override)
	security := api.Security
	parent := &Operation{
		MaxBody: api.Validation.MaxBody, Security: &security, Upgrades: api.Upstream.Upgrades,
		Response: &OperationResponse{api.Response.Contract},
	}
	parent.Audit = api.Audit
	if api.WAF != nil && op.WAF != nil {
		parent.WAF = api.WAF.Above(op.WAF)
	}
	for name, above := range map[string]string{
		"max_body": ".validation.max_body", "security": ".security", "upgrades": ".upstream.upgrades", "response": ".response", "waf": ".waf", "audit": ".audit",
	} {
		from := c.origin(apiAt + above)
		if from == "" || !c.doc.Has(at+"."+name) {
			continue
		}
		changes := strength.Judge(strength.Document{Root: parent, At: apiAt}, strength.Document{Root: op, At: at}, name)
		for i := range changes { // the parent has them elsewhere
			changes[i].Old.Field = from + strings.TrimPrefix(changes[i].Old.Field, apiAt+"."+name)
		}
		c.bind(f, at, op.Override, changes, func(field string) bool { return c.origin(field) != "" })
	}
}

// bind reports what is weaker than above and not overridden. said tells whether
// the level above says a field.
func (c *Config) bind(f *faults, at string, override []string, changes strength.Changes, said func(string) bool) {
	for _, change := range changes.Weaker() {
		above := change.Old.Field
		if above != "" && !said(above) {
			continue
		}
		relative := strings.TrimPrefix(change.Field, at+".")
		if slices.ContainsFunc(override, func(o string) bool { return within(relative, o) }) {
			continue
		}
		if above == "" {
			above = defaultsPath
		}
		line, _ := c.Position(above)
		f.add(change.Field, "is weaker than %s in line %d (%s); if that is meant, say in %s: override: [%s]", above, line, change.Reason, at, relative)
	}
}

// within tells whether a field is another one or stands in it.
func within(field, outer string) bool {
	rest, ok := strings.CutPrefix(field, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// checkOverride refuses words that override nothing: one that is left over
// would let a later change pass unseen.
func (c *Config) checkOverride(f *faults, at string, override []string) {
	for i, name := range override {
		if name == "override" || !c.doc.Has(at+"."+name) {
			f.add(fmt.Sprintf("%s.override[%d]", at, i), "%q is no field that stands in %s, so nothing is overridden", name, at)
		}
	}
}
