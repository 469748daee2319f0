// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"testing"
)

func TestTheTargetIsComparedInNormalForm(t *testing.T) {
	for _, row := range []struct {
		name               string
		scheme, host, path string // as the gateway sees the request
		htu                string
		want               bool
	}{
		{"the same", "https", "api.example.com", "/a/b", "https://api.example.com/a/b", true},
		{"with a query", "https", "api.example.com", "/a", "https://api.example.com/a?x=/../b", true},
		{"with a fragment", "https", "api.example.com", "/a", "https://api.example.com/a#b?c", true},
		{"scheme and host in capitals", "https", "api.example.com", "/a", "HTTPS://API.Example.COM/a", true},
		{"path in capitals", "https", "api.example.com", "/a", "https://api.example.com/A", false},
		{"with the default port", "https", "api.example.com", "/a", "https://api.example.com:443/a", true},
		{"with an empty port", "https", "api.example.com", "/a", "https://api.example.com:/a", true},
		{"with the default port of the other scheme", "https", "api.example.com", "/a", "https://api.example.com:80/a", false},
		{"cleartext with its default port", "http", "api.example.com", "/a", "http://api.example.com:80/a", true},
		{"on another port", "https", "api.example.com:8443", "/a", "https://api.example.com:8443/a", true},
		{"on a port with a zero before", "https", "api.example.com:8443", "/a", "https://api.example.com:08443/a", true},
		{"on a port that is left out", "https", "api.example.com:8443", "/a", "https://api.example.com/a", false},
		{"behind a proxy that ends TLS", "https", "api.example.com:443", "/a", "https://api.example.com/a", true},
		{"no path for the root", "https", "api.example.com", "/", "https://api.example.com", true},
		{"no path but a query", "https", "api.example.com", "/", "https://api.example.com?a", true},
		{"no path for another", "https", "api.example.com", "/a", "https://api.example.com", false},
		{"a slash at the end", "https", "api.example.com", "/a", "https://api.example.com/a/", false},
		{"two slashes", "https", "api.example.com", "/a/b", "https://api.example.com/a//b", false},
		{"escapes of unreserved characters", "https", "api.example.com", "/a-b", "https://api.example.com/%61%2Db", true},
		{"escapes in small letters", "https", "api.example.com", "/a%3Fb", "https://api.example.com/a%3fb", true},
		{"an escaped slash", "https", "api.example.com", "/a/b", "https://api.example.com/a%2Fb", false},
		{"an escaped reserved character", "https", "api.example.com", "/a:b", "https://api.example.com/a%3Ab", false},
		{"letters that must be escaped", "https", "api.example.com", "/%C3%A4%22", "https://api.example.com/ä\"", true},
		{"dot segments", "https", "api.example.com", "/a/c", "https://api.example.com/x/.././a/b/../c", true},
		{"dot segments above the root", "https", "api.example.com", "/c", "https://api.example.com/../../c", true},
		{"a dot segment at the end", "https", "api.example.com", "/a/", "https://api.example.com/a/b/..", true},
		{"escaped dot segments", "https", "api.example.com", "/c", "https://api.example.com/a/%2e%2E/c", true},
		{"names that begin with a dot", "https", "api.example.com", "/.well-known/a", "https://api.example.com/.well-known/a", true},
		{"a dot behind the host", "https", "api.example.com", "/a", "https://api.example.com./a", true},
		{"IPv6 in another form", "https", "[2001:db8::1]:8443", "/a", "https://[2001:DB8:0:0::1]:8443/a", true},
		{"IPv6 without brackets", "https", "[::1]", "/a", "https://::1/a", false},
		{"IPv6 with a zone", "https", "[fe80::1]", "/a", "https://[fe80::1%25eth0]/a", false},
		{"IPv6 with text behind", "https", "[::1]", "/a", "https://[::1]x/a", false},
		{"a user", "https", "api.example.com", "/a", "https://me@api.example.com/a", false},
		{"the host as the user", "https", "api.example.com", "/a", "https://api.example.com@evil.example/a", false},
		{"a longer host", "https", "api.example.com", "/a", "https://api.example.com.evil.example/a", false},
		{"a host that runs into the path", "https", "api.example.com", "/a", "https://api.example.comm/a", false},
		{"an escaped host", "https", "api.example.com", "/a", "https://api%2Eexample.com/a", false},
		{"a backslash", "https", "api.example.com", "/a", "https://api.example.com\\a", false},
		{"a backslash for a slash", "https", "api.example.com", "/a/b", "https://api.example.com/a\\b", false},
		{"another scheme", "https", "api.example.com", "/a", "ftp://api.example.com/a", false},
		{"a path only", "https", "api.example.com", "/a", "/a", false},
		{"no scheme", "https", "api.example.com", "/a", "//api.example.com/a", false},
		{"no host", "https", "api.example.com", "/a", "https:///a", false},
		{"one slash", "https", "api.example.com", "/a", "https:/api.example.com/a", false},
		{"white space", "https", "api.example.com", "/a", " https://api.example.com/a", false},
		{"white space in the path", "https", "api.example.com", "/a%20b", "https://api.example.com/a b", false},
		{"an escape that is cut", "https", "api.example.com", "/a", "https://api.example.com/a%2", false},
		{"an escape of no digits", "https", "api.example.com", "/a", "https://api.example.com/%zz", false},
		{"a port of letters", "https", "api.example.com", "/a", "https://api.example.com:x/a", false},
		{"a port that is too long", "https", "api.example.com", "/a", "https://api.example.com:443443/a", false},
		{"nothing", "https", "api.example.com", "/a", "", false},
		{"nothing is known of the request's scheme", "", "api.example.com", "/a", "://api.example.com/a", false},
		{"nothing is known of the request's host", "https", "", "/a", "https:///a", false},
		{"a request for *", "https", "api.example.com", "*", "https://api.example.com*", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := verifier(t, Config{}, fixed)
			x := exchange()
			x.Client.Scheme, x.In.Scheme, x.In.Host, x.In.Path = row.scheme, "", row.host, row.path
			if got := v.target([]byte(row.htu), x); got != row.want {
				t.Errorf("%s for %s://%s%s: %v", row.htu, row.scheme, row.host, row.path, got)
			}
		})
	}
}

