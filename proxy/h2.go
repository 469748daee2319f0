// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"durward"
	"durward/proxy/http1"
)

// http2 is the HTTP/2 client of one target. net/http keeps the connections.
type http2 struct {
	lanes
	target   endpoint
	settings *settings
}

func newHTTP2(d *dialer, s *settings) *http2 {
	return &http2{target: d.target, settings: s, lanes: lanes{
		version: d.version, open: func() *lane { return &lane{transport: newTransport(d, s)} },
	}}
}

// maxInterim bounds the interim answers before the final one.
const maxInterim = 8

// roundTrip sends x.Out to the target and gives the head of its answer; the
// request's content may still be on its way then. Its errors are *http1.Error;
// spent tells that content was taken from the client and is gone.
// Trailers of a request are not passed on, as RFC 9110, 6.5.1 allows: HTTP/2
// wants their names announced, and no client of a gRPC service sends any.
func (c *http2) roundTrip(ctx context.Context, x *durward.Exchange, host string, inform func(int, durward.Header) error) (r *durward.Response, spent bool, err error) {
	l, err := c.enter()
	if err != nil {
		return nil, false, err
	}
	if strings.HasPrefix(x.In.Header.Get("Content-Type"), "application/grpc") {
		x.In.Body.Unpaced()
	}
	own, cancel := context.WithCancelCause(ctx)
	w := newWatchdog(c.settings.head, cancel)
	up := newUpload(&x.In.Body, w)
	if inform != nil {
		gate := &informGate{inform: inform}
		defer gate.shut()
		own = httptrace.WithClientTrace(own, &httptrace.ClientTrace{Got1xxResponse: gate.got})
	}
	answer, err := l.transport.RoundTrip(c.request(x, host, up).WithContext(own))
	if err == nil && (!w.disarm() || answer.StatusCode < 200) {
		_ = answer.Body.Close()
		err = errSwitch
	}
	if err != nil {
		w.disarm()
		up.detach()
		err = http2Error("head", err, ctx, own, up)
		cancel(nil)
		l.leave()
		return nil, !up.untouched(), err
	}
	return c.response(x, answer, &http2Body{
		rc: answer.Body, lane: l, up: up, parent: ctx, ctx: own, cancel: cancel, idle: c.settings.bodyIdle,
	}), false, nil
}

// request puts x.Out in net/http's form. The path goes as opaque text, so that
// the target gets the very bytes that were judged.
func (c *http2) request(x *durward.Exchange, host string, up *upload) *http.Request {
	out := &x.Out
	u := &url.URL{Scheme: c.target.scheme, Host: c.target.authority, Opaque: out.Path, RawQuery: out.RawQuery}
	if strings.HasPrefix(out.Path, "//") {
		// net/http takes scheme and host off again.
		u.Opaque = "//" + host + out.Path
	}
	header := make(http.Header, len(out.Header)+1)
	for _, f := range out.Header {
		if !http2Forbids(f.Name) {
			header[f.Name] = append(header[f.Name], f.Value)
		}
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // or net/http would put its own
	}
	r := &http.Request{Method: out.Method, URL: u, Host: host, Header: header, Proto: "HTTP/2.0", ProtoMajor: 2}
	if up != nil {
		r.Body, r.ContentLength = up, up.length
		if up.whole {
			// A stream that the target refused unseen can be sent again.
			r.GetBody = func() (io.ReadCloser, error) { return up.again(), nil }
		}
	}
	return r
}

// http2Forbids names fields that have no place in HTTP/2 (RFC 9113, 8.2.2).
func http2Forbids(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Host", "Content-Length":
		return true
	}
	return false
}

// response puts an answer in the gateway's form. Header lines come in the
// order of their names, since net/http has lost that of the wire.
func (c *http2) response(x *durward.Exchange, answer *http.Response, body *http2Body) *durward.Response {
	r := &durward.Response{
		Status: answer.StatusCode, Header: headerFrom(answer.Header), Length: answer.ContentLength,
		Body: body, Trailer: func() durward.Header { return headerFrom(answer.Trailer) },
	}
	kind := r.Header.Get("Content-Type")
	r.Stream = r.Length < 0 || strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "text/event-stream")
	body.left = r.Length
	if answer.Body == http.NoBody || r.Length == 0 || x.Out.Method == "HEAD" {
		// Nothing follows, a trailer section neither.
		_ = body.Close()
		r.Body, r.Trailer, r.Stream = nil, nil, false
	}
	return r
}

// headerFrom copies a header section in the order of its names, without what
// is about the connection.
func headerFrom(m http.Header) durward.Header {
	names := make([]string, 0, len(m))
	n := 0
	for name, values := range m {
		if !http2Forbids(name) && name != "Trailer" && name != "Te" {
			names = append(names, name)
			n += len(values)
		}
	}
	slices.Sort(names)
	h := make(durward.Header, 0, n)
	for _, name := range names {
		for _, v := range m[name] {
			h.Add(name, v)
		}
	}
	return h
}

// http2Error tells whose fault an error of net/http is.
func http2Error(op string, err error, parent, own context.Context, up *upload) error {
	if fault := up.fault(); fault != nil {
		return &http1.Error{Op: op, Kind: http1.RequestBody, Err: fault, Sent: true}
	}
	var known *http1.Error
	switch cause := context.Cause(own); {
	case parent.Err() != nil && errors.Is(parent.Err(), context.DeadlineExceeded):
		return &http1.Error{Op: op, Kind: http1.Timeout, Err: parent.Err(), Sent: true}
	case parent.Err() != nil:
		return &http1.Error{Op: op, Kind: http1.Canceled, Err: errClientGone, Sent: true}
	case cause == errHeadTimeout, cause == errIdleBody:
		return &http1.Error{Op: op, Kind: http1.Timeout, Err: cause, Sent: true}
	case errors.As(err, &known):
		return known
	case err == errSwitch, err == errInterim, err == errLength:
		return &http1.Error{Op: op, Kind: http1.Invalid, Err: err, Sent: true}
	}
	return &http1.Error{Op: op, Kind: http1.Closed, Err: err, Sent: true}
}

// informGate passes interim answers on, from net/http's goroutine, until the
// final one was returned.
type informGate struct {
	mu     sync.Mutex
	inform func(int, durward.Header) error
	count  int
}

func (g *informGate) got(status int, h textproto.MIMEHeader) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	switch {
	case g.inform == nil:
		return errClientGone
	case status == http.StatusSwitchingProtocols:
		return errSwitch
	case g.count > maxInterim:
		return errInterim
	case status == http.StatusContinue:
		return nil
	}
	return g.inform(status, headerFrom(http.Header(h)))
}

func (g *informGate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inform = nil
}

// watchdog cancels an exchange whose head does not come. While the client is
// waited for, it sleeps: that time is not the target's.
type watchdog struct {
	mu    sync.Mutex
	timer *time.Timer
	limit time.Duration
	done  bool
	fired bool
}

func newWatchdog(limit time.Duration, cancel context.CancelCauseFunc) *watchdog {
	w := &watchdog{limit: limit}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.done {
			w.fired = true
			cancel(errHeadTimeout)
		}
	})
	return w
}

func (w *watchdog) sleep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.timer.Stop()
	}
}

func (w *watchdog) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done && !w.fired {
		w.timer.Reset(w.limit)
	}
}

// disarm ends the watch. It is false when the time has run out.
func (w *watchdog) disarm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.timer.Stop()
	return !w.fired
}
