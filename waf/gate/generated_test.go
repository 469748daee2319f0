// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"strings"
	"testing"

	"durward"
	"durward/waf/gate"
	"durward/waf/seclang"
)

// matching makes a text that the expression matches, if it has no assertions;
// with those, often.
func matching(r *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	var walk func(re *syntax.Regexp)
	times := func(re *syntax.Regexp, low, high int) {
		if high < 0 || high > low+2 {
			high = low + 2
		}
		for range low + r.IntN(high-low+1) {
			walk(re.Sub[0])
		}
	}
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			for _, c := range re.Rune {
				b.WriteRune(c)
			}
		case syntax.OpCharClass:
			if len(re.Rune) > 0 {
				i := r.IntN(len(re.Rune)/2) * 2
				b.WriteRune(re.Rune[i] + rune(r.IntN(min(int(re.Rune[i+1]-re.Rune[i]), 90)+1)))
			}
		case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
			b.WriteByte("ax 1_;'"[r.IntN(7)])
		case syntax.OpStar:
			times(re, 0, 2)
		case syntax.OpPlus:
			times(re, 1, 2)
		case syntax.OpQuest:
			times(re, 0, 1)
		case syntax.OpRepeat:
			times(re, re.Min, re.Max)
		case syntax.OpAlternate:
			walk(re.Sub[r.IntN(len(re.Sub))])
		default:
			for _, sub := range re.Sub {
				walk(sub)
			}
		}
	}
	walk(re)
	return b.String()
}

// textFor makes a text that satisfies an operator, if it is a pattern.
func textFor(t testing.TB, r *rand.Rand, op *seclang.Operator) (string, bool) {
	t.Helper()
	switch {
	case op == nil:
		return "", false
	case op.Name == "rx":
		re, err := syntax.Parse("(?s)"+op.Argument, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		return matching(r, re), true
	case len(op.Data) > 0:
		return op.Data[r.IntN(len(op.Data))], true
	}
	return "", false
}

// places puts a text wherever rules look.
func places(text string) []*gate.Request {
	base := func(method string) *gate.Request {
		return &gate.Request{Method: method, URI: "/a/b", Protocol: "HTTP/1.1", Host: "api.example.org", ServerName: "api.example.org", ClientAddr: "192.0.2.7", Inspect: true,
			Header: durward.Header{{Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}}}
	}
	query, name := base("GET"), base("GET")
	query.URI += "?q=" + url.QueryEscape(text)
	name.URI += "?" + url.QueryEscape(text) + "=1"
	path := base("GET")
	path.URI = "/" + url.PathEscape(text)
	body := func(v any) *gate.Request {
		q := base("POST")
		q.Body, _ = json.Marshal(v)
		q.Header.Add("Content-Type", "application/json")
		q.Header.Add("Content-Length", "9")
		return q
	}
	form := base("POST")
	form.Body = []byte("q=" + url.QueryEscape(text))
	form.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	form.Header.Add("Content-Length", "9")
	all := []*gate.Request{query, name, path, body(map[string]any{"q": text}), body(map[string]any{text: []any{1}}), form}
	for _, field := range []string{"Cookie", "Referer", "User-Agent", "X-Note", "Accept", "Content-Type", "Range"} {
		q := base("GET")
		value := strings.Map(func(c rune) rune {
			if c == '\r' || c == '\n' || c == 0 {
				return ' '
			}
			return c
		}, text)
		if field == "Cookie" {
			value = "c=" + value
		}
		q.Header.Set(field, value)
		all = append(all, q)
	}
	return all
}

func TestWhatMatchesARuleIsNotProvenClean(t *testing.T) {
	for _, paranoia := range []int{1, 2} {
		s := level(t, paranoia)
		r := rand.New(rand.NewPCG(5, uint64(paranoia)))
		rules, asked, hits := 0, 0, 0
		for _, live := range s.set.Live(nil).Rules {
			op := live.Links[0].Operator
			if op == nil || op.Name != "rx" && op.Name != "pmfromfile" && op.Name != "pm" {
				continue
			}
			rules++
			for range 2 * sample {
				text, _ := textFor(t, r, op)
				all := places(text)
				for _, q := range []*gate.Request{all[r.IntN(6)], all[r.IntN(len(all))]} {
					v := s.oracle.Inspect(q)
					ok, _ := s.gate.Clean(q)
					if ok && (v.Interrupted || len(v.Rules) > 0) {
						t.Errorf("PL%d rule %d, text %q: proven clean, but Coraza says %+v", paranoia, live.ID, text, v)
					}
					if asked++; len(v.Rules) > 0 {
						hits++
					}
				}
			}
		}
		t.Logf("PL%d: %d rules, %d requests, %d of them hit", paranoia, rules, asked, hits)
		if hits < asked/3 {
			t.Errorf("PL%d: only %d of %d requests hit a rule", paranoia, hits, asked)
		}
	}
}
