// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"durward"
	"durward/waf/gate"
	"durward/waf/seclang"
	"durward/waf/waftest"
)

// named makes a request with these arguments, some of them in its content.
func named(query, form []string, json string) *gate.Request {
	pairs := func(names []string) string {
		var out []string
		for i, n := range names {
			out = append(out, url.QueryEscape(n)+"="+fmt.Sprint("value", i))
		}
		return strings.Join(out, "&")
	}
	r := &gate.Request{Method: "POST", URI: "/items?" + pairs(query), Protocol: "HTTP/1.1", Host: "api.example.org", ClientAddr: "192.0.2.7", Inspect: true,
		Header: durward.Header{{Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}}}
	r.Body = []byte(pairs(form))
	kind := "application/x-www-form-urlencoded"
	if json != "" {
		r.Body, kind = []byte(json), "application/json"
	}
	r.Header.Add("Content-Type", kind)
	r.Header.Add("Content-Length", fmt.Sprint(len(r.Body)))
	return r
}

func TestDistinctNamesAreNoReasonForTheSlowPathAtTheThirdLevel(t *testing.T) {
	rules := level(t, 3)
	for name, test := range map[string]struct {
		query, form []string
		json        string
		clean       bool
	}{
		"distinct":                           {query: []string{"q", "limit"}, form: []string{"name", "text"}, clean: true},
		"JSON":                               {query: []string{"q"}, json: `{"items":[{"id":1,"name":"a"},{"id":2,"name":"b"}],"total":2}`, clean: true},
		"twice in the query":                 {query: []string{"q", "q"}},
		"in the query and the form":          {query: []string{"q"}, form: []string{"q"}},
		"in another case":                    {query: []string{"q", "Q"}},
		"in another case of another script":  {query: []string{"k", "\u212a"}},
		"bytes of no character":              {query: []string{"\xff", "\xfe"}},
		"named as a variable of another one": {query: []string{"rfi_parameter_x"}},
	} {
		q := named(test.query, test.form, test.json)
		clean, why := rules.gate.Clean(q)
		if clean != test.clean {
			t.Errorf("%s: clean %v, %+v", name, clean, why)
		}
		if v := rules.oracle.Inspect(q); clean && len(v.Rules) > 0 {
			t.Errorf("%s: Coraza says %+v", name, v)
		}
	}
}

func TestNoVerdictOfCorazaIsMissedAtTheThirdLevel(t *testing.T) {
	rules := level(t, 3)
	requests := append(append(waftest.Benign(12, 60*sample), waftest.Hostile(13, 60*sample)...), waftest.Awkward(14, 60*sample)...)
	words := []string{"a", "A", "b", "json", "json.a", "0", "a.0", "x[]", "\u212a", "k", "ſ", "s", "args_names:a", "rfi_parameter_", "\xff", "\xfe", "multipart_headers_content_types_1", "", "."}
	r := rand.New(rand.NewPCG(7, 7))
	some := func() (names []string) {
		for range r.IntN(4) {
			names = append(names, words[r.IntN(len(words))])
		}
		return names
	}
	for range 250 * sample {
		json := ""
		if r.IntN(2) == 0 {
			json = fmt.Sprintf(`{"a":[%d,{"%s":1}],"%s":{"0":[[]]}}`, r.IntN(9), words[r.IntN(5)], words[r.IntN(8)])
		}
		requests = append(requests, named(some(), some(), json))
	}
	proven, silent := 0, 0
	for _, q := range requests {
		clean, _ := rules.gate.Clean(q)
		v := rules.oracle.Inspect(q)
		switch said := v.Interrupted || len(v.Rules) > 0; {
		case clean && said:
			t.Errorf("proven clean, but Coraza says %+v: %s %q %q", v, q.URI, q.Header, q.Body)
		case clean:
			proven++
			silent++
		case !said:
			silent++
		}
	}
	t.Logf("%d of %d requests of which Coraza says nothing are proven clean", proven, silent)
	if proven*10 < silent*7 {
		t.Errorf("only %d of %d", proven, silent)
	}
}

// A rule that reads the variables of a counter in a way for which 1 is enough
// makes it count as a match.
func TestACounterIsFollowedOnlyIfNobodyMindsAOne(t *testing.T) {
	const count = "SecRule ARGS_NAMES \"@rx .\" \"id:1,phase:2,pass,nolog,t:none,setvar:'TX.seen_%{MATCHED_VAR_NAME}=+1'\"\n"
	q := named([]string{"a", "b"}, nil, "")
	for name, test := range map[string]struct {
		reader string
		clean  bool
	}{
		"nobody reads":             {"", true},
		"more than one":            {`SecRule TX:/seen_.*/ "@gt 1" "id:2,phase:2,deny"`, true},
		"two":                      {`SecRule TX:/^seen_/ "@eq 2" "id:2,phase:2,deny"`, true},
		"other variables":          {`SecRule TX:/^other_/ "@rx ." "id:2,phase:2,deny"`, true},
		"others by a word":         {`SecRule TX:/word/ "@rx ." "id:2,phase:2,deny"`, true},
		"a word that is there":     {`SecRule TX:/names:a/ "@rx ." "id:2,phase:2,deny"`, false},
		"one":                      {`SecRule TX:/seen_.*/ "@ge 1" "id:2,phase:2,deny"`, false},
		"not two":                  {`SecRule TX:/seen_.*/ "!@eq 2" "id:2,phase:2,deny"`, false},
		"less than two":            {`SecRule TX:/seen_.*/ "@lt 2" "id:2,phase:2,deny"`, false},
		"how many":                 {`SecRule &TX:/seen_.*/ "@gt 1" "id:2,phase:2,deny"`, false},
		"an expression":            {`SecRule TX:/seen_.*/ "@rx 1" "id:2,phase:2,deny"`, false},
		"a single one":             {`SecRule TX:seen_ARGS_NAMES:a "@streq 1" "id:2,phase:2,deny"`, false},
		"all variables":            {`SecRule TX "@rx ^1$" "id:2,phase:2,deny"`, false},
		"with a transformation":    {`SecRule TX:/seen_.*/ "@gt 1" "id:2,phase:2,deny,t:length"`, false},
		"in a chain":               {"SecRule TX:/seen_.*/ \"@gt 1\" \"id:2,phase:2,deny,chain\"\nSecRule ARGS \"@rx .\"", false},
		"in a macro":               {`SecRule ARGS_GET:a "@streq %{tx.seen_x}" "id:2,phase:2,deny"`, false},
		"somebody else sets them":  {`SecRule ARGS "@rx value" "id:2,phase:2,pass,nolog,setvar:tx.seen_x=5"`, false},
		"somebody sets all others": {"SecRule ARGS \"@rx value\" \"id:2,phase:2,pass,nolog,setvar:'tx.%{MATCHED_VAR}=5'\"", false},
	} {
		set, err := seclang.Parse(nil, "SecRuleEngine On\nSecRequestBodyAccess On\n"+count+test.reader+"\n")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g, err := gate.Compile(set, gate.Profile{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if clean, why := g.Clean(q); clean != test.clean {
			t.Errorf("%s: clean %v, %+v", name, clean, why)
		}
	}
}
