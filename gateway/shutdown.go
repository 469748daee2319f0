// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Shutdown ends the gateway: /readyz fails at once; for the grace time new
// requests are still taken, with answers that ask to close the connection, so
// that a load balancer can turn away first; then nothing new is taken and what
// is under way has until ctx ends. It is called once.
func (g *Gateway) Shutdown(ctx context.Context, grace time.Duration) error {
	g.draining.Store(true)
	g.log.Info("draining", "requests_in_flight", g.pipeline.InFlight(), "grace", grace)
	g.listen.Drain()
	select {
	case <-time.After(grace):
	case <-ctx.Done():
	}
	err := g.listen.Shutdown(ctx)
	if e := g.env.Audit.System("stopped", ""); e != nil {
		err = errors.Join(err, e)
	}
	return errors.Join(err, g.close(context.WithoutCancel(ctx)))
}

// close closes what was opened, the last first.
func (g *Gateway) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var errs []error
	if g.pipeline != nil {
		g.pipeline.Close()
	}
	for _, c := range slices.Backward(g.closers) {
		errs = append(errs, c(ctx))
	}
	g.closers = nil
	return errors.Join(errs...)
}
