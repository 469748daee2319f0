// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"durward"
)

// ServeHTTP is where an HTTP/2 request leaves the standard library.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*http2conn)
	c.served.Add(1)
	x := f.handler.Acquire()
	x.Started = time.Now()
	f.fill(&x.In, w, r, c, x.Started)
	out := &responder{front: f, w: w, r: r}
	f.handler.Serve(r.Context(), x, out)
	if out.cut {
		// The way of net/http to reset a stream, so that the client cannot
		// take half an answer for a whole one.
		panic(http.ErrAbortHandler)
	}
}

// What a request over HTTP/2 is refused for that net/http lets pass. What it
// finds itself it answers by a reset of the stream or with a 400 of its own.
var (
	errSection    = errors.New("header section is too large")
	errLength     = errors.New("Content-Length is not the length of the content")
	errValueSpace = errors.New("field value begins or ends with white space")
)

// fill writes what the client sent into in. It judges what only HTTP/2 has;
// the rest is for package route. The scheme is the connection's, whatever
// :scheme says, for a client does not decide whether it was encrypted.
func (f *front) fill(in *durward.Request, w http.ResponseWriter, r *http.Request, c *http2conn, now time.Time) {
	in.Method, in.Proto, in.Host = r.Method, r.Proto, r.Host
	in.Scheme = "http"
	if c.tls != nil {
		in.Scheme = "https"
	}
	in.TLS = c.tls
	in.Peer, in.Local = c.own.peer, c.own.local
	in.RawPath, in.RawQuery, _ = strings.Cut(r.RequestURI, "?")
	for name, values := range r.Header {
		for _, v := range values {
			in.Header = append(in.Header, durward.Field{Name: name, Value: v})
			if v != "" && (blank(v[0]) || blank(v[len(v)-1])) { // RFC 9113, section 8.2.1
				in.Fault, in.FaultErr = durward.CodeMalformed, errValueSpace
			}
		}
	}
	if !lengthHolds(r) {
		in.Fault, in.FaultErr = durward.CodeMalformed, errLength
	}
	if sectionSize(in) > int64(f.limits.HeaderBytes) {
		in.Fault, in.FaultErr = durward.CodeHeaderTooLarge, errSection
	}
	if in.Fault != "" || r.ContentLength == 0 && len(r.Header["Content-Length"]) == 0 {
		in.Body.Init(nil, 0)
		return
	}
	if len(r.Trailer) > 0 {
		in.Trailer = func() durward.Header { return headerOf(r.Trailer) }
	}
	in.Body.Init(&bodySource{
		r: r, w: w, conn: c, started: now,
		grace: f.limits.BodyTimeout.Std(), rate: int64(f.limits.BodyMinRate),
	}, r.ContentLength)
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// lengthHolds tells whether a Content-Length is what net/http took from it. It
// takes 0 from one that is malformed, and for a request that ends with its
// header section whatever the field says; of several it takes the first. The
// frames of the content it compares itself.
func lengthHolds(r *http.Request) bool {
	said := r.Header["Content-Length"]
	if len(said) == 0 {
		return true
	}
	n, err := strconv.ParseUint(said[0], 10, 63)
	return len(said) == 1 && err == nil && int64(n) == r.ContentLength
}

// sectionSize is the size of a header section by RFC 9113, section 10.5.1.
func sectionSize(in *durward.Request) int64 {
	const pseudo = len(":method:scheme:authority:path") + 4*32
	n := pseudo + len(in.Method) + len(in.Scheme) + len(in.Host) + len(in.RawPath) + len(in.RawQuery)
	for i := range in.Header {
		n += len(in.Header[i].Name) + len(in.Header[i].Value) + 32
	}
	return int64(n)
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

// bodySource reads an HTTP/2 request's content from net/http, keeps the client to its
// pace and gives only the errors that durward.Body allows.
type bodySource struct {
	r       *http.Request
	w       http.ResponseWriter
	conn    *http2conn
	started time.Time
	grace   time.Duration
	rate    int64 // bytes a second after grace
	taken   int64
	until   time.Time // the read deadline in force
	stream  bool      // no pace is kept
}

func (s *bodySource) Read(p []byte) (int, error) {
	s.pace(time.Now())
	n, err := s.r.Body.Read(p)
	s.taken += int64(n)
	if err == nil {
		return n, nil
	}
	return n, s.fault(err)
}

// Unpaced ends the pace; see durward.Body.
func (s *bodySource) Unpaced() {
	if s.stream {
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
	http.NewResponseController(s.w).SetReadDeadline(until)
}

// fault gives the error that durward.Body allows. A reset stream has no type of
// its own. What net/http finds in a stream that is still there is content whose
// length is not the Content-Length.
func (s *bodySource) fault(err error) error {
	var netErr net.Error
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return durward.ErrBodyTimeout
	case s.r.ContentLength >= 0 && s.r.Context().Err() == nil && !s.conn.ended.Load():
		return durward.ErrBodyMalformed
	}
	return durward.ErrBodyAborted
}
