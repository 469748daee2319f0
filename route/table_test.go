// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"fmt"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"

	"github.com/google/go-cmp/cmp"
)

// ops makes operations of lines "METHOD template"; their ids are the lines.
func ops(lines ...string) (out []*durward.Operation) {
	for _, l := range lines {
		method, template, _ := strings.Cut(l, " ")
		out = append(out, &durward.Operation{Method: method, Template: template})
	}
	return out
}

func build(t testing.TB, apis ...API) *Table {
	t.Helper()
	table, err := Build(apis)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func match(table *Table, method, host, path string, header ...string) string {
	in := &durward.Request{Method: method, Host: host, Path: path}
	for i := 0; i < len(header); i += 2 {
		in.Header.Add(header[i], header[i+1])
	}
	op, params := table.Match(in, nil)
	out := op.ID
	if op.API != "" {
		out = op.API + ": " + out
	}
	for _, p := range params {
		out += fmt.Sprintf(" %s=%q", p.Name, p.Value)
	}
	return out
}

func moot() API {
	return API{Name: "moot", Prefix: "/moot", Preflight: true, Operations: ops(
		"GET /spaces", "POST /spaces",
		"GET /spaces/{space}", "DELETE /spaces/{space}", "GET /spaces/mine",
		"GET /spaces/{space}/messages/{message}", "POST /spaces/{space}/messages/{message}:flag",
		"GET /spaces/{room}/members",
		"GET /files/{name}.json", "GET /files/v{version}", "GET /files/v{version}.json", "GET /files/{name}",
		"GET /a/{x}/c", "GET /{y}/b/d",
		"GET /slash/", "GET /café/{drink}", "GET /odd%3Aname", "PATCH /things:purge", "PATCH /things{rest}",
		"HEAD /health", "GET /", "OPTIONS /spaces/{space}/messages/{message}",
	)}
}

func TestARequestResolvesToOneOperation(t *testing.T) {
	table := build(t, moot())
	for _, c := range []struct{ name, request, want string }{
		{"a literal path", "GET /moot/spaces", "moot: GET /spaces"},
		{"another method of the path", "POST /moot/spaces", "moot: POST /spaces"},
		{"a parameter", "GET /moot/spaces/7", `moot: GET /spaces/{space} space="7"`},
		{"literal text comes before a parameter", "GET /moot/spaces/mine", "moot: GET /spaces/mine"},
		{"a less concrete path does not lend its methods", "DELETE /moot/spaces/mine", "moot: method-not-allowed /spaces/mine"},
		{"two parameters", "GET /moot/spaces/7/messages/9", `moot: GET /spaces/{space}/messages/{message} space="7" message="9"`},
		{"text behind a parameter", "POST /moot/spaces/7/messages/9:flag", `moot: POST /spaces/{space}/messages/{message}:flag space="7" message="9"`},
		{"a template may name the same place otherwise", "GET /moot/spaces/7/members", `moot: GET /spaces/{room}/members room="7"`},
		{"text behind comes before a whole parameter", "GET /moot/files/a.json", `moot: GET /files/{name}.json name="a"`},
		{"text before comes before a whole parameter", "GET /moot/files/v2", `moot: GET /files/v{version} version="2"`},
		{"more text comes first", "GET /moot/files/v2.json", `moot: GET /files/v{version}.json version="2"`},
		{"a parameter with text is never empty", "GET /moot/files/.json", `moot: GET /files/{name} name=".json"`},
		{"a choice that leads nowhere is undone", "GET /moot/a/b/d", `moot: GET /{y}/b/d y="a"`},
		{"the more concrete choice on the left wins", "GET /moot/a/b/c", `moot: GET /a/{x}/c x="b"`},
		{"a declared final slash", "GET /moot/slash/", "moot: GET /slash/"},
		{"a final slash that is not declared", "GET /moot/spaces/", "moot: unknown-operation"},
		{"a final slash that is left out", "GET /moot/slash", "moot: unknown-operation"},
		{"an empty parameter", "GET /moot/spaces//messages/9", "moot: unknown-operation"},
		{"a parameter is decoded", "GET /moot/spaces/a%20b%2B%25", `moot: GET /spaces/{space} space="a b+%"`},
		{"a template outside ASCII", "GET /moot/caf%C3%A9/th%C3%A9", `moot: GET /café/{drink} drink="thé"`},
		{"a template with an escape", "GET /moot/odd%3Aname", "moot: GET /odd%3Aname"},
		{"literal text behind an escape is ambiguous", "PATCH /moot/things%3Apurge", "moot: ambiguous-path"},
		{"literal text behind a parameter and an escape is ambiguous", "POST /moot/spaces/7/messages/9%3Aflag", "moot: ambiguous-path"},
		{"the same text without an escape", "PATCH /moot/things:purge", "moot: PATCH /things:purge"},
		{"an escape that means nothing", "PATCH /moot/things%3Ax", `moot: PATCH /things{rest} rest=":x"`},
		{"the root", "GET /moot/", "moot: GET /"},
		{"the prefix alone is not the root", "GET /moot", "moot: unknown-operation"},
		{"no such path", "GET /moot/nothing", "moot: unknown-operation"},
		{"more segments than any template", "GET /moot/spaces/7/messages/9/x/y/z", "moot: unknown-operation"},
		{"fewer segments than a template", "GET /moot/spaces/7/messages", "moot: unknown-operation"},
		{"another case is another path", "GET /moot/Spaces", "moot: unknown-operation"},
		{"HEAD is not GET", "HEAD /moot/spaces", "moot: method-not-allowed /spaces"},
		{"HEAD where it is declared", "HEAD /moot/health", "moot: HEAD /health"},
		{"GET is not HEAD", "GET /moot/health", "moot: method-not-allowed /health"},
		{"TRACE", "TRACE /moot/spaces", "moot: method-not-allowed /spaces"},
		{"a method that is made up", "FOO /moot/spaces", "moot: method-not-allowed /spaces"},
		{"a method in lower case is another", "get /moot/spaces", "moot: method-not-allowed /spaces"},
		{"OPTIONS that is no preflight", "OPTIONS /moot/spaces", "moot: method-not-allowed /spaces"},
		{"another prefix", "GET /other/spaces", "no-route"},
		{"a prefix that only begins alike", "GET /mootx/spaces", "no-route"},
		{"the path without the prefix", "GET /spaces", "no-route"},
		{"an escaped prefix", "GET /moot%21/spaces", "no-route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.request, " ")
			if got := match(table, method, "any.example", path); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAPreflightHasAnOperationOfItsOwn(t *testing.T) {
	closed := API{Name: "closed", Prefix: "/closed", Operations: ops("GET /x", "OPTIONS /y")}
	table := build(t, moot(), closed)
	const origin, method = "Origin", "Access-Control-Request-Method"
	for _, c := range []struct {
		name, path string
		header     []string
		want       string
	}{
		{"for a method of the path", "/moot/spaces/7", []string{origin, "https://a.example", method, "DELETE"}, `moot: preflight /spaces/{space} space="7"`},
		{"for a method that the path lacks", "/moot/spaces/7", []string{origin, "https://a.example", method, "PUT"}, `moot: method-not-allowed /spaces/{space} space="7"`},
		{"without an origin it is OPTIONS", "/moot/spaces/7", []string{method, "GET"}, `moot: method-not-allowed /spaces/{space} space="7"`},
		{"without a method it is OPTIONS", "/moot/spaces/7", []string{origin, "https://a.example"}, `moot: method-not-allowed /spaces/{space} space="7"`},
		{"before a declared OPTIONS", "/moot/spaces/7/messages/9", []string{origin, "https://a.example", method, "GET"}, `moot: preflight /spaces/{space}/messages/{message} space="7" message="9"`},
		{"for a path that is not there", "/moot/nothing", []string{origin, "https://a.example", method, "GET"}, "moot: unknown-operation"},
		{"where no CORS is configured", "/closed/x", []string{origin, "https://a.example", method, "GET"}, "closed: method-not-allowed /x"},
		{"where no CORS is configured and OPTIONS is declared", "/closed/y", []string{origin, "https://a.example", method, "GET"}, "closed: OPTIONS /y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := match(table, "OPTIONS", "any.example", c.path, c.header...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHostsAreTriedFromTheMostSpecific(t *testing.T) {
	table := build(t,
		API{Name: "exact", Hosts: []string{"api.example.com", "[2001:DB8::1]"}, Prefix: "/v1", Operations: ops("GET /x")},
		API{Name: "wild", Hosts: []string{"*.Example.com"}, Prefix: "/v1", Operations: ops("GET /x", "GET /y")},
		API{Name: "any", Prefix: "/v1", Operations: ops("GET /x", "GET /z")},
		API{Name: "deep", Prefix: "/v1/deep", Operations: ops("GET /x")},
		API{Name: "root", Hosts: []string{"root.example"}, Operations: ops("GET /v1/x")},
	)
	for _, c := range []struct{ name, host, path, want string }{
		{"the exact host", "api.example.com", "/v1/x", "exact: GET /x"},
		{"the exact host on a port", "api.example.com:8443", "/v1/x", "exact: GET /x"},
		{"an IPv6 host", "[2001:db8::1]:8443", "/v1/x", "exact: GET /x"},
		{"an API that is settled lends nothing", "api.example.com", "/v1/y", "exact: unknown-operation"},
		{"a wildcard", "www.example.com", "/v1/y", "wild: GET /y"},
		{"a wildcard stands for one label", "a.b.example.com", "/v1/x", "any: GET /x"},
		{"a wildcard does not stand for none", "example.com", "/v1/x", "any: GET /x"},
		{"a look-alike of a wildcard", "evilexample.com", "/v1/x", "any: GET /x"},
		{"any host", "other.example", "/v1/z", "any: GET /z"},
		{"the longest prefix", "other.example", "/v1/deep/x", "deep: GET /x"},
		{"the host before the longest prefix", "api.example.com", "/v1/deep/x", "exact: unknown-operation"},
		{"a prefix ends at a slash", "other.example", "/v1/deeper", "any: unknown-operation"},
		{"a prefix alone", "other.example", "/v1/deep", "deep: unknown-operation"},
		{"another prefix of a named host falls to any", "root.example", "/v1/x", "root: GET /v1/x"},
		{"no prefix at all", "other.example", "/v2/x", "no-route"},
		{"a named host's miss of prefix", "api.example.com", "/v2", "no-route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := match(table, "GET", c.host, c.path); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestATableThatCouldMeanTwoThingsIsNotBuilt(t *testing.T) {
	one := func(lines ...string) []API { return []API{{Name: "a", Operations: ops(lines...)}} }
	for _, c := range []struct {
		name string
		apis []API
		want string
	}{
		{"the same operation twice", []API{{Name: "a", Operations: []*durward.Operation{
			{ID: "x", Method: "GET", Template: "/a"}, {ID: "y", Method: "GET", Template: "/a"}}}}, "GET /a is operation x too"},
		{"the same id twice", []API{{Name: "a", Operations: []*durward.Operation{
			{ID: "x", Method: "GET", Template: "/a"}, {ID: "x", Method: "GET", Template: "/b"}}}}, `operation id "x" is used twice`},
		{"templates that differ in names only", one("GET /a/{x}", "GET /a/{y}"), "is operation GET /a/{x} too"},
		{"templates that differ in spelling only", one("GET /caf%C3%A9", "GET /café"), "is operation GET /caf%C3%A9 too"},
		{"a template without a slash", one("GET a"), "does not begin with a slash"},
		{"a template with an empty segment", one("GET /a//b"), "empty segment"},
		{"a template with a dot segment", one("GET /a/../b"), "dot segment"},
		{"a template with a semicolon", one("GET /a;b"), "semicolon"},
		{"a template with an encoded slash", one("GET /a%2Fb"), "encoded slash"},
		{"a template with a malformed percent", one("GET /100%"), "percent"},
		{"two parameters without text between", one("GET /{a}{b}"), "text between"},
		{"too many parameters in a segment", one("GET /{a}.{b}.{c}.{d}.{e}.{f}.{g}.{h}.{i}.{j}"), "text between"},
		{"a parameter without a name", one("GET /{}"), "matching braces"},
		{"an open brace", one("GET /{a"), "matching braces"},
		{"a closing brace alone", one("GET /a}"), "matching braces"},
		{"braces in braces", one("GET /{a{b}}"), "matching braces"},
		{"a parameter twice", one("GET /{a}/{a}"), "occurs twice"},
		{"a method that is none", one("G(T /a"), "not a method"},
		{"an API without a name", []API{{}}, "needs a name"},
		{"two APIs of one name", []API{{Name: "a"}, {Name: "a", Prefix: "/b"}}, "needs a name of its own"},
		{"two APIs of one place", []API{{Name: "a", Prefix: "/p"}, {Name: "b", Prefix: "/p"}}, "are those of API a too"},
		{"two APIs of one host", []API{{Name: "a", Hosts: []string{"A.example"}}, {Name: "b", Hosts: []string{"a.example."}}}, "are those of API a too"},
		{"a host with a port", []API{{Name: "a", Hosts: []string{"a.example:80"}}}, "without a port"},
		{"a host that is no name", []API{{Name: "a", Hosts: []string{"a b"}}}, "is not a name"},
		{"a wildcard inside a name", []API{{Name: "a", Hosts: []string{"a.*.example"}}}, "is not a name"},
		{"a prefix without a slash", []API{{Name: "a", Prefix: "p"}}, "prefix"},
		{"a prefix with a final slash", []API{{Name: "a", Prefix: "/p/"}}, "prefix"},
		{"a prefix with an escape", []API{{Name: "a", Prefix: "/p%21"}}, "prefix"},
		{"a prefix with a dot segment", []API{{Name: "a", Prefix: "/p/.."}}, "prefix"},
		{"a prefix with a parameter", []API{{Name: "a", Prefix: "/{p}"}}, "prefix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := Build(c.apis)
			if err == nil || !strings.Contains(err.Error(), c.want) || table != nil {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	_, err := Build([]API{{Name: "a", Prefix: "p"}, {Name: "b", Operations: ops("GET x", "GET /{")}})
	if n := len(durward.Flatten(err)); n != 3 {
		t.Errorf("%d faults reported of 3: %v", n, err)
	}
}

func TestEveryOperationHasItsIndexAndItsAnswer(t *testing.T) {
	table := build(t, API{Name: "a", Prefix: "/p", Preflight: true, Operations: ops("GET /x", "DELETE /x")}, API{Name: "b", Prefix: "/q", Operations: ops("PUT /x")})
	type row struct {
		API, ID, Allowed string
		Refusal          durward.Code
		Preflight        bool
	}
	var got []row
	for i, op := range table.Operations() {
		if op.Index != i {
			t.Errorf("operation %s has index %d at %d", op.ID, op.Index, i)
		}
		got = append(got, row{op.API, op.ID, op.Allowed, op.Refusal, op.Preflight})
	}
	want := []row{
		{"a", "GET /x", "", "", false},
		{"a", "DELETE /x", "", "", false},
		{"a", "method-not-allowed /x", "DELETE, GET, OPTIONS", durward.CodeMethodNotAllowed, false},
		{"a", "preflight /x", "DELETE, GET", "", true},
		{"a", "unknown-operation", "", durward.CodeUnknownOperation, false},
		{"a", "ambiguous-path", "", durward.CodePathAmbiguous, false},
		{"b", "PUT /x", "", "", false},
		{"b", "method-not-allowed /x", "PUT", durward.CodeMethodNotAllowed, false},
		{"b", "unknown-operation", "", durward.CodeUnknownOperation, false},
		{"b", "ambiguous-path", "", durward.CodePathAmbiguous, false},
		{"", "no-route", "", durward.CodeNoRoute, false},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMatchAppendsBehindEarlierParameters(t *testing.T) {
	table := build(t, moot())
	before := []durward.Param{{Name: "kept", Value: "1"}}
	_, params := table.Match(&durward.Request{Method: "GET", Path: "/moot/spaces/7"}, before)
	if d := cmp.Diff([]durward.Param{{Name: "kept", Value: "1"}, {Name: "space", Value: "7"}}, params); d != "" {
		t.Error(d)
	}
	if _, params = table.Match(&durward.Request{Method: "GET", Path: "/moot/spaces/7/none"}, before); len(params) != 1 {
		t.Errorf("a miss left %v", params)
	}
}

func TestMatchCostsNoAllocation(t *testing.T) {
	table := build(t, moot())
	params := make([]durward.Param, 0, 8)
	for _, path := range []string{"/moot/spaces/7/messages/9", "/moot/nothing/at/all", "/other"} {
		in := &durward.Request{Method: "GET", Host: "a.example:8443", Path: path}
		if n := allocs.PerRun(100, func() { table.Match(in, params) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	table := build(b, moot())
	in := &durward.Request{Method: "GET", Host: "a.example", Path: "/moot/spaces/7/messages/9"}
	params := make([]durward.Param, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		table.Match(in, params)
	}
}

// A path that matches a template, filled in again with its own parameters,
// gives the decoded path; and a match never panics.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"/moot/spaces/7/messages/9:flag", "/moot/files/v1.json", "/moot/a/b/d", "/moot/things%3Apurge", "/moot", "/", "/moot/caf%C3%A9/x"} {
		f.Add(s)
	}
	table := build(f, moot())
	f.Fuzz(func(t *testing.T, raw string) {
		path, _, err := canonicalPath(raw)
		if err != nil {
			return
		}
		for _, method := range []string{"GET", "POST", "PATCH"} {
			op, params := table.Match(&durward.Request{Method: method, Path: path}, nil)
			if op.Refusal != "" {
				continue
			}
			want := op.Prefix + unescape(op.Template)
			for _, p := range params {
				if p.Value == "" || strings.Contains(p.Value, "/") {
					t.Fatalf("%q gave %s=%q", raw, p.Name, p.Value)
				}
				want = strings.Replace(want, "{"+p.Name+"}", p.Value, 1)
			}
			if got := unescape(path); got != want {
				t.Fatalf("%q matched %s, which is %q", raw, op.Template, want)
			}
		}
	})
}
