// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package export tells the records of the audit log to other systems, each at
// least once and in order.
//
// # Ways
//
// JSON lines and CSV (RFC 4180) in files or on standard output; syslog (RFC
// 5424) over TLS (RFC 5425) or TCP with octet counting (RFC 6587); OTLP logs
// over HTTP in their JSON encoding; webhooks that are signed as Standard
// Webhooks says.
//
// # At least once
//
// Each export reads the log itself, from the record behind the one that its
// cursor names. The cursor is a small file beside the log; it is written and
// synced after the other side has what was sent. So after a crash some records
// are sent again, under the same numbers, and none is left out. Syslog has no
// acknowledgement: there, what the other machine's system has taken counts as
// told.
//
// # Threats
//
// A log that is told to others must not become a way into them: values cannot
// end a line, begin another frame, or be taken for a formula by a spreadsheet.
// Records are about people, so they leave this machine over TLS only, unless a
// setting says otherwise; redirects are not followed. A webhook's receiver can
// tell by the signature that a record is ours, and by its id that it has it.
//
// # Failure policy
//
// Nothing waits for an export: not a request, and not the expiry of the log's
// files. One that fails is tried again, with pauses that grow to a minute, for
// as long as it takes. Records that expired before they could be told are
// counted, logged, and a record of the log says so.
//
// # State
//
// The cursors; in memory one batch for each export.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward/audit"
)

// Options are what exports need beside their configuration.
type Options struct {
	// Log gets a line when an export fails and when it works again; nil
	// discards.
	Log *slog.Logger
	// Record stores a record of the log itself, for losses; nil does not.
	Record func(message, detail string) error
	// Stdout is where files without a path go; nil means os.Stdout.
	Stdout io.Writer
}

func (o Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// Stats is how far an export is.
type Stats struct {
	Name    string
	Last    uint64 // number of the last record that the other side has
	Lost    uint64 // records that expired before they could be told
	Failing bool
}

// Set is the running exports of one log.
type Set struct {
	all  []*exporter
	stop context.CancelFunc
	wait sync.WaitGroup
}

// Start opens the exports of the log in dir and lets them begin. They end with
// Close.
func Start(dir string, all []audit.Export, opts Options) (*Set, error) {
	opts.Log = opts.logger()
	if opts.Record == nil {
		opts.Record = func(string, string) error { return nil }
	}
	if opts.Stdout == nil {
		opts.Stdout = os.Stdout
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Set{stop: stop}
	for i := range all {
		e, err := newExporter(dir, &all[i], opts)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export %s: %w", all[i].Name, err), s.Close())
		}
		s.all = append(s.all, e)
	}
	for _, e := range s.all {
		s.wait.Go(func() { e.run(ctx) })
	}
	return s, nil
}

// Stats tells how far each export is.
func (s *Set) Stats() []Stats {
	var all []Stats
	for _, e := range s.all {
		all = append(all, Stats{Name: e.name, Last: e.last.Load(), Lost: e.lost.Load(), Failing: e.failing.Load()})
	}
	return all
}

// Close ends the exports. What is not told yet will be at the next start.
func (s *Set) Close() error {
	s.stop()
	s.wait.Wait()
	var errs []error
	for _, e := range s.all {
		errs = append(errs, e.close())
	}
	return errors.Join(errs...)
}

// target is where records go. It is for one goroutine.
type target interface {
	// send returns when the other side has the batch. After an error the whole
	// batch is sent again.
	send(ctx context.Context, b *batch) error
	close() error
}

// Pauses of an export.
const (
	lookEvery  = 250 * time.Millisecond
	firstRetry = 500 * time.Millisecond
	lastRetry  = time.Minute
)

// exporter is one running export.
type exporter struct {
	name   string
	opts   Options
	log    *slog.Logger
	read   *audit.Reader
	cursor *cursor
	to     target
	batch  batch

	last, lost atomic.Uint64
	failing    atomic.Bool
}

func newExporter(dir string, cfg *audit.Export, opts Options) (*exporter, error) {
	e := &exporter{name: cfg.Name, opts: opts, log: opts.Log.With(slog.String("export", cfg.Name))}
	var err error
	if e.to, err = newTarget(cfg, opts, e.log); err != nil {
		return nil, err
	}
	if e.cursor, err = openCursor(dir, cfg.Name, e.log); err != nil {
		return nil, errors.Join(err, e.to.close())
	}
	e.last.Store(e.cursor.last)
	e.read = audit.NewReader(dir, e.cursor.last+1)
	return e, nil
}

func newTarget(cfg *audit.Export, opts Options, log *slog.Logger) (target, error) {
	switch cfg.Type {
	case audit.ExportJSONL, audit.ExportCSV:
		return newFile(cfg, opts.Stdout)
	case audit.ExportSyslog:
		return newSyslog(cfg)
	case audit.ExportOTLP:
		return newOTLP(cfg, log)
	case audit.ExportWebhook:
		return newWebhook(cfg)
	}
	return nil, fmt.Errorf("type %q is not known", cfg.Type)
}

func (e *exporter) close() error {
	return errors.Join(e.to.close(), e.read.Close(), e.cursor.close())
}

// run tells records until ctx ends.
func (e *exporter) run(ctx context.Context) {
	pause := time.Duration(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		n, err := e.step(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			pause = e.failed(pause, err)
		case n > 0:
			e.recovered()
			pause = 0
		default:
			pause = lookEvery
		}
		timer.Reset(pause)
	}
}

// step tells one batch: the one that failed before, or the next. It gives the
// number of its records.
func (e *exporter) step(ctx context.Context) (int, error) {
	if len(e.batch.lines) == 0 {
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
	n := len(e.batch.lines)
	if n == 0 {
		return 0, nil
	}
	if err := e.to.send(ctx, &e.batch); err != nil {
		return 0, err
	}
	if err := e.cursor.save(e.batch.last, e.batch.lines[n-1]); err != nil {
		return 0, fmt.Errorf("cursor: %w", err)
	}
	e.last.Store(e.batch.last)
	e.batch.reset()
	return n, nil
}

// fill reads the next batch, as far as the log has it.
func (e *exporter) fill() error {
	for !e.batch.full() {
		text, sequence, err := e.read.Next()
		var removed *audit.RemovedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &removed):
			e.gone(removed)
			continue
		case err != nil && len(e.batch.lines) > 0:
			return nil // it comes again when these are told
		case err != nil:
			return err
		}
		e.batch.add(sequence, text)
	}
	return nil
}

// gone accounts for records that expired before they could be told.
func (e *exporter) gone(removed *audit.RemovedError) {
	n := removed.First - removed.Wanted
	e.lost.Add(n)
	e.log.Error("audit records expired before they were exported", slog.Uint64("from", removed.Wanted), slog.Uint64("records", n))
	detail := fmt.Sprintf("export %s: records %d to %d expired before they were told", e.name, removed.Wanted, removed.First-1)
	if err := e.opts.Record("audit records not exported", detail); err != nil {
		e.log.Error("the loss cannot be recorded", slog.Any("error", err))
	}
}

// failed gives the pause before the next try.
func (e *exporter) failed(last time.Duration, err error) time.Duration {
	if !e.failing.Swap(true) {
		e.log.Warn("an audit export fails and is tried again", slog.Any("error", err))
	}
	pause := min(max(2*last, firstRetry), lastRetry)
	var later *retryLater
	if errors.As(err, &later) {
		pause = min(max(pause, later.after), lastRetry)
	}
	return pause
}

func (e *exporter) recovered() {
	if e.failing.Swap(false) {
		e.log.Info("the audit export works again")
	}
}
