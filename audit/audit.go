// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audit keeps the record of every attempt and every outcome, and
// decides that a request whose attempt cannot be stored is not carried out.
//
// # Format
//
// A directory holds files named audit-<sequence of the first record>.jsonl,
// one JSON object (RFC 8259) a line, times as RFC 3339 in UTC. Every line
// begins with its sequence number and ends with a hash:
//
//	{"seq":7,"time":"...","kind":"attempt",...,"hash":"<64 lower-case hex digits>"}
//
// The hash is SHA-256 over the hash of the line before (32 bytes, zero before
// the first record) and the line up to, not including, `,"hash":`. The first
// line of each file is a system record with "prev", the hash that it goes on
// from, so that a file can be checked when older ones were removed. [Verify]
// checks a whole directory.
//
// # Threats
//
// Repudiation and tampering: change, removal, insertion, reordering and
// truncation in the middle break the chain. What the chain alone cannot show
// is that records were cut from its very end, or that somebody with write
// access to the directory computed the whole chain anew: that takes
// checkpoints kept elsewhere. Log injection: every value passes
// durward.AppendString, so that none can end its line, start another or move a
// terminal. Query strings, header values other than the user agent, and
// credentials are never recorded. A flood of refusals before authentication
// costs a few records per client, operation and window, not one per request,
// and can fill neither the queue nor, at the pace of the line, the disk.
//
// # Failure policy
//
// An attempt that cannot be stored refuses its request with
// durward.CodeAuditUnavailable (on_error: deny), or lets it go on and counts
// it (on_error: proceed). Outcomes never block: while the disk fails they wait
// in a bounded queue. One that does not fit is counted, makes the log fail for
// the attempts that follow, and a system record tells how many are missing as
// soon as one can be written. A line that was written in part is cut off
// before anything else is written, and after a failed sync the file is not
// used again, because the kernel may have dropped what it could not write.
//
// # State
//
// The directory, locked against a second process; in memory the queue, the
// table of floods and the followers' channels, all bounded. It outlives a
// reload of the configuration.
package audit

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/audit/merkle"
	"durward/audit/seal"
)

// Errors of a Log.
var (
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("audit log is closed")
	// ErrOverflow says that records come faster than they can be stored.
	ErrOverflow = errors.New("audit queue is full")
	// ErrLocked says that another process writes to the directory.
	ErrLocked = errors.New("audit directory is in use by another process")
)

// Options are what a Log needs beside its Config. The zero value is usable.
type Options struct {
	// Now is the clock of system and flood records; time.Now when nil. The
	// records of an exchange carry the exchange's own times. Only the system's
	// clock is watched for being set.
	Now func() time.Time
	// Log gets a line when the log fails and when it recovers; nil discards.
	Log *slog.Logger
	// Clock tells what the system's clock is worth; nil asks the kernel.
	Clock func() durward.Clock

	files fileSystem // nil means the operating system's; tests inject faults
}

// Log is an open audit log. All its methods are safe for concurrent use.
type Log struct {
	cfg Config
	now func() time.Time
	log *slog.Logger

	clock      func() durward.Clock
	stageTimes bool
	leastStage time.Duration
	clockStop  chan struct{}
	lastAction atomic.Pointer[string] // id of the last admin record; nil for none
	clockEnd   sync.WaitGroup

	mu      sync.Mutex
	cur     *batch // being filled
	state   writerState
	gather  int // callers that end the gathering of a group
	closing bool
	lost    uint64 // outcomes that no system record accounts for yet
	refused uint64 // attempts, likewise

	pressed   atomic.Bool                  // the queue is half full
	failure   atomic.Pointer[failure]      // nil while records can be stored
	wake      chan struct{}                // capacity 1
	done      chan struct{}                // closed when the writer has ended
	w         *writer                      // the writer goroutine's own
	maker     *merkle.Maker                // nil when checkpoints are off
	sealer    *seal.Sealer                 // nil when nothing is sealed
	ready     atomic.Pointer[merkle.Maker] // maker, for the writer
	floods    floodTable
	followers followers
	count     counters
	closeOnce sync.Once
	closeErr  error
}

type failure struct{ err error }

type counters struct {
	records, groups, syncs, bytes     atomic.Uint64
	attemptsRefused, outcomesLost     atomic.Uint64
	floodRefusals, failures, sequence atomic.Uint64
}

// Stats are counters since Open, and the present state.
type Stats struct {
	Sequence        uint64 // of the last stored record
	Records         uint64 // stored
	Groups          uint64 // writes; Records/Groups is the mean group
	Syncs           uint64
	Bytes           uint64
	Queued          int    // records that wait to be stored
	AttemptsRefused uint64 // attempts that could not be stored
	OutcomesLost    uint64 // outcomes that did not fit the queue
	FloodRefusals   uint64 // refusals that are only counted, in a flood record
	Failures        uint64 // times that the log began to fail
	Failing         bool
}

// Stats gives the counters.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	queued := len(l.cur.records)
	l.mu.Unlock()
	c := &l.count
	return Stats{
		Sequence: c.sequence.Load(), Records: c.records.Load(), Groups: c.groups.Load(),
		Syncs: c.syncs.Load(), Bytes: c.bytes.Load(), Queued: queued,
		AttemptsRefused: c.attemptsRefused.Load(), OutcomesLost: c.outcomesLost.Load(),
		FloodRefusals: c.floodRefusals.Load(), Failures: c.failures.Load(),
		Failing: l.failure.Load() != nil,
	}
}

// Stored is how many records were stored since Open.
func (l *Log) Stored() uint64 { return l.count.records.Load() }

// Health is nil while records can be stored, else the reason why not.
func (l *Log) Health() error {
	if f := l.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// Directory is where the log's files are.
func (l *Log) Directory() string { return l.cfg.Directory }

// OnError is what the runner does when an attempt cannot be stored.
func (l *Log) OnError() durward.OnError {
	if l == nil {
		return durward.DenyOnError
	}
	return l.cfg.OnError
}

// System stores a record about the gateway itself, such as a start or a
// reload, and waits until it is stored. Neither text may hold a secret.
func (l *Log) System(message, detail string) error {
	return l.SystemBy(nil, message, detail)
}

// await stores a record that is about no request, and waits until it is
// stored.
func (l *Log) await(ev *durward.Event, wait patience) error {
	g, err := l.enqueue(ev, nil, wait, true)
	if err != nil {
		return err
	}
	<-g.done
	if g.err == nil {
		l.followers.send(ev)
	}
	return g.err
}

// systemEvent is a record about the gateway itself, of now.
func (l *Log) systemEvent(message, detail string) durward.Event {
	return durward.Event{Kind: durward.EventSystem, Time: l.now(), Message: message, Detail: detail, Clock: l.clock()}
}

// Close ends the windows of floods, stores what is queued, and unlocks the
// directory. It reports what could not be stored. Calling it again gives the
// same answer. It waits for the disk, however long that takes.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		close(l.clockStop)
		l.clockEnd.Wait()
		if l.sealer != nil {
			l.sealer.Stop()
		}
		l.floods.stop()
		l.sweepFloods()
		l.mu.Lock()
		l.closing = true
		l.mu.Unlock()
		l.signal()
		<-l.done
		l.followers.close()
		l.closeErr = errors.Join(l.w.closeErr, l.closeMaker(), l.closeSealer(), unlock(l.w.lock))
	})
	<-l.done
	return l.closeErr
}
