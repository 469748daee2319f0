// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"sync"
	"sync/atomic"
	"time"
)

// cutKind is what a connection over HTTP/2 was cut for.
type cutKind uint8

const (
	cutPing cutKind = iota
	cutSettings
	cutReset
	cutProvoked
	cutWindow
	cutPriority
	cutEmpty
	cutContinuation
	cutOther
	cutSlow
	cutKinds
)

// cutNames are the kinds as Stats and the log name them.
var cutNames = [cutKinds]string{
	cutPing: "ping", cutSettings: "settings", cutReset: "reset", cutProvoked: "provoked-reset", cutWindow: "window-update",
	cutPriority: "priority", cutEmpty: "empty-data", cutContinuation: "continuation", cutOther: "other-frame", cutSlow: "slow-frame",
}

// floodOf names the flood that a client's frame belongs to.
func floodOf(f frame) cutKind {
	switch f.kind {
	case frameData:
		return cutEmpty
	case framePriority, framePriorityUpdate:
		return cutPriority
	case frameReset:
		return cutReset
	case frameSettings:
		return cutSettings
	case framePing:
		return cutPing
	case frameWindow:
		return cutWindow
	case frameContinuation:
		return cutContinuation
	}
	return cutOther
}

// HTTP2Stats counts what became of HTTP/2 beside the requests that were
// served, since the start.
type HTTP2Stats struct {
	// Cut has the connections that were cut, by what for: "ping", "settings",
	// "reset" (rapid reset), "provoked-reset" (resets that the client made us
	// send), "window-update", "priority", "empty-data", "continuation",
	// "other-frame" and "slow-frame". Every key is there.
	Cut map[string]uint64
	// Refused are requests that the standard library refused itself, so that
	// there is no record of them: 400, 431 or a reset. They are counted when
	// their connection ends.
	Refused uint64
	// Errors are connections that were ended with an error of the protocol.
	Errors uint64
}

func newHTTP2Stats() HTTP2Stats { return HTTP2Stats{Cut: make(map[string]uint64, cutKinds)} }

// http2counts is what HTTP2Stats gives, of one socket.
type http2counts struct {
	cut     [cutKinds]atomic.Uint64
	refused atomic.Uint64
	errors  atomic.Uint64
	lines   lines
}

func (c *http2counts) addTo(s *HTTP2Stats) {
	for kind, name := range cutNames {
		s.Cut[name] += c.cut[kind].Load()
	}
	s.Refused += c.refused.Load()
	s.Errors += c.errors.Load()
}

// What connections that misbehave may write to the log, so that many of them
// are no flood there.
const (
	lineBurst = 10
	lineEvery = time.Second
)

// lines bounds lines of the log. Safe for concurrent use.
type lines struct {
	mu    sync.Mutex
	spent int       // of the burst
	since time.Time // up to when it was given back
	held  int       // lines that were not written since the last one
}

// take tells whether a line may be written, and how many were not before it.
func (l *lines) take(now time.Time) (ok bool, held int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if back := int(now.Sub(l.since) / lineEvery); back > 0 {
		l.spent = max(l.spent-back, 0)
		l.since = now
	}
	if l.spent >= lineBurst {
		l.held++
		return false, 0
	}
	l.spent++
	held, l.held = l.held, 0
	return true, held
}
