// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/client"
	"durward/probe/compare"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// tries is how many logins fail before a service without limits is called so.
const tries = 30

// logins lets logins fail: first of a name that nobody has, then of a user.
func logins(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if op.Method != http.MethodPost && op.Method != http.MethodGet && op.Method != http.MethodPut || !authenticates(op) {
		return nil
	}
	if len(env.Users) == 0 {
		return nil
	}
	as := env.Users[len(env.Users)-1]
	c, err := env.World.Call(ctx, op, as)
	if err != nil {
		return fatalOnly(ctx, err)
	}
	secret, ok := secretPlace(c)
	if !ok {
		return nil
	}
	code := codeName(secret.Name)
	l := &series{env: env, op: op, secret: secret}
	if code {
		l.as = as // a code belongs to somebody who is half logged in already
	}
	right, err := env.World.Send(ctx, c.Clone(), l.as)
	if err != nil {
		return fatalOnly(ctx, err)
	}
	series := []*call.Call{c}
	if !code {
		strange := c.Clone()
		rename(strange, secret, env)
		if goOn, err := enumeration(ctx, env, op, c, strange, secret, right); err != nil || !goOn {
			return err
		}
		series = []*call.Call{strange, c}
	}
	for _, one := range series {
		free, err := l.run(ctx, one)
		if err != nil || !free {
			return err
		}
	}
	confidence := finding.Firm
	after, err := env.World.Send(ctx, c.Clone(), l.as)
	if check.Fatal(ctx, err) {
		return err
	}
	if err != nil || oracle.Accepted(right.Answer) != oracle.Accepted(after.Answer) {
		return nil // locked, and only the right password tells
	}
	if !oracle.Accepted(right.Answer) && !(code && digits(c, secret)) {
		confidence = finding.Tentative // it was never seen to let anybody in
	}
	env.Report(finding.Finding{
		Kind: loginUnlimited, Severity: loginUnlimited.Severity, Confidence: confidence, Operation: op.ID, Method: op.Method, Path: op.Path,
		Where:  secret.String(),
		Detail: fmt.Sprintf("%d wrong tries for one name in a row are answered alike, and the right one still works behind them.", tries),
		Steps: []finding.Step{env.Step("control: the right one", right), env.Step("the first wrong try", l.first),
			env.Step(fmt.Sprintf("the wrong try number %d", tries), l.last), env.Step("the right one again", after)},
	})
	return nil
}

func fatalOnly(ctx context.Context, err error) error {
	if check.Fatal(ctx, err) {
		return err
	}
	return nil
}

// series is failed logins of one name in a row.
type series struct {
	env         *check.Env
	op          *spec.Operation
	secret      call.Place
	as          *identity.Identity
	first, last *check.Exchange
}

// run tells whether all of them were answered alike.
func (s *series) run(ctx context.Context, c *call.Call) (free bool, err error) {
	var same compare.Baseline
	var early, late []*check.Exchange
	for n := range tries {
		try := c.Clone()
		wrong := fmt.Sprintf("Wrong-%d-%d", n, s.env.Rand.IntN(1_000_000))
		if digits(c, s.secret) {
			v, _ := c.Get(s.secret)
			wrong = digitsOf(s.env.Rand, len(v.(string)))
		}
		try.Set(s.secret, wrong)
		e, err := s.env.World.Send(ctx, try, s.as)
		if check.Fatal(ctx, err) {
			return false, err
		}
		if err != nil || oracle.Accepted(e.Answer) || refuses(e.Answer) {
			return false, nil
		}
		switch {
		case n < 3:
			same.Learn(e.Answer, wrong)
			early = append(early, e)
			s.first = early[0]
		case !same.Same(compare.Text{Answer: early[0].Answer, Sent: []string{wrong}}, compare.Text{Answer: e.Answer, Sent: []string{wrong}}):
			return false, nil // another answer than at first: somebody counts
		case n >= tries-5:
			late = append(late, e)
		}
		s.last = e
	}
	return fastest(late) < slowest(early)+900*time.Millisecond, nil
}

// refuses tells that an answer is about how often rather than whether.
func refuses(a *client.Answer) bool {
	return a.Status == http.StatusTooManyRequests || a.Status == http.StatusLocked || a.Status >= 500 || a.Header.Get("Retry-After") != ""
}

// authenticates tells whether an operation checks a secret, by its name.
func authenticates(op *spec.Operation) bool {
	name := strings.ToLower(op.ID + " " + op.Path)
	for _, word := range []string{"coupon", "voucher", "promo", "discount", "product"} {
		if strings.Contains(name, word) {
			return false // their codes let nobody in
		}
	}
	for _, word := range []string{"login", "log-in", "signin", "sign-in", "sign_in", "authenticate", "token", "session", "auth", "otp", "2fa", "mfa", "verify", "verification", "confirm"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// secretPlace finds the password, or the code.
func secretPlace(c *call.Call) (call.Place, bool) {
	var found call.Place
	for _, at := range c.Places() {
		v, there := c.Get(at)
		if _, text := v.(string); !there || !text || at.In == "path" || at.In == "header" {
			continue
		}
		name := strings.ToLower(at.Name[strings.LastIndexByte(at.Name, '/')+1:])
		if strings.Contains(name, "pass") || strings.Contains(name, "pwd") || name == "secret" || name == "client_secret" {
			return at, true
		}
		if codeName(name) {
			found = at
		}
	}
	return found, found.In != ""
}

// codeName tells that a place is for a code that was sent to somebody.
func codeName(name string) bool {
	name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	return name == "otp" || name == "code" || name == "pin" || strings.HasSuffix(name, "_code") && !strings.Contains(name, "country") && !strings.Contains(name, "coupon")
}

func digitsOf(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}

func digits(c *call.Call, at call.Place) bool {
	v, _ := c.Get(at)
	s, _ := v.(string)
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// rename puts a name into the call that nobody has.
func rename(c *call.Call, secret call.Place, env *check.Env) {
	strange := fmt.Sprintf("nobody%06d", env.Rand.IntN(1_000_000))
	for _, at := range c.Places() {
		v, _ := c.Get(at)
		s, ok := v.(string)
		if !ok || at == secret || at.In == "header" || at.In == "path" {
			continue
		}
		if _, domain, ok := strings.Cut(s, "@"); ok {
			c.Set(at, strange+"@"+domain)
		} else if at.Schema == nil || len(at.Schema.Enum) == 0 && at.Name != "/grant_type" {
			c.Set(at, strange)
		}
	}
}
