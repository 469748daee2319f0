// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"

	"durward"
)

// testAPI is a small contract with every kind of parameter.
func testAPI() API {
	return API{Name: "shop", Operations: []Operation{
		{ID: "getOrder", Method: "GET", Tags: []string{"orders"},
			Path:   []Param{{"user", StringType, true}, {"order", LongType, true}},
			Query:  []Param{{"limit", LongType, false}, {"all", BoolType, false}, {"q", StringType, false}},
			Header: []Param{{"X-Tenant", StringType, false}, {"X-Level", LongType, false}}},
		{ID: "putOrder", Method: "PUT", Tags: []string{"orders"},
			Path: []Param{{"user", StringType, true}, {"order", LongType, true}},
			Body: []Field{
				{Name: "total", Type: LongType, Required: true},
				{Name: "gift", Type: BoolType},
				{Name: "note", Type: StringType},
				{Name: "ship", Type: RecordType, Fields: []Field{{Name: "country", Type: StringType}}},
			}},
		{ID: "listOrders", Method: "GET", Tags: []string{"orders"}},
		{ID: "health", Method: "GET", Public: true},
	}}
}

// compileText compiles policies beside rules that let everybody call what they
// do not mention.
func compileText(t testing.TB, text string, change ...func(*Config)) (*Compiled, error) {
	t.Helper()
	cfg := Config{Policies: []Source{{Cedar: text}}}
	if text == "" {
		cfg.Policies = nil
	}
	for _, f := range change {
		f(&cfg)
	}
	return Compile(&cfg, testAPI(), nil)
}

const permitAll = "@id(\"all\") permit (principal, action, resource);\n"

