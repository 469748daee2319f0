// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/waf/gate"
)

// firstLevel is made once, for it takes a second.
var firstLevel = sync.OnceValues(func() (*Oracle, error) { return NewOracle(1, "") })

func oracle(t *testing.T) *Oracle {
	t.Helper()
	o, err := firstLevel()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestCorporaAreTheSameForTheSameSeedAndNotForAnother(t *testing.T) {
	for name, generate := range map[string]func(uint64, int) []*gate.Request{"benign": Benign, "awkward": Awkward, "hostile": Hostile} {
		if diff := cmp.Diff(generate(7, 60), generate(7, 60)); diff != "" {
			t.Errorf("%s: two runs differ: %s", name, diff)
		}
		if cmp.Equal(generate(7, 50), generate(8, 50)) {
			t.Errorf("%s: two seeds give the same requests", name)
		}
	}
}

func TestNearlyAllOfTheBenignCorpusIsCleanToTheRules(t *testing.T) {
	o, clean := oracle(t), 0
	all := Benign(3, 100)
	for _, r := range all {
		if len(o.Inspect(r).Rules) == 0 {
			clean++
		}
	}
	t.Logf("%d of %d are clean", clean, len(all))
	if clean < len(all)*99/100 {
		t.Errorf("only %d of %d benign requests are clean: the corpus is not what people send", clean, len(all))
	}
}

func TestTheAwkwardCorpusHasFalsePositives(t *testing.T) {
	o, found := oracle(t), 0
	for _, r := range Awkward(3, 100) {
		if o.Inspect(r).Interrupted {
			found++
		}
	}
	t.Logf("%d of 100 are refused", found)
	if found < 10 {
		t.Errorf("%d of 100 are refused: nothing to count false positives with", found)
	}
}

func TestEveryClassOfPayloadsIsFoundWhereItIsPlain(t *testing.T) {
	o := oracle(t)
	g := Benign(1, 1)[0]
	find := func(text string) int {
		r := &gate.Request{Method: "POST", URI: "/v1/x", Protocol: "HTTP/1.1", Host: g.Host, ServerName: g.Host, ClientAddr: "192.0.2.1"}
		r.Header.Add("User-Agent", "okhttp/4.12.0")
		r.Header.Add("Accept", "*/*")
		return len(o.Inspect(content(r, "application/json", jsonOf(t, text))).Rules)
	}
	if find("hello") != 0 {
		t.Fatal("rules find something without a payload")
	}
	for _, class := range Classes() {
		found := 0
		for _, p := range Payloads[class] {
			if find(p) > 0 {
				found++
			}
		}
		t.Logf("%s: %d of %d", class, found, len(Payloads[class]))
		if found*2 < len(Payloads[class]) {
			t.Errorf("%s: rules find %d of %d payloads", class, found, len(Payloads[class]))
		}
	}
	if len(Payloads) != len(Classes()) {
		t.Error("Classes does not list all classes")
	}
}

func TestTheHostileCorpusIsMostlyFound(t *testing.T) {
	o, found := oracle(t), 0
	for _, r := range Hostile(5, 150) {
		if len(o.Inspect(r).Rules) > 0 {
			found++
		}
	}
	t.Logf("%d of 150 are found", found)
	if found < 75 {
		t.Errorf("%d of 150 hostile requests are found", found)
	}
}

func TestTheOracleTellsWhichRulesMatchedAndTheScore(t *testing.T) {
	r := &gate.Request{Method: "GET", URI: "/?q=1%27%20OR%201=1--", Protocol: "HTTP/1.1", Host: "api.example.com", ServerName: "api.example.com"}
	r.Header.Add("User-Agent", "x")
	r.Header.Add("Accept", "*/*")
	v := oracle(t).Inspect(r)
	if !v.Interrupted || v.Status != 403 || v.Score != 5 || !slices.Equal(v.Rules, []int{942100, 949110}) {
		t.Errorf("%+v", v)
	}
}

func TestTheSamplesAreWhatTheyAreCalled(t *testing.T) {
	o := oracle(t)
	for i, s := range Samples() {
		if v := o.Inspect(s.Request); v.Interrupted != (i == 4) || i < 4 && len(v.Rules) > 0 {
			t.Errorf("%s: %+v", s.Name, v)
		}
		t.Logf("%s: %d bytes of content", s.Name, len(s.Request.Body))
	}
}
