// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"durward"
)

// Shutdown ends the gateway: /readyz fails at once; for the grace time new
// requests are still taken, with answers that ask to close the connection, so
// that a load balancer can turn away first; then nothing new is taken and what
// is under way has until ctx ends. It is called once.
func (g *Gateway) Shutdown(ctx context.Context, grace time.Duration) error {
	g.draining.Store(true)
	g.awaitReload()
	g.endProbes(ctx)
	g.log.Info("draining", "requests_in_flight", g.pipeline.InFlight(), "grace", grace)
	g.listen.Drain()
	select {
	case <-time.After(grace):
	case <-ctx.Done():
	}
	if err := g.listen.Shutdown(ctx); err != nil {
		// Streams may be endless: to cut them is the way of things.
		g.log.Warn("connections were cut at the end of the drain time", "error", err)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	g.closePipeline(end) // the outcomes of what was cut are stored before the last record
	err := g.env.Audit.System("stopped", "")
	if err != nil && g.env.Audit.OnError() == durward.ProceedOnError {
		g.log.Warn("the end was not recorded", "error", err)
		err = nil
	}
	return errors.Join(err, g.close(end))
}

// endProbes ends a run of security tests while the gateway still answers it: it
// has resources to delete, and its record comes before the last one.
func (g *Gateway) endProbes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if err := g.probes.scheduler.Close(ctx); err != nil {
		g.log.Warn("security tests were cut", "error", err)
	}
}

// awaitReload waits for a reload under way; none begins any more.
func (g *Gateway) awaitReload() {
	g.reloading.Lock()
	defer g.reloading.Unlock()
}

// closeTime bounds the end of everything after the last request.
const closeTime = 5 * time.Second

// closePipeline waits for the last request of the current generation.
func (g *Gateway) closePipeline(ctx context.Context) error {
	closed := g.pipeline.Close()
	if closed == nil {
		return nil
	}
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d requests have not ended: %w", g.pipeline.InFlight(), ctx.Err())
	}
}

// close closes what was opened, the last first.
func (g *Gateway) close(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(g.closers) {
		errs = append(errs, c(ctx))
	}
	g.closers = nil
	return errors.Join(errs...)
}
