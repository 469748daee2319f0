// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"durward"
)

// tape is a connection that plays bytes in pieces of at most step and then
// ends. What is written to it is lost.
type tape struct {
	data []byte
	step int
}

func (p *tape) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.step)], p.data)
	p.data = p.data[n:]
	return n, nil
}

func (*tape) Write(b []byte) (int, error)      { return len(b), nil }
func (*tape) Close() error                     { return nil }
func (*tape) LocalAddr() net.Addr              { return nil }
func (*tape) RemoteAddr() net.Addr             { return nil }
func (*tape) SetDeadline(time.Time) error      { return nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

// played is what an exchange made of a tape.
type played struct {
	status        int
	header, trail durward.Header
	body          string
	kind          Kind // of the fault, 0 when there was none
}

func play(t *testing.T, data []byte, step int, method string) (out played) {
	p := New(Options{Dial: func(context.Context) (net.Conn, error) { return &tape{data, step}, nil }})
	defer p.Close()
	req := get("/")
	req.Out.Method = method
	r, err := p.RoundTrip(t.Context(), req)
	if err != nil {
		return played{kind: kindOf(err)}
	}
	out = played{status: r.Status, header: r.Header}
	out.body, err = content(r)
	if r.Trailer != nil {
		out.trail = r.Trailer()
	}
	if out.kind = kindOf(err); err != nil && out.kind == 0 {
		t.Fatalf("an error that is no *Error: %v", err)
	}
	if s := p.Stats(); s.Open != s.Idle {
		t.Fatalf("an exchange that ended holds a connection: %+v", s)
	}
	return out
}

// reference is what net/http makes of the same bytes.
func reference(data []byte, method string) (*http.Response, string, error) {
	br := bufio.NewReader(bytes.NewReader(data))
	for {
		r, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return nil, "", err
		}
		if r.StatusCode < 200 && r.StatusCode != 101 {
			continue
		}
		b, err := io.ReadAll(r.Body)
		return r, string(b), err
	}
}

// agree checks that what is accepted is accepted by net/http too, as the same.
func agree(t *testing.T, data []byte, step int, method string) {
	got := play(t, data, step, method)
	if byByte := play(t, data, 1, method); !same(got, byByte) {
		t.Fatalf("pieces of %d bytes make %+v, single bytes %+v", step, got, byByte)
	}
	if got.kind != 0 {
		return
	}
	r, body, err := reference(data, method)
	if err != nil {
		t.Fatalf("accepted %+v, net/http says %v", got, err)
	}
	if r.StatusCode != got.status || body != got.body {
		t.Fatalf("got %d %q, net/http %d %q", got.status, got.body, r.StatusCode, body)
	}
	for _, f := range got.header {
		if f.Name != durward.CanonicalName(f.Name) || !slices.Contains(r.Header[f.Name], f.Value) {
			t.Fatalf("field %q: %q, net/http has %q", f.Name, f.Value, r.Header[f.Name])
		}
		if strings.ContainsAny(f.Value, "\r\n\x00") || hopByHop(f.Name) {
			t.Fatalf("field %q: %q went through", f.Name, f.Value)
		}
	}
	for _, f := range got.trail {
		if !slices.Contains(r.Trailer[f.Name], f.Value) {
			t.Fatalf("trailer %q: %q, net/http has %q", f.Name, f.Value, r.Trailer)
		}
	}
}

func same(a, b played) bool {
	// A fault leaves as much of the body as the pieces happened to give.
	return a.status == b.status && slices.Equal(a.header, b.header) && slices.Equal(a.trail, b.trail) &&
		a.kind == b.kind && (a.kind != 0 || a.body == b.body)
}

func FuzzResponseHead(f *testing.F) {
	for _, row := range hostile {
		if len(row.raw) < 4096 {
			f.Add([]byte(row.raw), uint8(7), false)
		}
	}
	for _, row := range unusable {
		f.Add([]byte(row.raw), uint8(100), row.method == "HEAD")
	}
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"+ok("hello")), uint8(30), false)
	f.Add([]byte("HTTP/1.1 200\r\nconnection: x-a, X-B\r\nx-a: 1\r\nX-B:\t2 \r\netag: \"\xff\"\r\ncontent-length: 0\r\n\r\n"), uint8(9), true)
	f.Fuzz(func(t *testing.T, data []byte, step uint8, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		agree(t, data, int(step)+1, method)
	})
}

func FuzzChunkedBody(f *testing.F) {
	for _, row := range hostile {
		if rest, found := strings.CutPrefix(row.raw, chunkedHead); found && len(rest) < 4096 {
			f.Add([]byte(rest), uint8(5))
		}
	}
	f.Add([]byte("5\r\nhello\r\n000a;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n"), uint8(3))
	f.Add([]byte("2000\r\n"+strings.Repeat("x", 0x2000)+"\r\n0\r\n\r\n"), uint8(255))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		agree(t, append([]byte(chunkedHead), data...), int(step)+1, "GET")
	})
}
