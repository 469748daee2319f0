// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"durward"
)

// segment is a file of the log.
type segment struct {
	first uint64    // number of its first record
	begun time.Time // the time of that record, when the file before it was ended
}

// rotate ends the present file and begins the next.
func (w *writer) rotate() error {
	w.awaitSync()
	if (w.unsynced || w.l.cfg.Durability == DurabilityBuffered) && !w.suspect {
		if err := w.sync(w.f); err != nil {
			w.suspect = true
			return err
		}
		w.unsynced = false
	}
	_ = w.f.Close() // it is synced
	w.f = nil
	return w.begin()
}

// begin makes a new file with its first record, and those that tell which old
// files are removed for it; then it removes them. Until all that is on the
// disk there is no file to write to.
func (w *writer) begin() error {
	from, now := w.chain.position, w.l.now()
	next := segment{w.chain.sequence + 1, now}
	expired := w.expired(append(w.segments[:len(w.segments):len(w.segments)], next))
	lines := w.header(nil, now)
	for _, s := range expired {
		lines = w.removal(lines, s, now)
	}
	path := filePath(w.dir, next.first)
	f, err := w.create(path)
	if err == nil {
		if err = writeAll(f, lines); err == nil {
			err = w.sync(f)
		}
		if err == nil {
			err = w.fs.SyncDir(w.dir)
		}
		if err != nil {
			_ = f.Close()
			_ = w.fs.Remove(path) // nothing in it was promised; create removes it too
		}
	}
	if err != nil {
		w.chain.position = from
		return err
	}
	w.f, w.size, w.broken, w.suspect, w.unsynced = f, 0, false, false, false
	w.segments = append(w.segments, next)
	w.written(lines, from)
	w.remove(expired)
	w.compressor.look()
	w.l.ready.Load().Look()
	return nil
}

// create makes the file. One of that name can only be left over from a begin
// that failed: its first record was never promised to anybody.
func (w *writer) create(path string) (file, error) {
	f, err := w.fs.Create(path)
	if errors.Is(err, fs.ErrExist) {
		if err = w.fs.Remove(path); err == nil {
			f, err = w.fs.Create(path)
		}
	}
	return f, err
}

// header appends the first line of a file.
func (w *writer) header(lines []byte, now time.Time) []byte {
	ev := durward.Event{Kind: durward.EventSystem, Time: now, Message: messageFile}
	body := append(appendBody(nil, &ev), `,"prev":"`...)
	body = append(hex.AppendEncode(body, w.chain.hash[:]), '"')
	if last := w.l.lastAction.Load(); last != nil {
		body = appendText(body, `,"last_action":`, *last, maxName)
	}
	return w.chain.seal(lines, body)
}

// removal appends the record that a file is removed on purpose.
func (w *writer) removal(lines []byte, s segment, now time.Time) []byte {
	ev := durward.Event{Kind: durward.EventSystem, Time: now, Message: messageRemoved, Detail: fileName(s.first)}
	body := appendBody(nil, &ev)
	body = append(body, `,"removed_through":`...)
	return w.chain.seal(lines, strconv.AppendUint(body, w.endOf(s)-1, 10))
}

// endOf is the number of the first record behind an old segment.
func (w *writer) endOf(s segment) uint64 {
	for _, other := range w.segments {
		if other.first > s.first {
			return other.first
		}
	}
	return w.segments[len(w.segments)-1].first
}

// expired gives the old segments, oldest first, that the configuration does
// not keep beside the last of all.
func (w *writer) expired(all []segment) []segment {
	n, cfg := 0, &w.l.cfg
	if cfg.KeepFiles > 0 && len(all) > cfg.KeepFiles {
		n = len(all) - cfg.KeepFiles
	}
	if cfg.KeepFor > 0 {
		limit := all[len(all)-1].begun.Add(-cfg.KeepFor.Std())
		for n < len(all)-2 && all[n+1].begun.Before(limit) {
			n++
		}
	}
	for last := w.removable(); n > 0 && all[n].first-1 > last; n-- {
		// Its hashes are not on the disk yet: it goes at the next rotation.
	}
	return all[:n:n]
}

// remove removes files. One that cannot be removed stays listed, for the next
// rotation.
func (w *writer) remove(expired []segment) {
	for range expired {
		path := filePath(w.dir, w.segments[0].first)
		if err := w.removeFile(path); err != nil {
			w.l.log.Warn("old audit file cannot be removed", slog.String("file", filepath.Base(path)), slog.Any("error", err))
			return
		}
		w.segments = w.segments[1:]
		w.l.sealer.Expire(w.segments[0].begun)
	}
}

// removeFile removes both forms that a file may have.
func (w *writer) removeFile(path string) error {
	if w.compressor != nil {
		w.compressor.names.Lock()
		defer w.compressor.names.Unlock()
	}
	for _, form := range []string{path, path + compressedSuffix} {
		if err := w.fs.Remove(form); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
