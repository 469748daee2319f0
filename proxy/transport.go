// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward/proxy/http1"
)

// settings are what a target's connections are made with.
type settings struct {
	protocol                             string
	connect, head, bodyIdle, write, idle time.Duration
	maxWait                              time.Duration
	maxConns, maxIdle                    int
	maxHead                              int
}

func newSettings(c *Config) settings {
	return settings{
		protocol: c.Protocol,
		connect:  c.ConnectTimeout.Std(), head: c.Timeout.Std(), bodyIdle: c.BodyIdleTimeout.Std(),
		write: c.WriteTimeout.Std(), idle: c.IdleTimeout.Std(),
		maxWait: c.MaxWait.Std(), maxConns: c.MaxConnections, maxIdle: c.MaxIdle, maxHead: int(c.MaxResponseHeader),
	}
}

func (s *settings) http2() bool { return s.protocol == "h2" || s.protocol == "h2c" }

func newPool(d *dialer, s *settings, now func() time.Time) *http1.Pool {
	return http1.New(http1.Options{
		Dial: d.http1, MaxConns: s.maxConns, MaxIdle: s.maxIdle, MaxWait: s.maxWait, IdleTimeout: s.idle,
		ConnectTimeout: s.connect, HeadTimeout: s.head, BodyIdleTimeout: s.bodyIdle, WriteTimeout: s.write,
		MaxHeadBytes: s.maxHead, Now: now,
	})
}

// newTransport makes net/http's client for one target. It takes no proxy from
// the environment, follows nothing, decompresses nothing.
func newTransport(d *dialer, s *settings) *http.Transport {
	protocols := new(http.Protocols)
	switch s.protocol {
	case "h2":
		protocols.SetHTTP2(true)
	case "h2c":
		protocols.SetUnencryptedHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	alpn := "http/1.1"
	if s.protocol == "h2" {
		alpn = "h2"
	}
	dial := func(ctx context.Context, open func(context.Context) (net.Conn, error)) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, d.timeout)
		defer cancel()
		nc, err := open(ctx)
		if err != nil {
			return nil, &http1.Error{Op: "dial", Kind: http1.Dial, Err: err}
		}
		return nc, nil
	}
	return &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, d.plain)
		},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, func(ctx context.Context) (net.Conn, error) { return d.secure(ctx, alpn) })
		},
		DisableCompression:     true,
		IdleConnTimeout:        s.idle,
		MaxResponseHeaderBytes: int64(s.maxHead),
		HTTP2: &http.HTTP2Config{
			// A dead connection is found by a ping, not by the next request.
			SendPingTimeout:  15 * time.Second,
			PingTimeout:      10 * time.Second,
			WriteByteTimeout: s.write,
		},
	}
}

// tracked is an answer's content that tells when it was given up.
type tracked struct {
	io.ReadCloser
	load *atomic.Int64
}

func (t *tracked) Close() error {
	if t.load != nil {
		t.load.Add(-1)
		t.load = nil
	}
	return t.ReadCloser.Close()
}

// trackedUpgrade is the same for a connection that left HTTP. It may be closed
// from another goroutine than the one that reads.
type trackedUpgrade struct {
	io.ReadWriteCloser
	load *atomic.Int64
	once sync.Once
}

func (t *trackedUpgrade) Close() error {
	t.once.Do(func() { t.load.Add(-1) })
	return t.ReadWriteCloser.Close()
}

// SetReadDeadline bounds reads, where the connection can.
func (t *trackedUpgrade) SetReadDeadline(at time.Time) error {
	if c, ok := t.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error }); ok {
		return c.SetReadDeadline(at)
	}
	return os.ErrNoDeadline
}

// SetWriteDeadline bounds writes, where the connection can.
func (t *trackedUpgrade) SetWriteDeadline(at time.Time) error {
	if c, ok := t.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return c.SetWriteDeadline(at)
	}
	return os.ErrNoDeadline
}
