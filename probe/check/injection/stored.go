// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/finding"
	"durward/probe/spec"
)

// stored looks for text that is kept now and becomes markup of a page later.
func (t *target) stored(ctx context.Context) {
	if t.once || t.op.Method != http.MethodPost && t.op.Method != http.MethodPut && t.op.Method != http.MethodPatch || !t.hasBodyText() {
		return
	}
	readers := t.readers()
	if len(readers) == 0 {
		return
	}
	var steps []finding.Step
	var where string
	var read *spec.Operation
	for range 2 {
		mark := t.word()
		c := t.base.Clone()
		for _, at := range c.Places() {
			if v, ok := c.Get(at); ok && at.In == "body" && free(v, at) {
				c.Set(at, mark+`<b title="`+mark+at.Name+`">`)
			}
		}
		e := t.send(ctx, c)
		if e == nil || !e.Answer.OK() {
			return
		}
		read = nil
		for _, reader := range readers {
			rc, err := t.env.World.Call(ctx, reader, t.as)
			if err != nil {
				continue
			}
			t.newest(reader, rc)
			got := t.send(ctx, rc)
			if got == nil || !isPage(got.Answer) {
				continue
			}
			if i := strings.Index(string(got.Answer.Body), `<b title="`+mark); i >= 0 {
				rest := string(got.Answer.Body)[i+len(`<b title="`+mark):]
				name, _, _ := strings.Cut(rest, `"`)
				where, read = "body#"+name, reader
				steps = append(steps, t.env.Step("markup in the text that is kept", e), t.env.Step("the page that shows it", got))
				break
			}
		}
		if read == nil {
			return
		}
	}
	t.report(storedHTML, finding.Firm, where, "Markup within a text that is kept is markup of the page of "+read.Method+" "+read.Path+", so that whoever reads it runs somebody else's script.", steps...)
}

// free tells that a member takes any text.
func free(v any, at call.Place) bool {
	s, ok := v.(string)
	return ok && !strings.Contains(s, "@") && (at.Schema == nil || len(at.Schema.Enum) == 0 && at.Schema.Format == "" && at.Schema.Pattern == "") && !secretName(at.Name)
}

func (t *target) hasBodyText() bool {
	for _, at := range t.base.Places() {
		if v, ok := t.base.Get(at); ok && at.In == "body" && free(v, at) {
			return true
		}
	}
	return false
}

// readers are operations that show what this one keeps, and that answer with
// pages as far as the document says so.
func (t *target) readers() []*spec.Operation {
	var out []*spec.Operation
	if r := t.env.World.Reader(t.op); r != nil && showsPages(r) {
		out = append(out, r)
	}
	for _, o := range t.env.API.Operations {
		if o.Method == http.MethodGet && strings.HasPrefix(o.Path, t.op.Path) && showsPages(o) && !slices.Contains(out, o) && len(out) < 3 {
			out = append(out, o)
		}
	}
	return out
}

func showsPages(op *spec.Operation) bool {
	for status, a := range op.Answers {
		if status[0] != '2' && status != "default" {
			continue
		}
		for _, m := range a.Content {
			if strings.Contains(m.Type, "html") {
				return true
			}
		}
	}
	return false
}

// newest turns a call to the object that was made last.
func (t *target) newest(op *spec.Operation, c *call.Call) {
	for _, at := range c.Places() {
		if at.In != "path" {
			continue
		}
		if own := t.env.World.Owns(op, at, t.as); len(own) > 0 {
			c.Set(at, own[len(own)-1])
		}
	}
}
