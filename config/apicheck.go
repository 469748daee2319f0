// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/audit"
	"durward/authn"
	"durward/contract"
	"durward/internal/strictyaml"
	"durward/route"
)

var apiName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// checkAPIs checks each API for itself and all of them together.
func (c *Config) checkAPIs(f *faults) {
	for name, issuer := range c.Issuers {
		if issuer == nil {
			f.add(strictyaml.Key("issuers", name), "is empty")
			continue
		}
		f.in(strictyaml.Key("issuers", name), issuer.Check())
	}
	if len(c.APIs) == 0 {
		f.add("apis", "is required: name at least one API")
	}
	var routes []route.API
	operations := map[string][]*durward.Operation{}
	for _, name := range c.APINames() {
		at, api := strictyaml.Key("apis", name), c.APIs[name]
		if api == nil {
			f.add(at, "is empty")
			continue
		}
		if !apiName.MatchString(name) {
			f.add(at, "a name must be 1 to 64 lower-case letters, digits, - and _, and begin with a letter or digit")
			continue
		}
		c.checkAPI(f, at, api)
		c.noteRuleFiles(name)
		ops, ok := c.operations(f, at, name, api)
		if !ok {
			continue
		}
		checkOperations(f, at, api, ops)
		c.checkRules(f, at, name)
		checkSecurity(f, at, api, c.contracts[name])
		checkAnswers(f, at, api, c.contracts[name], ops)
		checkExclusions(f, at, api, ops)
		if !checkPlace(f, at, name, api) {
			continue
		}
		operations[name] = ops
		routes = append(routes, route.API{Name: name, Hosts: api.Hosts, Prefix: api.Prefix, Operations: append(ops, ClosedOperations(c.contracts[name])...), Preflight: api.CORS != nil})
	}
	// Every request must be for one operation at most.
	if _, err := route.Build(routes); err != nil {
		f.in("apis", err)
	}
	c.checkShadows(f, operations)
}

// checkPlace asks the router for the prefix and each host alone, to say which
// of them it does not take.
func checkPlace(f *faults, at, name string, api *API) bool {
	ok := true
	try := func(field string, one route.API) {
		_, err := route.Build([]route.API{one})
		for _, e := range durward.Flatten(err) {
			var fe *durward.FieldError
			if errors.As(e, &fe) {
				ok = false
				f.add(at+field, "%s", fe.Reason)
			}
		}
	}
	try(".prefix", route.API{Name: name, Prefix: api.Prefix})
	for i, host := range api.Hosts {
		try(".hosts["+strconv.Itoa(i)+"]", route.API{Name: name, Hosts: []string{host}})
	}
	return ok
}

// checkAPI checks what needs no contract.
func (c *Config) checkAPI(f *faults, at string, api *API) {
	f.in(at+".validation", api.Validation.Check())
	f.in(at+".upstream", api.Upstream.Check())
	f.in(at+".authenticate", api.Authenticate.Check())
	f.in(at+".rate_limit", api.RateLimit.Check())
	f.in(at+".quota", api.Quota.Check())
	f.in(at+".authorize", api.Authorize.Check())
	f.in(at+".response", api.Response.Check())
	f.in(at, audit.CheckRecording("audit", api.Audit))
	if api.CORS != nil {
		f.in(at+".cors", api.CORS.Check())
	}
	f.in(at+".addresses", api.Addresses.Check())
	if api.WAF != nil {
		f.in(at+".waf", api.WAF.Check())
	}
	if api.IdentityToken != nil {
		f.in(at+".identity_token", api.IdentityToken.Check())
		if c.Token == nil {
			f.add(at+".identity_token", "needs token, which names the keys to sign with")
		}
		f.in(at+".upstream", api.Upstream.CheckOwn(authn.CredentialHeaders(api.Authenticate), []string{api.IdentityToken.Field()}))
	}
	c.checkIssuers(f, at, api)
	for id, op := range api.Operations {
		if op == nil {
			continue
		}
		opAt := strictyaml.Key(at+".operations", id)
		if op.RateLimit != nil {
			f.in(opAt+".rate_limit", op.RateLimit.Check())
		}
		if op.Quota != nil {
			f.in(opAt+".quota", op.Quota.Check())
		}
		if op.Response != nil {
			f.in(opAt+".response.contract", op.Response.Contract.Check())
		}
		switch {
		case op.WAF == nil:
		case api.WAF == nil:
			f.add(opAt+".waf", "needs waf of the API, which it refines")
		default:
			f.in(opAt+".waf", op.WAF.Check())
		}
		f.in(opAt, audit.CheckRecording("audit", op.Audit))
		checkRefined(f, opAt, api, id, op)
	}
}

// checkAnswers makes of the contract what answers are held against, to find
// what of it cannot be used.
func checkAnswers(f *faults, at string, api *API, doc *contract.Document, ops []*durward.Operation) {
	for _, op := range ops {
		cfg := api.AnswersOf(op.ID)
		if cfg.Check() != nil || doc == nil {
			continue // reported already
		}
		if _, err := doc.Response(op.ID, &cfg, contract.ResponseOptions{}); err != nil {
			f.add(at+".contract", "%v", err)
			return
		}
	}
}

