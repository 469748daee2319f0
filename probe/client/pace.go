// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"sync"
	"time"
)

// pacer lets so many requests start in a second, evenly spaced.
type pacer struct {
	perSecond float64
	mu        sync.Mutex
	next      time.Time
}

// wait returns when the caller's turn has come.
func (p *pacer) wait(ctx context.Context) error {
	if p.perSecond <= 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = turn.Add(time.Duration(float64(time.Second) / p.perSecond))
	p.mu.Unlock()
	t := time.NewTimer(time.Until(turn))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
