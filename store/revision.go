// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of revisions.
var (
	// ErrConflict says that somebody else changed the configuration meanwhile.
	ErrConflict = errors.New("somebody else changed the configuration")
	// ErrWeaker says that a revision protects less, and nobody said that it may.
	ErrWeaker = errors.New("the revision is weaker")
	// ErrSameAuthor says that an author wanted to approve a revision of theirs.
	ErrSameAuthor = errors.New("the approver must be another than the author")
	// ErrState says that a revision is past what was asked for.
	ErrState = errors.New("the revision is not in a state for that")
)

// State is where a revision stands.
type State string

// States of a revision. Nodes follow the one that is approved, else the one
// that is active.
const (
	Pending    State = "pending"    // waits for an approval
	Approved   State = "approved"   // may be taken; no node has loaded it yet
	Active     State = "active"     // a node has loaded it
	Superseded State = "superseded" // another was approved after it
	Rejected   State = "rejected"   // somebody refused it
)

// Effect is what a change does to the protection.
type Effect string

// Effects of a change.
const (
	Weaker   Effect = "weaker"
	Stronger Effect = "stronger"
	Neutral  Effect = "neutral"
)

// Label is one line of what a revision changes. It holds no secret.
type Label struct {
	Effect Effect `json:"effect"`
	Text   string `json:"text"`
}

// Revision is one version of the configuration. Authors are as they call
// themselves: nothing proves it but that they could write to the store.
type Revision struct {
	Number      int64
	Fingerprint string // of its Bundle
	Author      string
	Message     string
	Made        time.Time
	Compared    int64 // the revision that Labels are against; 0 when it was the first
	Restores    int64 // the revision that it brings back; 0 for none
	Weaker      bool  // one of Labels is, or it cannot be told
	Labels      []Label
	State       State
	DecidedBy   string    // who approved or rejected it; empty when nobody had to
	Decided     time.Time // zero when nobody did
}

// RevisionEvent is one line of the history of revisions.
type RevisionEvent struct {
	Number int64 // 0 when it is about the rules
	At     time.Time
	Author string
	What   string // applied, approved, rejected, active, superseded, rule
	Detail string
}

// Approval says which revisions need the approval of a second person.
type Approval string

// Rules of approval. A new store has ApproveWeaker.
const (
	ApproveWeaker Approval = "weaker" // those that protect less
	ApproveAll    Approval = "all"    // every one
	ApproveNone   Approval = "none"   // none
)

// Bounds of a revision's texts.
const (
	maxAuthor    = 100
	maxMessage   = 2000
	MaxLabels    = 1000
	MaxLabelText = 1000
)

// checkAuthor wants a name that can be compared and shown.
func checkAuthor(name string) error {
	if name == "" || len(name) > maxAuthor || !utf8.ValidString(name) || strings.ContainsFunc(name, control) || strings.TrimSpace(name) != name {
		return fmt.Errorf("%w: the author must have 1 to %d bytes of plain text, without blanks around it", ErrInvalid, maxAuthor)
	}
	return nil
}

// samePerson compares authors as people do: "Ana" is "ana".
func samePerson(a, b string) bool { return strings.EqualFold(a, b) }

func checkTold(message string, labels []Label) error {
	inner := func(r rune) bool { return control(r) && r != '\n' && r != '\t' }
	if len(message) > maxMessage || !utf8.ValidString(message) || strings.ContainsFunc(message, inner) {
		return fmt.Errorf("%w: the message must have at most %d bytes of plain text", ErrInvalid, maxMessage)
	}
	if len(labels) > MaxLabels {
		return fmt.Errorf("%w: more than %d labels", ErrInvalid, MaxLabels)
	}
	for _, l := range labels {
		if l.Effect != Weaker && l.Effect != Stronger && l.Effect != Neutral {
			return fmt.Errorf("%w: the effect of a label must be weaker, stronger or neutral", ErrInvalid)
		}
		if l.Text == "" || len(l.Text) > MaxLabelText || !utf8.ValidString(l.Text) {
			return fmt.Errorf("%w: a label must have 1 to %d bytes of text", ErrInvalid, MaxLabelText)
		}
	}
	return nil
}

