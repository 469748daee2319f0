// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tamper changes one value of a call that works so that it breaks one
// rule of the document: beyond its bounds, of another type, left out, sent
// twice, wrongly encoded. A service should refuse that with 4xx, or take no
// notice of it.
//
// The threats: quantities below zero and values beyond their bounds that are
// taken as they are (CWE-1284), and input that nobody thought of, which ends in
// an error of the service (CWE-755).
//
// Many honest services ignore or convert what they do not like, so that 2xx
// alone says nothing: the value itself must come back where the valid one did,
// in the answer or when the object is read, twice. A status of class 5 counts
// when it is repeated and the valid call still works. What cannot be confirmed
// is tentative. No state is kept between operations.
package tamper

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/gen"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Check changes values of calls against the document.
func Check() check.Check {
	return check.Check{Name: "tamper", Kinds: []finding.Kind{NegativeAccepted, BoundaryAccepted, InvalidAccepted, UnhandledError}, Operation: operation}
}

// tester tampers with one operation.
type tester struct {
	ctx context.Context
	env *check.Env
	op  *spec.Operation
	as  *identity.Identity
	// good is the control: a valid call that was answered 2xx; read is the object
	// as it was read after it, where there is something to read.
	good  *check.Exchange
	read  *check.Exchange
	login bool
	taken bool // the object has a value that it should not have
	// throttled counts answers of 429.
	throttled int
	// crash is the first error that was found; others are named in it.
	crash   *finding.Finding
	crashes []string // places
}

// maxCrashes is how many places where an operation fails are looked for.
const maxCrashes = 4

// MaxThrottled is after how many answers of 429 an operation is left alone: each
// costs a wait, and users may be locked out.
const MaxThrottled = 2

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !check.Safe(op.Method) || check.EndsSession(op) {
		return nil
	}
	as, good, err := Control(ctx, env, op)
	if err != nil || good == nil {
		return err
	}
	t := &tester{ctx: ctx, env: env, op: op, as: as, good: good, login: IsLogin(op)}
	if good.Call.HasBody && !t.login {
		if t.read, err = t.reading(good); err != nil {
			return err
		}
	}
	for _, m := range plan(env.Rand, good.Call, t.login) {
		if err = t.try(m); err != nil || t.throttled >= MaxThrottled {
			break
		}
	}
	t.tell()
	if err != nil {
		return err
	}
	if t.taken && (op.Method == "PUT" || op.Method == "PATCH") {
		_, err = t.send(good.Call) // puts the object back as it was
	}
	return err
}

// Control makes a valid call that is answered 2xx; where none is any more (the
// money is spent) it is one that was. The exchange is nil where there never was.
func Control(ctx context.Context, env *check.Env, op *spec.Operation) (*identity.Identity, *check.Exchange, error) {
	as, good, err := check.Admitted(ctx, env, op)
	if err != nil || good == nil || good.Answer.OK() {
		return as, good, err
	}
	if good.Answer.Status == http.StatusTooManyRequests {
		return nil, nil, nil
	}
	users := append([]*identity.Identity{as}, env.Users...)
	for _, u := range users[:min(len(users), 5)] {
		e, err := env.World.Good(ctx, op, u)
		if check.Fatal(ctx, err) {
			return nil, nil, err
		}
		if err == nil && e != nil && e.Answer.OK() {
			return u, e, nil
		}
	}
	return nil, nil, nil
}

// send gives nil where no answer came that says anything; the error is one that
// ends the check.
func (t *tester) send(c *call.Call) (*check.Exchange, error) {
	e, err := Send(t.ctx, t.env, c, t.as, t.login)
	if check.Fatal(t.ctx, err) {
		return nil, err
	}
	if err != nil || e == nil || e.Answer == nil {
		return nil, nil //nolint:nilerr // one request without an answer says nothing
	}
	if e.Answer.Status == http.StatusTooManyRequests {
		t.throttled++
		return nil, nil
	}
	return e, nil
}

// Send sends a call as somebody. Logins do not wait until more of them are
// allowed: a 429 is the answer.
func Send(ctx context.Context, env *check.Env, c *call.Call, as *identity.Identity, login bool) (*check.Exchange, error) {
	if !login {
		return env.World.Send(ctx, c, as)
	}
	r, err := env.World.Request(ctx, c, as)
	if err != nil {
		return nil, err
	}
	e, err := env.World.Do(ctx, r)
	if e != nil {
		e.Call, e.As = c, as
	}
	return e, err
}

