// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"net/http"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/gen"
)

// widen gives the call the optional values that the document declares, since
// they are where filters, orders and pages are: all of them where that is
// answered as well as without, or else one by one those that are. It gives the
// answer to the call as it then is, nil where none came.
func (t *target) widen(ctx context.Context, first *check.Exchange) *check.Exchange {
	if t.op.Method == http.MethodDelete {
		return first
	}
	var missing []call.Place
	for _, at := range t.base.Places() {
		if _, there := t.base.Get(at); !there && at.In != "path" && at.Schema != nil && !(at.In == "header" && reserved(at.Name)) && !at.Schema.ReadOnly && len(missing) < maxPlaces {
			missing = append(missing, at)
		}
	}
	if len(missing) == 0 {
		return first
	}
	with := func(c *call.Call, places ...call.Place) (*call.Call, *check.Exchange) {
		c = c.Clone()
		for _, at := range places {
			c.Set(at, t.example(at))
		}
		return c, t.send(ctx, c.Clone())
	}
	if c, e := with(t.base, missing...); e != nil && e.Answer.Status == first.Answer.Status {
		t.base = c
		return e
	}
	if len(missing) == 1 {
		return first
	}
	for _, at := range missing[:min(len(missing), 8)] {
		if c, e := with(t.base, at); e != nil && e.Answer.Status == first.Answer.Status {
			t.base, first = c, e
		}
	}
	return first
}

// example is a value that a place may well have: the document's own example, or
// one that is made.
func (t *target) example(at call.Place) any {
	for _, p := range t.op.Params {
		if p.In == at.In && p.Name == at.Name && len(p.Examples) > 0 {
			return p.Examples[0]
		}
	}
	return gen.Valid(t.env.Rand, at.Schema, gen.Hints{Name: lastName(at.Name), Examples: true})
}

func lastName(pointer string) string {
	for i := len(pointer) - 1; i >= 0; i-- {
		if pointer[i] == '/' {
			return pointer[i+1:]
		}
	}
	return pointer
}