func TestTheSchemeIsTheClients(t *testing.T) {
	v := verifier(t, Config{}, fixed)
	x := exchange()
	x.In.Scheme = "http" // behind a trusted proxy that ends TLS
	if !v.target([]byte(testURL), x) {
		t.Error("the client's scheme is not looked at")
	}
	x.Client.Scheme, x.In.Scheme = "", "https"
	if !v.target([]byte(testURL), x) {
		t.Error("without one the connection's is not looked at")
	}
}

func TestABaseURLStandsForSchemeAndHost(t *testing.T) {
	for _, row := range []struct {
		base, htu string
		want      bool
	}{
		{"https://api.example.com", "https://api.example.com/spaces/7", true},
		{"https://api.example.com/", "https://api.example.com/spaces/7", true},
		{"HTTPS://API.example.com:443", "https://api.example.com/spaces/7", true},
		{"https://api.example.com:8443", "https://api.example.com:8443/spaces/7", true},
		{"https://api.example.com/v1", "https://api.example.com/v1/spaces/7", true},
		{"https://api.example.com/v1/", "https://api.example.com:443/v1/spaces/%37", true},
		{"https://api.example.com/v1", "https://api.example.com/spaces/7", false},
		{"https://api.example.com", "http://internal:8080/spaces/7", false},
	} {
		v := verifier(t, Config{BaseURL: row.base}, fixed)
		x := exchange()
		x.Client.Scheme, x.In.Host = "http", "internal:8080"
		if got := v.target([]byte(row.htu), x); got != row.want {
			t.Errorf("%s with %s: %v", row.htu, row.base, got)
		}
	}
}

// FuzzTarget: normal forms are their own normal form, and the short way says
// nothing else than the long one.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{testURL, "HTTP://[::1]:080/%2e/..//a%zz", "https://a.:/?#", "https://a/./", "http://a/%41%c3%a4;b=c", "HTTP://..", "http://a..b/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := normalURL([]byte(s))
		if !ok {
			return
		}
		again, ok := normalURL([]byte(u.scheme + "://" + u.host + u.path))
		if !ok || again != u {
			t.Fatalf("%q: %v, then %v", s, u, again)
		}
		v := &Verifier{}
		x := exchange()
		x.Client.Scheme, x.In.Host, x.In.Path = u.scheme, u.host, u.path
		if !v.target([]byte(s), x) || !v.target([]byte(u.scheme+"://"+u.host+u.path), x) {
			t.Fatalf("%q is not its own target", s)
		}
		x.In.Path += "x"
		if v.target([]byte(s), x) {
			t.Fatalf("%q is the target of another path", s)
		}
	})
}
