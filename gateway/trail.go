// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"

	"durward/audit"
	"durward/audit/export"
	"durward/audit/index"
	"durward/observe"
)

// trail is what follows the audit log. Nothing of a request waits for it.
type trail struct {
	index   *index.Index // nil: off
	exports *export.Set
}

// openTrail opens what follows the log, and lets it begin.
func (g *Gateway) openTrail(ctx context.Context, cfg *audit.Config, records *audit.Log) error {
	if err := g.openIndex(ctx, cfg, records); err != nil {
		return err
	}
	var err error
	if g.trail.exports, err = export.Start(cfg.Directory, cfg.Export, export.Options{Log: g.log, Record: records.System}); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	g.closers = append(g.closers, func(context.Context) error { return g.trail.exports.Close() })
	return nil
}

func (g *Gateway) openIndex(ctx context.Context, cfg *audit.Config, records *audit.Log) error {
	if cfg.Index.Off {
		return nil
	}
	x, err := index.Open(ctx, cfg.Directory, index.Options{Path: cfg.Index.Path, Log: g.log, Stored: records.Stored})
	if err != nil {
		return err
	}
	g.trail.index = x
	follow, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.Follow(follow)
	}()
	g.closers = append(g.closers, func(context.Context) error {
		stop()
		<-done
		return x.Close()
	})
	return nil
}

// register tells how far each is behind the log.
func (t *trail) register(m *observe.Metrics, records *audit.Log) {
	if x := t.index; x != nil {
		m.GaugeFunc("audit_index_lag_records", "Audit records that the index does not have yet.", func() float64 {
			return behind(records.Stats().Sequence, x.Stats().Last)
		})
		m.GaugeFunc("audit_index_healthy", "Whether the index of the audit log could go on the last time: 1 or 0.", func() float64 { return boolean(!x.Stats().Failing) })
	}
	for i, s := range t.exports.Stats() {
		now := func() export.Stats { return t.exports.Stats()[i] }
		m.LabelledGaugeFunc("audit_export_lag_records", "Audit records that the export has not told yet.", "export", s.Name, func() float64 {
			return behind(records.Stats().Sequence, now().Last)
		})
		m.LabelledGaugeFunc("audit_export_healthy", "Whether the export could go on the last time: 1 or 0.", "export", s.Name, func() float64 { return boolean(!now().Failing) })
		m.LabelledCounterFunc("audit_export_lost_total", "Audit records that expired before the export could tell them.", "export", s.Name, func() float64 { return float64(now().Lost) })
	}
}

func behind(end, at uint64) float64 {
	if at >= end {
		return 0
	}
	return float64(end - at)
}
