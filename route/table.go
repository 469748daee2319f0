// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"errors"
	"fmt"
	"strings"

	"durward"
)

// API is what Build needs to know of one API.
type API struct {
	Name string
	// Hosts are the hosts that the API answers to, without a port: exact
	// ("api.example.com"), or one label under a name ("*.example.com"). None
	// means any host.
	Hosts []string
	// Prefix is before every template, "" or "/name/name" of unreserved
	// characters.
	Prefix string
	// Operations are the declared operations. Build completes them: it sets
	// API, Prefix and Index, and ID where it is empty.
	Operations []*durward.Operation
	// Preflight says that the API answers CORS preflights.
	Preflight bool
}

// Table resolves requests to operations. It is immutable and safe for
// concurrent use.
type Table struct {
	exact     map[string]*site // by host name
	wildcards map[string]*site // by the name behind "*."
	any       *site
	noRoute   *durward.Operation
	all       []*durward.Operation
}

// site holds the APIs of one host by prefix.
type site struct {
	byPrefix map[string]*tree
	deepest  int // segments of the longest prefix
}

// tree holds the operations of one API.
type tree struct {
	api       *API
	root      node
	preflight bool
	unknown   *durward.Operation
	ambiguous *durward.Operation
}

// Build makes the table of the APIs. It reports every fault: two APIs with the
// same host and prefix, two operations that one request could mean, templates
// that cannot be routed.
func Build(apis []API) (*Table, error) {
	t := &Table{
		exact: map[string]*site{}, wildcards: map[string]*site{},
		noRoute: &durward.Operation{ID: "no-route", Refusal: durward.CodeNoRoute},
	}
	var faults []error
	names := map[string]bool{}
	for i := range apis {
		api := &apis[i]
		fault := func(format string, args ...any) {
			faults = append(faults, durward.Invalid(api.Name, format, args...))
		}
		if api.Name == "" || names[api.Name] {
			fault("an API needs a name of its own")
		}
		names[api.Name] = true
		if !validPrefix(api.Prefix) {
			fault("prefix %q is not empty or a path such as /orders of letters, digits, - . _ ~", api.Prefix)
			continue
		}
		tree := t.plant(api, fault)
		hosts := api.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			s, err := t.site(host)
			if err != nil {
				fault("%v", err)
			} else if other := s.byPrefix[api.Prefix]; other != nil {
				fault("host %q and prefix %q are those of API %s too", host, api.Prefix, other.api.Name)
			} else {
				s.byPrefix[api.Prefix] = tree
				s.deepest = max(s.deepest, strings.Count(api.Prefix, "/"))
			}
		}
	}
	t.add(t.noRoute)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return t, nil
}

// Operations lists every operation of the table by its Index: the declared
// ones and the pseudo operations.
func (t *Table) Operations() []*durward.Operation {
	return append([]*durward.Operation(nil), t.all...)
}

func (t *Table) add(op *durward.Operation) *durward.Operation {
	op.Index = len(t.all)
	t.all = append(t.all, op)
	return op
}

func (t *Table) site(host string) (*site, error) {
	fresh := func() *site { return &site{byPrefix: map[string]*tree{}} }
	if host == "" {
		if t.any == nil {
			t.any = fresh()
		}
		return t.any, nil
	}
	sites, name := t.exact, host
	if parent, ok := strings.CutPrefix(host, "*."); ok {
		sites, name = t.wildcards, parent
	}
	canonical, err := canonicalHost(name, "")
	if err != nil || HostName(canonical) != canonical {
		return nil, fmt.Errorf("host %q is not a name, an address or *.name, without a port", host)
	}
	if sites[canonical] == nil {
		sites[canonical] = fresh()
	}
	return sites[canonical], nil
}

// plant makes the tree of an API with all its operations.
func (t *Table) plant(api *API, fault func(string, ...any)) *tree {
	tr := &tree{api: api, preflight: api.Preflight}
	ids := map[string]bool{}
	var ends []*node
	for _, op := range api.Operations {
		op.API, op.Prefix = api.Name, api.Prefix
		if op.ID == "" {
			op.ID = op.Method + " " + op.Template
		}
		if ids[op.ID] {
			fault("operation id %q is used twice", op.ID)
		}
		ids[op.ID] = true
		if !validMethod(op.Method) {
			fault("operation %s: %q is not a method", op.ID, op.Method)
			continue
		}
		end, err := tr.insert(op)
		if err != nil {
			fault("operation %s: %v", op.ID, err)
			continue
		}
		t.add(op)
		if len(end.ops) == 1 {
			ends = append(ends, end)
		}
	}
	pseudo := func(op durward.Operation) *durward.Operation {
		op.API, op.Prefix = api.Name, api.Prefix
		return t.add(&op)
	}
	for _, end := range ends {
		allowed := end.allowed(tr.preflight)
		end.notAllowed = pseudo(durward.Operation{
			ID: "method-not-allowed " + end.template, Template: end.template,
			Allowed: allowed, Refusal: durward.CodeMethodNotAllowed,
		})
		if tr.preflight {
			end.preflight = pseudo(durward.Operation{
				ID: "preflight " + end.template, Method: "OPTIONS", Template: end.template,
				Allowed: end.allowed(false), Preflight: true,
			})
		}
	}
	tr.unknown = pseudo(durward.Operation{ID: "unknown-operation", Refusal: durward.CodeUnknownOperation})
	tr.ambiguous = pseudo(durward.Operation{ID: "ambiguous-path", Refusal: durward.CodePathAmbiguous})
	return tr
}

// validPrefix accepts unreserved characters only, so that a prefix has one
// spelling and no escapes.
func validPrefix(p string) bool {
	if p == "" {
		return true
	}
	if p[0] != '/' || p[len(p)-1] == '/' || checkSegments(p) != nil {
		return false
	}
	for i := range len(p) {
		if p[i] != '/' && !is(p[i], classUnreserved) {
			return false
		}
	}
	return true
}
