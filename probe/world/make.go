// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/identity"
	"durward/probe/spec"
)

// maker fills one call with values.
type maker struct {
	w      *World
	ctx    context.Context
	op     *spec.Operation
	as     *identity.Identity
	turn   turn
	try    int // of the kind of values
	depth  int
	rand   *rand.Rand
	media  *spec.Media
	secret string // the password of this call, where it is asked for twice
	// fresh maps the unique texts of a call that is made again.
	fresh map[string]string
}

// fill gives values to everything but the path. The first try has all members of
// a body; the second those that are needed; then come the document's examples,
// and others.
func (m *maker) fill(c *call.Call) {
	for _, p := range m.op.Params {
		v, ok := m.param(p)
		if !ok {
			continue
		}
		switch p.In {
		case "query":
			c.Query = append(c.Query, call.Value{Name: p.Name, Value: v})
		case "header":
			c.Header = append(c.Header, call.Value{Name: p.Name, Value: v})
		case "cookie":
			c.Cookie = append(c.Cookie, call.Value{Name: p.Name, Value: v})
		}
	}
	if m.op.Body == nil || len(m.op.Body.Content) == 0 {
		return
	}
	media := m.op.Body.Content[0]
	for _, other := range m.op.Body.Content {
		if strings.Contains(other.Type, "json") && !strings.Contains(other.Type, "patch") {
			media = other
			break
		}
	}
	if m.try >= 5 {
		media = m.op.Body.Content[m.try%len(m.op.Body.Content)]
	}
	m.media = media
	c.HasBody, c.MediaType = true, media.Type
	if m.try == 2 || m.try == 3 {
		if len(media.Examples) > 0 {
			c.Body = m.adopt(normal(media.Examples[(m.try/2-1)%len(media.Examples)]), "", "")
			return
		}
	}
	c.Body = m.value(media.Schema, "", "", 0)
	if len(media.Examples) > 0 && m.try == 0 {
		c.Body = m.overlay(c.Body, normal(media.Examples[0]), "")
	}
}

// param gives a parameter's value, when it is to be sent. Credentials are not
// made up.
func (m *maker) param(p *spec.Param) (any, bool) {
	if p.In == "path" || p.In == "header" && slices.Contains([]string{"authorization", "accept", "content-type", "cookie"}, strings.ToLower(p.Name)) {
		return nil, false
	}
	for _, s := range m.w.API.Schemes {
		if s.Type == "apiKey" && s.In == p.In && strings.EqualFold(s.Param, p.Name) {
			return nil, false
		}
	}
	for _, c := range m.as.Credentials() {
		if c.In == p.In && strings.EqualFold(c.Name, p.Name) {
			return nil, false
		}
	}
	if !p.Required && m.try != 4 {
		return nil, false
	}
	if v, ok := m.reference(p.Schema, p.Name, ""); ok {
		return v, true
	}
	if len(p.Examples) > 0 {
		return normal(p.Examples[0]), true
	}
	return m.value(p.Schema, p.Name, "", 0), true
}

// again makes a call of one that worked before: with new unique texts, and
// identifiers of the caller's own objects.
func (m *maker) again(c, happy *call.Call) {
	c.HasBody, c.MediaType = happy.HasBody, happy.MediaType
	m.fresh = map[string]string{}
	each := func(in call.Values) call.Values {
		var out call.Values
		for _, v := range in {
			out = append(out, call.Value{Name: v.Name, Value: m.adopt(v.Value, v.Name, "")})
		}
		return out
	}
	c.Query, c.Header, c.Cookie = each(happy.Query), each(happy.Header), each(happy.Cookie)
	c.Body = m.adopt(happy.Body, "", "")
}

// adopt copies a value of another call and makes it the caller's.
func (m *maker) adopt(v any, name, holder string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, n := range sortedKeys(v) {
			out[n] = m.adopt(v[n], n, name)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.adopt(v[i], name, holder)
		}
		return out
	case string:
		if own, ok := m.own(name); ok {
			return own
		}
		if ref, ok := m.reference(m.schemaOf(name), name, holder); ok {
			return typedLike(v, ref)
		}
		if strings.Contains(v, m.w.tag) {
			if m.fresh == nil {
				m.fresh = map[string]string{}
			}
			if m.fresh[v] == "" {
				m.fresh[v] = m.w.renumber(v, m.w.unique)
			}
			return m.fresh[v]
		}
		if m.try > 2 && unique(name) {
			return m.distinct(v, name)
		}
		return v
	default:
		if v != nil {
			if ref, ok := m.reference(m.schemaOf(name), name, holder); ok {
				return ref
			}
		}
		return v
	}
}

// overlay puts a document's example over a made value: members keep what is
// unique or the caller's own.
func (m *maker) overlay(v, example any, name string) any {
	o, ok := v.(map[string]any)
	e, is := example.(map[string]any)
	if !ok || !is {
		if v == nil || ok != is || unique(name) || isPassword(plain(name)) || privileged(name) || m.owned(name) {
			return v
		}
		if _, ref := m.w.reference(name, ""); ref {
			return v
		}
		return example
	}
	for _, n := range sortedKeys(e) {
		if had, ok := o[n]; ok && !telling(n) {
			o[n] = m.overlay(had, e[n], n)
		}
	}
	return o
}

// telling names members that say who may see an object; see closed.
func telling(name string) bool {
	p := strings.TrimPrefix(plain(name), "is")
	return slices.Contains([]string{"private", "hidden", "secret", "public", "published", "shared", "visible", "visibility", "access"}, p)
}

