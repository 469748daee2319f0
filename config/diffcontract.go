// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"durward/authn"
	"durward/config/strength"
	"durward/contract"
	"durward/internal/strictyaml"
)

// contract compares the documents of an API.
func (d *differ) contract(name string) {
	before, after := d.was.contracts[name], d.is.contracts[name]
	if before == nil || after == nil || d.was.digests[name] == d.is.digests[name] {
		return
	}
	field := strictyaml.Key("apis", name) + ".contract"
	old, now := operationsOf(before), operationsOf(after)
	for _, op := range before.Operations() {
		id := name + "/" + op.ID
		if now[op.ID] == nil {
			label, reason := strength.Stronger, "the operation is no longer declared"
			if to := takenBy(op, after.Operations()); to != "" {
				label, reason = strength.Weaker, "the operation is no longer declared, and its requests may be for "+to
			}
			d.add(label, field, reason, strength.Side{Value: op.Method + " " + op.Template}, strength.Side{}, id)
			continue
		}
		for _, one := range contract.Compare(before, after, op.ID) {
			label := strength.Stronger
			if one.Looser {
				label = strength.Weaker
			}
			d.add(label, field, op.ID+": "+one.Where+": "+one.Reason, strength.Side{}, strength.Side{}, id)
		}
	}
	for _, op := range after.Operations() {
		if old[op.ID] == nil {
			d.add(strength.Weaker, field, "a further operation is declared", strength.Side{}, strength.Side{Value: op.Method + " " + op.Template}, name+"/"+op.ID)
		}
	}
}

func operationsOf(doc *contract.Document) map[string]*contract.Operation {
	all := map[string]*contract.Operation{}
	for _, op := range doc.Operations() {
		all[op.ID] = &op
	}
	return all
}

// takenBy finds an operation whose template has room for a path of the one that
// is gone.
func takenBy(gone contract.Operation, left []contract.Operation) string {
	a := strings.Split(gone.Template, "/")
	for _, op := range left {
		b := strings.Split(op.Template, "/")
		if len(a) != len(b) {
			continue
		}
		fits := true
		for i := range a {
			fits = fits && (a[i] == b[i] || strings.Contains(a[i], "{") || strings.Contains(b[i], "{"))
		}
		if fits {
			return op.ID
		}
	}
	return ""
}

// combination is what a caller must show together: kinds of credential, each
// with the scopes that it must have.
type combination map[string][]string

// demands compares what each operation asks of its callers: the methods as the
// contract's security combines them. A kind of credential that is new at all is
// said elsewhere.
func (d *differ) demands(name string) {
	a, b := d.was.APIs[name], d.is.APIs[name]
	before, after := d.was.contracts[name], d.is.contracts[name]
	if before == nil || after == nil {
		return
	}
	known := map[string]bool{}
	for _, m := range a.Authenticate.Flat() {
		known[strength.MethodKey(m)] = true
	}
	old := operationsOf(before)
	for _, op := range after.Operations() {
		was := old[op.ID]
		if was == nil || a.Public(op.ID) || b.Public(op.ID) {
			continue // said by public, or by the contract
		}
		o, okOld := a.combinations(was, before.SecuritySchemes())
		n, okNew := b.combinations(&op, after.SecuritySchemes())
		label, reason := strength.Neutral, ""
		switch {
		case !okOld || !okNew:
			label, reason = strength.Weaker, "cannot be compared: what callers must show"
		case slices.ContainsFunc(n, func(c combination) bool { return c.of(known) && !c.coveredBy(o) }):
			label, reason = strength.Weaker, "callers may show something else, or less, than before"
		case slices.ContainsFunc(o, func(c combination) bool { return !c.coveredBy(n) }) && len(n) > 0:
			label, reason = strength.Stronger, "callers must show more than before"
		}
		if label != strength.Neutral {
			d.add(label, strictyaml.Key("apis", name)+".security", reason, strength.Side{Value: written(o)}, strength.Side{Value: written(n)}, name+"/"+op.ID)
		}
	}
}

func (a *API) combinations(op *contract.Operation, schemes []contract.SecurityScheme) ([]combination, bool) {
	demand, err := a.Demand(op, schemes)
	if err != nil {
		return nil, false
	}
	var out []combination
	if demand.Choices == nil {
		for _, m := range a.Authenticate {
			one := combination{}
			for _, part := range (authn.Config{m}).Flat() {
				one[strength.MethodKey(part)] = nil
			}
			out = append(out, one)
		}
		return out, true
	}
	flat := a.Authenticate.Flat()
	for _, choice := range demand.Choices {
		one := combination{}
		for i, entry := range choice.Entries {
			if entry < 0 || entry >= len(flat) {
				return nil, false
			}
			var scopes []string
			if i < len(choice.Scopes) {
				scopes = choice.Scopes[i]
			}
			one[strength.MethodKey(flat[entry])] = append(one[strength.MethodKey(flat[entry])], scopes...)
		}
		out = append(out, one)
	}
	return out, true
}

// of tells whether all kinds of credential are among the known ones.
func (c combination) of(known map[string]bool) bool {
	for key := range c {
		if !known[key] {
			return false
		}
	}
	return true
}

// coveredBy tells whether one of the others asks for the same kinds and for no
// scope that c does not ask for.
func (c combination) coveredBy(others []combination) bool {
	return slices.ContainsFunc(others, func(o combination) bool {
		if len(o) != len(c) {
			return false
		}
		for key, scopes := range o {
			own, ok := c[key]
			if !ok || slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(own, s) }) {
				return false
			}
		}
		return true
	})
}

// written puts combinations into words.
func written(all []combination) string {
	var alternatives []string
	for _, c := range all {
		var parts []string
		for key, scopes := range c {
			if len(scopes) > 0 {
				key += " with " + strings.Join(scopes, " ")
			}
			parts = append(parts, key)
		}
		slices.Sort(parts)
		alternatives = append(alternatives, strings.Join(parts, " and "))
	}
	return strings.Join(alternatives, ", or ")
}
