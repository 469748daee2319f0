// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bytes"
	"crypto/tls"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2client speaks HTTP/2 frame by frame, rules or no rules.
type h2client struct {
	*http2.Framer
	net.Conn
	t   testing.TB
	enc *hpack.Encoder
	buf bytes.Buffer
	dec *hpack.Decoder
}

// dialH2 sends the preface and empty settings.
func dialH2(t testing.TB, address string, settings ...http2.Setting) *h2client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return newH2(t, c, settings...)
}

func newH2(t testing.TB, c net.Conn, settings ...http2.Setting) *h2client {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	h := &h2client{Framer: http2.NewFramer(c, c), Conn: c, t: t, dec: hpack.NewDecoder(4096, nil)}
	h.AllowIllegalWrites = true
	h.enc = hpack.NewEncoder(&h.buf)
	if err := h.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return h
}

// secureH2 does the same over TLS.
func secureH2(t testing.TB, a *authority, address string) *h2client {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool, ServerName: "example.test", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	return newH2(t, c)
}

// block encodes fields: name, value, name, value.
func (h *h2client) block(fields ...string) []byte {
	h.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		h.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(h.buf.Bytes())
}

// basic are the pseudo-header fields of a plain request, and more behind them.
func basic(method string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "http", ":authority", "a.example", ":path", "/"}, more...)
}

func (h *h2client) request(id uint32, end bool, fields ...string) error {
	return h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: true, BlockFragment: h.block(fields...)})
}

// outcome reads until the stream was answered or reset or the connection ended,
// and gives the status, "reset CODE", "goaway CODE" or "closed".
func (h *h2client) outcome(id uint32) string {
	h.t.Helper()
	for {
		f, err := h.ReadFrame()
		if e, ok := err.(net.Error); ok && e.Timeout() {
			h.t.Fatal("nothing came back")
		}
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := h.dec.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				h.t.Fatal(err)
			}
			if f.StreamID != id {
				continue
			}
			if _, err := strconv.Atoi(fields[0].Value); fields[0].Name != ":status" || err != nil {
				h.t.Fatalf("an answer that begins with %v", fields)
			}
			return fields[0].Value
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset " + f.ErrCode.String()
			}
		case *http2.GoAwayFrame:
			return "goaway " + f.ErrCode.String()
		}
	}
}

// end reads until the connection ends, and gives the code of the GOAWAY that
// came before that, if any.
func (h *h2client) end() string {
	h.t.Helper()
	why := "closed"
	for {
		f, err := h.ReadFrame()
		if e, ok := err.(net.Error); ok && e.Timeout() {
			h.t.Error("the connection is still open")
			return "open"
		}
		if err != nil {
			return why
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			why = "goaway " + g.ErrCode.String()
		}
	}
}
