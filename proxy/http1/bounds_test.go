// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestBoundsHoldToTheByteAndTheField(t *testing.T) {
	const line = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	pad := func(n int) string { // a head of n bytes
		return line + "X: " + strings.Repeat("y", n-len(line)-len("X: \r\n\r\n")) + "\r\n\r\n"
	}
	interim := func(n int) string { return strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", n) + line + "\r\n" }
	trailer := func(n int) string { return chunkedHead + "0\r\n" + strings.Repeat("X: y\r\n", n) + "\r\n" }
	tests := []struct {
		name string
		raw  string
		kind Kind
	}{
		{"a head of the bound", pad(1000), 0},
		{"a head one byte over it", pad(1001), Invalid},
		{"fields to the bound", line + strings.Repeat("X: y\r\n", 9) + "\r\n", 0},
		{"one field over it", line + strings.Repeat("X: y\r\n", 10) + "\r\n", Invalid},
		{"interim answers to the bound", interim(3), 0},
		{"one interim answer over it", interim(4), Invalid},
		{"trailer fields to the bound", trailer(10), 0},
		{"one trailer field over it", trailer(11), Invalid},
		{"a chunk line of the bound", chunkedHead + "0;" + strings.Repeat("x", maxChunkLine-3) + "\r\n\r\n", 0},
		{"a chunk line over it", chunkedHead + "0;" + strings.Repeat("x", maxChunkLine) + "\r\n\r\n", Invalid},
	}
	for _, test := range tests {
		for _, step := range []int{1, 1 << 20} {
			p := newPool(t, func(context.Context) (net.Conn, error) {
				return &tape{[]byte(test.raw), step}, nil
			}, func(o *Options) { o.MaxHeadBytes, o.MaxFields, o.MaxInterim = 1000, 10, 3 })
			r, err := p.RoundTrip(t.Context(), get("/"))
			if err == nil {
				_, err = content(r)
			}
			if kindOf(err) != test.kind {
				t.Errorf("%s, in pieces of %d: got %v", test.name, step, err)
			}
		}
	}
}

// flood is a connection that never ends.
type flood struct {
	tape
	head, more string
	read       int
}

func (f *flood) Read(b []byte) (int, error) {
	if len(f.head) == 0 {
		f.head = f.more
	}
	n := copy(b, f.head)
	f.head = f.head[n:]
	f.read += n
	return n, nil
}

func TestNothingThatNeverEndsIsReadForLong(t *testing.T) {
	for name, f := range map[string]*flood{
		"a status line":        {head: "HTTP/1.1 200 ", more: "y"},
		"a field value":        {head: "HTTP/1.1 200 OK\r\nX: ", more: "yyyyyyyy"},
		"fields":               {head: "HTTP/1.1 200 OK\r\n", more: "X: y\r\n"},
		"interim answers":      {more: "HTTP/1.1 102 Processing\r\n\r\n"},
		"a chunk extension":    {head: chunkedHead + "1;", more: "yyyy"},
		"chunk extensions":     {head: chunkedHead, more: "1;" + strings.Repeat("y", 200) + "\r\nz\r\n"},
		"zeros of a size":      {head: chunkedHead, more: "0"},
		"a trailer":            {head: chunkedHead + "0\r\nX: ", more: "yyyyyyyy"},
		"trailers":             {head: chunkedHead + "0\r\n", more: "X: y\r\n"},
		"another protocol":     {more: "nonsense"},
		"spaces before a size": {head: chunkedHead, more: " "},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, func(context.Context) (net.Conn, error) { return f, nil })
			r, err := p.RoundTrip(t.Context(), get("/"))
			if err == nil {
				_, err = content(r)
			}
			if kindOf(err) != Invalid || f.read > 64<<10 {
				t.Errorf("got %v after %d bytes", err, f.read)
			}
		})
	}
}
