// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// request is a valid request to change one thing of.
func request(change func(*durward.Request)) *durward.Request {
	in := &durward.Request{
		Method: "GET", Scheme: "https", Host: "api.example.com", RawPath: "/spaces/7", RawQuery: "a=1",
		Header: durward.Header{{Name: "Accept", Value: "application/json"}},
	}
	if change != nil {
		change(in)
	}
	return in
}

func TestAPathHasOneCanonicalForm(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"the root stays", "/", "/"},
		{"a plain path stays", "/spaces/7/messages", "/spaces/7/messages"},
		{"a final slash stays", "/spaces/", "/spaces/"},
		{"sub-delims, colon and at stay", "/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b"},
		{"case stays", "/Spaces", "/Spaces"},
		{"unreserved characters are decoded", "/%61%2D%5F%7e%39", "/a-_~9"},
		{"an encoded dot inside a name is decoded", "/a%2Eb", "/a.b"},
		{"hex digits become upper case", "/a%3ab%c3%a9", "/a%3Ab%C3%A9"},
		{"upper-case escapes stay", "/caf%C3%A9%20bar", "/caf%C3%A9%20bar"},
		{"escaped sub-delims stay escaped", "/a%21b%40", "/a%21b%40"},
		{"square brackets and bar, which browsers send raw, are escaped", "/[a|b]", "/%5Ba%7Cb%5D"},
		{"an encoded percent at the end stays", "/100%25", "/100%25"},
		{"an encoded percent before no hex digits stays", "/100%25-of", "/100%25-of"},
		{"an encoded percent before one hex digit stays", "/1%25a", "/1%25a"},
		{"an encoded question mark stays", "/a%3Fb", "/a%3Fb"},
		{"an encoded hash stays", "/a%23b", "/a%23b"},
		{"three dots are a name", "/.../a", "/.../a"},
		{"a name with a leading dot is a name", "/.well-known/x", "/.well-known/x"},
		{"dots at the end of a name are a name", "/a../b.", "/a../b."},
		{"a rune of four bytes stays", "/%F0%9F%9A%AA", "/%F0%9F%9A%AA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := request(func(r *durward.Request) { r.RawPath = c.raw })
			if d := Canonicalise(in, &Limits{}); d.Verdict != durward.Allow {
				t.Fatalf("%q was refused: %v", c.raw, d.Err)
			}
			if in.Path != c.want || in.RawPath != c.raw {
				t.Errorf("Path %q RawPath %q, want %q and %q", in.Path, in.RawPath, c.want, c.raw)
			}
		})
	}
}

func TestARequestThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	path := func(p string) func(*durward.Request) { return func(r *durward.Request) { r.RawPath = p } }
	query := func(q string) func(*durward.Request) { return func(r *durward.Request) { r.RawQuery = q } }
	method := func(m string) func(*durward.Request) { return func(r *durward.Request) { r.Method = m } }
	field := func(lines ...string) func(*durward.Request) {
		return func(r *durward.Request) {
			for i := 0; i < len(lines); i += 2 {
				r.Header.Add(lines[i], lines[i+1])
			}
		}
	}
	const malformed, ambiguous = durward.CodeMalformed, durward.CodePathAmbiguous
	for _, c := range []struct {
		name   string
		change func(*durward.Request)
		code   durward.Code
		err    error
	}{
		{"no path", path(""), malformed, errPathForm},
		{"a path in asterisk form", path("*"), malformed, errPathForm},
		{"a path without its slash", path("spaces"), malformed, errPathForm},
		{"a single dot segment", path("/a/./b"), ambiguous, errPathDots},
		{"a double dot segment", path("/a/../b"), ambiguous, errPathDots},
		{"a final dot segment", path("/a/.."), ambiguous, errPathDots},
		{"a path that is a dot segment", path("/."), ambiguous, errPathDots},
		{"an encoded dot segment", path("/a/%2e%2e/b"), ambiguous, errPathDots},
		{"a half encoded dot segment", path("/a/.%2E/b"), ambiguous, errPathDots},
		{"an encoded single dot segment", path("/a/%2E"), ambiguous, errPathDots},
		{"an empty segment", path("/a//b"), ambiguous, errPathSlashes},
		{"two leading slashes", path("//evil.example/a"), ambiguous, errPathSlashes},
		{"two final slashes", path("/a//"), ambiguous, errPathSlashes},
		{"an encoded slash", path("/a%2Fb"), ambiguous, errPathSlash},
		{"an encoded slash in lower case", path("/a%2fb"), ambiguous, errPathSlash},
		{"a backslash", path(`/a\b`), ambiguous, errPathSlash},
		{"an encoded backslash", path("/a%5Cb"), ambiguous, errPathSlash},
		{"an encoded NUL", path("/a%00"), ambiguous, errPathControl},
		{"an encoded line feed", path("/a%0Ab"), ambiguous, errPathControl},
		{"an encoded DEL", path("/a%7F"), ambiguous, errPathControl},
		{"an encoded C1 control", path("/a%C2%85"), ambiguous, errPathControl},
		{"a path that is encoded twice", path("/a/%252e%252e/b"), ambiguous, errPathDouble},
		{"an encoded percent before encoded hex digits", path("/a/%25%32%65"), ambiguous, errPathDouble},
		{"a path that is encoded three times", path("/%25252e"), ambiguous, errPathDouble},
		{"an encoded percent before a u escape", path("/%25u002e"), ambiguous, errPathDouble},
		{"a semicolon", path("/a;v=1/b"), ambiguous, errPathParameter},
		{"an encoded semicolon", path("/a%3Bv=1"), ambiguous, errPathParameter},
		{"an overlong slash", path("/a%C0%AFb"), ambiguous, errPathUTF8},
		{"an overlong dot", path("/%C0%AE%C0%AE/a"), ambiguous, errPathUTF8},
		{"a UTF-16 surrogate", path("/%ED%A0%80"), ambiguous, errPathUTF8},
		{"a cut UTF-8 sequence", path("/%C3"), ambiguous, errPathUTF8},
		{"a cut UTF-8 sequence before a letter", path("/%E2%82a"), ambiguous, errPathUTF8},
		{"Latin-1", path("/caf%E9"), ambiguous, errPathUTF8},
		{"a raw non-ASCII byte", path("/caf\xc3\xa9"), malformed, errPathByte},
		{"a raw control", path("/a\x01"), malformed, errPathByte},
		{"a raw NUL", path("/a\x00"), malformed, errPathByte},
		{"a raw space", path("/a b"), malformed, errPathByte},
		{"a fragment", path("/a#b"), malformed, errPathByte},
		{"a question mark in the path", path("/a?b"), malformed, errPathByte},
		{"a quote", path(`/a"b`), malformed, errPathByte},
		{"an angle bracket", path("/<a>"), malformed, errPathByte},
		{"a brace", path("/{a}"), malformed, errPathByte},
		{"a percent alone", path("/a%"), malformed, errPathPercent},
		{"a percent with one digit", path("/a%2"), malformed, errPathPercent},
		{"a percent without hex", path("/a%zz"), malformed, errPathPercent},
		{"a u escape", path("/a%u002e"), malformed, errPathPercent},
		{"a path that is too long", path("/" + strings.Repeat("a", DefaultTarget)), durward.CodeURITooLong, errTarget},
		{"a query that is too long", query(strings.Repeat("a", DefaultTarget)), durward.CodeURITooLong, errTarget},

		{"a control in the query", query("a=\x01"), malformed, errQueryByte},
		{"a space in the query", query("a= b"), malformed, errQueryByte},
		{"a fragment behind the query", query("a=1#b"), malformed, errQueryByte},
		{"a non-ASCII byte in the query", query("a=\xe9"), malformed, errQueryByte},
		{"a malformed percent in the query", query("a=100%"), malformed, errQueryPercent},
		{"an encoded NUL in the query", query("a=x%00.png"), malformed, errQueryNUL},
		{"a semicolon in the query", query("a=1;b=2"), malformed, errQuerySemicolon},

		{"no method", method(""), malformed, errMethod},
		{"a method with a space", method("GET /"), malformed, errMethod},
		{"a method with a non-ASCII letter", method("GÉT"), malformed, errMethod},
		{"a method that is too long", method(strings.Repeat("A", maxMethod+1)), malformed, errMethod},

		{"an alias of a trusted field with underscores", field("X_forwarded_for", "1.2.3.4"), malformed, errFieldAlias},
		{"an alias of a trusted field with dots", field("X.real.ip", "1.2.3.4"), malformed, errFieldAlias},
		{"an alias of a trusted field with one underscore", field("X-Forwarded_For", "1.2.3.4"), malformed, errFieldAlias},
		{"an alias of a framing field", field("Content_length", "0"), malformed, errFieldAlias},
		{"an alias of an own identity field", field("X_durward_subject", "admin"), malformed, errFieldAlias},
		{"an alias of another field of the request", field("X-Tenant", "a", "X_tenant", "b"), malformed, errFieldAlias},
		{"two Content-Type lines", field("Content-Type", "a/b", "Content-Type", "a/b"), malformed, errFieldTwice},
		{"two Authorization lines", field("Authorization", "Basic eA==", "Authorization", "Basic eQ=="), malformed, errFieldTwice},
		{"two Content-Length lines", field("Content-Length", "1", "Content-Length", "1"), malformed, errFieldTwice},
		{"two Origin lines", field("Origin", "https://a.example", "Origin", "https://b.example"), malformed, errFieldTwice},
		{"two preflight methods", field("Access-Control-Request-Method", "GET", "Access-Control-Request-Method", "PUT"), malformed, errFieldTwice},
		{"two Host lines", field("Host", "api.example.com", "Host", "api.example.com"), durward.CodeHostInvalid, errHostFields},
		{"a Host line that is not the target's host", field("Host", "other.example.com"), durward.CodeHostInvalid, errHostFields},
		{"a Content-Length list", field("Content-Length", "5, 5"), malformed, errFraming},
		{"a signed Content-Length", field("Content-Length", "+5"), malformed, errFraming},
		{"an empty Content-Length", field("Content-Length", ""), malformed, errFraming},
		{"a Content-Length that overflows", field("Content-Length", strings.Repeat("9", 20)), malformed, errFraming},
		{"length and transfer coding at once", field("Transfer-Encoding", "chunked", "Content-Length", "5"), malformed, errFraming},
		{"a method override", field("X-Http-Method-Override", "DELETE"), malformed, errFieldOverride},
		{"a path override", field("X-Original-Url", "/admin"), malformed, errFieldOverride},
		{"a path rewrite", field("X-Rewrite-Url", "/admin"), malformed, errFieldOverride},
		{"a field name with a space", field("X Y", "1"), malformed, errFieldName},
		{"an empty field name", field("", "1"), malformed, errFieldName},
		{"a line feed in a value", field("X-A", "1\nX-B: 2"), malformed, errFieldValue},
		{"a carriage return in a long value", field("X-A", "0123456789\r0123456"), malformed, errFieldValue},
		{"a NUL in a value", field("X-A", "01234567\x00"), malformed, errFieldValue},
		{"a DEL in a value", field("X-A", "012\x7f4567"), malformed, errFieldValue},
		{"too many lines", field(strings.Split(strings.Repeat("X-A,1,", DefaultFields)+"X-A,1", ",")...), durward.CodeHeaderTooLarge, errFields},
		{"a header section that is too large", field("X-A", strings.Repeat("a", DefaultHeaderBytes)), durward.CodeHeaderTooLarge, errHeaderBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := request(c.change)
			d := Canonicalise(in, &Limits{Protected: []string{"X-Durward-Subject"}})
			if d.Verdict != durward.Deny || d.Code != c.code || !errors.Is(d.Err, c.err) {
				t.Errorf("got %v %s %v, want %s %v", d.Verdict, d.Code, d.Err, c.code, c.err)
			}
			if in.Path != "" {
				t.Errorf("a refused request was given the path %q", in.Path)
			}
		})
	}
}

