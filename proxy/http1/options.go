// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"net"
	"time"

	"durward"
)

// Options are the settings of a Pool. Dial is required; every other field has
// a safe default for its zero value, and nothing can be made unlimited.
type Options struct {
	// Dial opens a connection that is ready to use: TCP, or TLS with its
	// handshake done. It must honour ctx, which ends after ConnectTimeout.
	Dial func(ctx context.Context) (net.Conn, error)

	// MaxConns bounds the connections that are open or being opened, upgraded
	// ones included. Default 1024.
	MaxConns int
	// MaxIdle bounds the idle ones that are kept. Default 256, never more
	// than MaxConns.
	MaxIdle int
	// MaxWaiting bounds the requests that wait for a connection; further ones
	// fail at once with Busy. Default 1024.
	MaxWaiting int
	// MaxWait is how long a request waits for a connection when MaxConns are
	// in use. Default 1 s.
	MaxWait time.Duration
	// IdleTimeout closes a connection that was idle for so long. Default 30 s.
	IdleTimeout time.Duration

	// ConnectTimeout bounds Dial. Default 5 s.
	ConnectTimeout time.Duration
	// HeadTimeout bounds the time from the end of the request to the end of
	// the answer's head, interim answers included. Default 30 s. It and the
	// next two may take up to an eighth longer (at most 2 s), because
	// deadlines are not set anew for every read.
	HeadTimeout time.Duration
	// BodyIdleTimeout bounds the wait for the next bytes of an answer's body,
	// of a stream of events as well. Default 60 s.
	BodyIdleTimeout time.Duration
	// WriteTimeout bounds each write of a piece of the request (at most
	// 64 KiB). Default 30 s.
	WriteTimeout time.Duration

	// MaxHeadBytes bounds the head of an answer, each interim one, and the
	// trailer section. Default 32 KiB.
	MaxHeadBytes int
	// MaxFields bounds the field lines of the same. Default 128.
	MaxFields int
	// MaxInterim bounds the interim answers (1xx) before the final one.
	// Default 8.
	MaxInterim int

	// Now is the clock that tells how long a connection was idle; default
	// time.Now. Timeouts on the wire follow the operating system's clock.
	Now func() time.Time
}

func orElse[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

func (o *Options) setDefaults() {
	orElse(&o.MaxConns, 1024)
	orElse(&o.MaxIdle, 256)
	o.MaxIdle = min(o.MaxIdle, o.MaxConns)
	orElse(&o.MaxWaiting, 1024)
	orElse(&o.MaxWait, time.Second)
	orElse(&o.IdleTimeout, 30*time.Second)
	orElse(&o.ConnectTimeout, 5*time.Second)
	orElse(&o.HeadTimeout, 30*time.Second)
	orElse(&o.BodyIdleTimeout, time.Minute)
	orElse(&o.WriteTimeout, 30*time.Second)
	orElse(&o.MaxHeadBytes, 32<<10)
	orElse(&o.MaxFields, 128)
	orElse(&o.MaxInterim, 8)
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Request is what RoundTrip sends. It is read on the caller's goroutine only
// and is not kept.
type Request struct {
	// Out gives method, escaped path, query and header with canonical names.
	// Framing and hop-by-hop fields in it (Content-Length, Transfer-Encoding,
	// Connection, Host, Expect and the like) are left out: the client writes
	// its own. Out.Upgrade asks for that protocol.
	Out *durward.Outgoing
	// Host is the Host field to send; "" means Out.Host.
	Host string
	// Body is the content; nil or empty means none. A known length is sent as
	// Content-Length, an unknown one in chunks.
	Body *durward.Body
	// Trailer gives the trailer section once Body has ended; nil means none.
	// It is sent with a body of unknown length only.
	Trailer func() durward.Header
	// Inform gets the interim answers, except 100 (swallowed, for Expect is
	// never sent) and 101. nil drops them. An error ends the exchange.
	Inform func(status int, h durward.Header) error
	// NoRetry forbids the second attempt of a safe request.
	NoRetry bool
}
