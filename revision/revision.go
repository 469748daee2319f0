// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package revision decides how a new version of the configuration comes into
// the store: a file or an earlier revision is packed with what travels with it,
// loaded from exactly those bytes, compared with the revision that nodes
// follow, and proposed. The store decides whether somebody else must approve.
//
// Threat: protection that is lost by accident or by one person alone: two
// people who overwrite each other, a rollback that nobody looked at, a secret
// that ends in the history.
//
// Failure policy: what does not load here is not proposed; a revision that
// cannot be compared counts as weaker; a conflict changes nothing. Authors are
// as they call themselves: who can write to the store can write any name.
// It keeps no state; all is in package store.
package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"durward"
	"durward/config"
	"durward/store"
)

// Differ says what a change of the configuration does to the protection. Its
// labels hold no secret. weaker is true when a request that was refused may
// now be allowed, or when that cannot be told.
type Differ interface {
	Diff(old, new *config.Config) (labels []store.Label, weaker bool)
}

// Cautious is the Differ that knows nothing: every change counts as weaker.
type Cautious struct{}

// Diff implements Differ.
func (Cautious) Diff(old, new *config.Config) ([]store.Label, bool) {
	if old.Same(new) {
		return nil, false
	}
	return []store.Label{{Effect: store.Weaker, Text: "the configuration changed, and nothing here can tell what that does to the protection"}}, true
}

// Options are what a Manager needs beside its store.
type Options struct {
	URL    string                      // of the store
	Dir    string                      // where the paths of files that do not travel start; empty is the folder of what is applied, else the current one
	Differ Differ                      // nil is Cautious
	Env    func(string) (string, bool) // looks up variables; nil means that none is set
}

// Manager makes revisions. It is safe for concurrent use.
type Manager struct {
	store *store.Store
	o     Options
}

// New makes a Manager on an open store, which the caller closes.
func New(s *store.Store, o Options) *Manager {
	if o.Differ == nil {
		o.Differ = Cautious{}
	}
	return &Manager{s, o}
}

// Newest as the base of a Wish takes the newest revision for the one that its
// author knew.
const Newest = -1

// Wish is what an author says of a new revision.
type Wish struct {
	Author      string
	Message     string
	Base        int64 // the newest revision that the author knew, or Newest
	AllowWeaker bool
}

// Outcome is what came of a Wish.
type Outcome struct {
	Revision store.Revision
	// Same tells that nodes follow this very configuration already: nothing was
	// stored, and Revision is the one that they follow.
	Same bool
}

// Apply proposes the document at path. An error changes nothing: the faults of
// the document, store.ErrConflict, store.ErrWeaker.
func (m *Manager) Apply(ctx context.Context, path string, w Wish) (Outcome, error) {
	name, files, err := config.Pack(path, m.o.Env)
	if err != nil {
		return Outcome{}, err
	}
	if m.o.Dir == "" {
		m = &Manager{m.store, m.o}
		m.o.Dir = filepath.Dir(path)
	}
	return m.propose(ctx, store.Bundle{Document: name, Files: files}, 0, w)
}

// Rollback proposes the configuration of an earlier revision as a new one, with
// the same fingerprint. It may need an approval as any other.
func (m *Manager) Rollback(ctx context.Context, number int64, w Wish) (Outcome, error) {
	r, b, err := m.find(ctx, number)
	if err != nil {
		return Outcome{}, err
	}
	if r.State == store.Rejected {
		return Outcome{}, fmt.Errorf("%w: revision %d was rejected", store.ErrState, number)
	}
	if w.Message == "" {
		w.Message = fmt.Sprintf("rollback to revision %d", number)
	}
	return m.propose(ctx, b, number, w)
}

func (m *Manager) propose(ctx context.Context, b store.Bundle, restores int64, w Wish) (Outcome, error) {
	p := store.Proposal{Bundle: b, Author: w.Author, Message: w.Message, Base: w.Base, Restores: restores, AllowWeaker: w.AllowWeaker}
	if w.Base == Newest {
		newest, err := m.store.NewestRevision(ctx)
		if err != nil && !errors.Is(err, durward.ErrNotFound) {
			return Outcome{}, err
		}
		p.Base = newest.Number
	}
	next, err := m.load(b)
	if err != nil {
		return Outcome{}, err
	}
	now, err := m.store.Followed(ctx)
	switch {
	case errors.Is(err, durward.ErrNotFound): // the first one weakens nothing
	case err != nil:
		return Outcome{}, err
	case now.Fingerprint == b.Fingerprint():
		return Outcome{Revision: now, Same: true}, nil
	default:
		p.Compared = now.Number
		if p.Labels, p.Weaker, err = m.compare(ctx, now, next); err != nil {
			return Outcome{}, err
		}
	}
	r, err := m.store.Propose(ctx, p)
	return Outcome{Revision: r}, err
}

