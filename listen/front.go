// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// Handler is what serves an exchange: the pipeline.
type Handler interface {
	// Acquire gives an empty exchange for the listener to fill in.
	Acquire() *durward.Exchange
	// Serve answers through out, exactly once, and takes the exchange back.
	Serve(ctx context.Context, x *durward.Exchange, out durward.Responder)
}

// front serves a socket's connections with one set of settings. A reload that
// changes the settings makes a new front; the old one ends with its last
// connection.
type front struct {
	cfg     Config
	limits  Limits
	trusted []netip.Prefix
	certs   *certificates // nil on cleartext
	handler Handler
	server  *http.Server
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once

	draining atomic.Bool // answers ask for the end of their connection
	upgrades upgrades
}

func newFront(cfg Config, trusted []netip.Prefix, handler Handler, lg *slog.Logger) (*front, error) {
	f := &front{
		cfg: cfg, limits: cfg.Limits.withDefaults(), trusted: trusted, handler: handler,
		conns: make(chan net.Conn), closed: make(chan struct{}),
	}
	http2 := cfg.HTTP2 != "off"
	f.server = &http.Server{
		Handler:           f,
		ReadHeaderTimeout: f.limits.HeaderTimeout.Std(),
		IdleTimeout:       f.limits.IdleTimeout.Std(),
		// net/http allows 4 KiB beyond what it is told.
		MaxHeaderBytes:               max(int(f.limits.HeaderBytes)-4096, 1),
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ErrorLog:                     log.New(io.Discard, "", 0),
		Protocols:                    new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: f.limits.Streams,
			MaxReadFrameSize:     16 << 10,
			// Flow control windows bound what a client can make us hold.
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     256 << 10,
			SendPingTimeout:               f.limits.IdleTimeout.Std(),
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              f.limits.WriteTimeout.Std(),
		},
	}
	f.server.Protocols.SetHTTP1(true)
	if cfg.TLS == nil {
		f.server.Protocols.SetUnencryptedHTTP2(http2)
		return f, nil
	}
	f.server.Protocols.SetHTTP2(http2)
	certs, err := newCertificates(cfg.TLS.Certificates, lg)
	if err != nil {
		return nil, durward.InvalidIn("tls.certificates", err)
	}
	f.certs = certs
	f.server.TLSConfig = certs.tlsConfig(cfg.TLS, http2)
	return f, nil
}

// serve runs until close; it is called once, in a goroutine of its own.
func (f *front) serve() {
	if f.certs != nil {
		f.server.ServeTLS(f, "", "")
		return
	}
	f.server.Serve(f)
}

// take counts a connection in and hands it over; one too many is closed. It is
// false when the front has ended and the connection is still to be served.
func (f *front) take(s *socket, raw net.Conn) bool {
	peer := addrPort(raw.RemoteAddr())
	who := holder(peer.Addr())
	trusted := contains(f.trusted, peer.Addr())
	if !s.guard.enter(who, &f.limits, trusted) {
		raw.Close()
		return true
	}
	c := &conn{
		Conn: raw, guard: s.guard, who: who, peer: peer, local: addrPort(raw.LocalAddr()),
		within: f.limits.WriteTimeout.Std(),
	}
	if f.cfg.ProxyProtocol && trusted {
		c.proxied = &proxyHeader{timeout: f.limits.HeaderTimeout.Std()}
	}
	select {
	case f.conns <- c:
		return true
	case <-f.closed:
		s.guard.leave(who)
		return false
	}
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Accept, Close and Addr make the front the net.Listener of its server.
func (f *front) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (f *front) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// Addr implements net.Listener.
func (f *front) Addr() net.Addr { return &net.TCPAddr{} }

// shutdown ends the front: requests in flight are answered, upgraded
// connections are closed last, and what is left when ctx ends is cut.
func (f *front) shutdown(ctx context.Context) error {
	f.draining.Store(true)
	f.Close()
	err := f.server.Shutdown(ctx)
	if err != nil {
		f.server.Close()
	}
	return errors.Join(err, f.upgrades.shutdown(ctx))
}

type connKey struct{}

// withConn lets a request find its connection. net/http gives TLS
// connections, under which ours lies.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if under, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = under.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}