func mustCompile(t testing.TB, text string, change ...func(*Config)) *Compiled {
	t.Helper()
	c, err := compileText(t, text, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// someone is a request of cy for /users/cy/orders/7.
func someone(change ...func(*durward.Exchange)) *durward.Exchange {
	x := &durward.Exchange{
		Started:   time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		Params:    []durward.Param{{Name: "user", Value: "cy"}, {Name: "order", Value: "7"}},
		Principal: durward.Principal{Method: "jwt", Subject: "cy", Roles: []string{"member"}, Scopes: []string{"read"}},
	}
	x.In.Method = "GET"
	x.Client.Address = netip.MustParseAddr("192.0.2.1")
	for _, f := range change {
		f(x)
	}
	return x
}

func query(q string) func(*durward.Exchange) {
	return func(x *durward.Exchange) { x.In.RawQuery = q }
}

func header(name, value string) func(*durward.Exchange) {
	return func(x *durward.Exchange) { x.In.Header.Add(name, value) }
}

func claims(text string) func(*durward.Exchange) {
	return func(x *durward.Exchange) { x.Principal.Claims = json.RawMessage(text) }
}

func body(text string) func(*durward.Exchange) {
	return func(x *durward.Exchange) {
		x.In.Header.Set("Content-Type", "application/json")
		x.In.Body.Init(strings.NewReader(text), int64(len(text)))
		if err := x.In.Body.SetLimit(1 << 16); err != nil {
			panic(err)
		}
	}
}

func TestPoliciesReadTheRequest(t *testing.T) {
	declared := func(c *Config) {
		c.Claims = map[string]string{"tenant": "String", "level": "Long", "groups": "Set<String>", "https://x/y": "Bool"}
	}
	for _, tt := range []struct {
		name, when string
		x          *durward.Exchange
		code       durward.Code // "" allows
	}{
		{"a path parameter", `context.path.user == "cy"`, someone(), ""},
		{"a number in the path", `context.path.order > 6`, someone(), ""},
		{"another number in the path", `context.path.order > 7`, someone(), durward.CodeForbidden},
		{"a path parameter that is no number", `context.path.order > 6`, someone(func(x *durward.Exchange) { x.Params[1].Value = "7x" }), durward.CodeParameterInvalid},
		{"a number with a leading zero", `context.path.order > 6`, someone(func(x *durward.Exchange) { x.Params[1].Value = "07" }), durward.CodeParameterInvalid},
		{"a number beyond 64 bits", `context.path.order > 6`, someone(func(x *durward.Exchange) { x.Params[1].Value = "9223372036854775808" }), durward.CodeParameterInvalid},
		{"minus nothing", `context.path.order == 0`, someone(func(x *durward.Exchange) { x.Params[1].Value = "-0" }), durward.CodeParameterInvalid},
		{"a query parameter", `context.query has limit && context.query.limit <= 50`, someone(query("limit=50")), ""},
		{"a query parameter beyond", `context.query has limit && context.query.limit <= 50`, someone(query("limit=51")), durward.CodeForbidden},
		{"a query parameter that is not there", `!(context.query has limit)`, someone(query("limits=1&Limit=2")), ""},
		{"a query parameter twice", `!(context.query has limit)`, someone(query("limit=1&limit=2")), durward.CodeParameterInvalid},
		{"a query parameter under an escaped name", `!(context.query has limit)`, someone(query("%6cimit=2")), durward.CodeForbidden},
		{"a query with a bad escape", `!(context.query has limit)`, someone(query("x=%zz")), durward.CodeParameterInvalid},
		{"a query with another separator", `!(context.query has limit)`, someone(query("x=1;limit=2")), durward.CodeParameterInvalid},
		{"a plus in a query", `context.query has q && context.query.q == "a b"`, someone(query("q=a+b")), ""},
		{"a flag", `context.query has all && context.query.all`, someone(query("all=true")), ""},
		{"a flag that is none", `context.query has all && context.query.all`, someone(query("all=1")), durward.CodeParameterInvalid},
		{"a header field", `context.headers has "x-tenant" && context.headers["x-tenant"] == "a"`, someone(header("X-Tenant", "a")), ""},
		{"a header field twice", `!(context.headers has "x-tenant")`, someone(header("X-Tenant", "a"), header("X-Tenant", "b")), durward.CodeParameterInvalid},
		{"a header field that is no number", `context.headers has "x-level" && context.headers["x-level"] > 1`, someone(header("X-Level", "2.0")), durward.CodeParameterInvalid},
		{"all path parameters", `context.path == {order: 7, user: "cy"}`, someone(), ""},
		{"all path parameters with another value", `context.path == {order: 7, user: "dan"}`, someone(), durward.CodeForbidden},
		{"the context as a whole, content left out", `context.query == context.query && context.headers == context.headers && principal.claims == principal.claims && context.authentication == context.authentication`,
			someone(query("limit=1&q=a"), header("X-Tenant", "a"), claims(`{"tenant":"a","level":1}`)), ""},
		{"the method", `context.method == "GET"`, someone(), ""},
		{"the address", `context.address.isInRange(ip("192.0.2.0/24"))`, someone(), ""},
		{"another address", `context.address.isInRange(ip("198.51.100.0/24"))`, someone(), durward.CodeForbidden},
		{"no address", `context.address.isLoopback() || true`, someone(func(x *durward.Exchange) { x.Client.Address = netip.Addr{} }), durward.CodeForbidden},
		{"the time", `context.time < datetime("2026-11-22")`, someone(), ""},
		{"the time of day", `context.time.toTime() < duration("12h")`, someone(), durward.CodeForbidden},
		{"how the caller proved who they are", `context.authentication.method == "jwt" && !(context.authentication has bound)`, someone(), ""},
		{"a bound credential", `principal has bound && principal.bound == "dpop"`, someone(func(x *durward.Exchange) { x.Principal.Bound = "dpop" }), ""},
		{"a role", `principal in Role::"member"`, someone(), ""},
		{"a role that the caller has not", `principal in Role::"admin"`, someone(), durward.CodeForbidden},
		{"a scope", `principal.scopes.contains("read")`, someone(), ""},
		{"a group of operations by tag", `action in Action::"tag:orders"`, someone(), ""},
		{"a group of operations by method", `action in Action::"method:PUT"`, someone(), durward.CodeForbidden},
		{"unknown consumers are never equal", `principal has consumer && principal.consumer == ""`, someone(), durward.CodeForbidden},
		{"a claim", `principal.claims has tenant && principal.claims.tenant == "a"`, someone(claims(`{"x":[1,{"tenant":"b"}],"tenant":"a"}`)), ""},
		{"a claim of another type", `!(principal.claims has tenant)`, someone(claims(`{"tenant":1}`)), durward.CodeForbidden},
		{"a claim that is null", `!(principal.claims has tenant)`, someone(claims(`{"tenant":null}`)), ""},
		{"a claim that is a number", `principal.claims has level && principal.claims.level >= 3`, someone(claims(`{"level":3}`)), ""},
		{"a claim that is a list", `principal.claims has groups && principal.claims.groups.containsAll(["a","b"])`, someone(claims(`{"groups":["b","a","a"]}`)), ""},
		{"a claim that is one of a list", `principal.claims has groups && principal.claims.groups == ["a"]`, someone(claims(`{"groups":"a"}`)), ""},
		{"a claim with a long name", `principal.claims has "https://x/y" && principal.claims["https://x/y"]`, someone(claims(`{"https://x/y":true}`)), ""},
		{"claims that are no JSON", `!(principal.claims has tenant)`, someone(claims(`{"tenant":"a"`)), durward.CodeForbidden},
		{"no claims", `!(principal.claims has tenant)`, someone(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "@id(\"it\") permit (principal, action == Action::\"getOrder\", resource) when { " + tt.when + " };\n" +
				"permit (principal, action in [Action::\"putOrder\", Action::\"listOrders\"], resource);"
			c := mustCompile(t, text, declared)
			for range 2 { // the second time with a request from the pool
				x := tt.x
				x.Policies = nil
				d := c.Stage("getOrder").Request(context.Background(), x)
				if d.Code != tt.code || (d.Verdict == durward.Allow) != (tt.code == "") {
					t.Fatalf("%v %q: %v", d.Verdict, d.Code, d.Err)
				}
				if tt.code == "" && !slices.Equal(x.Policies, []string{"it (policies[0]:1)"}) {
					t.Errorf("decided by %q", x.Policies)
				}
			}
		})
	}
}

func TestForbidWinsAndFailsClosed(t *testing.T) {
	for _, tt := range []struct {
		name, forbid string
		code         durward.Code
		policies     string
	}{
		{"a forbid that matches", `forbid (principal, action, resource) when { context.method == "GET" };`, durward.CodeForbidden, "no (policies[0]:2)"},
		{"a forbid that does not match", `forbid (principal, action, resource) when { context.method == "PUT" };`, "", "all (policies[0]:1)"},
		{"a forbid that cannot be decided", `forbid (principal, action, resource) when { principal.claims has n && 9223372036854775807 + principal.claims.n > 0 };`, durward.CodeForbidden, "no (policies[0]:2)"},
		{"a forbid in report mode", `@mode("report") forbid (principal, action, resource);`, "", "all (policies[0]:1)|report, would forbid: no (policies[0]:2)"},
		{"a forbid that is off", `@mode("off") forbid (principal, action, resource);`, "", "all (policies[0]:1)"},
		{"a forbid of an unreadable value", `forbid (principal, action == Action::"getOrder", resource) when { context.query has limit };`, durward.CodeParameterInvalid, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustCompile(t, permitAll+"@id(\"no\") "+tt.forbid, func(c *Config) { c.Claims = map[string]string{"n": "Long"} })
			x := someone(claims(`{"n":1}`), query("limit=x"))
			d := c.Stage("getOrder").Request(context.Background(), x)
			code := tt.code
			if strings.Contains(tt.policies, "would forbid") { // told, and lets the request go on
				code = durward.CodeForbidden
				if !d.Reported || d.Err == nil {
					t.Error("not marked as one that is only reported")
				}
			} else if d.Reported {
				t.Error("marked as one that is only reported")
			}
			if d.Code != code || strings.Join(x.Policies, "|") != tt.policies {
				t.Errorf("%v %q by %q: %v", d.Verdict, d.Code, x.Policies, d.Err)
			}
		})
	}
}

func TestAPermitInReportModePermitsNothing(t *testing.T) {
	if _, err := compileText(t, `@mode("report") permit (principal, action, resource);`); err == nil {
		t.Error("a permit in report mode covers an operation")
	}
	c := mustCompile(t, `@id("try") @mode("report") permit (principal, action, resource);`, func(c *Config) {
		c.Roles = map[string][]string{"admin": {Every}}
	})
	x := someone()
	if d := c.Stage("getOrder").Request(context.Background(), x); d.Code != durward.CodeForbidden {
		t.Errorf("%v %q", d.Verdict, d.Code)
	}
	if got := strings.Join(x.Policies, "|"); got != "report, would permit: try (policies[0]:1)" {
		t.Errorf("recorded %q", got)
	}
}

func TestShortFormsAreCedar(t *testing.T) {
	c := mustCompile(t, "", func(c *Config) {
		c.Roles = map[string][]string{"member": {"getOrder"}, "admin": {"getOrder", "putOrder"}}
		c.Scopes = map[string][]string{"read": {"getOrder"}}
		c.Authenticated = []string{"listOrders"}
		c.Owner = []Owner{{Operations: []string{"getOrder"}, Claim: "sub", Equals: "path.user", Except: []string{"admin"}}}
	})
	list, err := cedar.NewPolicyListFromBytes("printed", []byte(c.Cedar()))
	if err != nil || len(list) != 3 {
		t.Fatalf("%v in:\n%s", err, c.Cedar())
	}
	for _, want := range []string{
		`@id("rules of getOrder")`, `action == Action::"getOrder"`, `principal in [Role::"admin", Role::"member"]`,
		`principal.scopes.containsAny(["read"])`, `principal.subject == context.path.user`, `action == Action::"listOrders"`,
	} {
		if !strings.Contains(c.Cedar(), want) {
			t.Errorf("%s is missing in:\n%s", want, c.Cedar())
		}
	}
}

func TestOwnerOnly(t *testing.T) {
	with := func(owner Owner) *Compiled {
		return mustCompile(t, "", func(c *Config) {
			c.Authenticated = []string{Every}
			c.Owner = []Owner{owner}
		})
	}
	get := []string{"getOrder"}
	for _, tt := range []struct {
		name  string
		owner Owner
		x     *durward.Exchange
		allow bool
	}{
		{"the owner", Owner{get, "sub", "path.user", nil}, someone(), true},
		{"another", Owner{get, "sub", "path.user", nil}, someone(func(x *durward.Exchange) { x.Principal.Subject = "dan" }), false},
		{"another in other letters", Owner{get, "sub", "path.user", nil}, someone(func(x *durward.Exchange) { x.Principal.Subject = "CY" }), false},
		{"an excepted role", Owner{get, "sub", "path.user", []string{"member"}}, someone(func(x *durward.Exchange) { x.Principal.Subject = "dan" }), true},
		{"nobody's empty name", Owner{get, "sub", "path.user", nil}, someone(func(x *durward.Exchange) { x.Principal.Subject, x.Params[0].Value = "", "" }), false},
		{"the owner by a claim", Owner{get, "account", "path.user", nil}, someone(claims(`{"account":"cy"}`)), true},
		{"another by a claim", Owner{get, "account", "path.user", nil}, someone(claims(`{"account":"dan"}`)), false},
		{"without the claim", Owner{get, "account", "path.user", nil}, someone(), false},
		{"the owner by a header field", Owner{get, "sub", "headers.X-Tenant", nil}, someone(header("X-Tenant", "cy")), true},
		{"without the header field", Owner{get, "sub", "headers.X-Tenant", nil}, someone(), false},
		{"the owner by the query", Owner{get, "sub", "query.q", nil}, someone(query("q=cy")), true},
		{"two values in the query", Owner{get, "sub", "query.q", nil}, someone(query("q=cy&q=dan")), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := with(tt.owner).Stage("getOrder").Request(context.Background(), tt.x)
			if (d.Verdict == durward.Allow) != tt.allow {
				t.Errorf("%v: %v", d.Verdict, d.Err)
			}
		})
	}
	_, err := compileText(t, "", func(c *Config) {
		c.Authenticated = []string{Every}
		c.Owner = []Owner{{get, "sub", "path.order", nil}}
	})
	if err == nil || !strings.Contains(err.Error(), "owner") {
		t.Errorf("a text was compared with a number: %v", err)
	}
}

