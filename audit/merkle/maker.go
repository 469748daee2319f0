// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// CheckpointFile is the name of the last checkpoint in a log's directory.
const CheckpointFile = "checkpoint"

// Source gives the records of a log in their order; io.EOF when there is none
// yet, and it may be asked again.
type Source interface {
	Next() (line []byte, sequence uint64, err error)
	Close() error
}

// Options are what a Maker needs.
type Options struct {
	Dir      string // the log's directory: tiles and checkpoint go there
	Signer   note.Signer
	Public   string // the public key
	Interval time.Duration
	Read     func(from uint64) Source // records from that number on, 1 being the first
	Publish  []Publisher
	Now      func() time.Time
	Log      *slog.Logger
}

// Maker makes the tree of a log that is being written, and a checkpoint of it
// at each interval. Its methods are safe for concurrent use.
type Maker struct {
	opts     Options
	verifier note.Verifier

	mu     sync.Mutex // of what follows; held while a checkpoint is made
	tree   *Tree
	source Source // nil when no file is read
	at     int64  // leaves before the one that source gives next
	fed    bool   // the feed goes on where the tree ends
	signed int64  // size of the last checkpoint

	feed   feed
	behind *behind

	size      atomic.Int64
	published []atomic.Int64 // by publisher
	failing   atomic.Pointer[string]

	now  chan chan error
	look chan struct{} // capacity 1
	grow chan struct{} // capacity 1
	move chan struct{} // capacity 1
	stop context.CancelFunc
	done chan struct{}
	ends sync.WaitGroup // of what puts tiles in their places
}

