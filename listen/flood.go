// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"sync"
	"sync/atomic"
	"time"
)

// What frames cost a client of HTTP/2, in units of one frame that asks for
// nothing. Every HEADERS or DATA frame that it gets gives it some back, so a
// client that is being served may update windows, cancel and ping as it likes;
// what it does beyond that is bounded: about 500 requests that are reset at
// once, or 1000 pings, then 100 and 200 a second.
const (
	frameBurst  = 1000              // units that an unserved client has
	frameEvery  = time.Second / 200 // in which it gets one more
	frameEarned = 4                 // units that a frame of an answer gives
	frameIdle   = 1                 // a frame that brings nothing: PING, SETTINGS, an empty DATA, ...
	frameUndone = 2                 // a request that was made and then reset
)

// Codes of RST_STREAM that say that the client broke the protocol or its
// limits (RFC 9113, section 7). An attacker can have us send them in place of
// its own resets (CVE-2025-8671).
const (
	codeProtocol    = 0x1
	codeFlowControl = 0x3
	codeFrameSize   = 0x6
	codeRefused     = 0x7
)

// allowance is what is left to a client. Safe for concurrent use.
type allowance struct {
	units atomic.Int64
	mu    sync.Mutex
	since time.Time // up to when the rate was given
	now   func() time.Time
}

func (a *allowance) init(now func() time.Time) {
	a.now, a.since = now, now()
	a.units.Store(frameBurst)
}

// take charges a client, and is false when it has nothing left. The clock is
// asked only then.
func (a *allowance) take(cost int64) bool {
	if cost == 0 || a.units.Add(-cost) >= 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	given := int64(now.Sub(a.since) / frameEvery)
	a.since = a.since.Add(time.Duration(given) * frameEvery)
	return a.units.Add(min(given, frameBurst)) >= 0
}

func (a *allowance) give(units int64) {
	if a.units.Add(units) > frameBurst {
		a.units.Store(frameBurst) // what another frame took meanwhile does not matter
	}
}

// received gives the cost of a client's frame.
func received(f frame) int64 {
	switch f.kind {
	case frameHeaders:
		return 0 // a request, for which there are other limits
	case frameData:
		// A padded frame of 256 bytes or less may hold nothing but padding.
		empty := f.length == 0 || f.flags&flagPadded != 0 && f.length <= 256
		if !empty || f.flags&flagEndStream != 0 {
			return 0
		}
	case frameReset:
		return frameUndone
	}
	return frameIdle
}

// sent gives the cost of a frame of ours, negative for what it gives back.
func sent(f frame) int64 {
	switch f.kind {
	case frameHeaders, frameData:
		return -frameEarned
	case frameReset:
		switch f.code {
		case codeProtocol, codeFlowControl, codeFrameSize, codeRefused:
			return frameUndone
		}
	}
	return 0
}
