// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// clocked is a service whose answers take a time that the test says.
type clocked struct {
	op   *spec.Operation
	took func(value string) time.Duration
	sent int
	late time.Duration // of the slowest answer
}

func (c *clocked) Call(context.Context, *spec.Operation, *identity.Identity) (*call.Call, error) {
	return &call.Call{Op: c.op, HasBody: true, MediaType: "text/plain", Body: map[string]any{"q": "word"}}, nil
}

func (c *clocked) Send(_ context.Context, k *call.Call, as *identity.Identity) (*check.Exchange, error) {
	c.sent++
	v, _ := k.Body.(map[string]any)["q"].(string)
	took := c.took(v)
	c.late = max(c.late, took)
	a := &client.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"valid":false}`), Took: took}
	return &check.Exchange{Call: k, As: as, Request: &client.Request{Method: "POST"}, Answer: a}, nil
}

func (c *clocked) Good(context.Context, *spec.Operation, *identity.Identity) (*check.Exchange, error) {
	return nil, nil
}

func (c *clocked) Do(context.Context, *client.Request) (*check.Exchange, error) { return nil, nil }

func (c *clocked) Request(context.Context, *call.Call, *identity.Identity) (*client.Request, error) {
	return &client.Request{}, nil
}

func (c *clocked) Reader(*spec.Operation) *spec.Operation { return nil }

func (c *clocked) Owns(*spec.Operation, call.Place, *identity.Identity) []any { return nil }

// letters is how many letters a text that ends wrongly begins with; 0 for others.
func letters(v string) int {
	head, ok := strings.CutSuffix(v, "!")
	if !ok || strings.Trim(head, "a") != "" {
		return 0
	}
	return len(head)
}

func TestTextsThatTakeLongAreToldFromSlowServices(t *testing.T) {
	const base = 10 * time.Millisecond
	chance := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		took func(string) time.Duration
		want bool
	}{
		{"twice as long with each letter, fast", func(v string) time.Duration { return base + 5*time.Nanosecond<<min(letters(v), 40) }, true},
		{"twice as long with each letter, slow", func(v string) time.Duration { return base + 200*time.Nanosecond<<min(letters(v), 30) }, true},
		{"with the square of the length", func(v string) time.Duration { return base + time.Duration(len(v)*len(v))*time.Nanosecond/2 }, true},
		{"always fast", func(string) time.Duration { return base }, false},
		{"always slow", func(string) time.Duration { return 2 * time.Second }, false},
		{"with the length", func(v string) time.Duration { return base + time.Duration(len(v))*20*time.Microsecond }, false},
		{"late now and then", func(string) time.Duration {
			if chance.IntN(4) == 0 {
				return base + time.Duration(chance.IntN(900))*time.Millisecond
			}
			return base
		}, false},
		{"one wait for whatever is odd", func(v string) time.Duration {
			if strings.HasSuffix(v, "!") {
				return time.Second
			}
			return base
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := &spec.Operation{ID: "thing", Method: "POST", Path: "/thing"}
			w := &clocked{op: op, took: c.took}
			var got []finding.Finding
			env := &check.Env{
				API: &spec.API{Operations: []*spec.Operation{op}}, World: w, Rand: rand.New(rand.NewPCG(1, 1)),
				Report: func(f finding.Finding) { got = append(got, f) },
				Step:   func(why string, _ *check.Exchange) finding.Step { return finding.Step{Why: why} },
			}
			if err := consumption(t.Context(), env, op); err != nil {
				t.Fatal(err)
			}
			if c.want != (len(got) == 1) || c.want && got[0].Kind.ID != "slow-input" {
				t.Fatalf("found %+v", got)
			}
			if w.sent > 200 || c.want && w.late > 20*time.Second {
				t.Errorf("%d requests, the slowest %v", w.sent, w.late)
			}
		})
	}
}

func TestNumbersThatNameThingsAreNoAmounts(t *testing.T) {
	whole := &spec.Schema{Types: []string{"integer"}}
	text := &spec.Schema{Types: []string{"string"}}
	for _, c := range []struct {
		at   call.Place
		want bool
	}{
		{call.Place{In: "query", Name: "limit", Schema: whole}, true},
		{call.Place{In: "query", Name: "page_size", Schema: whole}, true},
		{call.Place{In: "query", Name: "n", Schema: whole}, true},
		{call.Place{In: "body", Name: "/number_of_repeats", Schema: whole}, true},
		{call.Place{In: "query", Name: "limit"}, true},
		{call.Place{In: "query", Name: "user_id", Schema: whole}, false},
		{call.Place{In: "query", Name: "id", Schema: whole}, false},
		{call.Place{In: "body", Name: "/age", Schema: whole}, false},
		{call.Place{In: "query", Name: "limit", Schema: text}, false},
		{call.Place{In: "query", Name: "q"}, false},
	} {
		if got := counts(c.at); got != c.want {
			t.Errorf("%s: %t", c.at, got)
		}
	}
}

func TestCodesAreToldFromOtherWords(t *testing.T) {
	for name, want := range map[string]bool{
		"/otp": true, "/code": true, "pin": true, "/user/login_code": true,
		"/country_code": false, "/coupon_code": false, "/name": false, "/codes": false,
	} {
		if codeName(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	for path, want := range map[string]bool{
		"/login": true, "/v1/auth/otp": true, "/me/verify": true, "/coupons/verify": false, "/orders": false, "/promo/confirm": false,
	} {
		if authenticates(&spec.Operation{Path: path}) != want {
			t.Errorf("%s: %t", path, !want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	if d := digitsOf(r, 4); len(d) != 4 || strings.Trim(d, "0123456789") != "" {
		t.Errorf("four digits are %q", d)
	}
}
