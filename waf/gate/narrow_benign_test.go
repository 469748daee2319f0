// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"durward"
	"durward/waf/gate"
	"durward/waf/waftest"
)

// inferred is the most that a contract could prove of a value: what it is, or, of
// other texts, that it is this one or another. stats counts by kind.
func inferred(v any, stats map[string]int) *durward.Proof {
	switch v := v.(type) {
	case map[string]any:
		p := &durward.Proof{Members: map[string]*durward.Proof{}}
		for name, one := range v {
			p.Members[name] = inferred(one, stats)
		}
		return p
	case []any:
		either := &durward.Proof{}
		for _, one := range v {
			item := inferred(one, stats)
			if len(item.Texts) == 0 {
				return &durward.Proof{}
			}
			either.Texts = append(either.Texts, item.Texts...)
		}
		return &durward.Proof{Items: either}
	case json.Number:
		stats["number"]++
		return &durward.Proof{Texts: languages["number"]}
	case bool:
		stats["boolean"]++
		return &durward.Proof{Texts: languages["boolean"]}
	case string:
		for _, kind := range []string{"uuid", "date", "datetime", "sku", "currency", "slug"} {
			if isOne(languages[kind], v) {
				stats[kind]++
				return &durward.Proof{Texts: languages[kind]}
			}
		}
		stats["constant"]++
		return &durward.Proof{Texts: []durward.Language{{Texts: []string{v, "another"}}}}
	}
	return &durward.Proof{Texts: languages["null"]}
}

// provenOf is the most that a contract could prove of a request.
func provenOf(q *gate.Request, stats map[string]int) *durward.Proven {
	p := &durward.Proven{Query: map[string][]durward.Language{}}
	_, query, _ := strings.Cut(q.URI, "?")
	values, _ := url.ParseQuery(query)
	for name, list := range values {
		for _, v := range list {
			p.Query[name] = append(p.Query[name], inferred(v, stats).Texts...)
		}
	}
	d := json.NewDecoder(bytes.NewReader(q.Body))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		p.JSON = inferred(v, stats)
	}
	return p
}

// Even the narrowest contract changes no verdict: what rules match in ordinary
// English and JSON, they match in texts that only a list of constants could hold,
// and a constant that a rule matches is still shown to it.
func TestWhatIsProvenRemovesNoFalsePositive(t *testing.T) {
	s := level(t, 1)
	stats, rules := map[string]int{}, map[int]int{}
	requests := slices.Concat(waftest.Benign(77, 500*sample), waftest.Awkward(77, 250*sample))
	var proven []*durward.Proven
	for _, q := range requests {
		proven = append(proven, provenOf(q, stats))
	}
	n, err := s.gate.Narrow(proven, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, q := range requests {
		had, why := s.gate.Clean(q)
		q.Known = n.Of(proven[i])
		has, whyNow := s.gate.Clean(q)
		q.Known = nil
		if had != has {
			t.Fatalf("%s %s %s: clean %v (%v), with a contract %v (%v)", q.Method, q.URI, q.Body, had, why, has, whyNow)
		}
		if !had && found < 40*sample {
			found++
			for _, id := range s.oracle.Inspect(q).Rules {
				rules[id]++
			}
		}
	}
	t.Logf("%d requests, values by what a contract could prove of them: %v", len(requests), stats)
	t.Logf("%d false positives and the like with rules %v; a contract removes 0 of them", found, slices.Sorted(maps.Keys(rules)))
	if found < 20 {
		t.Errorf("only %d requests are not clean", found)
	}
}