// schemaOf finds what the document says of a member by its name.
func (m *maker) schemaOf(name string) *spec.Schema {
	if m.op.Body == nil {
		return nil
	}
	for _, c := range m.op.Body.Content {
		if c.Schema != nil && c.Schema.Properties[name] != nil {
			return c.Schema.Properties[name]
		}
	}
	return nil
}

// reference gives an identifier of something that the caller may use, when a
// member is named like one.
func (m *maker) reference(schema *spec.Schema, name, holder string) (any, bool) {
	if name == "" || schema != nil && (len(schema.Enum) > 0 || slices.Contains(schema.Types, "boolean") || slices.Contains(schema.Types, "object") || slices.Contains(schema.Types, "array")) {
		return nil, false
	}
	p := plain(name)
	if !strings.HasSuffix(p, "id") && !strings.HasSuffix(p, "uuid") && !strings.HasSuffix(p, "ids") {
		// A username is one only where users are what a path names, and this is
		// no registration.
		return nil, false
	}
	s, ok := m.w.reference(name, holder)
	if !ok {
		return nil, false
	}
	if m.op.Method == "POST" && slices.Contains(s.kinds[:1], kindOfPath(m.op.Path)) {
		return nil, false // the identifier of what is to be made
	}
	f, ok := m.w.find(m.ctx, &spec.Operation{ID: m.op.ID, Method: "GET", Path: m.op.Path}, s, 0, m.as, m.turn, m.depth+1)
	if !ok {
		return nil, false
	}
	return typed(schema, f.value), true
}

// own gives the user's own name, address or password, where a body is about the
// caller: logins and changes of the account must not lock the user out.
func (m *maker) own(name string) (any, bool) {
	if !m.owned(name) {
		return nil, false
	}
	p := plain(name)
	if strings.Contains(p, "password") || p == "passwd" || p == "pwd" || p == "pass" {
		if pw := m.as.Password(); pw != "" {
			return pw, true
		}
		return nil, false
	}
	if v, ok := m.as.Knows(p); ok {
		return v, true
	}
	if v, ok := m.as.Knows("email"); ok && p == "username" && Authenticates(m.op) {
		return v, true
	}
	if p == "username" || p == "login" || p == "user" {
		if v, ok := userValue(slot{name: name, kinds: []string{"user"}}, m.as); ok {
			return v, true
		}
	}
	return nil, false
}

func (m *maker) owned(name string) bool {
	if m.as == nil || Registers(m.op) {
		return false
	}
	p := plain(name)
	switch p {
	case "username", "login", "email", "mail", "phone":
		return m.account()
	}
	return (strings.Contains(p, "password") || p == "passwd" || p == "pwd" || p == "pass") && m.account()
}

// account tells that the operation is about the caller's account.
func (m *maker) account() bool {
	if Authenticates(m.op) {
		return true
	}
	for _, s := range slots(m.op.Path) {
		if overlap(s.kinds, userKinds) {
			return true
		}
	}
	for _, seg := range strings.Split(m.op.Path, "/") {
		switch plain(seg) {
		case "me", "self", "profile", "account", "password", "email", "settings", "changepassword", "changeemail", "resetpassword", "user":
			return true
		}
	}
	return false
}

// Registers tells that an operation makes users.
func Registers(op *spec.Operation) bool {
	if op.Method != "POST" && op.Method != "PUT" {
		return false
	}
	words := plain(op.ID) + " " + plain(op.Path)
	for _, w := range []string{"register", "signup", "registration", "createuser", "createaccount", "adduser", "newuser"} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return op.Method == "POST" && !strings.HasSuffix(op.Path, "}") && slices.Contains(userKinds, kindOfPath(op.Path)) &&
		!strings.Contains(op.Path, "{") && bodyHas(op, "password") && !Authenticates(op)
}

// Authenticates tells that an operation gives credentials for a name and a
// password.
func Authenticates(op *spec.Operation) bool {
	if op.Method != "POST" && op.Method != "GET" {
		return false
	}
	segs := strings.Split(strings.TrimSuffix(op.Path, "/"), "/")
	last := plain(segs[len(segs)-1])
	for _, w := range []string{"login", "signin", "authenticate", "logon", "token", "authtoken", "accesstoken", "session", "sessions", "auth", "jwt"} {
		if last == w {
			return bodyHas(op, "password") || bodyHas(op, "pass") || bodyHas(op, "pwd")
		}
	}
	id := plain(op.ID)
	return (strings.Contains(id, "login") || strings.Contains(id, "signin") || strings.Contains(id, "authenticate")) && bodyHas(op, "password")
}

// bodyHas tells that a body has a member whose name has that in it.
func bodyHas(op *spec.Operation, part string) bool {
	for _, p := range op.Params {
		if p.In == "query" && strings.Contains(plain(p.Name), part) {
			return true
		}
	}
	if op.Body == nil {
		return false
	}
	for _, c := range op.Body.Content {
		if c.Schema == nil {
			continue
		}
		props, _ := properties(c.Schema)
		for n := range props {
			if strings.Contains(plain(n), part) {
				return true
			}
		}
		for _, e := range c.Examples {
			if o, ok := e.(map[string]any); ok {
				for n := range o {
					if strings.Contains(plain(n), part) {
						return true
					}
				}
			}
		}
	}
	return false
}
