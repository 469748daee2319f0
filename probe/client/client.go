// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a run may do to the service.
type Config struct {
	// Origin is scheme, host and port of the only server that is spoken to. A
	// path in it is left to the callers.
	Origin string
	// Timeout bounds one exchange, 15 s when zero.
	Timeout time.Duration
	// Deadline ends all requests; none when zero.
	Deadline time.Time
	// MaxRequests is the budget of exchanges; none when zero.
	MaxRequests int
	// Rate is how many requests may start in a second; no bound when zero.
	Rate float64
	// Concurrency is how many exchanges may be under way, 8 when zero.
	Concurrency int
	// MaxAnswer is how many bytes of an answer's body are read, 1 MiB when zero.
	MaxAnswer int64
	// ReadOnly refuses every method but GET, HEAD and OPTIONS.
	ReadOnly bool
	// DownAfter is after how many exchanges in a row without any answer the
	// server is taken to be down, 8 when zero.
	DownAfter int
	// TLS is for https; nil takes the system's roots.
	TLS *tls.Config
	// Agent is the User-Agent of requests that bring none.
	Agent string
	// Watch is told of each exchange, for the progress bar and tests; may be nil.
	Watch func(*Request, *Answer, error)
}

// The errors of Do besides those of the network.
var (
	// ErrBudget: the run's requests are used up.
	ErrBudget = errors.New("the budget of requests is used up")
	// ErrTime: the run's time is over.
	ErrTime = errors.New("the time of the run is over")
	// ErrReadOnly: the method could change something.
	ErrReadOnly = errors.New("the run is read-only")
	// ErrDown: the server gave no answer many times in a row; nothing more is sent.
	ErrDown = errors.New("the server does not answer any more")
)

// Error is an exchange without an answer.
type Error struct {
	// Op is dial, write or read.
	Op  string
	Err error
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap gives the network's error.
func (e *Error) Unwrap() error { return e.Err }

// Timeout tells that the server took longer than Config.Timeout.
func (e *Error) Timeout() bool {
	var t net.Error
	return errors.As(e.Err, &t) && t.Timeout()
}

// Stats is what a client did.
type Stats struct {
	Requests     int
	Answers      int
	BytesOut     int64
	BytesIn      int64
	ByClass      [6]int // of the status: ByClass[4] is 4xx
	Unanswered   int
	NewConns     int
	RefusedByUs  int // by budget, time, read-only
	LastNetError string
}

// Client speaks HTTP/1.1 to one origin. It follows no redirect, keeps no
// cookies, uses no proxy. It is safe for concurrent use.
type Client struct {
	cfg    Config
	secure bool
	addr   string // host:port that is dialled
	host   string // Host field
	tls    *tls.Config
	slots  chan struct{}
	rate   pacer

	readOnly atomic.Bool
	failed   atomic.Int64 // exchanges without an answer, in a row
	down     atomic.Bool

	mu    sync.Mutex
	idle  []*conn
	stats Stats
}

// New makes a client of one origin.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no address of an API: it starts with http:// or https:// and a host", cfg.Origin)
	}
	if u.User != nil {
		return nil, errors.New("the address must not hold a user or password; use --user")
	}
	c := &Client{cfg: cfg, secure: u.Scheme == "https", host: u.Host}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[c.secure]
	}
	c.addr = net.JoinHostPort(u.Hostname(), port)
	if c.secure {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if cfg.TLS != nil {
			c.tls = cfg.TLS.Clone()
		}
		c.tls.NextProtos = []string{"http/1.1"}
		if c.tls.ServerName == "" {
			c.tls.ServerName = u.Hostname()
		}
	}
	c.cfg.Origin = strings.ToLower(u.Scheme) + "://" + u.Host
	setDefault(&c.cfg.Timeout, 15*time.Second)
	setDefault(&c.cfg.Concurrency, 8)
	setDefault(&c.cfg.MaxAnswer, 1<<20)
	setDefault(&c.cfg.DownAfter, 8)
	setDefault(&c.cfg.Agent, "durward-probe")
	c.slots = make(chan struct{}, c.cfg.Concurrency)
	c.rate.perSecond = cfg.Rate
	c.readOnly.Store(cfg.ReadOnly)
	return c, nil
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Origin is scheme://host[:port] of the server.
func (c *Client) Origin() string { return c.cfg.Origin }

// Addr is the host:port that is dialled, for tests of the connection itself.
func (c *Client) Addr() string { return c.addr }

// Secure tells that the origin is https.
func (c *Client) Secure() bool { return c.secure }

// Do sends r as it stands and reads the answer. A request on a connection that
// the server had closed meanwhile is sent once more. The errors are ErrBudget,
// ErrTime, ErrReadOnly, ErrDown, the context's, or an *Error.
func (c *Client) Do(ctx context.Context, r *Request) (*Answer, error) {
	if err := c.admit(r); err != nil {
		c.mu.Lock()
		c.stats.RefusedByUs++
		c.mu.Unlock()
		return nil, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := c.rate.wait(ctx); err != nil {
		return nil, err
	}
	if err := c.spend(); err != nil {
		return nil, err
	}
	a, err := c.exchange(ctx, r)
	c.count(ctx, r, a, err)
	if c.cfg.Watch != nil {
		c.cfg.Watch(r, a, err)
	}
	return a, err
}

// admit refuses what is never sent.
func (c *Client) admit(r *Request) error {
	if c.readOnly.Load() && !Safe(r.Method) {
		return ErrReadOnly
	}
	if c.down.Load() {
		return ErrDown
	}
	return nil
}

// Safe tells that a method changes nothing (RFC 9110, section 9.2.1).
func Safe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// spend takes one request off the budget.
func (c *Client) spend() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	switch {
	case c.down.Load():
		err = ErrDown
	case !c.cfg.Deadline.IsZero() && time.Now().After(c.cfg.Deadline):
		err = ErrTime
	case c.cfg.MaxRequests > 0 && c.stats.Requests >= c.cfg.MaxRequests:
		err = ErrBudget
	default:
		c.stats.Requests++
		return nil
	}
	c.stats.RefusedByUs++
	return err
}

func (c *Client) count(ctx context.Context, r *Request, a *Answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.BytesOut += int64(len(r.Target) + len(r.Body))
	if err == nil {
		c.failed.Store(0)
		c.stats.Answers++
		c.stats.BytesIn += int64(len(a.Body))
		if class := a.Status / 100; class < len(c.stats.ByClass) {
			c.stats.ByClass[class]++
		}
		return
	}
	c.stats.Unanswered++
	c.stats.LastNetError = err.Error()
	if ctx.Err() == nil && int(c.failed.Add(1)) >= c.cfg.DownAfter {
		c.down.Store(true)
	}
}

// Stats tells what was done so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Down tells that the server is taken to be down.
func (c *Client) Down() bool { return c.down.Load() }

// ReadOnly refuses from now on what could change something.
func (c *Client) ReadOnly() { c.readOnly.Store(true) }

// Extend lets some more requests be sent, until another time, for cleaning up.
func (c *Client) Extend(requests int, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.MaxRequests > 0 {
		c.cfg.MaxRequests = max(c.cfg.MaxRequests, c.stats.Requests) + requests
	}
	if !c.cfg.Deadline.IsZero() {
		c.cfg.Deadline = until
	}
}

// Close closes the idle connections.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, k := range idle {
		_ = k.Close()
	}
}
