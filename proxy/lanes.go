// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"sync"
	"sync/atomic"

	"durward/proxy/http1"
)

// lane is a set of connections to a target that were made under one version of
// the certificate files: an HTTP/1.1 pool or net/http's connections.
type lane struct {
	pool      *http1.Pool
	transport *http.Transport
	version   int
	live      atomic.Int64
	retired   atomic.Bool
}

// lanes gives each request the lane of the current files. After a renewal new
// requests use new connections, and the old ones end with their last request.
type lanes struct {
	version func() int // of the files
	open    func() *lane

	mu      sync.Mutex
	current *lane
	ended   bool
}

// enter gives the lane for a new request. The caller leaves it again.
func (c *lanes) enter() (*lane, error) {
	version := c.version()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, &http1.Error{Op: "wait", Kind: http1.Closed, Err: http1.ErrPoolClosed}
	}
	if c.current == nil || c.current.version != version {
		if c.current != nil {
			c.current.retire()
		}
		c.current = c.open()
		c.current.version = version
	}
	c.current.live.Add(1)
	return c.current, nil
}

// close ends idle connections now and busy ones with their last request.
func (c *lanes) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.current != nil {
		c.current.retire()
	}
}

// leave ends a request's part in the lane.
func (l *lane) leave() {
	if l.live.Add(-1) == 0 && l.retired.Load() {
		l.end()
	}
}

func (l *lane) retire() {
	l.retired.Store(true)
	if l.live.Load() == 0 {
		l.end()
	} else if l.transport != nil {
		l.transport.CloseIdleConnections()
	}
}

// end may run twice.
func (l *lane) end() {
	if l.pool != nil {
		l.pool.Close()
	}
	if l.transport != nil {
		l.transport.CloseIdleConnections()
	}
}
