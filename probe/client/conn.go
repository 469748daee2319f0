// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// conn is one connection. HTTP is written by hand, since net/http refuses or
// corrects what a test sends on purpose.
type conn struct {
	net.Conn
	in   *bufio.Reader
	used bool
	read bool // a byte of an answer was read since the last request
	room int  // bytes that a head may still have; 0: no head is being read
}

var errHead = errors.New("the answer's head is too long")

func (k *conn) Read(p []byte) (int, error) {
	n, err := k.Conn.Read(p)
	k.read = k.read || n > 0
	if k.room > 0 && err == nil {
		if k.room -= n; k.room <= 0 {
			k.room = 1
			return 0, errHead
		}
	}
	return n, err
}

// maxHead bounds an answer's head.
const maxHead = 256 << 10

// take gives an idle connection or dials one.
func (c *Client) take(ctx context.Context, fresh bool) (*conn, error) {
	c.mu.Lock()
	if n := len(c.idle); n > 0 && !fresh {
		k := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return k, nil
	}
	c.stats.NewConns++
	c.mu.Unlock()
	d := net.Dialer{Timeout: c.cfg.Timeout}
	raw, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, &Error{"dial", err}
	}
	if c.secure {
		t := tls.Client(raw, c.tls)
		hctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
		defer cancel()
		if err := t.HandshakeContext(hctx); err != nil {
			_ = raw.Close()
			return nil, &Error{"dial", err}
		}
		raw = t
	}
	k := &conn{Conn: raw}
	k.in = bufio.NewReader(k)
	return k, nil
}

func (c *Client) keep(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) < c.cfg.Concurrency && k.in.Buffered() == 0 {
		k.used = true
		c.idle = append(c.idle, k)
		return
	}
	_ = k.Close()
}

// exchange sends r, on a fresh connection when an idle one turns out dead.
func (c *Client) exchange(ctx context.Context, r *Request) (*Answer, error) {
	k, err := c.take(ctx, false)
	if err != nil {
		return nil, err
	}
	a, err := c.on(ctx, k, r)
	var failed *Error
	if k.used && !k.read && errors.As(err, &failed) && !failed.Timeout() && ctx.Err() == nil {
		if k, err = c.take(ctx, true); err != nil {
			return nil, err
		}
		return c.on(ctx, k, r)
	}
	return a, err
}

// on makes one exchange on a connection, and keeps or closes it.
func (c *Client) on(ctx context.Context, k *conn, r *Request) (*Answer, error) {
	stop := context.AfterFunc(ctx, func() { _ = k.SetDeadline(time.Unix(1, 0)) })
	reusable := false
	defer func() {
		if stop() && reusable {
			c.keep(k)
			return
		}
		_ = k.Close()
	}()
	_ = k.SetDeadline(time.Now().Add(c.cfg.Timeout))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	k.read = false
	start := time.Now()
	_, wrote := k.Write(c.bytes(r))
	// A server may answer before it has read all, and close: what it says counts
	// more than that it stopped reading.
	res, err := c.head(k, r.Method)
	if err != nil {
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case wrote != nil:
			return nil, &Error{"write", wrote}
		}
		return nil, &Error{"read", err}
	}
	a := &Answer{Status: res.StatusCode, Header: res.Header, Took: time.Since(start)}
	if t, ok := k.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		a.TLS = &state
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		a.Cut = true
		return a, nil
	}
	_ = k.SetReadDeadline(time.Now().Add(c.patience(res)))
	a.Body, a.Cut = readSome(res.Body, c.cfg.MaxAnswer)
	reusable = !a.Cut && !res.Close && wrote == nil
	return a, nil
}

// patience is how long a body is waited for: a stream never ends, and what is
// wanted of it is its beginning.
func (c *Client) patience(res *http.Response) time.Duration {
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return min(c.cfg.Timeout, 300*time.Millisecond)
	}
	return c.cfg.Timeout
}

// head reads the answer's head, past interim ones.
func (c *Client) head(k *conn, method string) (*http.Response, error) {
	k.room = maxHead
	defer func() { k.room = 0 }()
	for range 10 {
		res, err := http.ReadResponse(k.in, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
	}
	return nil, errors.New("too many interim answers")
}

// readSome reads a body up to a bound; what is longer, breaks off or does not
// end in time is cut.
func readSome(body io.ReadCloser, most int64) (got []byte, cut bool) {
	defer body.Close()
	got, err := io.ReadAll(io.LimitReader(body, most+1))
	if int64(len(got)) > most {
		return got[:most], true
	}
	return got, err != nil
}

// bytes writes r down. Fields that HTTP/1.1 needs are added where r has none:
// Host, Content-Length, User-Agent, Accept.
func (c *Client) bytes(r *Request) []byte {
	var b bytes.Buffer
	b.Grow(512 + len(r.Target) + len(r.Body))
	b.WriteString(r.Method)
	b.WriteByte(' ')
	b.WriteString(r.Target)
	b.WriteString(" HTTP/1.1\r\n")
	field := func(name, value string) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(value)
		b.WriteString("\r\n")
	}
	if !r.Has("Host") {
		field("Host", c.host)
	}
	for _, f := range r.Header {
		field(f.Name, f.Value)
	}
	if !r.Has("User-Agent") {
		field("User-Agent", c.cfg.Agent)
	}
	if !r.Has("Accept") {
		field("Accept", "*/*")
	}
	if (r.Body != nil || wantsLength(r.Method)) && !r.Has("Content-Length") && !r.Has("Transfer-Encoding") {
		field("Content-Length", strconv.Itoa(len(r.Body)))
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// wantsLength tells that servers expect a body's length with a method even when
// there is none (RFC 9110, section 8.6).
func wantsLength(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}
