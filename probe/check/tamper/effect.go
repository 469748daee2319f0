// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package tamper

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/gen"
)

// kindOf tells what it is that a keyword's bad value is taken; false for what is
// not looked at: what was left out or sent twice shows no effect of its own.
func kindOf(keyword string) (finding.Kind, bool) {
	switch keyword {
	case "negative":
		return NegativeAccepted, true
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const":
		return BoundaryAccepted, true
	case "type", "pattern", "format", "minLength", "maxLength", "multipleOf", "minItems", "maxItems", "uniqueItems":
		return InvalidAccepted, true
	}
	return finding.Kind{}, false
}

// accepted looks for the effect of a change that was answered 2xx, and makes it
// once more to be sure.
func (t *tester) accepted(m gen.Mutation, first *check.Exchange) error {
	kind, looked := kindOf(m.Keyword)
	if !looked || check.Safe(t.op.Method) || m.Place.In != "body" && m.Keyword != "negative" {
		return nil
	}
	t.taken = true
	seen, err := t.effect(m, first)
	if err != nil {
		return err
	}
	if seen == nil && m.Keyword == "negative" {
		return t.reversed(m, first)
	}
	f := t.finding(kind, m)
	f.Steps = []finding.Step{t.env.Step("control: the valid call", t.good), t.env.Step(m.String(), first)}
	if seen == nil {
		f.Confidence = finding.Tentative
		f.Detail = "The service answers 2xx to " + m.String() + "; what it makes of it cannot be seen."
		t.env.Report(f)
		return nil
	}
	second, err := t.changed(m)
	if err != nil || second == nil || !second.Answer.OK() {
		return err
	}
	again, err := t.effect(m, second)
	if err != nil || again == nil {
		return err
	}
	if seen != first {
		f.Steps = append(f.Steps, t.env.Step("the value is there when it is read", seen))
	}
	f.Steps = append(f.Steps, t.env.Step("the same again", second))
	if again != second {
		f.Steps = append(f.Steps, t.env.Step("and it is there again", again))
	}
	t.env.Report(f)
	return nil
}

func (t *tester) finding(kind finding.Kind, m gen.Mutation) finding.Finding {
	return finding.Finding{Kind: kind, Severity: kind.Severity, Confidence: finding.Firm, Operation: t.op.ID, Method: t.op.Method, Path: t.op.Path,
		Where: m.Place.String(), Detail: "The service takes " + m.String() + " and keeps it."}
}

// effect gives the exchange that shows the bad value where the control shows the
// valid one: the answer itself, or what is read after it; nil where none does.
func (t *tester) effect(m gen.Mutation, e *check.Exchange) (*check.Exchange, error) {
	valid, there := t.good.Call.Get(m.Place)
	if !there || gen.Equal(valid, m.Value) {
		return nil, nil
	}
	name := m.Place.Name[strings.LastIndexByte(m.Place.Name, '/')+1:]
	if echoes := where(t.good.Answer, name, valid); len(echoes) > 0 {
		if shows(e.Answer, echoes, m.Value) {
			return e, nil
		}
		return nil, nil
	}
	if t.read == nil {
		return nil, nil
	}
	echoes := where(t.read.Answer, name, valid)
	if len(echoes) == 0 {
		return nil, nil
	}
	now, err := t.reading(e)
	if err != nil || now == nil || !shows(now.Answer, echoes, m.Value) {
		return nil, err
	}
	return now, nil
}

// reading reads the object that an exchange changed or made; nil where that is
// not known.
func (t *tester) reading(e *check.Exchange) (*check.Exchange, error) {
	op := t.env.World.Reader(t.op)
	if op == nil {
		return nil, nil
	}
	c, err := t.env.World.Call(t.ctx, op, t.as)
	if check.Fatal(t.ctx, err) {
		return nil, err
	}
	if err != nil || c == nil {
		return nil, nil //nolint:nilerr // nothing is known to read it by
	}
	c = c.Clone()
	for _, v := range c.Path {
		p := call.Place{In: "path", Name: v.Name}
		if same, there := e.Call.Get(p); there {
			c.Set(p, same)
		} else if id, ok := idIn(e.Answer, v.Name); ok {
			c.Set(p, id)
		} else {
			return nil, nil
		}
	}
	got, err := t.send(c)
	if err != nil || got == nil || !got.Answer.OK() {
		return nil, err
	}
	return got, nil
}

// idIn finds the id of what was made in an answer: a member of the parameter's
// name, or id, at its top or one level below.
func idIn(a *client.Answer, param string) (any, bool) {
	top, ok := decode(a)
	if !ok {
		return nil, false
	}
	object, _ := top.(map[string]any)
	levels := []map[string]any{object}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if inner, ok := object[name].(map[string]any); ok {
			levels = append(levels, inner)
		}
	}
	for _, level := range levels {
		for _, name := range []string{param, "id", "_id", "uuid", param + "Id", param + "_id"} {
			switch v := level[name].(type) {
			case string, json.Number:
				return v, true
			}
		}
	}
	return nil, false
}

func decode(a *client.Answer) (any, bool) {
	if a == nil || a.Cut {
		return nil, false
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.UseNumber()
	return v, dec.Decode(&v) == nil && v != nil
}

// where gives the places of an answer that have a value under a name.
func where(a *client.Answer, name string, value any) []string {
	var all []string
	top, _ := decode(a)
	each(top, "", 0, func(at, member string, v any) {
		if member == name && gen.Equal(v, value) && len(all) < 100 {
			all = append(all, at)
		}
	})
	return all
}

func shows(a *client.Answer, places []string, value any) bool {
	top, _ := decode(a)
	return slices.ContainsFunc(places, func(at string) bool {
		v, there := call.Lookup(top, at)
		return there && gen.Equal(v, value)
	})
}

// each visits the members of objects, and of objects in arrays.
func each(v any, at string, depth int, visit func(at, member string, v any)) {
	if depth > 12 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			below := call.Member(at, name)
			visit(below, name, v[name])
			each(v[name], below, depth+1, visit)
		}
	case []any:
		for i, item := range v[:min(len(v), 50)] {
			below := at + "/" + strconv.Itoa(i)
			each(item, below, depth+1, visit)
		}
	}
}
