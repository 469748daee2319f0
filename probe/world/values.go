// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"durward/probe/spec"
)

// properties are the members of an object schema and of all it is made of, with
// those that are required.
func properties(s *spec.Schema) (map[string]*spec.Schema, []string) {
	props, need := map[string]*spec.Schema{}, []string(nil)
	collect(s, props, &need, 6)
	return props, need
}

func collect(s *spec.Schema, props map[string]*spec.Schema, need *[]string, depth int) {
	if s == nil || depth == 0 {
		return
	}
	for _, part := range s.AllOf {
		collect(part, props, need, depth-1)
	}
	for n, p := range s.Properties {
		props[n] = p
	}
	*need = append(*need, s.Required...)
}

// value makes a value of a schema, for a member of that name.
func (m *maker) value(s *spec.Schema, name, holder string, depth int) any {
	if s == nil {
		s = &spec.Schema{}
	}
	if own, ok := m.own(name); ok {
		return own
	}
	if ref, ok := m.reference(s, name, holder); ok {
		return ref
	}
	if f, ok := m.file(s, name); ok {
		return f
	}
	s = m.branch(s)
	props, need := properties(s)
	t := typeOf(s, props)
	if v, ok := m.heard(s, t, name); ok {
		return v
	}
	switch {
	case s.HasConst:
		return normal(s.Const)
	case m.try < 2 && closed(s, t, name) != nil:
		return closed(s, t, name)
	case len(s.Enum) > 0 && privileged(name) && Registers(m.op):
		return normal(least(s.Enum))
	case len(s.Enum) > 0:
		return normal(s.Enum[m.try/2%len(s.Enum)])
	case t == "object":
		return m.object(props, need, name, depth)
	case t == "array":
		return m.array(s, name, holder, depth)
	}
	if privileged(name) && t == "string" && Registers(m.op) {
		return "user"
	}
	if len(s.Examples) > 0 && !((unique(name) || isPassword(plain(name))) && t == "string") {
		return normal(s.Examples[0])
	}
	if s.Default != nil && !(unique(name) && t == "string") {
		return normal(s.Default)
	}
	switch t {
	case "integer", "number":
		return m.number(s, name, t == "integer")
	case "boolean":
		p := plain(name)
		return !strings.Contains(p, "admin") && !strings.HasSuffix(p, "public") && !strings.HasSuffix(p, "shared")
	case "null":
		return nil
	}
	return m.text(s, name)
}

// closed is the value that makes an object its owner's alone, for a member that
// says who may see it: what anybody may see tells nothing of access. nil for
// other members.
func closed(s *spec.Schema, t, name string) any {
	p := strings.TrimPrefix(plain(name), "is")
	if t == "boolean" {
		switch p {
		case "private", "hidden", "secret", "confidential", "restricted":
			return true
		case "public", "published", "shared", "open", "visible":
			return false
		}
		return nil
	}
	for _, e := range s.Enum {
		if text, ok := e.(string); ok && (strings.EqualFold(text, "private") || strings.EqualFold(text, "personal")) {
			return e
		}
	}
	return nil
}

// privileged names members that say what a user may do.
func privileged(name string) bool {
	switch p := strings.TrimPrefix(plain(name), "is"); p {
	case "role", "roles", "usertype", "accounttype", "userrole", "permissions", "permission", "scopes", "groups", "group", "privileges",
		"admin", "superuser", "staff", "administrator", "level", "accesslevel":
		return true
	}
	return false
}

// least is the value of an enumeration of roles that gives the least.
func least(enum []any) any {
	for _, want := range []string{"user", "customer", "member", "basic", "regular", "normal", "standard", "guest", "viewer", "reader"} {
		for _, e := range enum {
			if s, ok := e.(string); ok && strings.Contains(plain(s), want) && !strings.Contains(plain(s), "super") {
				return e
			}
		}
	}
	for _, e := range enum {
		if s, ok := e.(string); !ok || !strings.Contains(plain(s), "admin") {
			return e
		}
	}
	return enum[0]
}

// password is one for the whole call: some ask for it twice.
func (m *maker) password() string {
	if m.secret == "" {
		m.secret = "Passw0rd!" + digits(m.w.unique(), 4)
	}
	return m.secret
}

// branch takes one alternative of oneOf or anyOf, joined with the rest.
func (m *maker) branch(s *spec.Schema) *spec.Schema {
	for range 4 {
		alts := append(slices.Clone(s.OneOf), s.AnyOf...)
		alts = slices.DeleteFunc(alts, func(a *spec.Schema) bool { return len(a.Types) == 1 && a.Types[0] == "null" })
		if len(alts) == 0 {
			break
		}
		pick := alts[m.try/2%len(alts)]
		if len(s.Properties) == 0 && len(s.AllOf) == 0 {
			s = pick
			continue
		}
		joined := *s
		joined.OneOf, joined.AnyOf = nil, nil
		joined.AllOf = append(slices.Clone(s.AllOf), pick)
		return &joined
	}
	if len(s.AllOf) == 1 && len(s.Properties) == 0 && len(s.Types) == 0 && len(s.Enum) == 0 {
		return m.branch(s.AllOf[0])
	}
	return s
}

func typeOf(s *spec.Schema, props map[string]*spec.Schema) string {
	for _, t := range s.Types {
		if t != "null" {
			return t
		}
	}
	switch {
	case len(props) > 0 || s.Additional != nil && !s.Additional.False:
		return "object"
	case s.Items != nil:
		return "array"
	case s.Minimum != nil || s.Maximum != nil || s.MultipleOf != nil:
		return "number"
	}
	for _, p := range s.AllOf {
		for _, t := range p.Types {
			return t
		}
	}
	return "string"
}

