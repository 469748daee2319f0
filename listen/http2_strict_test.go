// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"durward"
	"durward/route"
)

// served is what stands behind the listener in these tests: the canonical form
// and the content, as the pipeline asks for them, and then a count.
func served(n *atomic.Int64) serveFunc {
	return func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if d := route.Canonicalise(&x.In, new(route.Limits)); d.Verdict != durward.Allow {
			out.Respond(text(durward.Lookup(d.Code).Status, ""), nil)
			return
		}
		switch _, err := x.In.Body.Bytes(); err {
		case nil:
			n.Add(1)
			out.Respond(text(200, "served"), nil)
		case durward.ErrBodyMalformed:
			out.Respond(text(400, "malformed"), nil)
		default:
			out.Respond(text(499, err.Error()), nil)
		}
	}
}

func many(n int, name, value string) (fields []string) {
	for range n {
		fields = append(fields, name, value)
	}
	return fields
}

// Requests without content, each on a connection of its own.
var strictRows = []struct {
	name   string
	fields []string
	want   string
}{
	{"a plain request", basic("GET"), "200"},
	{"host that agrees with the authority", basic("GET", "host", "a.example"), "200"},
	{"host without an authority", []string{":method", "GET", ":scheme", "http", ":path", "/", "host", "a.example"}, "200"},
	{"TE of trailers", basic("GET", "te", "trailers"), "200"},
	{"cookies in crumbs", basic("GET", "cookie", "a=1", "cookie", "b=2"), "200"},
	{"Content-Length 0 without content", basic("POST", "content-length", "0"), "200"},
	{"the other scheme, as behind a proxy that ended TLS", []string{":method", "GET", ":scheme", "https", ":authority", "a.example", ":path", "/"}, "200"},

	{"host that differs from the authority", basic("GET", "host", "b.example"), "400"},
	{"host that differs in the port", basic("GET", "host", "a.example:81"), "400"},
	{"two host fields", basic("GET", "host", "a.example", "host", "a.example"), "400"},
	{"neither host nor authority", []string{":method", "GET", ":scheme", "http", ":path", "/"}, "400"},
	{"an authority with user information", []string{":method", "GET", ":scheme", "http", ":authority", "u@a.example", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"an authority with a path", []string{":method", "GET", ":scheme", "http", ":authority", "a.example/x", ":path", "/"}, "400"},

	{"Connection", basic("GET", "connection", "close"), "400"},
	{"Keep-Alive", basic("GET", "keep-alive", "timeout=5"), "400"},
	{"Proxy-Connection", basic("GET", "proxy-connection", "keep-alive"), "400"},
	{"Transfer-Encoding", basic("POST", "transfer-encoding", "chunked"), "400"},
	{"Upgrade", basic("GET", "upgrade", "websocket"), "400"},
	{"TE other than trailers", basic("GET", "te", "gzip"), "400"},
	{"TE of trailers and more", basic("GET", "te", "trailers, gzip"), "400"},
	{"two TE fields", basic("GET", "te", "trailers", "te", "trailers"), "400"},

	{"a pseudo field behind a regular one", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", "x", "y", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"two methods", basic("GET", ":method", "GET"), "reset PROTOCOL_ERROR"},
	{"two schemes", basic("GET", ":scheme", "http"), "reset PROTOCOL_ERROR"},
	{"two authorities", basic("GET", ":authority", "a.example"), "reset PROTOCOL_ERROR"},
	{"two paths", basic("GET", ":path", "/"), "reset PROTOCOL_ERROR"},
	{"an unknown pseudo field", basic("GET", ":other", "x"), "reset PROTOCOL_ERROR"},
	{"a pseudo field of answers", basic("GET", ":status", "200"), "reset PROTOCOL_ERROR"},
	{"extended CONNECT, which is not offered", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "a.example", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"no method", []string{":scheme", "http", ":authority", "a.example", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"no scheme", []string{":method", "GET", ":authority", "a.example", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"no path", []string{":method", "GET", ":scheme", "http", ":authority", "a.example"}, "reset PROTOCOL_ERROR"},
	{"an empty path", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", ""}, "reset PROTOCOL_ERROR"},
	{"no fields at all", nil, "reset PROTOCOL_ERROR"},
	{"another scheme", []string{":method", "GET", ":scheme", "ftp", ":authority", "a.example", ":path", "/"}, "reset PROTOCOL_ERROR"},
	{"a path in absolute form", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "http://b.example/"}, "400"},
	{"a path without a slash", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "x"}, "reset PROTOCOL_ERROR"},
	{"a path with a space", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "/a b"}, "400"},
	{"a path with a fragment", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "/a#b"}, "400"},
	{"a path in asterisk form", []string{":method", "OPTIONS", ":scheme", "http", ":authority", "a.example", ":path", "*"}, "400"},
	{"a method with a space", []string{":method", "GET /x", ":scheme", "http", ":authority", "a.example", ":path", "/"}, "400"},
	{"CONNECT", []string{":method", "CONNECT", ":authority", "b.example:443"}, "400"},

	{"an upper-case name", basic("GET", "X-Upper", "x"), "reset PROTOCOL_ERROR"},
	{"an empty name", basic("GET", "", "x"), "reset PROTOCOL_ERROR"},
	{"a name with a space", basic("GET", "a b", "x"), "reset PROTOCOL_ERROR"},
	{"a name with a colon", basic("GET", "a:b", "x"), "reset PROTOCOL_ERROR"},
	{"a name with a line feed", basic("GET", "a\nb", "x"), "reset PROTOCOL_ERROR"},
	{"a name that is an alias", basic("GET", "x_forwarded_for", "x"), "400"},
	{"a carriage return in a value", basic("GET", "x", "a\rb"), "reset PROTOCOL_ERROR"},
	{"a line feed in a value", basic("GET", "x", "a\nb"), "reset PROTOCOL_ERROR"},
	{"a NUL in a value", basic("GET", "x", "a\x00b"), "reset PROTOCOL_ERROR"},
	{"a line feed in the path", []string{":method", "GET", ":scheme", "http", ":authority", "a.example", ":path", "/\nx"}, "reset PROTOCOL_ERROR"},
	{"a space before a value", basic("GET", "x", " a"), "400"},
	{"a tab behind a value", basic("GET", "x", "a\t"), "400"},

	{"a Content-Length without content", basic("POST", "content-length", "5"), "400"},
	{"a Content-Length that is signed", basic("POST", "content-length", "+0"), "400"},
	{"a Content-Length that is a list", basic("POST", "content-length", "0, 0"), "400"},
	{"a Content-Length that is no number", basic("POST", "content-length", "x"), "400"},
	{"an empty Content-Length", basic("POST", "content-length", ""), "400"},
	{"two Content-Lengths", basic("POST", "content-length", "0", "content-length", "0"), "400"},
	{"a Content-Length that overflows", basic("POST", "content-length", "99999999999999999999"), "400"},

	{"too many fields", basic("GET", many(300, "a", "")...), "431"},
	{"a header section that is too large", basic("GET", "x", strings.Repeat("x", 16000), "y", strings.Repeat("y", 17000)), "431"},
}

func TestHTTP2IsStrict(t *testing.T) {
	var n atomic.Int64
	_, address := start(t, served(&n), Config{})
	for _, row := range strictRows {
		t.Run(row.name, func(t *testing.T) {
			before := n.Load()
			c := dialH2(t, address)
			block := c.block(row.fields...)
			first := block[:min(len(block), 16<<10)]
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: len(block) == len(first), BlockFragment: first})
			for block = block[len(first):]; len(block) > 0; {
				part := block[:min(len(block), 16<<10)]
				block = block[len(part):]
				c.WriteContinuation(1, len(block) == 0, part)
			}
			if got := c.outcome(1); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if reached := n.Load() - before; reached != 0 && row.want != "200" {
				t.Errorf("%d requests were served", reached)
			}
		})
	}
}

