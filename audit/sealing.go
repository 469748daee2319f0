// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"durward"
	"durward/audit/seal"
)

// messageErased is the system record of a key that was destroyed. Its detail
// names the key by the tag that records have, never the person.
const messageErased = "audit key erased"

// openSealer opens the keys of an open log; nil when nothing is sealed.
func (l *Log) openSealer() error {
	if !l.cfg.Seal.On() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	var err error
	l.sealer, err = seal.Open(ctx, l.cfg.Seal, seal.Options{Now: l.now, Log: l.log, Erased: func(kind, tag string) error {
		return l.System(messageErased, kind+" "+tag)
	}})
	if err != nil {
		return fmt.Errorf("audit.seal: %w", err)
	}
	return nil
}

func (l *Log) closeSealer() error {
	if l.sealer == nil {
		return nil
	}
	return l.sealer.Close()
}

// Sealing tells what the sealing of records did; ok is false when it is off.
func (l *Log) Sealing() (s seal.Stats, ok bool) {
	if l == nil || l.sealer == nil {
		return s, false
	}
	return l.sealer.Stats(), true
}

// WithKeys gives the sealing as a log in this configuration has it, for who opens
// its keys file.
func (c Config) WithKeys() seal.Config { return c.withDefaults().Seal }

// Opened gives a line as it would stand in the log if nothing of it were sealed,
// but for its hash, which stays that of the line that was written. What open
// cannot read stays away: in place of the sealed text stands why. A line that is
// not sealed is given back as it is.
func Opened(line []byte, open func(*durward.Event) error) []byte {
	if !bytes.Contains(line, []byte(`,"sealed":"`)) {
		return line
	}
	ev, sequence, err := Decode(line)
	if err != nil || ev.Sealed == "" && (ev.Admin == nil || len(ev.Admin.Sealed) == 0) {
		return line
	}
	who, from := ev.Who, ev.From
	switch err := open(&ev); {
	case err == nil:
		who, from = "", ""
	case errors.Is(err, seal.ErrErased):
		ev.Sealed = "erased"
	case errors.Is(err, seal.ErrWithheld):
		ev.Sealed = seal.Withheld
	default:
		ev.Sealed = "unreadable"
	}
	ev.Who, ev.From = who, from
	_, _, sum, ok := splitLine(line)
	if !ok {
		return line
	}
	out := strconv.AppendUint(append([]byte(nil), seqPrefix...), sequence, 10)
	out = append(append(append(appendBody(out, &ev), hashPrefix...), sum...), lineEnd...)
	return out
}

// Named counts the records of a log that name a subject or client by a keyed
// hash, with the times of the first and the last. It reads the whole log.
func Named(dir, tag string) (n int, first, last time.Time, err error) {
	r := NewReader(dir, 1)
	defer r.Close()
	var gone *RemovedError
	for {
		line, _, err := r.Next()
		switch {
		case errors.As(err, &gone):
			continue
		case errors.Is(err, io.EOF), errors.Is(err, fs.ErrNotExist):
			return n, first, last, nil
		case err != nil:
			return n, first, last, err
		}
		if !bytes.Contains(line, []byte(`"`+tag+`"`)) {
			continue
		}
		ev, _, err := Decode(line)
		if err != nil {
			return n, first, last, err
		}
		if ev.Who == tag || ev.Who == "" && ev.From == tag || ev.Admin != nil && namedIn(ev.Admin, tag) {
			if n++; n == 1 {
				first = ev.Time
			}
			last = ev.Time
		}
	}
}

// namedIn tells whether a text of an action is sealed with the key of a tag.
func namedIn(a *durward.AdminAction, tag string) bool {
	return slices.ContainsFunc(a.Sealed, func(t durward.SealedText) bool { return t.Tag == tag })
}
