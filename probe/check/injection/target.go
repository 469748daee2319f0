// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/compare"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Bounds for one operation and one place.
const (
	maxPlaces        = 24
	maxPerPlace      = 160
	maxPerOperation  = 1200
	controls         = 3
	maxThrottled     = 2 // answers 429 after which a place is left alone
	maxUnansweredRow = 3
)

// target is one operation as the tests see it.
type target struct {
	env   *check.Env
	op    *spec.Operation
	as    *identity.Identity
	base  *call.Call
	shown []*check.Exchange // controls: answers to the unchanged call
	same  compare.Baseline
	// login tells that it takes a name and a password: the name is another one
	// for each request, so that nobody is locked out.
	login bool
	once  bool
	left  int
	count int
	err   error // no further request can be made
}

// place is one value of the call that can be changed.
type place struct {
	*target
	at    call.Place
	value any
	left  int
	late  int // answers 429, or none
	open  map[string]bool
	// known keeps the name of a login as it is.
	known bool
	hits  []awaited
}

// prepare sends the unchanged call some times. It gives nil where none is known.
func prepare(ctx context.Context, env *check.Env, op *spec.Operation) (*target, error) {
	t := &target{env: env, op: op, left: maxPerOperation, once: check.EndsSession(op)}
	as, first, err := check.Admitted(ctx, env, op)
	if err != nil || first == nil {
		return nil, err
	}
	t.as, t.base = as, first.Call
	t.login = isLogin(op, t.base)
	if t.once {
		t.shown = []*check.Exchange{first}
		return t, nil
	}
	if first = t.widen(ctx, first); first == nil {
		return nil, t.err
	}
	t.shown = []*check.Exchange{first}
	t.same.Learn(first.Answer)
	for len(t.shown) < controls && op.Method != http.MethodDelete {
		e := t.send(ctx, t.base.Clone())
		if t.err != nil {
			return nil, t.err
		}
		if e == nil {
			break
		}
		t.shown = append(t.shown, e)
		t.same.Learn(e.Answer)
	}
	return t, nil
}

// send sends a call; nil where no answer came.
func (t *target) send(ctx context.Context, c *call.Call) *check.Exchange {
	if t.err != nil || t.left <= 0 {
		return nil
	}
	t.left--
	e, err := t.env.World.Send(ctx, c, t.as)
	if err != nil || e == nil || e.Answer == nil {
		if check.Fatal(ctx, err) {
			t.err = err
		}
		return nil
	}
	return e
}

// good is the first control.
func (t *target) good() *check.Exchange { return t.shown[0] }

// places lists what can be changed, without the second and further items of a
// list, and what is no scalar.
func (t *target) places() []*place {
	var out []*place
	for _, at := range t.base.Places() {
		v, ok := t.base.Get(at)
		if !ok || at.In == "header" && reserved(at.Name) {
			continue
		}
		switch v.(type) {
		case string, json.Number, float64, int, int64:
		default:
			continue
		}
		if at.In == "body" && repeated(at.Name) {
			continue
		}
		if len(out) == maxPlaces {
			break
		}
		out = append(out, &place{target: t, at: at, value: v, left: maxPerPlace, open: map[string]bool{}})
	}
	// Texts first: they are what is put into other languages.
	slices.SortStableFunc(out, func(x, y *place) int { return btoi(y.text()) - btoi(x.text()) })
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func reserved(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "cookie", "host", "content-type", "content-length", "accept", "connection":
		return true
	}
	return false
}

// repeated tells that a pointer leads to an item of a list that is not the first.
func repeated(pointer string) bool {
	for _, part := range strings.Split(pointer, "/") {
		if n, err := strconv.Atoi(part); err == nil && n > 0 {
			return true
		}
	}
	return false
}

// text tells whether the place is for text, rather than for a number or for one
// of a few words.
func (p *place) text() bool {
	if _, ok := p.value.(string); !ok {
		return false
	}
	s := p.at.Schema
	if s == nil {
		return true
	}
	if slices.ContainsFunc(s.Types, func(t string) bool { return t == "integer" || t == "number" || t == "boolean" }) && !slices.Contains(s.Types, "string") {
		return false
	}
	return len(s.Enum) == 0
}

// plain is the value of the unchanged call as text.
func (p *place) plain() string {
	switch v := p.value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(p.value)
}

// numeric tells whether the value reads as a number.
func (p *place) numeric() bool {
	_, err := strconv.ParseFloat(p.plain(), 64)
	return err == nil
}

// send sends the call with another value at the place; nil where nothing came
// back, or where the place has used up its requests.
func (p *place) send(ctx context.Context, v any) *check.Exchange {
	if p.left <= 0 || p.late > maxThrottled {
		return nil
	}
	p.left--
	c := p.base.Clone()
	if p.login && !p.known {
		p.stranger(c)
	}
	c.Set(p.at, v)
	e := p.target.send(ctx, c)
	if e == nil || e.Answer.Status == http.StatusTooManyRequests {
		p.late++
		return nil
	}
	return e
}

// stranger puts a name that nobody has into a login's other places.
func (p *place) stranger(c *call.Call) {
	p.count++
	for _, at := range c.Places() {
		v, _ := c.Get(at)
		s, ok := v.(string)
		if !ok || at == p.at || at.In != "body" && at.In != "query" || secretName(at.Name) {
			continue
		}
		if _, domain, ok := strings.Cut(s, "@"); ok {
			c.Set(at, fmt.Sprintf("nobody%d@%s", p.count, domain))
		} else if nameName(at.Name) {
			c.Set(at, fmt.Sprintf("nobody%d", p.count))
		}
	}
}

func (p *place) same2(x, y *check.Exchange, sentX, sentY string) bool {
	return p.same.Same(compare.Text{Answer: x.Answer, Sent: []string{sentX}}, compare.Text{Answer: y.Answer, Sent: []string{sentY}})
}

// report tells of a finding at the place. The steps come with what they are for.
func (p *place) report(k finding.Kind, c finding.Confidence, detail string, steps ...finding.Step) {
	p.open[k.ID] = true
	p.target.report(k, c, p.at.String(), detail, steps...)
}

func (t *target) report(k finding.Kind, c finding.Confidence, where, detail string, steps ...finding.Step) {
	all := []finding.Step{t.env.Step("control: the call as it should be", t.good())}
	t.env.Report(finding.Finding{
		Kind: k, Severity: k.Severity, Confidence: c, Operation: t.op.ID, Method: t.op.Method, Path: t.op.Path,
		Where: where, Detail: detail, Steps: append(all, steps...),
	})
}

// interpreted tells that the place was already found to be taken for a language.
func (p *place) interpreted() bool {
	for _, k := range []finding.Kind{sqlInjection, nosqlInjection, ldapInjection, xpathInjection, commandInjection, templateInjection} {
		if p.open[k.ID] {
			return true
		}
	}
	return false
}

// isLogin tells whether an operation takes a name and a password and is asked
// by somebody who is not logged in yet.
func isLogin(op *spec.Operation, c *call.Call) bool {
	if op.Method != http.MethodPost {
		return false
	}
	secret, name := false, false
	for _, at := range c.Places() {
		secret = secret || secretName(at.Name)
		name = name || nameName(at.Name)
	}
	path := strings.ToLower(op.Path + " " + op.ID)
	for _, word := range []string{"login", "signin", "sign-in", "sign_in", "authenticate", "token", "session", "auth"} {
		if strings.Contains(path, word) {
			return secret && name
		}
	}
	return false
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "pass") || strings.Contains(name, "pwd") || strings.Contains(name, "secret")
}

func nameName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"user", "mail", "login", "name", "phone", "number"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
