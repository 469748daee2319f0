// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"slices"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

var rules = Config{
	Roles: map[string][]string{
		"member":    {"listMessages", "postMessage"},
		"moderator": {"deleteMessage", "postMessage"},
		"admin":     {Every},
	},
	Scopes:        map[string][]string{"messages:write": {"postMessage"}},
	Authenticated: []string{"whoAmI"},
}

func TestDecisions(t *testing.T) {
	someone := durward.Principal{Method: "jwt", Subject: "cy"}
	with := func(roles, scopes string) durward.Principal {
		p := someone
		p.Roles, p.Scopes = strings.Fields(roles), strings.Fields(scopes)
		return p
	}
	for _, tt := range []struct {
		name      string
		operation string
		principal durward.Principal
		verdict   durward.Verdict
		code      durward.Code
	}{
		{"a role that is named may call", "listMessages", with("member", ""), durward.Allow, ""},
		{"a role that is not named may not", "deleteMessage", with("member", ""), durward.Deny, durward.CodeForbidden},
		{"no role at all may not", "listMessages", with("", ""), durward.Deny, durward.CodeForbidden},
		{"nobody is asked to authenticate", "listMessages", durward.Principal{}, durward.Deny, durward.CodeUnauthenticated},
		{"roles without a method are nobody's", "listMessages", durward.Principal{Roles: []string{"member"}}, durward.Deny, durward.CodeUnauthenticated},
		{"a role under the star may call all", "listMessages", with("admin", ""), durward.Allow, ""},
		{"role and scope are both needed: role alone", "postMessage", with("member", ""), durward.Deny, durward.CodeForbidden},
		{"role and scope are both needed: scope alone", "postMessage", with("", "messages:write"), durward.Deny, durward.CodeForbidden},
		{"role and scope are both needed: both", "postMessage", with("member", "messages:write"), durward.Allow, ""},
		{"a role name is compared whole", "listMessages", with("members mem MEMBER", ""), durward.Deny, durward.CodeForbidden},
		{"every caller has the role authenticated", "whoAmI", with("", ""), durward.Allow, ""},
		{"nobody has the role authenticated", "whoAmI", durward.Principal{}, durward.Deny, durward.CodeUnauthenticated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(&rules, &durward.Operation{ID: tt.operation}, false)
			if err != nil {
				t.Fatal(err)
			}
			d := s.Request(context.Background(), &durward.Exchange{Principal: tt.principal})
			if d.Verdict != tt.verdict || d.Code != tt.code {
				t.Errorf("got %v %q (%v), want %v %q", d.Verdict, d.Code, d.Err, tt.verdict, tt.code)
			}
		})
	}
}

func TestAnOperationUnderAuthenticatedNeedsOnlyACredential(t *testing.T) {
	cfg := Config{Authenticated: []string{"whoAmI"}}
	s, err := New(&cfg, &durward.Operation{ID: "whoAmI"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Request(context.Background(), &durward.Exchange{Principal: durward.Principal{Method: "api_key"}}); d.Verdict != durward.Allow {
		t.Errorf("a known caller got %v: %v", d.Verdict, d.Err)
	}
	if d := s.Request(context.Background(), &durward.Exchange{}); d.Verdict != durward.Deny {
		t.Errorf("nobody got %v", d.Verdict)
	}
}

func TestAnUncoveredOperationDoesNotLoad(t *testing.T) {
	cfg := Config{Roles: map[string][]string{"member": {"listMessages"}}}
	if _, err := New(&cfg, &durward.Operation{ID: "deleteMessage"}, false); err == nil {
		t.Fatal("an operation without a rule loaded")
	}
	if s, err := New(&cfg, &durward.Operation{ID: "health"}, true); s != nil || err != nil {
		t.Fatalf("a public operation gave %v, %v", s, err)
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	cfg := Config{
		Mode:          durward.Off,
		Roles:         map[string][]string{"empty": {}, "twice": {"a", "b", "a"}},
		Authenticated: []string{"c", "c"},
	}
	err := cfg.Check()
	for _, want := range []string{"roles.empty", "roles.twice", "authenticated", "mode"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := rules.Check(); err != nil {
		t.Errorf("good rules: %v", err)
	}
	if got := strings.Join(rules.Named(), " "); got != "deleteMessage listMessages postMessage whoAmI" {
		t.Errorf("Named: %s", got)
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("skipped: pools drop what they hold under the race detector")
	}
	s, err := New(&rules, &durward.Operation{ID: "postMessage"}, false)
	if err != nil {
		t.Fatal(err)
	}
	x := &durward.Exchange{Principal: durward.Principal{Method: "jwt", Roles: []string{"member"}, Scopes: []string{"messages:write"}}}
	if n := allocs.PerRun(100, func() { s.Request(context.Background(), x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheckNamesTheFaultsOfPoliciesAndOwners(t *testing.T) {
	cfg := Config{
		Mode:     durward.Off,
		Owner:    []Owner{{}, {Operations: []string{"a", "a"}, Claim: "sub", Equals: "body.user"}},
		Policies: []Source{{}, {File: "a", Cedar: "b"}},
		Claims:   map[string]string{"n": "Number"},
	}
	err := cfg.Check()
	for _, want := range []string{
		"owner[0].operations", "owner[0].claim", "owner[0].equals", "owner[1].operations", "owner[1].equals", "policies[0]", "policies[1]", "claims.n", "mode",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestRulesThatNeedTheContractAreNotLeftOut(t *testing.T) {
	for _, cfg := range []Config{
		{Authenticated: []string{Every}, Policies: []Source{{Cedar: "forbid (principal, action, resource);"}}},
		{Authenticated: []string{Every}, Owner: []Owner{{Operations: []string{"a"}, Claim: "sub", Equals: "path.user"}}},
	} {
		if s, err := New(&cfg, &durward.Operation{ID: "a"}, false); err == nil {
			t.Errorf("%v was made without them", s)
		}
	}
}

func TestOperationsThatWereNotCompiledRefuse(t *testing.T) {
	c := mustCompile(t, permitAll)
	d := c.Stage("nope").Request(context.Background(), someone())
	if d.Verdict != durward.Deny || d.Code != durward.CodeForbidden {
		t.Errorf("%v %q", d.Verdict, d.Code)
	}
	if c.Stage("health") != nil || c.Rules("health") != nil {
		t.Error("a public operation has rules")
	}
	if d := c.Stage("getOrder").Request(context.Background(), &durward.Exchange{}); d.Code != durward.CodeUnauthenticated {
		t.Errorf("nobody got %q", d.Code)
	}
}

func TestRulesListsWhatCanMatch(t *testing.T) {
	c := mustCompile(t, `@id("p") permit (principal, action == Action::"putOrder", resource) when { context.body.total < 5 };
@id("f") @mode("report") forbid (principal, action in Action::"method:PUT", resource);
@id("rest") permit (principal, action in Action::"method:GET", resource);`)
	got := c.Rules("putOrder")
	want := []Rule{{"p (policies[0]:1)", false, false, true}, {"f (policies[0]:2)", true, true, false}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := c.Rules("getOrder"); len(got) != 1 || got[0].Label != "rest (policies[0]:3)" {
		t.Errorf("%+v", got)
	}
}

func TestTheSchemaCanBePrintedAndRead(t *testing.T) {
	text := mustCompile(t, permitAll).Schema()
	if _, err := resolve(text); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`action "getOrder" in ["method:GET", "tag:orders"]`, `"limit"?: Long`, `"x-tenant"?: String`, `"ship"?: {"country"?: String}`, `"order": Long`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in:\n%s", want, text)
		}
	}
}