func TestWhatIsUsualPasses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*durward.Request)
	}{
		{"no query", func(r *durward.Request) { r.RawQuery = "" }},
		{"a query with brackets and an encoded line feed", func(r *durward.Request) { r.RawQuery = `filter[a]={"b":1}&c=%0A&d=%C3%A9&e=a/b?c` }},
		{"a method of an extension", func(r *durward.Request) { r.Method = "M-SEARCH" }},
		{"a field with an underscore that is nobody's alias", func(r *durward.Request) { r.Header.Add("Api_key", "1") }},
		{"a field name with a symbol", func(r *durward.Request) { r.Header.Add("X-A!b", "1") }},
		{"a tab in a value", func(r *durward.Request) { r.Header.Add("X-A", "abc\tdefghijk") }},
		{"an obs-text value", func(r *durward.Request) { r.Header.Add("X-A", "caf\xe9 0123456789 \xff\x80") }},
		{"two Cookie lines, as HTTP/2 may have", func(r *durward.Request) { r.Header.Add("Cookie", "a=1"); r.Header.Add("Cookie", "b=2") }},
		{"two Accept lines", func(r *durward.Request) { r.Header.Add("Accept", "*/*") }},
		{"a method override that overrides nothing", func(r *durward.Request) { r.Header.Add("X-Http-Method-Override", "GET") }},
		{"a Host line that agrees", func(r *durward.Request) { r.Header.Add("Host", "API.example.com:443") }},
		{"a Content-Length", func(r *durward.Request) { r.Header.Add("Content-Length", "1024") }},
		{"a transfer coding", func(r *durward.Request) { r.Header.Add("Transfer-Encoding", "chunked") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := Canonicalise(request(c.change), &Limits{}); d.Verdict != durward.Allow {
				t.Errorf("refused: %s %v", d.Code, d.Err)
			}
		})
	}
}

