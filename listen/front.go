// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"crypto/tls"
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
	"durward/listen/http1"
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
// connection. HTTP/1.1 is ours (package http1), HTTP/2 the standard library's.
type front struct {
	cfg     Config
	limits  Limits
	trusted []netip.Prefix
	certs   *certificates // nil on cleartext
	clients *clientAuth   // nil when clients are not asked for certificates
	tls     *tls.Config
	handler Handler
	http1   *http1.Server
	http2   *http.Server  // nil when HTTP/2 is off
	conns   chan net.Conn // what http2 accepts
	closed  chan struct{}
	once    sync.Once

	draining atomic.Bool // answers ask for the end of their connection
}

// placed says on which listener a request came.
type placed struct {
	Handler
	address string
}

func (p placed) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	x.In.Listener = p.address
	p.Handler.Serve(ctx, x, out)
}

func newFront(cfg Config, trusted []netip.Prefix, handler Handler, lg *slog.Logger) (*front, error) {
	f := &front{
		cfg: cfg, limits: cfg.Limits.withDefaults(), trusted: trusted, handler: placed{handler, cfg.Address},
		conns: make(chan net.Conn), closed: make(chan struct{}),
	}
	if cfg.HTTP2 != "off" {
		f.http2 = f.newHTTP2()
	}
	if err := f.secure(lg); err != nil {
		return nil, err
	}
	f.http1 = f.newHTTP1(lg)
	return f, nil
}

// secure reads what TLS needs, on a listener that has it.
func (f *front) secure(lg *slog.Logger) error {
	t := f.cfg.TLS
	if t == nil {
		return nil
	}
	certs, err := newCertificates(t.Certificates, lg)
	if err != nil {
		return durward.InvalidIn("tls.certificates", err)
	}
	if f.clients, err = newClientAuth(&t.ClientCertificates, lg); err != nil {
		return durward.InvalidIn("tls.client_certificates", err)
	}
	if f.clients != nil && f.clients.require {
		f.handler = &certGate{f.handler, f.clients.verifier}
	}
	f.certs, f.tls = certs, certs.tlsConfig(t, f.http2 != nil, f.clients)
	return nil
}

func (f *front) newHTTP1(lg *slog.Logger) *http1.Server {
	l := &f.limits
	o := http1.Options{
		HeaderBytes: int(l.HeaderBytes), HeaderTimeout: l.HeaderTimeout.Std(), IdleTimeout: l.IdleTimeout.Std(),
		BodyTimeout: l.BodyTimeout.Std(), BodyMinRate: int64(l.BodyMinRate), WriteTimeout: l.WriteTimeout.Std(),
		Draining: f.draining.Load, Log: lg,
	}
	if f.http2 != nil && f.cfg.TLS == nil {
		o.HTTP2 = func(c net.Conn, _ http1.Info) { f.toHTTP2(c, nil) }
	}
	return http1.New(f.handler, o)
}

func (f *front) newHTTP2() *http.Server {
	srv := &http.Server{
		Handler:           f,
		ReadHeaderTimeout: f.limits.HeaderTimeout.Std(),
		IdleTimeout:       f.limits.IdleTimeout.Std(),
		// net/http counts fields as RFC 9113, section 10.5.1 does, with 32
		// bytes each, and allows ten of those beyond what it is told. It gets
		// twice the limit, so that what is not far over it is refused by us,
		// with a problem and a record.
		MaxHeaderBytes:               2*int(f.limits.HeaderBytes) - 320,
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
	srv.Protocols.SetUnencryptedHTTP2(true)
	return srv
}

// serve runs until close; it is called once, in a goroutine of its own.
func (f *front) serve() {
	if f.http2 != nil {
		f.http2.Serve(f)
	}
}

// take counts a connection in and serves it in a goroutine of its own; one too
// many is closed. It is false when the front has ended and the connection is
// still to be served.
func (f *front) take(s *socket, raw net.Conn) bool {
	select {
	case <-f.closed:
		return false
	default:
	}
	peer := addrPort(raw.RemoteAddr())
	who := holder(peer.Addr())
	trusted := contains(f.trusted, peer.Addr())
	if !s.guard.enter(who, &f.limits, trusted) {
		raw.Close()
		return true
	}
	c := &conn{Conn: raw, home: s, guard: s.guard, who: who, peer: peer, local: addrPort(raw.LocalAddr())}
	if f.cfg.ProxyProtocol && trusted {
		c.proxied = &proxyHeader{timeout: f.limits.HeaderTimeout.Std()}
	}
	go f.serveConn(c)
	return true
}

// serveConn takes a connection to the protocol that it speaks.
func (f *front) serveConn(c *conn) {
	if c.proxied != nil && c.proxied.await(c) != nil {
		return // it was closed
	}
	info := http1.Info{Peer: c.peer, Local: c.local}
	if f.tls == nil {
		f.serveHTTP1(c, info)
		return
	}
	secure := tls.Server(c, f.tls)
	ctx, cancel := context.WithTimeout(context.Background(), f.limits.HeaderTimeout.Std())
	err := secure.HandshakeContext(ctx)
	cancel()
	if err != nil {
		explainTLS(err)
		c.Close()
		return
	}
	state := secure.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		f.toHTTP2(secure, &state)
		return
	}
	info.TLS = &state
	f.serveHTTP1(secure, info)
}

// serveHTTP1 serves a connection to its end. One that a reload overtook goes to
// the front that took this one's place.
func (f *front) serveHTTP1(c net.Conn, info http1.Info) {
	ctx := context.Background()
	if info.TLS != nil {
		ctx = withConn(ctx, c) // see hangUp
	}
	for !f.http1.ServeConn(ctx, c, info) {
		next := ours(c).home.current.Load()
		if next == f {
			c.Close()
			return
		}
		f = next
	}
}

// explainTLS answers a client that speaks HTTP where TLS is due. Nobody was
// authenticated and nothing was read, so the answer says only that.
func explainTLS(err error) {
	var notTLS tls.RecordHeaderError
	if !errors.As(err, &notTLS) || notTLS.Conn == nil {
		return
	}
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH"} {
		if string(notTLS.RecordHeader[:]) == method {
			notTLS.Conn.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(notTLS.Conn, "HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks HTTPS.\n")
			return
		}
	}
}

// toHTTP2 hands a connection to the standard library, whose writes are bounded
// by the connection itself. It takes all for cleartext, since it would hide
// those of TLS from http2conn: state is what it does not see.
func (f *front) toHTTP2(c net.Conn, state *tls.ConnectionState) {
	h := newHTTP2Conn(c, state, &f.limits)
	h.own.within = f.limits.WriteTimeout.Std()
	select {
	case f.conns <- h:
	case <-f.closed:
		if next := ours(c).home.current.Load(); next != f && next.http2 != nil {
			next.toHTTP2(c, state)
			return
		}
		c.Close()
	}
}

// ours finds our connection below those of TLS and of a replayed preface.
func ours(c net.Conn) *conn {
	for {
		if own, ok := c.(*conn); ok {
			return own
		}
		c = c.(interface{ NetConn() net.Conn }).NetConn()
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
	ended := make(chan error, 1)
	go func() { ended <- f.http1.Shutdown(ctx) }()
	var err error
	if f.http2 != nil {
		if err = f.http2.Shutdown(ctx); err != nil {
			f.http2.Close()
		}
	}
	return errors.Join(err, <-ended)
}

type connKey struct{}

// withConn lets a request find its connection, as net/http or package http1
// has it.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}