// base is a valid call to change: what makes or deletes something is another
// one each time.
func (t *tester) base() (*call.Call, error) {
	if check.Safe(t.op.Method) || t.op.Method == "PUT" || t.op.Method == "PATCH" {
		return t.good.Call, nil
	}
	c, err := t.env.World.Call(t.ctx, t.op, t.as)
	if check.Fatal(t.ctx, err) {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr // the world does not know how any more
	}
	return c, nil
}

// changed sends a valid call with one change; nil where that cannot be.
func (t *tester) changed(m gen.Mutation) (*check.Exchange, error) {
	c, err := t.base()
	if err != nil || c == nil {
		return nil, err
	}
	if t.login {
		c = Shield(c, m.Place)
	}
	d, ok := m.Apply(c)
	if !ok {
		return nil, nil
	}
	return t.send(d)
}

func (t *tester) try(m gen.Mutation) error {
	e, err := t.changed(m)
	if err != nil || e == nil {
		return err
	}
	switch {
	case Crash(e.Answer.Status):
		return t.crashed(m, e)
	case e.Answer.OK() && !t.login:
		return t.accepted(m, e)
	}
	return nil
}

// Crash tells of statuses that say that something went wrong within the service:
// not those of what it does not do (501), or cannot do now (503).
func Crash(status int) bool { return status >= 500 && status != 501 && status != 503 }

func (t *tester) crashed(m gen.Mutation, first *check.Exchange) error {
	if len(t.crashes) >= maxCrashes || slices.Contains(t.crashes, m.Place.String()) {
		return nil
	}
	second, err := t.changed(m)
	if err != nil || second == nil || !Crash(second.Answer.Status) {
		return err
	}
	control, err := t.control()
	if err != nil {
		return err
	}
	f := finding.Finding{Kind: UnhandledError, Severity: UnhandledError.Severity, Confidence: finding.Firm, Operation: t.op.ID, Method: t.op.Method, Path: t.op.Path,
		Where: m.Place.String(), Detail: "The service fails on " + m.String() + ".",
		Steps: []finding.Step{t.env.Step("control: the valid call", t.good), t.env.Step(m.String(), first), t.env.Step("the same again", second)}}
	if control == nil || !control.Answer.OK() {
		f.Confidence = finding.Tentative
	} else {
		f.Steps = append(f.Steps[:1:1], append([]finding.Step{t.env.Step("control: the valid call still works", control)}, f.Steps[1:]...)...)
	}
	if t.crash != nil && (m.Exotic || Exotic(first.Request)) {
		return nil // the service fails on less
	}
	t.crashes = append(t.crashes, m.Place.String())
	if t.crash == nil || t.crash.Confidence == finding.Tentative {
		t.crash = &f
	}
	return nil
}

// tell reports the errors of an operation as one finding.
func (t *tester) tell() {
	if t.crash == nil {
		return
	}
	if others := slices.DeleteFunc(t.crashes, func(at string) bool { return at == t.crash.Where }); len(others) > 0 {
		t.crash.Detail += " It does as well on changes of " + strings.Join(others, ", ") + "."
	}
	t.env.Report(*t.crash)
}

// control makes the valid call once more.
func (t *tester) control() (*check.Exchange, error) {
	c, err := t.base()
	if err != nil || c == nil {
		return nil, err
	}
	return t.send(c)
}

// IsLogin tells of operations that take a name and a password for a session.
// Failed ones may lock the run's own users out.
func IsLogin(op *spec.Operation) bool {
	if op.Method != "POST" || op.Body == nil {
		return false
	}
	members, _ := call.Members(op.Body.Content[0].Schema)
	for name := range members {
		if strings.Contains(strings.ToLower(name), "passw") {
			text := strings.ToLower(op.Path + " " + op.ID)
			for _, w := range []string{"login", "signin", "sign-in", "sign_in", "session", "token", "auth"} {
				if strings.Contains(text, w) && !strings.Contains(text, "register") && !strings.Contains(text, "signup") {
					return true
				}
			}
		}
	}
	return false
}

// Shield puts a name that nobody has into a login, unless that place is tested.
func Shield(c *call.Call, tested call.Place) *call.Call {
	c = c.Clone()
	for _, p := range c.Places() {
		name := strings.ToLower(p.Name)
		if p.In != "body" || p.Name == "" || p.Name == tested.Name {
			continue
		}
		v, _ := c.Get(p)
		if _, text := v.(string); !text {
			continue
		}
		switch {
		case strings.Contains(name, "mail"):
			c.Set(p, "nobody.probe@example.com")
		case strings.Contains(name, "user") || strings.Contains(name, "login") || strings.Contains(name, "name"):
			c.Set(p, "nobodyprobe")
		}
	}
	return c
}
