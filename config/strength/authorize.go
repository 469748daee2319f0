// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"reflect"
	"slices"
	"strings"

	"durward/address"
	"durward/authz"
	"durward/internal/strictyaml"
	"durward/ratelimit"
)

// groups compare what several fields of a struct say together.
var groups map[reflect.Type]func(w *walker, old, new side)

func init() { // they call the walker, which looks them up
	groups = map[reflect.Type]func(w *walker, old, new side){
		reflect.TypeFor[address.Config]():            addresses,
		reflect.TypeFor[authz.Config]():              authorize,
		reflect.TypeFor[ratelimit.Config]():          byClient,
		reflect.TypeFor[ratelimit.PrincipalConfig](): byPrincipal,
	}
}

// need is what an operation asks of its callers: one of the roles and one of
// the scopes. nil asks for none; covered is false where nobody may call.
type need struct {
	covered       bool
	roles, scopes []string
}

func needOf(c *authz.Config, operation string) need {
	holders := func(rules map[string][]string) []string {
		var out []string
		for holder, ids := range rules {
			if slices.Contains(ids, operation) || slices.Contains(ids, authz.Every) {
				out = append(out, holder)
			}
		}
		slices.Sort(out)
		return out
	}
	n := need{covered: c.Covers(operation), roles: holders(c.Roles), scopes: holders(c.Scopes)}
	if slices.Contains(c.Authenticated, operation) || slices.Contains(c.Authenticated, authz.Every) {
		n.roles = nil
	}
	return n
}

// authorize compares the rules operation by operation: what a rule means for
// one depends on which others name it.
func authorize(w *walker, old, new side) {
	o, n := old.v.Addr().Interface().(*authz.Config), new.v.Addr().Interface().(*authz.Config)
	ids := append(append(w.operations(), o.Named()...), n.Named()...)
	slices.Sort(ids)
	type group struct {
		field    string
		verdict  verdict
		old, new string
	}
	found := map[group][]string{}
	var order []group
	note := func(g group, id string) {
		if found[g] == nil {
			order = append(order, g)
		}
		found[g] = append(found[g], id)
	}
	for _, id := range slices.Compact(ids) {
		was, is := needOf(o, id), needOf(n, id)
		switch {
		case !was.covered && is.covered && len(o.Policies) > 0:
			note(group{"", weaker("a further rule lets callers in, beside the policies"), "", ""}, id)
		case !was.covered: // it was public, or is new: both are said elsewhere
		case !is.covered && len(n.Policies) > 0:
			note(group{"", stronger("only the policies let callers in"), "", ""}, id)
		case !is.covered: // it is public now, or gone
		default:
			for _, part := range []struct {
				field    string
				was, is  []string
				required string
			}{{"roles", was.roles, is.roles, "role"}, {"scopes", was.scopes, is.scopes, "scope"}} {
				if !slices.Equal(part.was, part.is) {
					note(group{part.field, holders(part.was, part.is, part.required), list(part.was), list(part.is)}, id)
				}
			}
		}
	}
	for _, g := range order {
		os, ns := side{old.v, old.path}, side{new.v, new.path}
		if g.field != "" {
			os.path, ns.path = old.path+"."+g.field, new.path+"."+g.field
		}
		w.add(g.verdict, os, ns, false)
		c := &w.out[len(w.out)-1]
		c.Old.Value, c.New.Value, c.Operations = g.old, g.new, w.names(found[g])
	}
}

// holders judges which of them, if any, a caller must have.
func holders(old, new []string, what string) verdict {
	switch {
	case len(new) == 0:
		return weaker("a caller needs no " + what + " any more")
	case len(old) == 0:
		return stronger("a caller needs a " + what)
	}
	return within(old, new, "more "+what+"s let a caller in", "fewer "+what+"s let a caller in")
}

func list(s []string) string {
	if len(s) == 0 {
		return "(none needed)"
	}
	return strings.Join(s, ", ")
}

// ownerKey tells owner rules apart, policyKey where policies are written.
func ownerKey(v reflect.Value) string { return itemKey("claim")(v) + "\x00" + itemKey("equals")(v) }

func policyKey(v reflect.Value) string { return itemKey("file")(v) + "\x00" + itemKey("cedar")(v) }

// methodKey tells kinds of credential apart: what it is, where it stands, and
// who issues it. What an `all` needs together is one kind.
func methodKey(v reflect.Value) string {
	at := func(kind string, value reflect.Value, standard string, names ...string) string {
		parts := []string{kind}
		for i, name := range names {
			part := text(value.FieldByIndex(fieldOf(value.Type(), name).Index))
			if i == 0 && part == "" {
				part = standard
			}
			parts = append(parts, strings.ToLower(part))
		}
		return strings.Join(parts, " ")
	}
	for _, f := range strictyaml.Fields(v.Type()) {
		m := v.FieldByIndex(f.Index)
		if m.Kind() == reflect.Slice && f.Name == "all" && m.Len() > 0 {
			var parts []string
			for i := range m.Len() {
				parts = append(parts, methodKey(m.Index(i)))
			}
			slices.Sort(parts)
			return "all (" + strings.Join(parts, "; ") + ")"
		}
		if m.Kind() != reflect.Pointer || m.IsNil() {
			continue
		}
		m = m.Elem()
		switch f.Name {
		case "jwt":
			return at(f.Name, m, "authorization", "header") + " of " + text(m.FieldByIndex(fieldOf(m.Type(), "issuer").Index))
		case "api_key":
			standard := "x-api-key"
			if text(m.FieldByIndex(fieldOf(m.Type(), "query").Index)) != "" {
				standard = ""
			}
			return at(f.Name, m, standard, "header", "query")
		case "capability":
			return at(f.Name, m, "authorization", "header")
		case "introspection":
			return at(f.Name, m, "", "url")
		}
		return f.Name
	}
	return ""
}

func fieldOf(t reflect.Type, name string) strictyaml.Field {
	for _, f := range strictyaml.Fields(t) {
		if f.Name == name {
			return f
		}
	}
	panic("strength: no field " + name + " in " + t.String())
}
