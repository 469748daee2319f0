// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"durward"
)

// Limits of what is kept of runs of security tests.
const (
	MaxProbeReport = 8 << 20 // bytes of one report, compressed
	MaxProbeRuns   = 100     // of one job; older ones are deleted
)

// ProbeRun is one run of security tests.
type ProbeRun struct {
	ID  int64
	Job string
	// Trigger is what began it: a scheduled time, or a configuration's fingerprint.
	Trigger           string
	Started, Finished time.Time // Finished is zero until it has ended
	Outcome           string    // clean, findings, untested, failed
	Summary           string    // one line
	Report            []byte    // as it was given to FinishProbe; nil in lists
}

// BeginProbe notes that a run begins and gives its number; ok is false when this
// or another node has begun a run of the job for the same trigger.
func (s *Store) BeginProbe(ctx context.Context, job, trigger string) (id int64, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false, ErrClosed
	}
	err = s.db.QueryRowContext(ctx, "INSERT INTO probe_runs (job, trigger, started) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
		job, trigger, s.opts.Now().UnixMilli()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return id, err == nil, classify(err)
}

// FinishProbe notes how a run ended, and deletes the oldest runs of its job that
// are too many. ErrInvalid when the report is too large, durward.ErrNotFound when
// there is no such run.
func (s *Store) FinishProbe(ctx context.Context, id int64, outcome, summary string, report []byte) error {
	if len(report) > MaxProbeReport {
		return ErrInvalid
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	var job string
	err = tx.QueryRowContext(ctx, "UPDATE probe_runs SET finished = ?, outcome = ?, summary = ?, report = ? WHERE id = ? RETURNING job",
		s.opts.Now().UnixMilli(), outcome, summary, report, id).Scan(&job)
	if errors.Is(err, sql.ErrNoRows) {
		return durward.ErrNotFound
	}
	if err != nil {
		return classify(err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM probe_runs WHERE job = ?1 AND id NOT IN (SELECT id FROM probe_runs WHERE job = ?1 ORDER BY id DESC LIMIT ?2)",
		job, MaxProbeRuns); err != nil {
		return classify(err)
	}
	return classify(tx.Commit())
}

// ProbeRuns lists the runs of a job, or of all for "", the newest first, at most
// limit, without their reports.
func (s *Store) ProbeRuns(ctx context.Context, job string, limit int) ([]ProbeRun, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, job, trigger, started, finished, outcome, summary FROM probe_runs WHERE job = ?1 OR ?1 = '' ORDER BY id DESC LIMIT ?2", job, limit)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []ProbeRun
	for rows.Next() {
		var r ProbeRun
		var started, finished int64
		if err := rows.Scan(&r.ID, &r.Job, &r.Trigger, &started, &finished, &r.Outcome, &r.Summary); err != nil {
			return nil, classify(err)
		}
		r.Started, r.Finished = milli(started), milli(finished)
		all = append(all, r)
	}
	return all, classify(rows.Err())
}

// ProbeRun gives one run with its report; durward.ErrNotFound when there is none.
func (s *Store) ProbeRun(ctx context.Context, id int64) (ProbeRun, error) {
	r := ProbeRun{ID: id}
	var started, finished int64
	err := s.db.QueryRowContext(ctx, "SELECT job, trigger, started, finished, outcome, summary, report FROM probe_runs WHERE id = ?", id).
		Scan(&r.Job, &r.Trigger, &started, &finished, &r.Outcome, &r.Summary, &r.Report)
	if errors.Is(err, sql.ErrNoRows) {
		return ProbeRun{}, durward.ErrNotFound
	}
	r.Started, r.Finished = milli(started), milli(finished)
	return r, classify(err)
}

// milli is a stored time; 0 is none.
func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
