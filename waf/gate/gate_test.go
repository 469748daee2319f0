// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"durward"
	"durward/waf/seclang"
)

func gateOf(t testing.TB, rules string, tx map[string]string) *Gate {
	t.Helper()
	set, err := seclang.Parse(fstest.MapFS{}, headDirectives+rules)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Compile(set, Profile{TX: tx})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// post is a request with a form; get one with a query.
func get(query string, fields ...durward.Field) *Request {
	return &Request{Method: "GET", URI: "/?" + query, Protocol: "HTTP/1.1", Host: "h", Header: fields}
}

func post(contentType, body string) *Request {
	return &Request{Method: "POST", URI: "/", Protocol: "HTTP/1.1", Header: durward.Header{{Name: "Content-Type", Value: contentType}}, Body: []byte(body), Inspect: true}
}

func TestTheGateFollowsRulesToTheirEnd(t *testing.T) {
	form, json := "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		name, rules string
		tx          map[string]string
		request     *Request
		clean       bool
		why         Reason
	}{
		{name: "a rule that does not match", rules: `SecRule ARGS "@rx evil" "id:1,phase:2,deny"`, request: get("a=good"), clean: true},
		{name: "a rule that matches a parameter", rules: `SecRule ARGS "@rx evil" "id:1,phase:2,deny"`, request: get("a=evil"), why: Reason{RuleID: 1, Target: "ARGS", key: "a"}},
		{name: "a rule on content in phase 1 sees none", rules: `SecRule ARGS "@rx evil" "id:1,phase:1,deny"`, request: post(form, "a=evil"), clean: true},
		{name: "a rule on content in phase 2", rules: `SecRule ARGS "@rx evil" "id:1,phase:2,deny"`, request: post(json, `{"x":["evil"]}`), why: Reason{RuleID: 1, Target: "ARGS", key: "json.x.0"}},
		{name: "an excluded parameter", rules: `SecRule ARGS|!ARGS:a "@rx evil" "id:1,phase:2,deny"`, request: get("A=evil"), clean: true},
		{name: "a selected parameter", rules: `SecRule ARGS:/^b/ "@rx evil" "id:1,phase:2,deny"`, request: get("a=evil&Bc=evil"), why: Reason{RuleID: 1, Target: "ARGS", key: "Bc"}},
		{name: "what is not there is no match of a negated rule", rules: `SecRule REQUEST_HEADERS:Accept "!@rx json" "id:1,phase:1,deny"`, request: get(""), clean: true},
		{name: "a negated rule", rules: `SecRule REQUEST_HEADERS:Accept "!@rx json" "id:1,phase:1,deny"`, request: get("", durward.Field{Name: "Accept", Value: "text/html"}), why: Reason{RuleID: 1, Target: "REQUEST_HEADERS", key: "Accept"}},
		{name: "a count", rules: `SecRule &ARGS "@gt 1" "id:1,phase:2,deny"`, request: get("a=1&b=2"), why: Reason{RuleID: 1, Target: "ARGS"}},
		{name: "a chain that ends early", rules: "SecRule ARGS \"@rx (e)vil\" \"id:1,phase:2,deny,capture,chain\"\nSecRule TX:1 \"@streq x\" \"t:none\"", request: get("a=evil"), clean: true},
		{name: "a chain that ends late", rules: "SecRule ARGS \"@rx (e)vil\" \"id:1,phase:2,deny,capture,chain\"\nSecRule TX:1 \"@streq e\" \"t:none\"", request: get("a=evil"), why: Reason{RuleID: 1, Target: "ARGS", key: "a"}},
		{name: "a chain over variables that are named after fields", rules: "SecRule REQUEST_HEADERS_NAMES \"@rx ^.*$\" \"id:1,phase:1,deny,capture,t:lowercase,setvar:'tx.name_%{tx.0}=/%{tx.0}/',chain\"\nSecRule TX:/^name_/ \"@within /proxy/ /if/\" \"t:none\"", request: get("", durward.Field{Name: "Proxy", Value: "x"}), why: Reason{RuleID: 1, Target: "REQUEST_HEADERS", key: "Proxy"}},
		{name: "and none of them is on the list", rules: "SecRule REQUEST_HEADERS_NAMES \"@rx ^.*$\" \"id:1,phase:1,deny,capture,t:lowercase,setvar:'tx.name_%{tx.0}=/%{tx.0}/',chain\"\nSecRule TX:/^name_/ \"@within /proxy/ /if/\" \"t:none\"", request: get("", durward.Field{Name: "Prox", Value: "x"}), clean: true},
		{name: "a setting from the profile", rules: `SecRule ARGS "@streq %{tx.word}" "id:1,phase:2,deny"`, tx: map[string]string{"word": "evil"}, request: get("a=evil"), why: Reason{RuleID: 1, Target: "ARGS", key: "a"}},
		{name: "a rule that the profile takes away", rules: "SecRule TX:off \"@eq 1\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveById=1\"\nSecRule ARGS \"@rx evil\" \"id:1,phase:2,deny\"", tx: map[string]string{"off": "1"}, request: get("a=evil"), clean: true},
		{name: "a value that multiMatch sees half decoded", rules: `SecRule ARGS "@rx \+" "id:1,phase:2,deny,t:none,t:urlDecodeUni,multiMatch"`, request: get("a=%2B"), why: Reason{RuleID: 1, Target: "ARGS", key: "a"}},
		{name: "a silent rule that matches", rules: `SecRule ARGS "@rx evil" "id:1,phase:2,pass,nolog"`, request: get("a=evil"), clean: true},
		{name: "multipart content", request: post("multipart/form-data; boundary=x", "--x--\r\n"), why: Reason{Target: "content"}},
		{name: "content that is not JSON", request: post(json, `{"a":`), why: Reason{Target: "content"}},
		{name: "fields of a form that differ in case", request: post(form, "a=1&A=2"), why: Reason{Target: "content"}},
		{name: "a field name that is not ASCII", request: get("", durward.Field{Name: "X-é"}), why: Reason{Target: "header section"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := strings.ReplaceAll(c.rules, ",capture,t:lowercase", ",capture,t:none,t:lowercase")
			clean, why := gateOf(t, "\n"+rules+"\n", c.tx).Clean(c.request)
			// The value of a chain is in a collection of names or of values.
			why.Target = strings.TrimSuffix(why.Target, "_NAMES")
			if clean != c.clean || why != c.why {
				t.Errorf("clean is %v because of %+v, want %v, %+v", clean, why, c.clean, c.why)
			}
		})
	}
}

