// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// maxToken is the longest token that is asked about, in bytes.
const maxToken = 8 << 10

var (
	errForm   = errors.New("introspection: not the form of a bearer token (RFC 6750, 2.1), or longer than 8 KiB")
	errClosed = errors.New("introspection: the configuration that asks this server has ended")
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	config Config // with defaults
	name   string
	now    func() time.Time
	log    *slog.Logger
	http   *http.Client
	auth   string // the Authorization field of a question

	good           *goodTokens
	bad            *badTokens
	known, unknown *lane

	mu      sync.Mutex // of flights, lanes and closed
	flights map[digest]*flight
	closed  bool

	base   context.Context // of the questions: a caller that leaves ends none
	cancel context.CancelFunc
	wait   sync.WaitGroup

	asked, failed, refused atomic.Uint64
}

// flight is one question, for all who bring its token.
type flight struct {
	done   chan struct{} // closed when result and err are set
	result *Result
	err    error
}

// New makes a client. name is that of the section in the configuration, and
// becomes Principal.Issuer. No question is asked yet. Its errors are
// FieldErrors. The Client must be closed.
func New(name string, cfg Config, now func() time.Time, log *slog.Logger) (*Client, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	c := &Client{config: cfg.withDefaults(), name: name, now: now, log: log, flights: make(map[digest]*flight)}
	var err error
	if c.http, err = newHTTPClient(&c.config); err != nil {
		return nil, err
	}
	c.auth = authorization(&c.config)
	c.good, c.bad = newGoodTokens(int(c.config.CacheSize)), newBadTokens()
	c.known, c.unknown = newLanes(c.config.MaxConcurrent, c.config.MissRate)
	c.base, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the questions under way and forgets the connections. Later checks
// of tokens that are not remembered are *durward.Unavailable.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wait.Wait()
	c.http.CloseIdleConnections()
}

// Check decides on a token (without "Bearer"). A nil error accepts it, a
// *durward.Unavailable says that it could not be decided, any other error
// rejects it. A remembered token costs no allocation. Whoever takes the result
// must check its JKT and X5T.
func (c *Client) Check(ctx context.Context, token string) (Result, error) {
	if !wellFormed(token) {
		return Result{}, errForm
	}
	now := c.now()
	h := digestOf(token)
	r, known := c.good.get(&h, now)
	if r != nil {
		return *r, nil
	}
	return c.ask(ctx, token, &h, known, now)
}

// ask is Check for a token that is not known to be good now.
func (c *Client) ask(ctx context.Context, token string, h *digest, known bool, now time.Time) (Result, error) {
	if !known {
		if err := c.bad.get(h, now); err != nil {
			return Result{}, err
		}
	}
	f, r, err := c.join(token, *h, now)
	if err != nil {
		return Result{}, err
	}
	if r != nil {
		return *r, nil
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return Result{}, away(ctx.Err())
	}
	if f.err != nil {
		return Result{}, f.err
	}
	return *f.result, nil
}

// join gives the question under way about a token, or begins one. A question
// that has just ended is answered from memory.
func (c *Client) join(token string, h digest, now time.Time) (*flight, *Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[h]; f != nil {
		return f, nil, nil
	}
	r, known := c.good.get(&h, now)
	if r != nil {
		return nil, r, nil
	}
	if !known {
		if err := c.bad.get(&h, now); err != nil {
			return nil, nil, err
		}
	}
	l := c.unknown
	if known {
		l = c.known
	}
	if err := c.admit(l, now); err != nil {
		c.refused.Add(1)
		return nil, nil, err
	}
	f := &flight{done: make(chan struct{})}
	c.flights[h] = f
	l.flights++
	token = strings.Clone(token) // the question may outlive the request
	c.wait.Go(func() { c.fly(f, l, token, h) })
	return f, nil, nil
}

// admit tells whether one more question may begin in a lane.
func (c *Client) admit(l *lane, now time.Time) error {
	switch {
	case c.closed:
		return away(errClosed)
	case l.flights >= l.limit:
		return &durward.Unavailable{Code: durward.CodeOverloaded, Err: errWaiting}
	case !l.circuit.allow(now):
		return away(errOpen)
	case l.bucket != nil && !l.bucket.take(now):
		return &durward.Unavailable{Code: durward.CodeOverloaded, Err: errFlood}
	}
	return nil
}

// fly asks, and remembers the answer before anybody else can ask again.
func (c *Client) fly(f *flight, l *lane, token string, h digest) {
	f.result, f.err = c.turn(l, token, &h)
	c.mu.Lock()
	delete(c.flights, h)
	l.flights--
	c.mu.Unlock()
	close(f.done)
}

func (c *Client) turn(l *lane, token string, h *digest) (*Result, error) {
	back, err := l.take(c.base, c.config.Timeout.Std())
	if err != nil {
		c.refused.Add(1)
		return nil, away(err)
	}
	defer back()
	ctx, cancel := context.WithTimeout(c.base, c.config.Timeout.Std())
	defer cancel()
	c.asked.Add(1)
	body, err := c.post(ctx, token)
	now := c.now()
	var r *Result
	if err == nil {
		r, err = c.read(body, h, now)
	}
	var broken *failure
	var unclear *malformed
	switch {
	case errors.As(err, &broken), errors.As(err, &unclear):
		c.failed.Add(1)
		if broken == nil || !broken.ofToken {
			c.report(l, false, now, err)
		}
		return nil, away(err)
	case err != nil:
		c.report(l, true, now, nil)
		if err == errInactive && (l == c.known || c.bad.ended(h)) {
			err = errEnded
		}
		c.good.forget(h)
		c.bad.put(h, err, spanOf(now, c.config.NegativeTTL.Std()))
		return nil, err
	}
	c.report(l, true, now, nil)
	ttl := c.config.CacheTTL.Std()
	if exp := r.Principal.Expires; !exp.IsZero() {
		ttl = min(ttl, exp.Sub(now))
	}
	c.good.put(h, r, spanOf(now, ttl))
	return r, nil
}

// report tells the circuit, and the log when it opens or closes.
func (c *Client) report(l *lane, ok bool, now time.Time, err error) {
	before := l.circuit.open()
	l.circuit.report(ok, now)
	if after := l.circuit.open(); after && !before {
		c.log.Warn("introspection server fails", "introspection", c.name, "error", err)
	} else if before && !after {
		c.log.Info("introspection server answers again", "introspection", c.name)
	}
}

// away says that a token could not be decided on.
func away(err error) error {
	return &durward.Unavailable{Code: durward.CodeIssuerUnavailable, Err: err}
}

// Stats is what a Client has done, for metrics.
type Stats struct {
	Remembered int    // good tokens
	Asked      uint64 // questions that were sent
	Failed     uint64 // of them without a useful answer
	Refused    uint64 // not sent: too many, or the server is left alone
}

// Stats counts since New.
func (c *Client) Stats() Stats {
	return Stats{Remembered: c.good.len(), Asked: c.asked.Load(), Failed: c.failed.Load(), Refused: c.refused.Load()}
}