// data is a DATA frame of a request.
type data struct {
	content string
	end     bool
}

func TestTheContentIsAsLongAsItsLengthSays(t *testing.T) {
	for name, row := range map[string]struct {
		length string // "" is none
		frames []data
		want   string
	}{
		"as long":                    {"5", []data{{"he", false}, {"llo", true}}, "200"},
		"ended by an empty frame":    {"5", []data{{"hello", false}, {"", true}}, "200"},
		"no length":                  {"", []data{{"hello", true}}, "200"},
		"empty content":              {"0", []data{{"", true}}, "200"},
		"shorter":                    {"5", []data{{"hell", true}}, "400"},
		"none at all":                {"5", []data{{"", true}}, "400"},
		"longer in one frame":        {"5", []data{{"hello!", true}}, "reset PROTOCOL_ERROR"},
		"longer in two frames":       {"5", []data{{"hello", false}, {"!", true}}, "reset PROTOCOL_ERROR"},
		"malformed and some content": {"5x", []data{{"hello", true}}, "reset PROTOCOL_ERROR"},
		"zero and some content":      {"0", []data{{"x", true}}, "reset PROTOCOL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			_, address := start(t, served(&n), Config{})
			c := dialH2(t, address)
			fields := basic("POST")
			if row.length != "" {
				fields = append(fields, "content-length", row.length)
			}
			c.request(1, false, fields...)
			for _, d := range row.frames {
				c.WriteData(1, d.end, []byte(d.content))
			}
			got := c.outcome(1)
			// The refusal and the reset for the same reason may overtake each other.
			if strings.HasPrefix(row.want, "reset") && got == "400" {
				got = row.want
			}
			if got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if row.want != "200" && n.Load() != 0 && row.length != "0" {
				t.Error("it was served")
			}
		})
	}
}

