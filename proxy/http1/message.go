// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"durward"
)

// message is a request as it goes out: its head, and its content when that is
// small. The head is made before a connection is taken, the content is read
// after, so that a caller whose target cannot be reached still has the body
// for another target.
type message struct {
	own    *[bufSize]byte // the pooled buffer behind out, and later the answer's
	out    []byte
	length int64 // of the content; -1 when unknown
	whole  bool  // out is the whole request
}

func (m *message) free() {
	if m.own != nil {
		buffers.Put(m.own)
		m.own = nil
	}
}

// prepare writes the head. Nothing was sent or read when it fails.
func (m *message) prepare(req *Request) *Error {
	if req.Body != nil && !req.Body.Empty() {
		m.length = req.Body.Length()
	}
	m.own = buffers.Get().(*[bufSize]byte)
	out, err := appendHead(m.own[:0], req, m.length)
	if err != nil {
		return &Error{Op: "request", Kind: Invalid, Err: err}
	}
	m.out = out
	m.whole = m.length == 0
	return nil
}

// load reads content that fits behind the head, so that both go out in one
// write and can go out again.
func (m *message) load(req *Request) *Error {
	n := len(m.out)
	if m.whole || m.length < 0 || m.length > int64(cap(m.out)-n) {
		return nil
	}
	m.out = m.out[:n+int(m.length)]
	if _, err := io.ReadFull(req.Body, m.out[n:]); err != nil {
		return bodyFault(err)
	}
	m.whole = true
	return nil
}

// bodyFault makes an Error of what the client's body failed with. One that
// ends before its length was cut by the client.
func bodyFault(err error) *Error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = durward.ErrBodyAborted
	}
	return &Error{Op: "request", Kind: RequestBody, Err: err}
}

// appendHead writes request line and header (RFC 9112, sections 3 and 5).
func appendHead(b []byte, req *Request, length int64) ([]byte, error) {
	out := req.Out
	host := req.Host
	if host == "" {
		host = out.Host
	}
	if !isToken(out.Method) || out.Method == "CONNECT" {
		return b, reason("method cannot be sent")
	}
	if !isTarget(out.Path, out.Method) || !isVisible(out.RawQuery) {
		return b, reason("request target cannot be sent")
	}
	if host == "" || !isVisible(host) {
		return b, reason("host cannot be sent")
	}
	b = append(b, out.Method...)
	b = append(b, ' ')
	b = append(b, out.Path...)
	if out.RawQuery != "" {
		b = append(b, '?')
		b = append(b, out.RawQuery...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	lines := 3 // with the empty one
	for i := range out.Header {
		f := &out.Header[i]
		if unsent(f.Name) {
			continue
		}
		if !isToken(f.Name) {
			return b, reason("field name cannot be sent")
		}
		b = appendField(b, f.Name, f.Value)
		lines++
	}
	b, more := appendFraming(b, req, length)
	lines += more
	b = append(b, "\r\n"...)
	return b, checkLines(b, lines)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendFraming writes the fields that are this client's own to write, and
// gives how many they are.
func appendFraming(b []byte, req *Request, length int64) ([]byte, int) {
	lines := 0
	if up := req.Out.Upgrade; up != "" {
		b = appendField(b, "Connection", "Upgrade")
		b = appendField(b, "Upgrade", up)
		lines += 2
	}
	switch {
	case length < 0:
		b = appendField(b, "Transfer-Encoding", "chunked")
		lines++
		if announced := req.Out.Header.Get("Trailer"); announced != "" && req.Trailer != nil {
			b = appendField(b, "Trailer", announced)
			lines++
		}
	case length > 0 || needsLength(req.Out.Method):
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
		lines++
	}
	return b, lines
}

// checkLines makes sure that no value smuggled a line end or a NUL into the
// head: it must have the line ends that were written and no others. Counting
// over the whole is far cheaper than a check of each value.
func checkLines(b []byte, lines int) error {
	if bytes.Count(b, []byte{'\n'}) != lines || bytes.Count(b, []byte{'\r'}) != lines ||
		bytes.IndexByte(b, 0) >= 0 {
		return reason("line end or NUL in a field value")
	}
	return nil
}

// unsent are the fields of Out.Header that are left out: this client writes
// its own, or they concern the client's connection. Expect is among them as
// the body is not held back (RFC 9110, section 10.1.1).
func unsent(name string) bool {
	switch name {
	case "Host", "Expect", "Http2-Settings":
		return true
	}
	return hopByHop(name)
}

// needsLength are the methods whose requests announce even empty content (RFC
// 9110, section 8.6).
func needsLength(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "DELETE", "TRACE":
		return false
	}
	return true
}

func isTarget(path, method string) bool {
	if path == "*" {
		return method == "OPTIONS"
	}
	return path != "" && path[0] == '/' && isVisible(path) && strings.IndexByte(path, '?') < 0
}

// isVisible tells that s holds no white space and no control character.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