// Start loads the tree and goes on with it. The error wraps ErrForked when the
// tiles are not those of the last checkpoint: something changed them, and
// nothing must be signed on top.
func Start(opts Options) (*Maker, error) {
	v, err := NewVerifier(opts.Public)
	if err != nil {
		return nil, err
	}
	m := &Maker{opts: opts, verifier: v, now: make(chan chan error), look: make(chan struct{}, 1), grow: make(chan struct{}, 1), move: make(chan struct{}, 1), done: make(chan struct{}), published: make([]atomic.Int64, len(opts.Publish))}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("the tree of the audit log: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go m.run(ctx)
	m.ends.Go(func() { m.settle(ctx) })
	m.wakeSettle() // what another process left
	return m, nil
}

// load takes up the tree where the last checkpoint left it.
func (m *Maker) load() error {
	text, err := os.ReadFile(filepath.Join(m.opts.Dir, CheckpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		m.tree = &Tree{dir: m.opts.Dir}
		return m.loadBehind()
	}
	if err != nil {
		return err
	}
	c, _, err := Open(text, m.verifier)
	if err != nil {
		return err
	}
	if m.tree, err = Load(m.opts.Dir, c.Size, m.leaf); err != nil {
		return err
	}
	got, err := m.tree.Root()
	if err != nil {
		return err
	}
	if got != c.Root {
		return fmt.Errorf("%w: its tiles are not those of its last checkpoint", ErrForked)
	}
	m.signed = c.Size
	m.size.Store(c.Size)
	return m.loadBehind()
}

// leaf reads one record for its hash.
func (m *Maker) leaf(n int64) (tlog.Hash, error) {
	source := m.opts.Read(uint64(n) + 1)
	defer source.Close()
	line, sequence, err := source.Next()
	if errors.Is(err, io.EOF) {
		return tlog.Hash{}, fmt.Errorf("%w: records that it committed to are gone", ErrForked)
	}
	if err != nil {
		return tlog.Hash{}, err
	}
	if sequence != uint64(n)+1 {
		return tlog.Hash{}, fmt.Errorf("%w: record %d is gone", ErrMissing, n+1)
	}
	return tlog.RecordHash(line), nil
}

func (m *Maker) run(ctx context.Context) {
	defer close(m.done)
	ticker := time.NewTicker(m.opts.Interval)
	defer ticker.Stop()
	for {
		var asked chan error
		select {
		case <-ctx.Done():
			return
		case <-m.grow:
			if err := m.take(ctx); err != nil && ctx.Err() == nil {
				m.note(err)
			}
			continue
		case asked = <-m.now:
		case <-m.look:
		case <-ticker.C:
		}
		err := m.make(ctx)
		m.note(err)
		if asked != nil {
			asked <- err
		}
	}
}

// note tells of a fault once, and when it is over.
func (m *Maker) note(err error) {
	was := m.failing.Load()
	switch {
	case err == nil && was != nil:
		m.failing.Store(nil)
		m.opts.Log.Info("checkpoints of the audit log are made again")
	case err != nil && (was == nil || *was != err.Error()):
		text := err.Error()
		m.failing.Store(&text)
		m.opts.Log.Error("a checkpoint of the audit log cannot be made or published", slog.Any("error", err))
	}
}

// Look has a checkpoint made soon, so that files can be removed. It never waits. A nil Maker does nothing.
func (m *Maker) Look() {
	if m == nil {
		return
	}
	select {
	case m.look <- struct{}{}:
	default:
	}
}

// Now makes a checkpoint of all that is stored, and publishes it.
func (m *Maker) Now(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case m.now <- answer:
	case <-m.done:
		return errors.New("the maker of checkpoints has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// make takes in what is new, signs it and publishes it.
func (m *Maker) make(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(ctx); err != nil {
		return err
	}
	size := m.tree.Size()
	if size == 0 {
		return nil
	}
	signed, err := m.sign(size)
	if err != nil {
		return err
	}
	return m.publish(ctx, signed)
}

// sign writes the checkpoint of the present size, and gives it. When nothing is
// new it is the one that is there.
func (m *Maker) sign(size int64) ([]byte, error) {
	path := filepath.Join(m.opts.Dir, CheckpointFile)
	if size == m.signed {
		return os.ReadFile(path)
	}
	// The tiles are on the disk before anything commits to them.
	if err := errors.Join(m.tree.Flush(), m.tree.Sync()); err != nil {
		return nil, err
	}
	top, err := m.tree.Root()
	if err != nil {
		return nil, err
	}
	c := Checkpoint{Origin: m.opts.Signer.Name(), Size: size, Root: top}
	signed, err := c.Sign(m.opts.Signer)
	if err != nil {
		return nil, err
	}
	if err := writeWhole(path, signed, 0o600); err != nil {
		return nil, err
	}
	m.signed = size
	m.size.Store(size)
	return signed, m.tree.Tidy()
}

// publish brings the checkpoint to those who do not have it yet.
func (m *Maker) publish(ctx context.Context, signed []byte) error {
	c, _, err := Open(signed, m.verifier)
	if err != nil {
		return err
	}
	prove := func(old int64) (tlog.TreeProof, error) {
		if old == 0 || old == c.Size {
			return nil, nil
		}
		return tlog.ProveTree(c.Size, old, m.tree)
	}
	var errs []error
	cosigned := false
	for i, p := range m.opts.Publish {
		if m.published[i].Load() == c.Size {
			continue
		}
		lines, err := p.Publish(ctx, c, signed, prove)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Name(), err))
			continue
		}
		m.published[i].Store(c.Size)
		if lines != "" && !strings.Contains(string(signed), lines) {
			signed, cosigned = append(signed, lines...), true
		}
	}
	if cosigned {
		errs = append(errs, writeWhole(filepath.Join(m.opts.Dir, CheckpointFile), signed, 0o600))
	}
	return errors.Join(errs...)
}

// Stats is the state of a Maker.
type Stats struct {
	Size      int64            // records under the last checkpoint
	Published map[string]int64 // records that each witness has committed to
	Failing   string           // why the last checkpoint failed; "" when it did not
}

// Stats gives the state.
func (m *Maker) Stats() Stats {
	s := Stats{Size: m.size.Load(), Published: map[string]int64{}}
	for i, p := range m.opts.Publish {
		s.Published[p.Name()] = m.published[i].Load()
	}
	if f := m.failing.Load(); f != nil {
		s.Failing = *f
	}
	return s
}

// Committed gives the number of the last record under a checkpoint: it and those
// before it may be removed, and the tree on the disk still has their hashes.
func (m *Maker) Committed() uint64 { return uint64(m.size.Load()) }

// Public is the public key, for who checks.
func (m *Maker) Public() string { return m.opts.Public }

// Close makes a last checkpoint, and ends. The log must be closed before, so
// that its last record is in it.
func (m *Maker) Close(ctx context.Context) error {
	m.stop()
	<-m.done
	m.ends.Wait()
	err := m.make(ctx)
	m.settleNow(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(err, m.closeSource(), m.behind.close())
}