func TestPoliciesThatDoNotFitTheContractSayWhere(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"an operation that is not there", "permit (principal,\n  action == Action::\"getOder\", resource);", `policies[0]:2:13: unrecognized action`},
		{"a public operation", `permit (principal, action == Action::"health", resource);`, "is public"},
		{"an attribute of the path", "permit (principal, action == Action::\"getOrder\", resource)\nwhen { context.path.usr == \"cy\" };", "policies[0]:2:21: attribute `usr`"},
		{"an attribute of the caller", "permit (principal, action, resource) when {\n  // tenant\n  principal.tenant == \"a\" };", "policies[0]:3:13: attribute `tenant`"},
		{"a claim that is not declared", `permit (principal, action, resource) when { principal.claims has tenant && principal.claims.tenant == "a" };`, "policies[0]:1:66: there is no attribute `tenant`"},
		{"an entity type", `permit (principal in Group::"x", action, resource);`, "policies[0]:1:22: unrecognized entity type `Group`"},
		{"a parameter that may be missing", `permit (principal, action == Action::"getOrder", resource) when { context.query.limit < 5 };`, "optional attribute `query.limit`"},
		{"a parameter of other operations", `permit (principal, action, resource) when { context.path.order == 1 };`, "path.order"},
		{"a comparison of two types", `permit (principal, action == Action::"getOrder", resource) when { context.path.order == "7" };`, "policies[0]:1"},
		{"a syntax error", "permit (principal, action, resource)\nwhen { context.method = \"GET\" };", "policies[0]:2:25"},
		{"an unknown annotation", `@modus("report") permit (principal, action, resource);`, "policies[0]:1:2: the annotation @modus"},
		{"an unknown mode", `@mode("rport") permit (principal, action, resource);`, "policies[0]:1:8: @mode must be"},
		{"an id twice", "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);", `policies[0]:2:6: the id "a" is taken`},
		{"an operation that nothing permits", `permit (principal, action == Action::"getOrder", resource);`, `operation "listOrders" is covered by no rule`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := compileText(t, tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q in: %v", tt.want, err)
			}
		})
	}
}