func TestAHostHasOneCanonicalForm(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct{ name, scheme, host, want string }{
		{"a name stays", "https", "api.example.com", "api.example.com"},
		{"letters become lower case", "https", "API.Example.COM", "api.example.com"},
		{"the port of https is removed", "https", "a.example:443", "a.example"},
		{"the port of http is removed", "http", "a.example:80", "a.example"},
		{"another scheme's port stays", "https", "a.example:80", "a.example:80"},
		{"a port stays", "https", "A.example:8443", "a.example:8443"},
		{"an empty port is removed", "https", "a.example:", "a.example"},
		{"a final dot is removed", "https", "a.example.", "a.example"},
		{"a final dot before a port is removed", "https", "a.example.:8443", "a.example:8443"},
		{"a single label", "http", "localhost", "localhost"},
		{"an underscore, as container names have", "http", "my_api:8080", "my_api:8080"},
		{"an A-label", "https", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"the longest label", "https", long + ".example", long + ".example"},
		{"an IPv4 address", "https", "192.0.2.1:8443", "192.0.2.1:8443"},
		{"an IPv6 address is compressed", "https", "[2001:DB8:0:0::1]:443", "[2001:db8::1]"},
		{"an IPv6 address with a port", "https", "[::1]:8443", "[::1]:8443"},
		{"an IPv6 address with an empty port", "https", "[::1]:", "[::1]"},
		{"a name that only looks like a number at first", "https", "1.2.3.a", "1.2.3.a"},
		{"no host", "https", "", ""},
		{"userinfo", "https", "user@a.example", ""},
		{"a space", "https", "a .example", ""},
		{"a control", "https", "a\x00.example", ""},
		{"a tab", "https", "a.example\t", ""},
		{"a slash", "https", "a.example/x", ""},
		{"a list", "https", "a.example, b.example", ""},
		{"a percent escape", "https", "a%2eexample", ""},
		{"a U-label", "https", "bücher.example", ""},
		{"an empty label", "https", "a..example", ""},
		{"two final dots", "https", "a.example..", ""},
		{"only a dot", "https", ".", ""},
		{"only a port", "https", ":443", ""},
		{"a label that begins with a hyphen", "https", "-a.example", ""},
		{"a label that ends with a hyphen", "https", "a-.example", ""},
		{"a label that is too long", "https", long + "a.example", ""},
		{"a name that is too long", "https", strings.Repeat("a.", 127) + "aa", ""},
		{"a short IPv4 address", "https", "127.1", ""},
		{"an IPv4 address as one number", "https", "2130706433", ""},
		{"an IPv4 address in hexadecimal", "https", "0x7f.0.0.1", ""},
		{"a last label in hexadecimal", "https", "127.0.0.0x1", ""},
		{"an IPv4 address in octal", "https", "0177.0.0.1", ""},
		{"an IPv4 address out of range", "https", "256.0.0.1", ""},
		{"port zero", "https", "a.example:0", ""},
		{"a port with a leading zero", "https", "a.example:0443", ""},
		{"a port that is too large", "https", "a.example:65536", ""},
		{"a port that is not a number", "https", "a.example:http", ""},
		{"two ports", "https", "a.example:1:2", ""},
		{"an IPv6 address without brackets", "https", "::1", ""},
		{"an IPv6 address with a zone", "https", "[fe80::1%25eth0]", ""},
		{"an open bracket", "https", "[::1", ""},
		{"text behind the bracket", "https", "[::1]a", ""},
		{"IPv4 in brackets", "https", "[127.0.0.1]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := request(func(r *durward.Request) { r.Host, r.Scheme = c.host, c.scheme })
			d := Canonicalise(in, &Limits{})
			if c.want == "" {
				if d.Verdict != durward.Deny || d.Code != durward.CodeHostInvalid {
					t.Errorf("%q became %q with %v %s", c.host, in.Host, d.Verdict, d.Code)
				}
				return
			}
			if d.Verdict != durward.Allow || in.Host != c.want {
				t.Errorf("got %q (%v), want %q", in.Host, d.Err, c.want)
			}
		})
	}
}