// A client does not decide whether it was encrypted.
func TestTheSchemeIsTheConnections(t *testing.T) {
	a := newAuthority(t)
	seen := make(chan string, 1)
	_, address := start(t, serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if x.In.TLS == nil || x.In.TLS.ServerName != "example.test" {
			t.Error("nothing of TLS")
		}
		seen <- x.In.Scheme
		out.Respond(text(200, ""), nil)
	}), a.secure())
	c := secureH2(t, a, address)
	if c.request(1, true, basic("GET")...); c.outcome(1) != "200" {
		t.Fatal("not served")
	}
	if got := <-seen; got != "https" {
		t.Errorf("%s over TLS", got)
	}
}

func TestHeaderBombsAreRefused(t *testing.T) {
	indexed := strings.Repeat("\xbe", 15<<10) // entry 62, the newest of the dynamic table
	var n atomic.Int64
	_, address := start(t, served(&n), Config{})
	for name, row := range map[string]struct {
		send func(c *h2client)
		want string
	}{
		"an entry of 4 KiB that is named 15000 times": {func(c *h2client) {
			c.request(1, true, basic("GET", "bomb", strings.Repeat("x", 4000))...)
			c.outcome(1)
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndStream: true, EndHeaders: true, BlockFragment: append(c.block(basic("GET")...), indexed...)})
		}, "431"},
		"a table that changes its size again and again": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndStream: true, EndHeaders: true, BlockFragment: []byte(strings.Repeat("\x20\x3f\xe1\x1f", 4000))})
		}, "reset PROTOCOL_ERROR"},
		"a table that is larger than was offered": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndStream: true, EndHeaders: true, BlockFragment: []byte("\x3f\xe1\xff\x03")})
		}, "goaway COMPRESSION_ERROR"},
		"a string that says it is of 2 GiB": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndStream: true, EndHeaders: true, BlockFragment: append(c.block(basic("GET")...), "\x40\x01x\x7f\x81\xff\xff\xff\x07"...)})
		}, "goaway COMPRESSION_ERROR"},
		"an entry that is not there": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndStream: true, EndHeaders: true, BlockFragment: []byte("\xff\x80\x01")})
		}, "goaway COMPRESSION_ERROR"},
		"sections without an end": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: c.block(basic("GET")...)})
			part := c.block(many(500, "a", "b")...)
			for i := 0; i < 2000 && c.WriteContinuation(3, false, part) == nil; i++ {
			}
		}, "goaway PROTOCOL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			c := dialH2(t, address)
			row.send(c)
			if got := c.outcome(3); got != row.want && !(got == "closed" && strings.HasPrefix(row.want, "goaway")) {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
	if got := n.Load(); got != 1 { // the one that filled the table
		t.Errorf("%d were served", got)
	}
}