// checkIssuers looks for the issuers that the API names. Of two with the same
// iss in one place, nothing in a token would tell which one's rules hold.
func (c *Config) checkIssuers(f *faults, at string, api *API) {
	type source struct{ header, iss string }
	seen := map[source]string{}
	for i, m := range api.Authenticate.Flat() {
		if m.JWT == nil || m.JWT.Issuer == "" {
			continue
		}
		field, name := at+".authenticate", m.JWT.Issuer
		if i < len(api.Authenticate) && api.Authenticate[i].JWT == m.JWT { // not within an all
			field += "[" + strconv.Itoa(i) + "].jwt"
		}
		issuer := c.Issuers[name]
		if issuer == nil {
			f.add(field, "no issuer is named %q; known are: %s", name, names(c.Issuers))
			continue
		}
		s := source{strings.ToLower(m.JWT.Header), issuer.Issuer}
		if s.iss == "" {
			s.iss = issuer.Discovery
		}
		if s.header == "authorization" {
			s.header = "" // the default
		}
		if other, again := seen[s]; again && s.iss != "" {
			f.add(field, "%s has the same iss as %s, so a token could not be told to be of one of them", name, other)
		}
		seen[s] = name
	}
}

// checkRefined checks what the operation puts in place of the API's values,
// by the rules of the domain that reads them.
func checkRefined(f *faults, at string, api *API, id string, op *Operation) {
	upstream, validation := api.UpstreamOf(id), api.ValidationOf(id)
	set := map[string]bool{
		"timeout": op.Timeout != 0, "body_idle_timeout": op.BodyIdleTimeout != 0,
		"upgrades": op.Upgrades != nil, "max_body": op.MaxBody != 0,
	}
	for _, e := range durward.Flatten(errors.Join(upstream.Check(), validation.Check())) {
		var fe *durward.FieldError
		if errors.As(e, &fe) {
			if field, _, _ := strings.Cut(fe.Field, "["); set[field] {
				f.in(at, e)
			}
		}
	}
}

// checkOperations holds the rules of an API against its operations (A1): each
// is covered or public, and each that is named exists.
func checkOperations(f *faults, at string, api *API, ops []*durward.Operation) {
	known := make([]string, len(ops))
	for i, op := range ops {
		known[i] = op.ID
	}
	for id := range api.Operations {
		if unknown(known, id) {
			f.add(strictyaml.Key(at+".operations", id), "the contract has no such operation%s", meant(known, id))
		}
	}
	for id := range api.Response.Leaks.Allow {
		if unknown(known, id) {
			f.add(strictyaml.Key(at+".response.leaks.allow", id), "the contract has no such operation%s", meant(known, id))
		}
	}
	for _, rules := range []struct {
		name string
		of   map[string][]string
	}{{".authorize.roles", api.Authorize.Roles}, {".authorize.scopes", api.Authorize.Scopes}, {".authorize", map[string][]string{"authenticated": api.Authorize.Authenticated}}} {
		for holder, ids := range rules.of {
			for i, id := range ids {
				field := strictyaml.Key(at+rules.name, holder) + "[" + strconv.Itoa(i) + "]"
				switch {
				case id == "*":
				case unknown(known, id):
					f.add(field, "the contract has no operation %q%s", id, meant(known, id))
				case api.Public(id):
					f.add(field, "%q is public, so a rule for it would not be heeded; remove one of both", id)
				}
			}
		}
	}
	var uncovered, closed []string
	for _, id := range known {
		if api.Public(id) {
			continue
		}
		closed = append(closed, id)
		if !api.Authorize.Covers(id) {
			uncovered = append(uncovered, id)
		}
	}
	if len(uncovered) > 0 && len(api.Authorize.Policies) == 0 { // what policies cover, checkRules finds
		f.add(at+".authorize", "no rule covers %s; name each under roles, scopes or authenticated, or declare it public under operations", list(uncovered))
	}
	if len(api.Authenticate) == 0 && len(closed) > 0 {
		f.add(at+".authenticate", "takes no credential, so nobody could call %s", list(closed))
	}
}

// checkShadows finds operations that a deeper prefix of another API hides: the
// requests for them would be judged by the other API's rules.
func (c *Config) checkShadows(f *faults, operations map[string][]*durward.Operation) {
	for _, outer := range c.APINames() {
		for _, inner := range c.APINames() {
			a, b := c.APIs[outer], c.APIs[inner]
			rest, below := strings.CutPrefix(b.Prefix, a.Prefix+"/")
			if !below || !shareHost(a.Hosts, b.Hosts) {
				continue
			}
			var hidden []string
			for _, op := range operations[outer] {
				if reaches(op.Template, strings.Split(rest, "/")) {
					hidden = append(hidden, op.ID)
				}
			}
			if len(hidden) > 0 {
				f.add("apis."+inner+".prefix", "hides %s of API %s, which can lie below the prefix too", list(hidden), outer)
			}
		}
	}
}

// reaches tells whether a path of the template can begin with the segments.
func reaches(template string, segments []string) bool {
	parts := strings.Split(strings.TrimPrefix(template, "/"), "/")
	if len(parts) < len(segments) {
		return false
	}
	for i, s := range segments {
		if parts[i] != s && !strings.Contains(parts[i], "{") {
			return false
		}
	}
	return true
}

func shareHost(a, b []string) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	for _, h := range a {
		for _, o := range b {
			if h == o {
				return true
			}
		}
	}
	return false
}

func unknown(known []string, id string) bool { return !slices.Contains(known, id) }

// meant suggests the operation that a wrong name was probably meant to be.
func meant(known []string, id string) string {
	if s := strictyaml.Suggest(id, known); s != "" {
		return "; did you mean " + s + "?"
	}
	return ""
}

// list names operations, but not so many that nobody reads them.
func list(ids []string) string {
	const most = 10
	ids = slices.Sorted(slices.Values(ids))
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + " and " + strconv.Itoa(len(ids)-most) + " more"
	}
	return strings.Join(ids, ", ")
}

func names(issuers map[string]*authn.IssuerConfig) string {
	if len(issuers) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(issuers)), ", ")
}
