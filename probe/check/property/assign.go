// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// privileged are members that are the service's to set, and usual values for
// them.
var privileged = []struct {
	names []string
	value any
}{
	{[]string{"role", "userrole", "usertype", "accounttype", "type"}, "admin"},
	{[]string{"roles", "permissions", "authorities", "scopes", "groups"}, []any{"admin"}},
	{[]string{"admin", "isadmin", "superuser", "issuperuser", "isstaff", "staff", "manager", "ismanager", "moderator", "ismoderator", "root"}, true},
	{[]string{"verified", "isverified", "emailverified", "approved", "isapproved", "active", "isactive", "enabled", "confirmed", "paid", "ispaid",
		"premium", "ispremium", "vip", "published", "locked", "banned"}, true},
	{[]string{"balance", "credit", "credits", "availablecredit", "points", "quota", "limit", "creditlimit", "discount", "wallet", "score", "rating", "votes",
		"likes", "views", "loyaltypoints"}, json.Number("90210")},
	{[]string{"price", "total", "amount", "totalprice", "subtotal", "fee", "cost"}, json.Number("0.01")},
	{[]string{"status", "state", "orderstatus", "paymentstatus", "approvalstatus"}, "approved"},
	{[]string{"plan", "tier", "level", "subscription"}, "enterprise"},
	{[]string{"owner", "ownerid", "userid", "user", "author", "authorid", "createdby", "customerid", "accountid", "creator", "uploader"}, nil},
}

// guesses are members that are tried where no answer shows what there is.
var guesses = []string{"role", "is_admin", "isAdmin", "admin"}

// entry finds the kind of a privileged member.
func entry(name string) (value any, ok bool) {
	p := oracle.Plain(name)
	for _, e := range privileged {
		if slices.Contains(e.names, p) {
			return e.value, true
		}
	}
	return nil, false
}

// candidate is a member to be set.
type candidate struct {
	name   string
	schema *spec.Schema // of answers; may be nil
	seen   any          // what an answer had
	guess  bool
}

