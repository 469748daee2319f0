// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"log/slog"
)

// Messages of the log's own system records.
const (
	messageFile      = "audit file begun"
	messageRemoved   = "audit file removed"
	messageOpened    = "audit log opened"
	messageClosed    = "audit log closed"
	messageRecovered = "audit log recovered"
)

// usable tells whether lines can be written to the present file.
func (w *writer) usable() bool { return w.f != nil && !w.broken && !w.suspect }

// failed makes the log fail and chooses when to try again.
func (w *writer) failed(err error, b *batch) {
	if w.retry == 0 {
		w.retry = firstRetry
		w.l.log.Error("audit log cannot store records", slog.Any("error", err))
	} else {
		w.retry = min(2*w.retry, lastRetry)
	}
	w.l.fail(err, b)
}

// repair makes the file writable again. Part of a line is cut off. A file
// whose sync failed is given up: the kernel may have marked as clean what it
// never wrote, so that a later sync of the same file proves nothing.
func (w *writer) repair() error {
	w.awaitSync()
	if err := w.l.sealer.Flush(); err != nil {
		return err
	}
	if w.f != nil && w.broken {
		if err := w.f.Truncate(w.size); err != nil {
			return err
		}
		w.broken = false
	}
	if w.f != nil && w.suspect {
		_ = w.sync(w.f) // the length; what matters goes to the new file
		_ = w.f.Close()
		w.f = nil
	}
	if w.f == nil {
		return w.begin()
	}
	return nil
}

// recover repairs the file and stores the record that tells what is missing.
// Only then may attempts come again.
func (w *writer) recover() bool {
	l := w.l
	err := w.repair()
	if err == nil {
		l.mu.Lock()
		lost, refused, cause := l.lost, l.refused, l.failure.Load().err
		l.mu.Unlock()
		detail := fmt.Sprintf("%d outcomes lost, %d attempts refused: %v", lost, refused, cause)
		if err = w.system(messageRecovered, detail); err == nil {
			l.mu.Lock()
			l.lost -= lost
			l.refused -= refused
			recovered := l.lost == 0
			if recovered {
				l.failure.Store(nil)
			}
			l.mu.Unlock()
			if w.retry = firstRetry; recovered {
				w.retry = 0
				l.log.Warn("audit log stores records again", slog.Uint64("outcomes_lost", lost), slog.Uint64("attempts_refused", refused))
			}
			return recovered
		}
	}
	w.failed(err, nil)
	return false
}

// system stores a record of the log's own.
func (w *writer) system(message, detail string) error {
	from := w.chain.position
	ev := w.l.systemEvent(message, detail)
	return w.append(w.chain.seal(nil, appendBody(nil, &ev)), from, nil)
}

// scheduleSync makes sure that what was just written is synced within
// syncInterval.
func (w *writer) scheduleSync() {
	if !w.unsynced && w.syncing == nil {
		w.syncTimer.Reset(syncInterval)
	}
	w.unsynced = true
}

// startSync syncs beside the writer, so that no attempt waits for it.
func (w *writer) startSync() {
	if w.f == nil || w.syncing != nil || !w.unsynced {
		return
	}
	w.unsynced = false
	done, f := make(chan error, 1), w.f
	w.syncing = done
	go func() { done <- w.sync(f) }()
}

func (w *writer) endSync(err error) {
	w.syncing = nil
	switch {
	case err != nil:
		w.suspect = true
		w.failed(fmt.Errorf("records up to %d may not survive a crash: %w", w.chain.sequence, err), nil)
	case w.unsynced:
		w.syncTimer.Reset(syncInterval)
	}
}

// awaitSync waits for a sync that runs, before its file is changed or closed.
func (w *writer) awaitSync() {
	if w.syncing != nil {
		if err := <-w.syncing; err != nil {
			w.suspect = true
		}
		w.syncing = nil
	}
}

// finish stores what is left and closes the file.
func (w *writer) finish() {
	l := w.l
	w.step()
	if l.failure.Load() != nil {
		w.step() // one more chance
	}
	if err := l.Health(); err != nil {
		l.mu.Lock()
		w.closeErr = fmt.Errorf("audit log closed while it failed, %d outcomes lost: %w", l.lost+uint64(len(l.cur.records)), err)
		l.mu.Unlock()
	} else {
		w.closeErr = w.system(messageClosed, "")
	}
	w.timer.Stop()
	w.syncTimer.Stop()
	w.awaitSync()
	w.compressor.close()
	if w.f != nil {
		w.closeErr = errors.Join(w.closeErr, w.sync(w.f), w.f.Close())
	}
}
