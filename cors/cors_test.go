// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
	"durward/internal/units"

	"github.com/google/go-cmp/cmp"
)

func TestAnOriginIsComparedWhole(t *testing.T) {
	cfg := &Config{Origins: []string{
		"https://app.example.com", "https://*.tenants.example.com", "https://*.dev.example:8443",
		"http://localhost:3000", "http://192.0.2.1", "http://[2001:db8::1]:8080", "app+x://main",
	}}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	p := compile(cfg)
	for _, c := range []struct {
		name, origin string
		want         bool
	}{
		{"an exact origin", "https://app.example.com", true},
		{"an exact origin with its port", "http://localhost:3000", true},
		{"an IPv4 address", "http://192.0.2.1", true},
		{"an IPv6 address", "http://[2001:db8::1]:8080", true},
		{"the scheme of an app", "app+x://main", true},
		{"a label under a wildcard", "https://a.tenants.example.com", true},
		{"a label with digits and hyphens", "https://a-1.tenants.example.com", true},
		{"a label under a wildcard with a port", "https://a.dev.example:8443", true},
		{"no origin", "", false},
		{"null", "null", false},
		{"an asterisk", "*", false},
		{"another scheme", "http://app.example.com", false},
		{"another port", "https://app.example.com:8443", false},
		{"the default port written out", "https://app.example.com:443", false},
		{"a final dot", "https://app.example.com.", false},
		{"a final slash", "https://app.example.com/", false},
		{"a path", "https://app.example.com/x", false},
		{"userinfo", "https://app.example.com@evil.example", false},
		{"upper case, which no browser sends", "https://APP.example.com", false},
		{"a longer name", "https://app.example.com.evil.example", false},
		{"a longer label", "https://evilapp.example.com", false},
		{"a name before it", "https://evil.app.example.com", false},
		{"a space behind it", "https://app.example.com ", false},
		{"two origins", "https://app.example.com https://evil.example", false},
		{"a list", "https://evil.example,https://app.example.com", false},
		{"the name of a wildcard itself", "https://tenants.example.com", false},
		{"an empty label under a wildcard", "https://.tenants.example.com", false},
		{"two labels under a wildcard", "https://a.b.tenants.example.com", false},
		{"a look-alike of a wildcard", "https://eviltenants.example.com", false},
		{"a hyphen before a wildcard's name", "https://evil-tenants.example.com", false},
		{"a slash under a wildcard", "https://evil.example/.tenants.example.com", false},
		{"a fragment under a wildcard", "https://evil#.tenants.example.com", false},
		{"userinfo under a wildcard", "https://evil@x.tenants.example.com", false},
		{"a backslash under a wildcard", `https://evil\x.tenants.example.com`, false},
		{"an escape under a wildcard", "https://evil%2e.tenants.example.com", false},
		{"a line feed under a wildcard", "https://evil\n.tenants.example.com", false},
		{"a letter outside ASCII under a wildcard", "https://évil.tenants.example.com", false},
		{"an asterisk under a wildcard", "https://*.tenants.example.com", false},
		{"a wildcard with another scheme", "http://a.tenants.example.com", false},
		{"a wildcard with a port that it has not", "https://a.tenants.example.com:8443", false},
		{"a wildcard without its port", "https://a.dev.example", false},
		{"a wildcard with a longer port", "https://a.dev.example:84430", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p.allows(c.origin); got != c.want {
				t.Errorf("%q: got %v, want %v", c.origin, got, c.want)
			}
		})
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want []string // fields
	}{
		{"all well", Config{Origins: []string{"https://a.example"}, Headers: []string{"Authorization"}, Expose: []string{"ETag"}, Credentials: true, MaxAge: units.Duration(2 * time.Hour)}, nil},
		{"any origin", Config{Origins: []string{"*"}}, nil},
		{"nothing", Config{}, []string{"origins"}},
		{"any origin with credentials", Config{Origins: []string{"*"}, Credentials: true}, []string{"origins[0]"}},
		{"origins that are none", Config{Origins: []string{
			"", "null", "example.com", "https://", "https://a.example/", "https://a.example/x", "https://A.example", "https://a.example:443",
			"http://a.example:80", "https://a.example:0", "https://a.example:99999", "https://a.example:", "https://a b", "https://u@a.example",
			"https://*", "https://*.com", "https://a.*.example.com", "https://*a.example.com", "https://*.*.example.com", "*.example.com",
			"https://*.2.0.192", "https://127.1", "https://256.0.0.1", "https://[::1", "https://[2001:DB8::1]", "https://[fe80::1%25eth0]", "https://a..example",
			"https://-a.example", "file://x", "HTTPS://a.example", "://a", "1a://b", "https://a.example.", "https://" + strings.Repeat("a.", 130) + "a",
		}}, []string{"*"}},
		{"names that are none", Config{Origins: []string{"*"}, Headers: []string{"X A", "*"}, Expose: []string{"", "X:"}}, []string{"headers[0]", "headers[1]", "expose[0]", "expose[1]"}},
		{"an age that is too long", Config{Origins: []string{"*"}, MaxAge: units.Duration(25 * time.Hour)}, []string{"max_age"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]bool{}
			for _, err := range durward.Flatten(c.cfg.Check()) {
				field, _, _ := strings.Cut(err.Error(), ":")
				got[field] = true
			}
			if len(c.want) == 1 && c.want[0] == "*" {
				if len(got) != len(c.cfg.Origins) {
					t.Errorf("%d faults of %d: %v", len(got), len(c.cfg.Origins), got)
				}
				return
			}
			want := map[string]bool{}
			for _, f := range c.want {
				want[f] = true
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// ask is an exchange with header lines.
func ask(lines ...string) *durward.Exchange {
	x := &durward.Exchange{}
	for i := 0; i < len(lines); i += 2 {
		x.In.Header.Add(lines[i], lines[i+1])
	}
	return x
}

func header(lines ...string) durward.Header { return ask(lines...).In.Header }

const (
	origin  = "Origin"
	method  = "Access-Control-Request-Method"
	headers = "Access-Control-Request-Headers"
	app     = "https://app.example.com"
)

func full() *Config {
	return &Config{
		Origins: []string{app, "https://*.example.net"}, Headers: []string{"Authorization", "X-Trace"},
		Expose: []string{"ETag", "Retry-After"}, Credentials: true, MaxAge: units.Duration(10 * time.Minute),
	}
}

func TestPreflights(t *testing.T) {
	anyone := &Config{Origins: []string{"*"}}
	granted := header("Vary", "Origin", "Access-Control-Allow-Origin", app, "Access-Control-Allow-Credentials", "true",
		"Access-Control-Allow-Methods", "DELETE, GET", "Access-Control-Allow-Headers", "Authorization, X-Trace", "Access-Control-Max-Age", "600")
	refused := header("Vary", "Origin")
	for _, c := range []struct {
		name string
		cfg  *Config
		in   []string
		want durward.Header
		ok   bool
	}{
		{"an allowed origin", full(), []string{origin, app, method, "DELETE"}, granted, true},
		{"allowed fields in any case", full(), []string{origin, app, method, "GET", headers, "authorization,X-TRACE, Content-Language"}, granted, true},
		{"an empty list of fields", full(), []string{origin, app, method, "GET", headers, ""}, granted, true},
		{"any origin", anyone, []string{origin, "https://x.example", method, "GET"},
			header("Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "DELETE, GET"), true},
		{"another origin", full(), []string{origin, "https://evil.example", method, "GET"}, refused, false},
		{"null", anyone, []string{origin, "null", method, "GET"}, nil, false},
		{"a method that the path lacks", full(), []string{origin, app, method, "PUT"}, refused, false},
		{"a method in lower case", full(), []string{origin, app, method, "get"}, refused, false},
		{"a field that is not allowed", full(), []string{origin, app, method, "GET", headers, "authorization, x-admin"}, refused, false},
		{"a field on a second line that is not allowed", full(), []string{origin, app, method, "GET", headers, "authorization", headers, "x-admin"}, refused, false},
		{"an asterisk as a field", full(), []string{origin, app, method, "GET", headers, "*"}, refused, false},
		{"an empty field", full(), []string{origin, app, method, "GET", headers, "authorization,,x-trace"}, refused, false},
		{"no origin", full(), []string{method, "GET"}, refused, false},
		{"no method", full(), []string{origin, app}, refused, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := ask(c.in...)
			s := Preflight(c.cfg, "DELETE, GET")
			d := s.Request(t.Context(), x)
			if c.ok != (d.Verdict == durward.Answer) || !c.ok && (d.Verdict != durward.Deny || d.Code != durward.CodeOriginRefused || d.Err == nil) {
				t.Errorf("got %v %s %v", d.Verdict, d.Code, d.Err)
			}
			if c.ok != (x.Response != nil && x.Response.Status == 204 && x.Response.Body == nil) {
				t.Errorf("response %+v", x.Response)
			}
			if d := cmp.Diff(c.want, x.Extra); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRequestsOfOtherOrigins(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     *Config
		upgrade string
		in      []string
		want    durward.Header
		ok      bool
	}{
		{"no origin", full(), "", nil, header("Vary", "Origin"), true},
		{"an allowed origin", full(), "", []string{origin, app}, header("Vary", "Origin", "Access-Control-Allow-Origin", app,
			"Access-Control-Allow-Credentials", "true", "Access-Control-Expose-Headers", "ETag, Retry-After"), true},
		{"an allowed origin under a wildcard", &Config{Origins: []string{"https://*.example.net"}}, "", []string{origin, "https://a.example.net"},
			header("Vary", "Origin", "Access-Control-Allow-Origin", "https://a.example.net"), true},
		{"any origin", &Config{Origins: []string{"*"}}, "", []string{origin, "https://x.example"}, header("Access-Control-Allow-Origin", "*"), true},
		{"another origin gets nothing to read the answer with", full(), "", []string{origin, "https://evil.example"}, header("Vary", "Origin"), true},
		{"null gets nothing", full(), "", []string{origin, "null"}, header("Vary", "Origin"), true},
		{"an empty origin gets nothing", full(), "", []string{origin, ""}, header("Vary", "Origin"), true},
		{"a WebSocket of an allowed origin", full(), "websocket", []string{origin, app}, header("Vary", "Origin", "Access-Control-Allow-Origin", app,
			"Access-Control-Allow-Credentials", "true", "Access-Control-Expose-Headers", "ETag, Retry-After"), true},
		{"a WebSocket of no browser", full(), "websocket", nil, header("Vary", "Origin"), true},
		{"a WebSocket of another origin", full(), "websocket", []string{origin, "https://evil.example"}, header("Vary", "Origin"), false},
		{"a WebSocket of the API's own host", full(), "websocket", []string{origin, "https://api.example"}, header("Vary", "Origin"), true},
		{"without CORS, a request of another origin", nil, "", []string{origin, "https://evil.example"}, nil, true},
		{"without CORS, a WebSocket of another origin", nil, "websocket", []string{origin, "https://evil.example"}, nil, false},
		{"without CORS, a WebSocket of a look-alike", nil, "websocket", []string{origin, "https://api.example.evil.example"}, nil, false},
		{"without CORS, a WebSocket of another port", nil, "websocket", []string{origin, "https://api.example:8443"}, nil, false},
		{"without CORS, a WebSocket of a page that anybody on the way can change", nil, "websocket", []string{origin, "http://api.example"}, nil, false},
		{"without CORS, a WebSocket of null", nil, "websocket", []string{origin, "null"}, nil, false},
		{"without CORS, a WebSocket of an extension", nil, "websocket", []string{origin, "chrome-extension://api.example"}, nil, false},
		{"without CORS, a WebSocket of the API's own host", nil, "websocket", []string{origin, "https://api.example"}, nil, true},
		{"without CORS, a WebSocket of no browser", nil, "websocket", nil, nil, true},
		{"a WebSocket of null", full(), "websocket", []string{origin, "null"}, header("Vary", "Origin"), false},
		{"a WebSocket of an empty origin", full(), "websocket", []string{origin, ""}, header("Vary", "Origin"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := ask(c.in...)
			x.In.Upgrade, x.In.Host, x.Client.Scheme = c.upgrade, "api.example", "https"
			d := Request(c.cfg).Request(t.Context(), x)
			if c.ok != (d.Verdict == durward.Allow) || !c.ok && d.Code != durward.CodeOriginRefused {
				t.Errorf("got %v %s", d.Verdict, d.Code)
			}
			if d := cmp.Diff(c.want, x.Extra); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheUpstreamHasNoWordOnCORS(t *testing.T) {
	x := &durward.Exchange{Response: &durward.Response{Header: header("Content-Type", "text/plain", "Access-Control-Allow-Origin", "*",
		"Access-Control-Allow-Credentials", "true", "Vary", "Origin", "access-control-expose-headers", "*")}}
	s := Response()
	if d := s.Response(t.Context(), x); d.Verdict != durward.Allow {
		t.Errorf("verdict %v", d.Verdict)
	}
	if d := cmp.Diff(header("Content-Type", "text/plain", "Vary", "Origin"), x.Response.Header); d != "" {
		t.Error(d)
	}
	if d := s.Response(t.Context(), &durward.Exchange{}); d.Verdict != durward.Allow {
		t.Errorf("without an answer: verdict %v", d.Verdict)
	}
}

func TestPreflightsThatAreNotConfiguredAreNoStage(t *testing.T) {
	if Preflight(nil, "GET") != nil {
		t.Error("a stage was made of nothing")
	}
	for _, name := range []string{Preflight(full(), "GET").Name(), Request(full()).Name(), Request(nil).Name(), Response().Name()} {
		if name != "cors" {
			t.Errorf("a stage is called %q", name)
		}
	}
}

func TestAFaultyConfigurationThatWasNotCheckedAllowsNothing(t *testing.T) {
	p := compile(&Config{Origins: []string{"*", "null", "https://A.example"}, Credentials: true})
	for _, o := range []string{"https://x.example", "null", "https://A.example", "*"} {
		if p.allows(o) {
			t.Errorf("%q is allowed", o)
		}
	}
}

func TestARequestCostsNoAllocation(t *testing.T) {
	s := Request(full())
	x := ask(origin, "https://a.example.net")
	s.Request(t.Context(), x)
	ctx := t.Context()
	if n := allocs.PerRun(100, func() {
		x.Extra = x.Extra[:0]
		s.Request(ctx, x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever is allowed is, read by net/url, exactly a configured origin or one
// label under a configured name.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{app, "https://a.example.net", "https://a.b.example.net", "null", "https://evil.example/.example.net", "https://app.example.com:443", "https://x@a.example.net"} {
		f.Add(s)
	}
	p := compile(full())
	f.Fuzz(func(t *testing.T, o string) {
		if !p.allows(o) || o == app {
			return
		}
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q is allowed, and is %+v (%v)", o, u, err)
		}
		label, ok := strings.CutSuffix(u.Hostname(), ".example.net")
		if !ok || label == "" || strings.Contains(label, ".") || "https://"+u.Host != o {
			t.Fatalf("%q is allowed", o)
		}
	})
}

// A pattern that is taken allows itself, or a label in place of its asterisk,
// and is a whole origin to net/url.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{app, "https://*.example.net:8443", "http://[::1]:80", "http://127.0.0.1", "https://*.com", "file://a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePattern(s)
		if err != nil {
			return
		}
		o := strings.Replace(s, "*", "label", 1)
		if !p.matches(o) {
			t.Fatalf("%q does not allow %q", s, o)
		}
		if u, err := url.Parse(o); err != nil || u.Scheme+"://"+u.Host != o || u.User != nil {
			t.Fatalf("%q is %+v (%v)", o, u, err)
		}
	})
}
