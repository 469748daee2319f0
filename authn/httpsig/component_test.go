// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"

	"durward"
)

// valueOf derives one component of a request.
func valueOf(t *testing.T, x *durward.Exchange, identifier string) (string, error) {
	t.Helper()
	var f field
	c, err := parseIdentifier(&f, identifier)
	if err != nil {
		return "", err
	}
	var w work
	m := messageOf(x)
	b, err := w.appendComponent(nil, &m, &c)
	return string(b), err
}

func TestDerivedComponentsAreThoseOfTheCanonicalRequest(t *testing.T) {
	plain := func() *durward.Exchange {
		return request("POST", "https", "www.example.com", "/path", "param=value", nil, "")
	}
	for _, c := range []struct {
		name   string
		change func(*durward.Exchange)
		id     string
		want   string
	}{
		{"the method", nil, "@method", "POST"},
		{"a method of another case", func(x *durward.Exchange) { x.In.Method = "post" }, "@method", "post"},
		{"the target URI", nil, "@target-uri", "https://www.example.com/path?param=value"},
		{"a target URI without query", func(x *durward.Exchange) { x.In.RawQuery = "" }, "@target-uri", "https://www.example.com/path"},
		{"the authority", nil, "@authority", "www.example.com"},
		{"an authority with a port", func(x *durward.Exchange) { x.In.Host = "www.example.com:8443" }, "@authority", "www.example.com:8443"},
		{"the scheme", nil, "@scheme", "https"},
		{"the scheme that a client behind a proxy saw", func(x *durward.Exchange) { x.In.Scheme = "http" }, "@scheme", "https"},
		{"the default port of that scheme", func(x *durward.Exchange) { x.In.Scheme, x.In.Host = "http", "www.example.com:443" }, "@authority", "www.example.com"},
		{"a scheme that nobody judged", func(x *durward.Exchange) { x.Client.Scheme = "" }, "@scheme", "https"},
		{"the request target", nil, "@request-target", "/path?param=value"},
		{"the request target as on the wire", func(x *durward.Exchange) { x.In.RawPath = "/%70ath" }, "@request-target", "/%70ath?param=value"},
		{"the canonical path", func(x *durward.Exchange) { x.In.RawPath = "/%70ath" }, "@path", "/path"},
		{"an empty path", func(x *durward.Exchange) { x.In.Path, x.In.RawPath = "", "" }, "@path", "/"},
		{"the query", nil, "@query", "?param=value"},
		{"the query of RFC 9421 that is no form", func(x *durward.Exchange) { x.In.RawQuery = "queryString" }, "@query", "?queryString"},
		{"no query", func(x *durward.Exchange) { x.In.RawQuery = "" }, "@query", "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := plain()
			if c.change != nil {
				c.change(x)
			}
			if got, err := valueOf(t, x, c.id); err != nil || got != c.want {
				t.Errorf("got %q %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestQueryParametersAreDecodedAndEncodedOnce(t *testing.T) {
	const rfc = "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something"
	for _, c := range []struct {
		name, query, param, want string
		err                      error
	}{
		{"a value", "param=value&foo=bar&baz=batman&qux=", "baz", "batman", nil},
		{"an empty value", "param=value&foo=bar&baz=batman&qux=", "qux", "", nil},
		{"no equals sign", "a&b=1", "a", "", nil},
		{"an encoded value of several lines", rfc, "var", "this%20is%20a%20big%0Amultiline%20value", nil},
		{"plus signs", rfc, "bar", "with%20plus%20whitespace", nil},
		{"an encoded name", rfc, "fa%C3%A7ade%22%3A%20", "something", nil},
		{"lower-case hex digits", "a=%c3%a9", "a", "%C3%A9", nil},
		{"what needs no escape", "a=%41%2d%7E", "a", "A-%7E", nil},
		{"an equals sign in a value", "a=b=c", "a", "b%3Dc", nil},
		{"empty pairs", "&&a=1&", "a", "1", nil},
		{"a parameter that is not there", "a=1", "b", "", errMissing},
		{"a parameter twice", "a=1&b=2&a=1", "a", "", errQuery},
		{"a parameter twice, once encoded", "a=1&%61=2", "a", "", errQuery},
		{"a name in another encoding", "a%2Db=1", "a%2Db", "", errMissing},
		{"a value that is not UTF-8", "a=%ff", "a", "", errValue},
		{"a percent sign that encodes nothing", "a=100%", "a", "100%25", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := request("GET", "https", "www.example.com", "/parameters", c.query, nil, "")
			got, err := valueOf(t, x, `@query-param;name="`+c.param+`"`)
			if got != c.want || err != c.err {
				t.Errorf("got %q %v, want %q %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestFieldsHaveTheValuesOfRFC9421Section2(t *testing.T) {
	header := lines(
		"Host: www.example.com", "Date: Tue, 20 Apr 2021 02:07:56 GMT", "X-OWS-Header:   Leading and trailing whitespace.   ",
		"Cache-Control: max-age=60", "Cache-Control:    must-revalidate", "Example-Dict:  a=1,    b=2;x=1;y=2,   c=(a   b   c), d",
		"X-Empty-Header: ", "Content-Digest:  sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: ,x=1",
		"Example-Header: value, with, lots", "Example-Header: of, commas",
		"Accept-Language: caf\xe9", "Broken-Dict: a=", "Client-Cert: :AAAA:", "Idempotency-Key: \"a\"", "Idempotency-Key: \"b\"",
		"Proxy-Status: a; x ,b")
	for _, c := range []struct {
		name, id, want string
		err            error
	}{
		{"one line", "date", "Tue, 20 Apr 2021 02:07:56 GMT", nil},
		{"quotes around the name", `"date"`, "Tue, 20 Apr 2021 02:07:56 GMT", nil},
		{"white space around a value", "x-ows-header", "Leading and trailing whitespace.", nil},
		{"two lines", "cache-control", "max-age=60, must-revalidate", nil},
		{"an empty value", "x-empty-header", "", nil},
		{"white space within a value", "example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c), d", nil},
		{"the strict form", "content-digest;sf", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:, x=1", nil},
		{"the strict form of a list", "proxy-status;sf", "a;x, b", nil},
		{"the strict form of an item", "client-cert;sf", ":AAAA:", nil},
		{"a member that is an integer", `example-dict;key="a"`, "1", nil},
		{"a member that is true", `example-dict;key="d"`, "?1", nil},
		{"a member with parameters", `example-dict;key="b"`, "2;x=1;y=2", nil},
		{"a member that is a list", `example-dict;key="c"`, "(a b c)", nil},
		{"wrapped lines", "example-header;bs", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:", nil},
		{"a wrapped value that is not ASCII", "accept-language;bs", ":Y2Fm6Q==:", nil},
		{"a value that is not ASCII", "accept-language", "", errValue},
		{"the host, which the listener keeps apart", "host", "www.example.com", nil},
		{"a field that is not there", "x-none", "", errMissing},
		{"a structured field that is not there", "priority;sf", "", errMissing},
		{"a member that is not there", `example-dict;key="z"`, "", errMissing},
		{"a member of what is no dictionary", `broken-dict;key="a"`, "", errValue},
		{"the strict form of a field of no known type", "date;sf", "", errComponent},
		{"an item on two lines", "idempotency-key;sf", "", errValue},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := request("GET", "https", "www.example.com", "/", "", header, "")
			got, err := valueOf(t, x, c.id)
			if err != c.err || err == nil && got != c.want {
				t.Errorf("got %q %v, want %q %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestIdentifiersThatAreNotOfRequestsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, id string }{
		{"the status of a response", "@status"},
		{"a part of the request that led to a response", `@method;req`},
		{"a field of that request", `content-type;req`},
		{"a trailer", "expires;tr"},
		{"the parameters themselves", "@signature-params"},
		{"an unknown derived component", "@body"},
		{"an unknown parameter", "date;x"},
		{"an upper-case name", "Date"},
		{"a name with a space", `"a b"`},
		{"an empty name", `""`},
		{"a token", "date x"},
		{"a query parameter without name", "@query-param"},
		{"a name parameter of something else", `@path;name="a"`},
		{"a name parameter of a field", `date;name="a"`},
		{"a name that is no string", `@query-param;name=a`},
		{"a key that is no string", "example-dict;key=a"},
		{"a flag that is false", "date;bs=?0"},
		{"wrapped and strict", "content-digest;bs;sf"},
		{"wrapped and a member", `content-digest;bs;key="a"`},
		{"a strict method", "@method;sf"},
		{"a parameter twice", "date;bs;bs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := parseIdentifier(&field{}, c.id); err == nil {
				t.Errorf("taken as %+v", got)
			}
		})
	}
}

func TestABaseIsBounded(t *testing.T) {
	big := strings.Repeat("x", maxBase/2)
	x := request("GET", "https", "a.example", "/", "", lines("X-A: "+big, "X-B: "+big, "X-C: 1"), "")
	x.In.Header.Add(headerInput, `s=("x-a" "x-b" "x-c");created=1618884473;keyid="k"`)
	x.In.Header.Add(headerSignature, "s=:AAAA:")
	var w work
	if err := w.read(x.In.Header); err != nil {
		t.Fatal(err)
	}
	s, err := w.pick("", "")
	if err != nil {
		t.Fatal(err)
	}
	msg := messageOf(x)
	if err := w.components(&s); err != nil {
		t.Fatal(err)
	}
	if err := w.makeBase(&msg, &s); err != errBase {
		t.Errorf("got %v", err)
	}
}