func TestARuleThatIsNotUnderstoodSendsRequestsToCoraza(t *testing.T) {
	for rule, want := range map[string]Cover{
		`SecRule UNIQUE_ID "@rx x" "id:1,phase:1,deny"`:                                                 Uncovered,
		`SecRule REMOTE_ADDR "@rbl example.org" "id:1,phase:1,deny"`:                                    Uncovered,
		`SecAction "id:1,phase:1,pass,log"`:                                                             Uncovered,
		"SecRule ARGS \"@rx evil\" \"id:1,phase:2,deny,chain\"\nSecRule UNIQUE_ID \"@rx x\" \"t:none\"": Partly,
		`SecRule ARGS "@rx evil" "id:1,phase:1,deny,ctl:requestBodyAccess=Off"`:                         Partly,
		`SecRule FILES "@rx x" "id:1,phase:2,deny"`:                                                     Settled,
		`SecRule ARGS "@rx evil" "id:1,phase:2,deny"`:                                                   Covered,
	} {
		g := gateOf(t, "\n"+rule+"\n", nil)
		i := slices.IndexFunc(g.Coverage(), func(r RuleCoverage) bool { return r.ID == 1 })
		if got := g.Coverage()[i]; got.Cover != want || got.How == "" {
			t.Errorf("%s is %+v, want %s", rule, got, want)
		}
		if clean, _ := g.Clean(get("a=good")); clean != (want != Uncovered) {
			t.Errorf("%s: clean is %v", rule, clean)
		}
		if clean, _ := g.Clean(get("a=evil")); clean != (want == Settled) {
			t.Errorf("%s: an attack is clean: %v", rule, clean)
		}
	}
}

func TestOneGateServesManyGoroutinesAndKeepsNothing(t *testing.T) {
	g := gateOf(t, "\nSecRule ARGS \"@rx (evil)\" \"id:1,phase:2,deny,capture,t:none,t:lowercase,chain\"\nSecRule TX:1 \"@streq evil\" \"t:none\"\n", nil)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 200 {
				want := (i+n)%3 != 0
				q := post("application/json", fmt.Sprintf(`{"secret%d":"value%d EVIL"}`, n, i))
				if want {
					q = post("application/json", fmt.Sprintf(`{"secret%d":"Value%d"}`, n, i))
				}
				if clean, why := g.Clean(q); clean != want {
					t.Errorf("%s is clean: %v (%+v)", q.Body, clean, why)
				} else if !clean && why.Key() != fmt.Sprintf("json.secret%d", n) {
					t.Errorf("the key is %q", why.Key())
				}
			}
		})
	}
	wg.Wait()
	p := g.pool.Get().(*pass)
	for _, b := range append(p.buffers, p.facts.arena[:cap(p.facts.arena)], p.text[:cap(p.text)]) {
		if b := bytes.ToLower(b[:cap(b)]); bytes.Contains(b, []byte("value")) || bytes.Contains(b, []byte("secret")) {
			t.Errorf("the scratch memory still holds %q", b)
		}
	}
	if len(p.hits[:cap(p.hits)]) > 0 && p.hits[:cap(p.hits)][0].val != "" {
		t.Error("a match is still there")
	}
}

func TestMoreMatchesThanAreFollowedAreNotProvenClean(t *testing.T) {
	g := gateOf(t, "\nSecArgumentsLimit 10000\nSecRule ARGS \"@rx (x)\" \"id:1,phase:2,deny,capture,chain\"\nSecRule TX:1 \"@streq y\" \"t:none\"\n", nil)
	if clean, why := g.Clean(get(strings.Repeat("a=x&", maxHits))); !clean {
		t.Errorf("as many matches as are followed: %+v", why)
	}
	if clean, _ := g.Clean(get(strings.Repeat("a=x&", maxHits+1))); clean {
		t.Error("more matches than are followed are clean")
	}
}
