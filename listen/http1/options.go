// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"durward"
)

// Handler is what serves an exchange: the pipeline.
type Handler interface {
	// Acquire gives an empty exchange to be filled in.
	Acquire() *durward.Exchange
	// Serve answers through out, exactly once, and takes the exchange back. It
	// refuses an exchange whose In.Fault is set with that code. ctx ends with
	// the connection, and about WatchAfter after the client has left.
	Serve(ctx context.Context, x *durward.Exchange, out durward.Responder)
}

// Options are the settings of a Server. Zero values mean the defaults.
type Options struct {
	// HeaderBytes bounds a request's head, its request line included; more is
	// a 431. Default 32 KiB, at least 1 KiB.
	HeaderBytes int
	// TargetBytes bounds the request target; more is a 414. Default 8 KiB.
	TargetBytes int
	// Fields bounds the lines of a header or trailer section. Default 100.
	Fields int
	// ExtensionBytes bounds the chunk extensions of one request's content,
	// which are read over (RFC 9112, section 7.1.1). Default 4 KiB.
	ExtensionBytes int

	// HeaderTimeout bounds the time from the first byte of a head to its end,
	// and the time until the first byte on a new connection. Default 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout ends a connection that has had no further request. Default 45 s.
	IdleTimeout time.Duration
	// BodyTimeout is the time that content has to begin and to catch up with
	// BodyMinRate, in bytes a second. Defaults 20 s and 500.
	BodyTimeout time.Duration
	BodyMinRate int64
	// WriteTimeout bounds one write to a client that does not read. Default 30 s.
	WriteTimeout time.Duration
	// WatchAfter is the age of an exchange from which on it is watched whether
	// its client is still there. Default 1 s.
	WatchAfter time.Duration

	// Draining, when set and true, makes every answer the last one of its
	// connection.
	Draining func() bool
	// HTTP2, when set, gets cleartext connections that begin with the preface
	// of HTTP/2 (RFC 9113, section 3.4), and owns them from then on. Without it
	// they get a 505.
	HTTP2 func(net.Conn, Info)
	// Log gets panics of the handler. Default none.
	Log *slog.Logger
}

// Info is what is known of a connection before its first request.
type Info struct {
	Peer, Local netip.AddrPort
	TLS         *tls.ConnectionState // nil on cleartext
}

func orDefault[T ~int | ~int64](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func (o Options) withDefaults() Options {
	o.HeaderBytes = max(orDefault(o.HeaderBytes, 32<<10), 1<<10)
	o.TargetBytes = min(orDefault(o.TargetBytes, 8<<10), o.HeaderBytes)
	o.Fields = orDefault(o.Fields, 100)
	o.ExtensionBytes = orDefault(o.ExtensionBytes, 4<<10)
	o.HeaderTimeout = orDefault(o.HeaderTimeout, 10*time.Second)
	o.IdleTimeout = orDefault(o.IdleTimeout, 45*time.Second)
	o.BodyTimeout = orDefault(o.BodyTimeout, 20*time.Second)
	o.BodyMinRate = orDefault(o.BodyMinRate, 500)
	o.WriteTimeout = orDefault(o.WriteTimeout, 30*time.Second)
	o.WatchAfter = orDefault(o.WatchAfter, time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// tick is how often the sweep looks: often enough that the shortest timeout
// is kept to a quarter, and once a second for the usual ones.
func (o *Options) tick() time.Duration {
	least := min(o.HeaderTimeout, o.IdleTimeout, o.BodyTimeout, o.WriteTimeout, 4*o.WatchAfter, 4*time.Second)
	return max(least/4, 10*time.Millisecond)
}