// compare labels the change from a stored revision to next. One that cannot be
// loaded here cannot be compared.
func (m *Manager) compare(ctx context.Context, old store.Revision, next *config.Config) ([]store.Label, bool, error) {
	b, err := m.store.Bundle(ctx, old.Fingerprint)
	if err != nil {
		return nil, false, fmt.Errorf("revision %d: %w", old.Number, err)
	}
	was, err := m.load(b)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return bounded([]store.Label{{Effect: store.Weaker,
			Text: fmt.Sprintf("revision %d does not load here and cannot be compared: %s", old.Number, line)}}), true, nil
	}
	labels, weaker := m.o.Differ.Diff(was, next)
	// The same Differ says both, and the worse of them counts.
	weaker = weaker || slices.ContainsFunc(labels, func(l store.Label) bool { return l.Effect == store.Weaker })
	return bounded(labels), weaker, nil
}

// bounded makes labels that can be stored, the weaker ones first.
func bounded(labels []store.Label) []store.Label {
	rank := func(l store.Label) int {
		return slices.Index([]store.Effect{store.Weaker, store.Stronger, store.Neutral}, l.Effect)
	}
	labels = slices.Clone(labels)
	slices.SortStableFunc(labels, func(a, b store.Label) int { return rank(a) - rank(b) })
	if over := len(labels) - store.MaxLabels; over > 0 {
		last := labels[store.MaxLabels-1] // as bad as the worst that is left out
		last.Text = fmt.Sprintf("and %d more changes", over+1)
		labels = append(labels[:store.MaxLabels-1], last)
	}
	for i, l := range labels {
		if len(l.Text) > store.MaxLabelText {
			cut := l.Text[:store.MaxLabelText-len("...")]
			for !utf8.ValidString(cut) && cut != "" {
				cut = cut[:len(cut)-1]
			}
			labels[i].Text = cut + "..."
		}
	}
	return labels
}

// Difference is what changes from one revision to another.
type Difference struct {
	Labels []store.Label
	Weaker bool
	Files  []FileChange // by name
}

// FileChange is a file that is not the same in both.
type FileChange struct {
	Name string
	What string // added, removed, changed
}

// Diff compares two revisions, whatever their states. The new one must load
// here.
func (m *Manager) Diff(ctx context.Context, from, to int64) (Difference, error) {
	old, was, err := m.find(ctx, from)
	if err != nil {
		return Difference{}, err
	}
	_, b, err := m.find(ctx, to)
	if err != nil {
		return Difference{}, err
	}
	next, err := m.load(b)
	if err != nil {
		return Difference{}, fmt.Errorf("revision %d does not load here: %w", to, err)
	}
	d := Difference{Files: fileChanges(was.Files, b.Files)}
	if was.Fingerprint() != b.Fingerprint() {
		d.Labels, d.Weaker, err = m.compare(ctx, old, next)
	}
	return d, err
}

func fileChanges(old, new map[string][]byte) []FileChange {
	all := maps.Clone(old)
	maps.Copy(all, new)
	var out []FileChange
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, before := old[name]
		is, after := new[name]
		switch {
		case !before:
			out = append(out, FileChange{name, "added"})
		case !after:
			out = append(out, FileChange{name, "removed"})
		case !bytes.Equal(was, is):
			out = append(out, FileChange{name, "changed"})
		}
	}
	return out
}

// find gives a revision with its files.
func (m *Manager) find(ctx context.Context, number int64) (store.Revision, store.Bundle, error) {
	r, err := m.store.RevisionAt(ctx, number)
	if errors.Is(err, durward.ErrNotFound) {
		return r, store.Bundle{}, fmt.Errorf("there is no revision %d: %w", number, err)
	}
	if err != nil {
		return r, store.Bundle{}, err
	}
	b, err := m.store.Bundle(ctx, r.Fingerprint)
	if errors.Is(err, durward.ErrNotFound) {
		return r, b, fmt.Errorf("the files of revision %d are no longer kept: %w", number, err)
	}
	return r, b, err
}

func (m *Manager) load(b store.Bundle) (*config.Config, error) {
	return config.LoadBundle(b.Document, b.Files, config.BundleOptions{Dir: m.o.Dir, Store: m.o.URL, Env: m.o.Env})
}
