// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe/spec"
)

const orders = `
openapi: 3.1.0
paths:
  /orders/{id}:
    put:
      operationId: put
      parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
      - {name: q, in: query, schema: {type: string}}
      - {name: X-Trace, in: header, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [owner]
              properties:
                owner: {type: object, required: [id], properties: {id: {type: integer}, a/b: {type: string}}}
                lines: {type: array, items: {type: object, properties: {sku: {type: string}}}}
                note: {type: string}
              oneOf:
              - {properties: {card: {type: string}}}
              - {required: [iban], properties: {iban: {type: string}}}
`

func order(t testing.TB) *Call {
	t.Helper()
	api, err := spec.Parse("orders", []byte(orders))
	if err != nil {
		t.Fatal(err)
	}
	return &Call{
		Op:   api.Operations[0],
		Path: Values{{"id", json.Number("7")}}, Query: Values{{"extra", "1"}, {"extra", "2"}},
		Body: map[string]any{
			"owner": map[string]any{"id": json.Number("1"), "zz": true},
			"lines": []any{map[string]any{"sku": "a"}, map[string]any{}},
		},
		HasBody: true, MediaType: "application/json",
	}
}

func TestPlacesAreAllThatIsDeclaredAndAllThatIsThere(t *testing.T) {
	var got []string
	for _, p := range order(t).Places() {
		s := p.String()
		if p.Required {
			s += " required"
		}
		if p.Schema == nil {
			s += " undeclared"
		}
		got = append(got, s)
	}
	want := []string{
		"path.id required", "query.q", "query.extra undeclared", "header.X-Trace",
		"body# required", "body#/owner required", "body#/owner/id required", "body#/owner/a~1b", "body#/owner/zz undeclared",
		"body#/lines", "body#/lines/0", "body#/lines/0/sku", "body#/lines/1", "body#/lines/1/sku",
		"body#/note", "body#/card", "body#/iban",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEveryPlaceCanBeSetReadAndRemoved(t *testing.T) {
	for _, p := range order(t).Places() {
		t.Run(p.String(), func(t *testing.T) {
			c := order(t)
			if !c.Set(p, "new") {
				t.Fatal("cannot be set")
			}
			if v, ok := c.Get(p); !ok || v != "new" {
				t.Fatalf("is %v", v)
			}
			list := p.Name == "/lines/0" // the next one moves up
			if !c.Remove(p) {
				t.Fatal("cannot be removed")
			}
			if v, ok := c.Get(p); ok && !list {
				t.Errorf("is still %v", v)
			}
			if !list && c.Remove(p) {
				t.Error("is removed twice")
			}
		})
	}
}

func TestAChangedCallIsNotAsItWasMade(t *testing.T) {
	p := Place{In: "query", Name: "extra"}
	for name, change := range map[string]func(c *Call) *Call{
		"cloned":   (*Call).Clone,
		"set":      func(c *Call) *Call { c.Set(p, "x"); return c },
		"removed":  func(c *Call) *Call { c.Remove(p); return c },
		"appended": func(c *Call) *Call { c.Append(p, "x"); return c },
	} {
		c := order(t)
		c.AsMade = true
		if change(c).AsMade {
			t.Error(name)
		}
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	c := order(t)
	for _, p := range []Place{{In: "body", Name: "/none/id"}, {In: "body", Name: "/lines/9"}, {In: "body", Name: "/lines/00"}, {In: "trailer", Name: "x"}, {In: "body", Name: "/owner/id/x"}} {
		if c.Set(p, 1) || c.Remove(p) || c.Append(p, 1) {
			t.Errorf("%v was changed", p)
		}
	}
	if d := cmp.Diff(order(t).Body, c.Body); d != "" {
		t.Error(d)
	}
}

func TestACloneIsOnItsOwn(t *testing.T) {
	c := order(t)
	d := c.Clone()
	for _, p := range d.Places() {
		d.Set(p, "changed")
	}
	d = c.Clone()
	d.Set(Place{In: "body", Name: "/owner/id"}, "x")
	d.Remove(Place{In: "body", Name: "/lines/0"})
	d.Append(Place{In: "query", Name: "extra"}, "3")
	if diff := cmp.Diff(order(t).Body, c.Body); diff != "" || len(c.Query) != 2 {
		t.Errorf("the original is changed: %s %v", diff, c.Query)
	}
}

func TestWhatIsAppendedIsSentTwice(t *testing.T) {
	for name, c := range map[string]struct {
		place    Place
		target   string
		body     string
		refused  bool
		mediaTyp string
	}{
		"a parameter":         {place: Place{In: "query", Name: "extra"}, target: "/orders/7?extra=1&extra=2&extra=X", body: `{"lines":[{"sku":"a"},{}],"owner":{"id":1,"zz":true}}`},
		"a member":            {place: Place{In: "body", Name: "/owner/id"}, target: "/orders/7?extra=1&extra=2", body: `{"lines":[{"sku":"a"},{}],"owner":{"id":1,"id":"X","zz":true}}`},
		"an item":             {place: Place{In: "body", Name: "/lines/0"}, target: "/orders/7?extra=1&extra=2", body: `{"lines":[{"sku":"a"},{},"X"],"owner":{"id":1,"zz":true}}`},
		"a segment of a path": {place: Place{In: "path", Name: "id"}, refused: true},
		"what is not there":   {place: Place{In: "query", Name: "q"}, refused: true},
		"the body as a whole": {place: Place{In: "body"}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := order(t)
			if ok := o.Append(c.place, "X"); ok == c.refused {
				t.Fatalf("appended: %v", ok)
			}
			if c.refused {
				return
			}
			r, err := o.Encode("")
			if err != nil || r.Target != c.target || string(r.Body) != c.body {
				t.Errorf("%v\n%s\n%s", err, r.Target, r.Body)
			}
		})
	}
}
