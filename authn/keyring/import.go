// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"durward"
)

// ImportOptions say what an import may do. The zero value is the careful one.
type ImportOptions struct {
	// MakeConsumers makes the consumers that are not there, with their ids as
	// names.
	MakeConsumers bool
	// DryRun does everything but storing.
	DryRun bool
}

// Imported is what an import did, or would do.
type Imported struct {
	Keys      []durward.Key // added
	Present   []string      // ids of keys that were there before with the same text, and were left as they are
	Consumers []string      // made
}

// LineError says what is wrong with one line of a file. It quotes no part of it.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Import adds the keys of a file of JSON lines (see [ParseImport]), all or none.
// The error joins a *LineError for each line that cannot be taken, at most 100.
//
// A key that is there already with the same text is left as it is, so that an
// import can be done again; in particular it does not bring back what was
// revoked. One whose id is taken by another text is ErrExists, one on the deny
// list ErrLeaked.
func (r *Ring) Import(ctx context.Context, file io.Reader, opts ImportOptions) (done Imported, err error) {
	if !opts.DryRun {
		defer func() {
			r.note("key.import", "", "", fmt.Sprintf("%s, %d consumers made", count(done.Keys), len(done.Consumers)), err)
		}()
	}
	records, err := ParseImport(file, r.store.Pepper())
	if err != nil {
		return Imported{}, err
	}
	m := importer{ring: r, opts: opts, consumers: map[string]bool{}, known: map[string]*durward.Key{}}
	if err := m.load(ctx); err != nil {
		return Imported{}, err
	}
	for i := range records {
		m.take(ctx, &records[i])
	}
	if err := m.faults.join(); err != nil {
		return Imported{}, err
	}
	if opts.DryRun || len(m.done.Keys) == 0 {
		return m.done, nil
	}
	consumers := make([]durward.Consumer, len(m.done.Consumers))
	for i, id := range m.done.Consumers {
		consumers[i] = durward.Consumer{ID: id, Name: id, Created: r.now()}
	}
	if err := r.store.AddKeys(ctx, consumers, m.done.Keys); err != nil {
		return Imported{}, err
	}
	return m.done, nil
}

// importer holds the records of one file against the store.
type importer struct {
	ring      *Ring
	opts      ImportOptions
	consumers map[string]bool         // asked for: is there, or will be
	known     map[string]*durward.Key // of the store and of the lines before
	done      Imported
	faults    faults
}

func (m *importer) load(ctx context.Context) error {
	all, err := m.ring.store.FindKeys(ctx, durward.KeyFilter{})
	if err != nil {
		return err
	}
	for i := range all {
		m.known[all[i].ID] = &all[i]
	}
	return nil
}

func (m *importer) take(ctx context.Context, rec *Record) {
	k := &rec.Key
	if old := m.known[k.ID]; old != nil {
		if old.Hash != k.Hash {
			m.faults.add(rec.Line, durward.ErrExists)
		} else {
			m.done.Present = append(m.done.Present, k.ID)
		}
		return
	}
	if !m.ring.store.Denied(k.ID, k.Hash).IsZero() {
		m.faults.add(rec.Line, ErrLeaked)
		return
	}
	if err := m.consumer(ctx, k.Consumer); err != nil {
		m.faults.add(rec.Line, err)
		return
	}
	if k.Created.IsZero() {
		k.Created = m.ring.now()
	}
	m.known[k.ID] = k
	m.done.Keys = append(m.done.Keys, *k)
}

// consumer sees to it that a key's consumer is there, or will be.
func (m *importer) consumer(ctx context.Context, id string) error {
	if m.consumers[id] {
		return nil
	}
	_, err := m.ring.store.Consumer(ctx, id)
	switch {
	case err == nil:
	case !errors.Is(err, durward.ErrNotFound):
		return err
	case !m.opts.MakeConsumers:
		return fmt.Errorf("its consumer: %w", err)
	case !consumerForm(id):
		return durward.Invalid("consumer", "must be 1 to 63 of a-z, 0-9, _ and -, and begin with a letter or digit")
	default:
		m.done.Consumers = append(m.done.Consumers, id)
	}
	m.consumers[id] = true
	return nil
}

func consumerForm(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && (c == '_' || c == '-')) {
			return false
		}
	}
	return id != "" && len(id) <= 63
}

// faults collects what is wrong with lines.
type faults []error

const maxFaults = 100

func (f *faults) add(line int, err error) { *f = append(*f, &LineError{line, err}) }

func (f *faults) full() bool { return len(*f) >= maxFaults }

func (f faults) join() error { return errors.Join(slices.Clone(f[:min(len(f), maxFaults)])...) }