func (m *maker) object(props map[string]*spec.Schema, need []string, name string, depth int) any {
	out := map[string]any{}
	if depth > 5 {
		return out
	}
	for _, n := range sortedKeys(props) {
		p := props[n]
		needed := slices.Contains(need, n)
		if p.ReadOnly || p.False || p.Deprecated && !needed || depth > 3 && !needed {
			continue
		}
		if m.try == 1 && len(need) > 0 && !needed {
			continue
		}
		if !needed && privileged(n) && Registers(m.op) {
			continue // users are peers, and no more than they need be
		}
		if !needed && m.op.Method == "POST" && plain(n) == "id" && m.try != 4 {
			continue // the service makes it
		}
		out[n] = m.value(p, n, name, depth+1)
	}
	return out
}

func (m *maker) array(s *spec.Schema, name, holder string, depth int) any {
	n := 1
	if s.MinItems != nil {
		n = max(n, *s.MinItems)
	}
	if s.MaxItems != nil {
		n = min(n, *s.MaxItems)
	}
	out := []any{}
	if depth > 5 {
		return out
	}
	for range min(n, 20) {
		out = append(out, m.value(s.Items, singularName(name), holder, depth+1))
	}
	return out
}

func singularName(name string) string {
	if strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss") {
		return name[:len(name)-1]
	}
	return name
}

// number is small and within the bounds.
func (m *maker) number(s *spec.Schema, name string, whole bool) any {
	v := 1.0
	switch p := plain(name); {
	case strings.Contains(p, "price") || strings.Contains(p, "amount") || strings.Contains(p, "cost"):
		if v = 10; m.try%2 == 1 {
			v = 1
		}
	case strings.Contains(p, "year"):
		v = 2020
	case p == "age":
		v = 30
	}
	v += float64(m.try / 2)
	step := 1.0
	if s.MultipleOf != nil && *s.MultipleOf > 0 {
		step = *s.MultipleOf
		v = math.Ceil(v/step) * step
	}
	if s.Minimum != nil && v < *s.Minimum {
		v = math.Ceil(*s.Minimum/step) * step
	}
	if s.ExclusiveMinimum != nil && v <= *s.ExclusiveMinimum {
		v = (math.Floor(*s.ExclusiveMinimum/step) + 1) * step
	}
	if s.Maximum != nil && v > *s.Maximum {
		v = math.Floor(*s.Maximum/step) * step
	}
	if s.ExclusiveMaximum != nil && v >= *s.ExclusiveMaximum {
		v = (math.Ceil(*s.ExclusiveMaximum/step) - 1) * step
		if !whole && s.Minimum != nil && v < *s.Minimum {
			v = (*s.Minimum + *s.ExclusiveMaximum) / 2
		}
	}
	return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
}

// unique tells that values of that name are often wanted to be unlike all others.
func unique(name string) bool {
	switch plain(name) {
	case "username", "user", "login", "email", "mail", "name", "title", "slug", "code", "key", "handle", "nickname",
		"isbn", "sku", "number", "phone", "phonenumber", "mobile", "booktitle", "label", "reference", "userid", "uid", "id", "serial", "vin":
		return true
	}
	p := plain(name)
	return strings.HasSuffix(p, "title") || strings.HasSuffix(p, "name") && !strings.HasSuffix(p, "hostname") || strings.HasSuffix(p, "email")
}

// distinct makes a text like v that is not used yet.
func (m *maker) distinct(v, name string) string {
	if at := strings.IndexByte(v, '@'); at > 0 {
		return m.w.unique() + v[at:]
	}
	if v != "" && strings.Trim(v, "0123456789+- ") == "" {
		return digits(m.w.unique(), len(v))
	}
	return v + m.w.unique()
}

// digits are so many digits of a unique text.
func digits(s string, n int) string {
	sum := uint64(7)
	for _, ch := range []byte(s) {
		sum = sum*31 + uint64(ch)
	}
	d := fmt.Sprintf("%020d", sum)
	for len(d) < n {
		d += d
	}
	return "9" + d[len(d)-max(n-1, 0):]
}

// normal is a value of a document in the form of a call: numbers as json.Number.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	case map[string]any:
		out := make(map[string]any, len(v))
		for n := range v {
			out[n] = normal(v[n])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(v[i])
		}
		return out
	}
	return v
}

// typedLike keeps the type that a value had in a call that worked.
func typedLike(_ string, v any) any {
	if n, ok := number(v); ok {
		return n.String()
	}
	return v
}

// guess makes a path parameter's value when nothing is known of such objects.
func (m *maker) guess(p *spec.Param, s slot) any {
	if p == nil {
		return m.w.unique()
	}
	if len(p.Examples) > 0 && m.op.Method != "DELETE" {
		return normal(p.Examples[0])
	}
	if p.Schema != nil && len(p.Schema.Examples) > 0 && m.op.Method != "DELETE" {
		return normal(p.Schema.Examples[0])
	}
	plainMaker := *m
	plainMaker.as = nil
	return plainMaker.value(&spec.Schema{Types: p.Schema.Types, Format: p.Schema.Format, Enum: p.Schema.Enum, Pattern: p.Schema.Pattern,
		MinLength: p.Schema.MinLength, MaxLength: p.Schema.MaxLength, Minimum: p.Schema.Minimum, Maximum: p.Schema.Maximum}, "", "", 0)
}
