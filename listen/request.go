// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"durward"
)

// ServeHTTP is where a request leaves the standard library.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	x := f.handler.Acquire()
	now := time.Now()
	x.Started = now
	source := f.fill(&x.In, w, r, c, now)
	out := &responder{front: f, w: w, r: r, conn: c, source: source, http1: r.ProtoMajor == 1}
	f.handler.Serve(r.Context(), x, out)
	if out.cut {
		// The way of net/http to end a connection (or an HTTP/2 stream) so
		// that the client cannot take half an answer for a whole one.
		panic(http.ErrAbortHandler)
	}
}

// fill writes what the client sent into in. It judges nothing: package route
// does that.
func (f *front) fill(in *durward.Request, w http.ResponseWriter, r *http.Request, c *conn, now time.Time) *bodySource {
	in.Method, in.Proto, in.Host = r.Method, r.Proto, r.Host
	in.Scheme = "http"
	if r.TLS != nil {
		in.Scheme = "https"
	}
	in.TLS = r.TLS
	in.Peer, in.Local = c.peer, c.local
	authority, path, query := splitTarget(r)
	in.RawPath, in.RawQuery = path, query
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		// net/http has dropped the userinfo of an absolute-form target, which is
		// to be refused as an error (RFC 9110, section 4.2.4). The host goes
		// into the record of that, so the password must not be in it.
		in.Host = authority[i:]
	}
	for name, values := range r.Header {
		for _, v := range values {
			in.Header = append(in.Header, durward.Field{Name: name, Value: v})
		}
	}
	if r.ProtoMajor == 1 && r.ProtoMinor == 1 { // RFC 9110, section 7.8
		in.Upgrade = upgradeOf(r)
	}
	if len(r.Trailer) > 0 {
		in.Trailer = func() durward.Header { return headerOf(r.Trailer) }
	}
	if r.Body == nil || r.Body == http.NoBody {
		in.Body.Init(nil, 0)
		return nil
	}
	source := &bodySource{
		r: r, w: w, conn: c, started: now,
		grace: f.limits.BodyTimeout.Std(), rate: int64(f.limits.BodyMinRate),
	}
	in.Body.Init(source, r.ContentLength)
	return source
}

// splitTarget gives path and query as they stood on the wire, and the authority
// of a target in absolute form (RFC 9112, section 3.2.2).
func splitTarget(r *http.Request) (authority, path, query string) {
	target := r.RequestURI
	if target != "" && target[0] != '/' && target != "*" {
		// HTTP/2 has no such form, and no other scheme is served here: what is
		// left as it stood is refused as no path.
		if i := strings.Index(target, "://"); i > 0 && r.ProtoMajor == 1 && isHTTP(target[:i]) {
			authority, target = target[i+3:], ""
			if j := strings.IndexAny(authority, "/?"); j >= 0 {
				authority, target = authority[:j], authority[j:]
			}
			if target == "" || target[0] == '?' {
				target = "/" + target
			}
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return authority, path, query
}

func isHTTP(scheme string) bool {
	return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
}

// upgradeOf is the protocol that the request asks to change to: one name in
// Upgrade, and the token in Connection (RFC 9110, section 7.8).
func upgradeOf(r *http.Request) string {
	protocols := r.Header["Upgrade"]
	if len(protocols) != 1 {
		return ""
	}
	for _, line := range r.Header["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return strings.ToLower(protocols[0])
			}
		}
	}
	return ""
}

func headerOf(m http.Header) durward.Header {
	var h durward.Header
	for name, values := range m {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	return h
}

// bodySource reads a request's content from net/http, keeps the client to its
// pace and gives only the errors that durward.Body allows.
type bodySource struct {
	r       *http.Request
	w       http.ResponseWriter
	conn    *conn
	started time.Time
	grace   time.Duration
	rate    int64 // bytes a second after grace
	taken   int64
	until   time.Time // the read deadline in force
	stream  bool      // no pace is kept
	ended   bool      // nothing is left of it
}

func (s *bodySource) Read(p []byte) (int, error) {
	s.pace(time.Now())
	n, err := s.r.Body.Read(p)
	s.taken += int64(n)
	if err == nil {
		return n, nil
	}
	s.ended = err == io.EOF
	return n, bodyError(err, s.r.ProtoMajor)
}

// Unpaced ends the pace; see durward.Body. HTTP/1.1 has no such streams.
func (s *bodySource) Unpaced() {
	if s.stream || s.r.ProtoMajor == 1 {
		return
	}
	s.stream = true
	if !s.until.IsZero() {
		http.NewResponseController(s.w).SetReadDeadline(time.Time{})
	}
}

// pace gives the client until the moment at which it would have fallen behind
// the least rate, but never more than the grace time without a byte: a client
// that was fast at first earns no right to stall. Deadlines a little after the
// one in force are not set: doing so costs more than reading a block.
func (s *bodySource) pace(now time.Time) {
	if s.stream {
		return
	}
	until := s.started.Add(s.grace + time.Duration(s.taken/s.rate)*time.Second)
	if stall := now.Add(s.grace); stall.Before(until) {
		until = stall
	}
	if until.Sub(s.until) < s.grace/16 {
		return
	}
	s.until = until
	if s.r.ProtoMajor == 1 {
		s.conn.SetReadDeadline(until)
		return
	}
	http.NewResponseController(s.w).SetReadDeadline(until)
}

// abandon bounds what net/http may still read of a body that nobody wants: it
// drains up to 256 KiB to keep the connection, for as long as the client likes.
func (s *bodySource) abandon() {
	if s.ended || s.r.ProtoMajor != 1 {
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(lingerTime))
}

const lingerTime = 500 * time.Millisecond

func bodyError(err error, protocol int) error {
	var netErr net.Error
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return durward.ErrBodyTimeout
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &netErr):
		return durward.ErrBodyAborted
	case isTLSError(err), protocol != 1: // a reset stream has no type of its own
		return durward.ErrBodyAborted
	}
	return durward.ErrBodyMalformed
}

func isTLSError(err error) bool {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &record) || errors.As(err, &alert)
}
