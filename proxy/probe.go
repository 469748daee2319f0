// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// prober asks one target at an interval whether it is well.
type prober struct {
	active  Active
	health  *health
	check   func(ctx context.Context) error
	changed func(healthy bool, reason string)
}

// run checks until ctx ends: at once, then at the interval.
func (p *prober) run(ctx context.Context) {
	tick := time.NewTicker(p.active.Interval.Std())
	defer tick.Stop()
	for {
		p.once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// once makes one check.
func (p *prober) once(ctx context.Context) {
	bound, cancel := context.WithTimeout(ctx, p.active.Timeout.Std())
	err := p.check(bound)
	cancel()
	if ctx.Err() != nil {
		return // the end of the checks is no fault of the target
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if p.health.checked(&p.active, reason) {
		p.changed(err == nil, reason)
	}
}

// newCheck makes the check of a target: GET over a connection of its own, so
// that a busy pool does not look like a dead target.
func newCheck(e endpoint, a Active, rt http.RoundTripper, host string) (func(context.Context) error, error) {
	low, high, err := parseStatus(a.Status)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = e.authority
	}
	blank, err := http.NewRequest(http.MethodGet, e.String()+a.Path, nil)
	if err != nil {
		return nil, err
	}
	blank.Host = host
	blank.Header.Set("User-Agent", "durward-health")
	return func(ctx context.Context) error {
		answer, err := rt.RoundTrip(blank.Clone(ctx))
		if err != nil {
			if ctx.Err() != nil {
				return errors.New("check timed out")
			}
			return fmt.Errorf("check failed: %w", err)
		}
		// A few bytes are read so that the target does not see a reset; the
		// answer's content tells nothing.
		_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
		_ = answer.Body.Close()
		if answer.StatusCode < low || answer.StatusCode > high {
			return fmt.Errorf("check got status %d", answer.StatusCode)
		}
		return nil
	}, nil
}