// assignments tests one operation that takes a JSON object.
func assignments(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly || !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, op.Method) || op.Body == nil {
		return nil
	}
	users := slices.Clone(env.Users)
	slices.SortStableFunc(users, func(a, b *identity.Identity) int { return high(a) - high(b) })
	if needs, said := oracle.Secured(op); said && !needs {
		users = []*identity.Identity{nil}
	}
	for _, as := range users {
		t := &binder{env: env, op: op, as: as}
		ok, err := t.begin(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !ok {
			continue
		}
		for _, c := range t.candidates() {
			if err := t.assign(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

func high(u *identity.Identity) int {
	if oracle.Privileged(u) {
		return 1
	}
	return 0
}

// binder is one operation as one user.
type binder struct {
	env  *check.Env
	op   *spec.Operation
	as   *identity.Identity
	good *check.Exchange
}

func (t *binder) begin(ctx context.Context) (bool, error) {
	c, err := t.env.World.Call(ctx, t.op, t.as)
	if err != nil {
		return false, err
	}
	if _, ok := c.Body.(map[string]any); !ok || !strings.Contains(c.MediaType, "json") {
		return false, nil
	}
	e, err := t.env.World.Send(ctx, c, t.as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	t.good = e
	return true, nil
}

// candidates are members that answers have and requests do not, and usual names.
func (t *binder) candidates() []candidate {
	body := t.good.Call.Body.(map[string]any)
	request := map[string]*spec.Schema{}
	for _, m := range t.op.Body.Content {
		gather(m.Schema, request, 6)
	}
	var out []candidate
	add := func(c candidate) {
		if _, sent := body[c.name]; sent && !(request[c.name] != nil && request[c.name].ReadOnly) {
			return
		}
		if r := request[c.name]; r != nil && !r.ReadOnly {
			return
		}
		if !slices.ContainsFunc(out, func(o candidate) bool { return o.name == c.name }) && len(out) < 24 {
			out = append(out, c)
		}
	}
	// What answers were seen to have.
	shown := map[string]*spec.Schema{}
	for _, a := range t.op.Answers {
		for _, m := range a.Content {
			if strings.HasPrefix(a.Status, "2") {
				inner(m.Schema, shown, 4)
			}
		}
	}
	if m := t.mine(t.good.Answer.Body, body, ""); m != nil {
		for _, name := range sorted(m) {
			_, known := entry(name)
			s := shown[name]
			if known || s != nil && s.ReadOnly {
				add(candidate{name: name, schema: s, seen: m[name]})
			}
		}
	}
	for _, name := range sortedSchemas(request) {
		if request[name].ReadOnly {
			add(candidate{name: name, schema: request[name]})
		}
	}
	for _, name := range sortedSchemas(shown) {
		if _, known := entry(name); known || shown[name].ReadOnly {
			add(candidate{name: name, schema: shown[name]})
		}
	}
	words := oracle.Words(&spec.Operation{Path: t.op.Path, ID: t.op.ID})
	if slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"user", "register", "registration", "signup", "account", "profile", "me", "member", "customer"}, w)
	}) {
		for _, g := range guesses {
			add(candidate{name: g, guess: true})
		}
	}
	if t.op.Method != http.MethodPost || !slices.ContainsFunc(out, func(c candidate) bool { return isOwner(c.name) }) {
		add(candidate{name: "owner", guess: true})
	}
	return out
}

func isOwner(name string) bool { v, ok := entry(name); return ok && v == nil }

func sorted(m map[string]any) []string {
	var out []string
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func sortedSchemas(m map[string]*spec.Schema) []string {
	var out []string
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// gather lists the members of a schema and its branches.
func gather(s *spec.Schema, into map[string]*spec.Schema, depth int) {
	if s == nil || depth == 0 {
		return
	}
	for n, p := range s.Properties {
		if into[n] == nil {
			into[n] = p
		}
	}
	for _, branches := range [][]*spec.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, b := range branches {
			gather(b, into, depth-1)
		}
	}
}

// inner lists members within envelopes, too.
func inner(s *spec.Schema, into map[string]*spec.Schema, depth int) {
	gather(s, into, 6)
	if s == nil || depth == 0 {
		return
	}
	for _, name := range []string{"data", "result", "item", "user", "payload", "response"} {
		if p := s.Properties[name]; p != nil {
			inner(p, into, depth-1)
		}
	}
}

// mine finds in an answer the object that a body made or changed: one that
// holds a text of it, or a member of the name with the value, where one is
// asked for.
func (t *binder) mine(answer []byte, body map[string]any, member string) map[string]any {
	items := oracle.Items(answer)
	var texts []string
	for _, l := range oracle.Of(body) {
		if l.String && len(l.Text) >= 4 && !password(l.Name) {
			texts = append(texts, l.Text)
		}
	}
	var first map[string]any
	for _, m := range items {
		if member != "" {
			if _, has := m[member]; !has {
				continue
			}
		}
		if first == nil && len(m) > 1 {
			first = m
		}
		for _, v := range m {
			if s, ok := v.(string); ok && slices.Contains(texts, s) {
				return m
			}
		}
	}
	if len(items) <= 3 {
		return first // one object in its envelope
	}
	return nil
}

// values are what a member is set to: such that it shows.
func (t *binder) values(c candidate) []any {
	usual, known := entry(c.name)
	switch seen := c.seen.(type) {
	case bool:
		return []any{!seen}
	case json.Number:
		if f, err := seen.Float64(); err == nil {
			return []any{json.Number(fmt.Sprintf("%d", int(f)+90210))}
		}
	case string:
		if c.schema != nil && len(c.schema.Enum) > 0 {
			return others(c.schema.Enum, seen)
		}
		if isOwner(c.name) {
			return t.anotherUser(seen)
		}
		if known {
			return []any{usual}
		}
		return []any{"dw" + seen}
	case []any:
		if known {
			return []any{[]any{"admin"}}
		}
		return nil
	}
	if c.schema != nil {
		switch {
		case len(c.schema.Enum) > 0:
			return others(c.schema.Enum, "")
		case slices.Contains(c.schema.Types, "boolean"):
			return []any{true}
		case slices.Contains(c.schema.Types, "integer"), slices.Contains(c.schema.Types, "number"):
			return []any{json.Number("90210")}
		}
	}
	if isOwner(c.name) {
		return t.anotherUser("")
	}
	if known && usual != nil {
		return []any{usual}
	}
	return nil
}

// others are the last values of an enumeration that are not the present one:
// workflows end with what is worth having.
func others(enum []any, seen string) []any {
	var out []any
	for i := len(enum) - 1; i >= 0; i-- {
		if fmt.Sprint(enum[i]) != seen {
			out = append(out, enum[i])
		}
	}
	// Roles above all.
	slices.SortStableFunc(out, func(a, b any) int { return top(b) - top(a) })
	return out[:min(len(out), 2)]
}

func top(v any) int {
	if slices.Contains([]string{"admin", "administrator", "owner", "root", "superuser"}, strings.ToLower(fmt.Sprint(v))) {
		return 1
	}
	return 0
}

func (t *binder) anotherUser(seen string) []any {
	for _, u := range t.env.Users {
		if u == t.as {
			continue
		}
		for _, n := range []string{"id", "user_id", "username", "user", "sub", "email"} {
			if v, ok := u.Knows(n); ok && fmt.Sprint(v) != seen && !t.as.Is(fmt.Sprint(v)) {
				return []any{v}
			}
		}
		if u.Name != seen {
			return []any{u.Name}
		}
	}
	return nil
}

// assign tries to set one member.
func (t *binder) assign(ctx context.Context, c candidate) error {
	for _, value := range t.values(c) {
		fresh, err := t.env.World.Call(ctx, t.op, t.as)
		if err != nil {
			return ctx.Err()
		}
		body, ok := fresh.Body.(map[string]any)
		if !ok {
			return nil
		}
		before, _ := t.read(ctx, fresh, nil, c.name)
		with := fresh.Clone()
		with.Set(call.Place{In: "body", Name: call.Member("", c.name)}, value)
		e, err := oracle.Try(ctx, t.env, with, t.as)
		if err != nil {
			return err
		}
		if !oracle.Accepted(e.Answer) {
			continue
		}
		got, last := t.read(ctx, with, e, c.name)
		// An answer that shows a member only when it was sent repeats the request.
		taken := got != nil && (last != e || c.seen != nil) && equal(got, value) && !equal(before, value) && !(t.op.Method == http.MethodPost && t.usual(c, value))
		if taken && t.op.Method == http.MethodPost {
			taken, err = t.control(ctx, c.name, value)
			if err != nil {
				return err
			}
		}
		t.restore(ctx, fresh, e, c.name, before, body)
		if taken {
			oracle.Report(t.env, assigned, finding.Certain, t.op, "body#/"+c.name,
				fmt.Sprintf("The request set %s to %s, which is read back.", c.name, short(value)),
				t.env.Step("control: without "+c.name, t.good), t.env.Step("with "+c.name, e), t.env.Step("it is read back", last))
			return nil
		}
	}
	return nil
}

// usual tells that the service sets that value by itself.
func (t *binder) usual(c candidate, value any) bool { return c.seen != nil && equal(c.seen, value) }

// control makes the same thing without the member: it must not have the value.
func (t *binder) control(ctx context.Context, name string, value any) (bool, error) {
	c, err := t.env.World.Call(ctx, t.op, t.as)
	if err != nil {
		return false, ctx.Err()
	}
	e, err := oracle.Try(ctx, t.env, c, t.as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	got, _ := t.read(ctx, c, e, name)
	oracle.Undo(ctx, t.env, e, t.as)
	return !equal(got, value), nil
}

func equal(a, b any) bool {
	x, y := fmt.Sprint(a), fmt.Sprint(b)
	if x == y {
		return true
	}
	n, ok1 := a.(json.Number)
	m, ok2 := b.(json.Number)
	if !ok1 || !ok2 {
		return false
	}
	f, err1 := n.Float64()
	g, err2 := m.Float64()
	return err1 == nil && err2 == nil && f == g
}

func short(v any) string {
	s := fmt.Sprint(v)
	return s[:min(len(s), 40)]
}

// restore puts back what was set, and deletes what was made.
func (t *binder) restore(ctx context.Context, c *call.Call, e *check.Exchange, name string, before any, _ map[string]any) {
	if t.op.Method == http.MethodPost {
		oracle.Undo(ctx, t.env, e, t.as)
		return
	}
	if before == nil {
		return
	}
	back := c.Clone()
	back.Set(call.Place{In: "body", Name: call.Member("", name)}, before)
	if _, err := oracle.Try(ctx, t.env, back, t.as); err != nil {
		return // the run's end says why nothing can be sent any more
	}
}
