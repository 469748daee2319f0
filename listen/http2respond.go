// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"durward"
)

// responder is the client's end of one HTTP/2 exchange. It implements
// durward.Responder.
type responder struct {
	front *front
	w     http.ResponseWriter
	r     *http.Request
	cut   bool // the answer could not be ended cleanly
	last  bool // no request is taken after this one
	armed bool // a write deadline of the stream is in force
}

var errUpgradeHTTP2 = errors.New("an upgrade needs HTTP/1.1")

// Upgrade implements durward.Responder: HTTP/2 has none (RFC 9113, section 8.6).
func (o *responder) Upgrade(context.Context, *durward.Response, durward.Header, time.Duration) (toClient, toUpstream int64, err error) {
	o.cut = true
	return 0, 0, errUpgradeHTTP2
}

// Inform implements durward.Responder.
func (o *responder) Inform(status int, h durward.Header) error {
	header := o.w.Header()
	setFields(header, h)
	o.arm()
	o.w.WriteHeader(status)
	o.disarm()
	clear(header)
	return nil
}

// Abort implements durward.Responder.
func (o *responder) Abort() { o.cut = true }

var closeConnection = []string{"close"}

// Respond implements durward.Responder.
func (o *responder) Respond(r *durward.Response, extra durward.Header) (int64, error) {
	header := o.w.Header()
	setFields(header, r.Header, extra)
	if !has(header, "Content-Type") {
		header["Content-Type"] = nil // or net/http would guess one from the content
	}
	if r.Length >= 0 && bodyAllowed(r.Status) {
		header["Content-Length"] = []string{strconv.FormatInt(r.Length, 10)}
	}
	if o.last || o.front.draining.Load() {
		header["Connection"] = closeConnection // net/http turns this into a GOAWAY
	}
	o.w.WriteHeader(r.Status)
	defer o.arm() // what is buffered is written when the handler returns
	if o.r.Method == http.MethodHead {
		return 0, nil
	}
	n, err := o.copyBody(r)
	if err != nil {
		o.Abort()
		return n, err
	}
	if r.Trailer != nil {
		for _, f := range r.Trailer() {
			name := http.TrailerPrefix + f.Name
			header[name] = append(header[name], f.Value)
		}
	}
	return n, nil
}

var copyBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// copyBody passes the content on. A stream is flushed at each read, since its
// next part may be long in coming.
func (o *responder) copyBody(r *durward.Response) (int64, error) {
	if r.Body == nil {
		return 0, nil
	}
	buf := copyBuffers.Get().(*[16 << 10]byte)
	defer copyBuffers.Put(buf)
	stream := r.Stream || r.Length < 0
	var sent int64
	if stream {
		// The head goes at once: a client of server-sent events waits for it.
		o.arm()
		if err := o.flush(); err != nil {
			return 0, err
		}
		o.disarm()
	}
	for {
		n, err := r.Body.Read(buf[:])
		if n > 0 {
			o.arm()
			m, werr := o.w.Write(buf[:n])
			sent += int64(m)
			if werr == nil && stream {
				werr = o.flush()
			}
			if werr != nil {
				return sent, werr
			}
			if sent != r.Length {
				o.disarm()
			}
		}
		if err == io.EOF {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
	}
}

func (o *responder) flush() error { return http.NewResponseController(o.w).Flush() }

// arm bounds the next write to a client that opens no window.
func (o *responder) arm() {
	if !o.armed {
		o.armed = true
		http.NewResponseController(o.w).SetWriteDeadline(time.Now().Add(o.front.limits.WriteTimeout.Std()))
	}
}

// disarm ends that while the upstream is waited for: the deadline of a stream
// resets it even when nothing is being written.
func (o *responder) disarm() {
	if o.armed {
		o.armed = false
		http.NewResponseController(o.w).SetWriteDeadline(time.Time{})
	}
}

// bodyAllowed tells whether an answer of the status may have content.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func has(h http.Header, name string) bool {
	_, ok := h[name]
	return ok
}

// setFields copies fields into net/http's map, with one allocation for the
// values of all.
func setFields(dst http.Header, sections ...durward.Header) {
	n := 0
	for _, h := range sections {
		n += len(h)
	}
	values := make([]string, 0, n)
	for _, h := range sections {
		for i := range h {
			name := h[i].Name
			if old, ok := dst[name]; ok {
				dst[name] = append(old, h[i].Value)
				continue
			}
			values = append(values, h[i].Value)
			dst[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
}
