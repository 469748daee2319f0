// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"durward"
)

// ServeHTTP is where an HTTP/2 request leaves the standard library.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
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

// fill writes what the client sent into in. It judges nothing: package route
// does that.
func (f *front) fill(in *durward.Request, w http.ResponseWriter, r *http.Request, c *conn, now time.Time) {
	in.Method, in.Proto, in.Host = r.Method, r.Proto, r.Host
	in.Scheme = "http"
	if r.TLS != nil {
		in.Scheme = "https"
	}
	in.TLS = r.TLS
	in.Peer, in.Local = c.peer, c.local
	in.RawPath, in.RawQuery, _ = strings.Cut(r.RequestURI, "?")
	for name, values := range r.Header {
		for _, v := range values {
			in.Header = append(in.Header, durward.Field{Name: name, Value: v})
		}
	}
	if len(r.Trailer) > 0 {
		in.Trailer = func() durward.Header { return headerOf(r.Trailer) }
	}
	if r.Body == nil || r.Body == http.NoBody {
		in.Body.Init(nil, 0)
		return
	}
	in.Body.Init(&bodySource{
		r: r, w: w, started: now,
		grace: f.limits.BodyTimeout.Std(), rate: int64(f.limits.BodyMinRate),
	}, r.ContentLength)
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
	return n, bodyError(err)
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

// bodyError gives the error that durward.Body allows. A reset stream has no
// type of its own, and content that breaks HTTP/2 resets its stream.
func bodyError(err error) error {
	var netErr net.Error
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return durward.ErrBodyTimeout
	}
	return durward.ErrBodyAborted
}