func TestPolicyFilesAreNamedByTwoPartsOfTheirPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "shop.cedar")
	if err := os.WriteFile(name, []byte("\n"+permitAll+"forbid (principal, action, resource) when { context.nope };"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Policies: []Source{{File: name}}}
	_, err := Compile(&cfg, testAPI(), nil)
	if err == nil || !strings.Contains(err.Error(), "rules/shop.cedar:3:53: attribute `nope`") || strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	cfg.Policies[0].File += "x"
	if _, err = Compile(&cfg, testAPI(), nil); err == nil || !strings.Contains(err.Error(), "policies[0].file: cannot be read") || strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func FuzzPolicyText(f *testing.F) {
	for _, s := range []string{
		permitAll, "@mode(\"x\") permit (principal, action, resource);", "// ü\npermit (principal, action, resource) when { context.ü };",
		"permit (principal in Group::\"x\", action, resource) when { context.path.usr == \";\" };", "\"", "permit (principal == ?principal, action, resource);",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := compileText(t, text, func(c *Config) { c.Authenticated = []string{Every} })
		if err == nil {
			printed, err := cedar.NewPolicyListFromBytes("printed", []byte(c.Cedar()))
			if err != nil || len(printed) == 0 {
				t.Errorf("what is printed cannot be read: %v", err)
			}
			return
		}
		if strings.TrimSpace(text) != "" && !strings.Contains(err.Error(), "policies[0]") {
			t.Errorf("an error does not say where: %v", err)
		}
	})
}
