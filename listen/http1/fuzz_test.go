// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"durward"
)

// snapshot is a request as a stage sees it, content and trailer section read.
type snapshot struct {
	method, host, path, query, proto, upgrade string

	header, trailer   durward.Header
	chunked, trailing bool
	content           []byte
	failed            error // of the content
}

// capture serves the bytes and gives what the handler saw of the first
// request; nil when that was refused. wire is all that was answered.
func capture(t testing.TB, data []byte, step int) (first *snapshot, wire string) {
	s := New(&handler{serve: func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if first == nil {
			first = take(&x.In)
		}
		answer(out, 200, describe(x))
	}}, Options{HeaderBytes: 4 << 10, TargetBytes: 1 << 10, Fields: 20, ExtensionBytes: 300})
	wire = play(t, s, string(data), max(step, 1))
	if !strings.HasPrefix(wire, "HTTP/1.1 200 ") {
		first = nil
	}
	return first, wire
}

// print writes a request in the one canonical form.
func (s *snapshot) print() []byte {
	var b bytes.Buffer
	target := s.path
	if s.query != "" {
		target += "?" + s.query
	}
	fmt.Fprintf(&b, "%s %s %s\r\n", s.method, target, s.proto)
	if s.host != "" {
		fmt.Fprintf(&b, "Host: %s\r\n", s.host)
	}
	for _, f := range s.header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	if !s.chunked {
		b.WriteString("\r\n")
		b.Write(s.content)
		return b.Bytes()
	}
	b.WriteString("Transfer-Encoding: chunked\r\n")
	if s.trailing {
		names := "X-None"
		for _, f := range s.trailer {
			names += ", " + f.Name
		}
		fmt.Fprintf(&b, "Trailer: %s\r\n", names)
	}
	b.WriteString("\r\n")
	if len(s.content) > 0 {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(s.content), s.content)
	}
	b.WriteString("0\r\n")
	for _, f := range s.trailer {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// canonical tells that print has room within the limits of capture.
func (s *snapshot) fits(p []byte) bool {
	return bytes.Index(p, []byte("\r\n\r\n")) < 4<<10-4 && len(s.header) < 17 && len(s.trailer) < 8
}

// check holds the properties of an accepted request against data, the bytes
// that it came as.
func (s *snapshot) check(t *testing.T, data []byte) {
	t.Helper()
	printed := s.print()
	if s.fits(printed) {
		again, _ := capture(t, printed, 1<<20)
		if again == nil {
			t.Fatalf("%q was read as %q, which is refused", data, printed)
		}
		if twice := again.print(); !bytes.Equal(twice, printed) {
			t.Fatalf("%q is printed as %q", printed, twice)
		}
	}
	agreeWithNetHTTP(t, data, []*snapshot{s})
}

// chunkedRequest is the head of a request with chunked content and trailers.
const chunkedRequest = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n"

func FuzzRequestHead(f *testing.F) {
	for _, c := range hostile {
		f.Add([]byte(fillIn(c.request)), uint8(3))
	}
	for _, c := range accepted {
		f.Add([]byte(fillIn(c.request)), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		if len(data) > 16<<10 {
			return
		}
		first, wire := capture(t, data, 1<<20)
		if _, other := capture(t, data, int(step)); other != wire {
			t.Fatalf("%q is answered with %q, and in pieces of %d bytes with %q", data, wire, step, other)
		}
		if first != nil && first.failed == nil {
			first.check(t, data)
		}
	})
}

func FuzzChunkedBody(f *testing.F) {
	for _, seed := range []string{"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3;a=\"b\"\r\nabc\r\n00\r\nX-A: b\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n" + get,
		"3 \r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n", "g\r\n", "ffffffffffffffff\r\n", "1\r\naX0\r\n\r\n", "0\r\nHost: y\r\n\r\n"} {
		f.Add([]byte(seed), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		if len(data) > 16<<10 {
			return
		}
		data = append([]byte(chunkedRequest), data...)
		first, wire := capture(t, data, 1<<20)
		other, pieces := capture(t, data, int(step))
		if first == nil || other == nil {
			t.Fatalf("%q was not served: %q", data, wire)
		}
		// Content that breaks off may have come to different lengths by then.
		if first.failed != other.failed || first.failed == nil && pieces != wire {
			t.Fatalf("%q is answered with %q, and in pieces of %d bytes with %q", data, wire, step, pieces)
		}
		if first.failed == nil {
			first.check(t, data)
		}
	})
}