func TestHostNameLeavesThePortOut(t *testing.T) {
	for host, want := range map[string]string{
		"a.example": "a.example", "a.example:8443": "a.example", "[::1]": "[::1]", "[::1]:8443": "[::1]",
	} {
		if got := HostName(host); got != want {
			t.Errorf("HostName(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestEveryControlByteInAValueIsFoundAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte("abcdefghijklmnopqrst")
			b[at] = byte(c)
			want := (c >= 0x20 || c == '\t') && c != 0x7f
			if got := printable(string(b)); got != want {
				t.Fatalf("printable with byte %#x at %d is %v", c, at, got)
			}
		}
	}
}

// browser is the header section of a browser's fetch.
func browser() durward.Header {
	return durward.Header{
		{Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{Name: "Accept", Value: "application/json, text/plain, */*"},
		{Name: "Accept-Language", Value: "en-US,en;q=0.5"},
		{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
		{Name: "Authorization", Value: "Bearer " + strings.Repeat("a", 600)},
		{Name: "Referer", Value: "https://app.example.com/spaces/7"},
		{Name: "Origin", Value: "https://app.example.com"},
		{Name: "Cookie", Value: "theme=dark; visited=1"},
		{Name: "Sec-Fetch-Dest", Value: "empty"},
		{Name: "Sec-Fetch-Mode", Value: "cors"},
		{Name: "Sec-Fetch-Site", Value: "same-site"},
		{Name: "Cache-Control", Value: "no-cache"},
	}
}

func TestACanonicalRequestCostsNoAllocation(t *testing.T) {
	in := request(func(r *durward.Request) { r.Header = browser(); r.RawPath = "/spaces/caf%C3%A9/messages" })
	limits := &Limits{}
	if n := allocs.PerRun(200, func() {
		if Canonicalise(in, limits).Verdict != durward.Allow {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCanonicalise(b *testing.B) {
	in := request(func(r *durward.Request) { r.Header = browser() })
	limits := &Limits{}
	b.ReportAllocs()
	for b.Loop() {
		Canonicalise(in, limits)
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/a%2e%2e/b", "/%2525", "/a%C3%A9", "/%c0%af", "//", "/a;b", "/[x]", "/%25u", "/a/./b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, code, err := canonicalPath(raw)
		if err != nil {
			if code == "" || path != "" {
				t.Fatalf("%q refused with code %q and path %q", raw, code, path)
			}
			return
		}
		again, _, err := canonicalPath(path)
		if err != nil || again != path {
			t.Fatalf("%q became %q, then %q (%v)", raw, path, again, err)
		}
		decoded, err := url.PathUnescape(path)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		// Twice decoded, it must have the same structure still.
		if twice, err := url.PathUnescape(decoded); err == nil && strings.Count(twice, "/") != strings.Count(path, "/") {
			t.Fatalf("%q decodes twice to %q", path, twice)
		}
		theirs, err := url.ParseRequestURI(raw)
		if err != nil {
			t.Fatalf("net/url refuses %q: %v", raw, err)
		}
		ours, parts := strings.Split(path, "/"), strings.Split(theirs.Path, "/")
		if len(ours) != len(parts) {
			t.Fatalf("%q: segments %q and %q", raw, ours, parts)
		}
		for i, segment := range ours {
			plain := unescape(segment)
			if plain != parts[i] {
				t.Fatalf("%q: segment %q, net/url has %q", raw, plain, parts[i])
			}
			if plain == "." || plain == ".." || plain == "" && i != 0 && i != len(ours)-1 {
				t.Fatalf("%q passed with segment %q", raw, plain)
			}
			if strings.ContainsAny(plain, "/\\;\x00\r\n\x7f") {
				t.Fatalf("%q passed with %q", raw, plain)
			}
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"a.example", "A.Example:443", "[::1]:80", "127.1", "a..b", "x@y", "1.2.3.4:", "a.b.:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		host, err := canonicalHost(raw, "https")
		if err != nil {
			return
		}
		if again, err := canonicalHost(host, "https"); err != nil || again != host {
			t.Fatalf("%q became %q, then %q (%v)", raw, host, again, err)
		}
		u, err := url.Parse("https://" + raw + "/")
		if err != nil || u.User != nil || u.Path != "/" || !strings.EqualFold(u.Host, raw) {
			t.Fatalf("net/url reads %q otherwise: %+v %v", raw, u, err)
		}
		if strings.ToLower(host) != host || strings.ContainsAny(host, "/@ ,%\\") {
			t.Fatalf("%q became %q", raw, host)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=%20", "a;b", "%00", "a=%", "\x7f", "a#b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		if checkQuery(q) != nil {
			return
		}
		if _, err := url.ParseQuery(q); err != nil {
			t.Fatalf("net/url refuses %q: %v", q, err)
		}
	})
}