const revisionColumns = "number, fingerprint, author, message, made, compared, restores, weaker, labels, state, decided_by, decided"

func queryRevisions(ctx context.Context, q querier, behind string, args ...any) ([]Revision, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+revisionColumns+" FROM revisions "+behind, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []Revision
	for rows.Next() {
		var r Revision
		var made, decided int64
		var labels string
		if err := rows.Scan(&r.Number, &r.Fingerprint, &r.Author, &r.Message, &made, &r.Compared, &r.Restores, &r.Weaker,
			&labels, &r.State, &r.DecidedBy, &decided); err != nil {
			return nil, classify(err)
		}
		if err := json.Unmarshal([]byte(labels), &r.Labels); err != nil {
			return nil, fmt.Errorf("%w: labels of revision %d", ErrCorrupt, r.Number)
		}
		if len(r.Labels) == 0 {
			r.Labels = nil
		}
		r.Made, r.Decided = instant(made), instant(decided)
		all = append(all, r)
	}
	return all, classify(rows.Err())
}

// oneRevision is durward.ErrNotFound when there is none.
func oneRevision(ctx context.Context, q querier, behind string, args ...any) (Revision, error) {
	all, err := queryRevisions(ctx, q, behind+" LIMIT 1", args...)
	if err != nil {
		return Revision{}, err
	}
	if len(all) == 0 {
		return Revision{}, classify(sql.ErrNoRows)
	}
	return all[0], nil
}

// Revisions gives at most limit revisions, the newest first.
func (s *Store) Revisions(ctx context.Context, limit int) ([]Revision, error) {
	return queryRevisions(ctx, s.db, "ORDER BY number DESC LIMIT ?", max(limit, 0))
}

// RevisionAt gives one revision, or durward.ErrNotFound.
func (s *Store) RevisionAt(ctx context.Context, number int64) (Revision, error) {
	return oneRevision(ctx, s.db, "WHERE number = ?", number)
}

// Followed gives the revision that nodes follow: the newest approved one. It
// is durward.ErrNotFound when none ever was.
func (s *Store) Followed(ctx context.Context) (Revision, error) {
	return oneRevision(ctx, s.db, followed)
}

const followed = "WHERE state IN ('approved', 'active') ORDER BY number DESC"

// ActiveRevision gives the newest revision that a node has loaded, or
// durward.ErrNotFound. A node falls back to it when Followed does not load.
func (s *Store) ActiveRevision(ctx context.Context) (Revision, error) {
	return oneRevision(ctx, s.db, "WHERE state = 'active'")
}

// NewestRevision gives the newest revision that was not rejected, or
// durward.ErrNotFound: the one that a change is based on.
func (s *Store) NewestRevision(ctx context.Context) (Revision, error) {
	return oneRevision(ctx, s.db, newest)
}

const newest = "WHERE state <> 'rejected' ORDER BY number DESC"

// RevisionEvents gives what was done with a revision, in that order; with 0
// the changes of the rules.
func (s *Store) RevisionEvents(ctx context.Context, number int64) ([]RevisionEvent, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT number, at, author, what, detail FROM revision_events WHERE number = ? ORDER BY id LIMIT 10000", number)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []RevisionEvent
	for rows.Next() {
		var e RevisionEvent
		var at int64
		if err := rows.Scan(&e.Number, &at, &e.Author, &e.What, &e.Detail); err != nil {
			return nil, classify(err)
		}
		e.At = instant(at)
		all = append(all, e)
	}
	return all, classify(rows.Err())
}

// RevisionApproval tells which revisions need an approval.
func (s *Store) RevisionApproval(ctx context.Context) (Approval, error) {
	var a Approval
	err := s.db.QueryRowContext(ctx, "SELECT approval FROM revision_rules").Scan(&a)
	return a, classify(err)
}
