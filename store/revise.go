// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"durward"
)

// How much of the past is kept. Numbers are never used again.
const (
	keepBundles   = 200    // revisions whose files are kept
	keepRevisions = 10_000 // revisions that are listed
)

// Proposal is a revision to be.
type Proposal struct {
	Bundle   Bundle
	Author   string
	Message  string
	Base     int64 // the newest revision that the author knew; 0 for none
	Compared int64 // the followed revision that Labels are against; 0 for none
	Restores int64 // the revision that it brings back; 0 for none
	Labels   []Label
	Weaker   bool
	// AllowWeaker is the author's word that a weaker one is meant. It stands
	// in only where the rules ask for no approval.
	AllowWeaker bool
}

// Propose stores a new revision, whole or not at all, and gives it as it then
// is: Approved, or Pending when the rules want a second person. What was
// pending before is superseded by one that is approved.
//
// The error is ErrConflict when Base is not the newest revision or Compared not
// the followed one, ErrWeaker when it needs AllowWeaker, ErrInvalid when a value
// cannot be stored. It is safe against others that do the same at the same time.
func (s *Store) Propose(ctx context.Context, p Proposal) (Revision, error) {
	if err := errors.Join(checkAuthor(p.Author), checkTold(p.Message, p.Labels), p.Bundle.Check()); err != nil {
		return Revision{}, err
	}
	labels, err := json.Marshal(append([]Label{}, p.Labels...))
	if err != nil {
		return Revision{}, err
	}
	fingerprint, now := p.Bundle.Fingerprint(), micros(s.opts.Now())
	var made Revision
	a := s.action(ctx, "revision.apply")
	if p.Restores > 0 {
		a.Action = "revision.rollback"
	}
	err = s.write(ctx, a, func(tx *sql.Tx) error {
		if err := unchanged(ctx, tx, p.Base, p.Compared); err != nil {
			return err
		}
		state, err := firstState(ctx, tx, &p)
		if err != nil {
			return err
		}
		var number int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) + 1 FROM revisions").Scan(&number); err != nil {
			return err
		}
		if err := insertBundle(ctx, tx, fingerprint, &p.Bundle); err != nil {
			return err
		}
		if state == Approved {
			if err := supersede(ctx, tx, number, now); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO revisions ("+revisionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0)",
			number, fingerprint, p.Author, p.Message, now, p.Compared, p.Restores, p.Weaker, string(labels), state); err != nil {
			return err
		}
		if err := tell(ctx, tx, number, now, p.Author, "applied", string(state)); err != nil {
			return err
		}
		if err := forget(ctx, tx, number); err != nil {
			return err
		}
		made, err = oneRevision(ctx, tx, "WHERE number = ?", number)
		tellRevision(a, &made)
		return err
	}, unindexed)
	return made, err
}

// unindexed is for changes of what the index does not hold.
func unindexed(*index) {}

// unchanged is an ErrConflict when another revision came between.
func unchanged(ctx context.Context, tx *sql.Tx, base, compared int64) error {
	now, err := oneRevision(ctx, tx, newest)
	if err != nil && !errors.Is(err, durward.ErrNotFound) {
		return err
	}
	if now.Number != base {
		if now.Number == 0 {
			return fmt.Errorf("%w: the change is based on revision %d, and the store has none", ErrConflict, base)
		}
		return fmt.Errorf("%w: the change is based on revision %d, and %s applied revision %d at %s; look at it and base the change on it",
			ErrConflict, base, now.Author, now.Number, now.Made.Format("2006-01-02 15:04:05Z07:00"))
	}
	force, err := oneRevision(ctx, tx, followed)
	if err != nil && !errors.Is(err, durward.ErrNotFound) {
		return err
	}
	if force.Number != compared {
		return fmt.Errorf("%w: the change was compared with revision %d, and %d is approved now; apply it again", ErrConflict, compared, force.Number)
	}
	return nil
}

// firstState says whether a proposal needs a second person.
func firstState(ctx context.Context, tx *sql.Tx, p *Proposal) (State, error) {
	var rule Approval
	if err := tx.QueryRowContext(ctx, "SELECT approval FROM revision_rules").Scan(&rule); err != nil {
		return "", err
	}
	switch rule {
	case ApproveNone:
		if p.Weaker && !p.AllowWeaker {
			return "", fmt.Errorf("%w than revision %d, and nobody has to approve it: say --allow-weaker when that is meant", ErrWeaker, p.Compared)
		}
		return Approved, nil
	case ApproveWeaker:
		if p.Weaker {
			return Pending, nil
		}
		return Approved, nil
	}
	return Pending, nil
}

// supersede makes room for the revision that is approved now. The active one
// stays so until a node has loaded the new one.
func supersede(ctx context.Context, tx *sql.Tx, by, now int64) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO revision_events (number, at, author, what, detail)
		SELECT number, ?, '', 'superseded', ? FROM revisions WHERE state IN ('pending', 'approved') AND number <> ?`,
		now, "by revision "+strconv.FormatInt(by, 10), by); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "UPDATE revisions SET state = 'superseded' WHERE state IN ('pending', 'approved') AND number <> ?", by)
	return err
}

func tell(ctx context.Context, tx *sql.Tx, number, now int64, author, what, detail string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO revision_events (number, at, author, what, detail) VALUES (?, ?, ?, ?, ?)",
		number, now, author, what, detail)
	return err
}

// forget drops what is older than what is kept, never what is in use.
func forget(ctx context.Context, tx *sql.Tx, newest int64) error {
	for _, statement := range []struct {
		sql string
		arg int64
	}{
		{"DELETE FROM revisions WHERE number <= ? AND state IN ('superseded', 'rejected')", newest - keepRevisions},
		{"DELETE FROM revision_events WHERE number > 0 AND number <= ?", newest - keepRevisions},
		{`DELETE FROM bundles WHERE fingerprint NOT IN
			(SELECT fingerprint FROM revisions WHERE number > ? OR state IN ('pending', 'approved', 'active'))`, newest - keepBundles},
	} {
		if _, err := tx.ExecContext(ctx, statement.sql, statement.arg); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM contents WHERE sum NOT IN (SELECT sum FROM bundle_files)")
	return err
}

// Approve lets nodes take a pending revision. by must be another person than
// its author (ErrSameAuthor); ErrState when it is not pending, ErrConflict when
// it was compared with a revision that is no longer followed.
func (s *Store) Approve(ctx context.Context, number int64, by string) (Revision, error) {
	return s.decide(ctx, "revision.approve", number, by, func(tx *sql.Tx, r *Revision, now int64) (State, error) {
		if samePerson(r.Author, by) {
			return "", fmt.Errorf("%w: revision %d is of %s", ErrSameAuthor, number, r.Author)
		}
		force, err := oneRevision(ctx, tx, followed)
		if err != nil && !errors.Is(err, durward.ErrNotFound) {
			return "", err
		}
		if force.Number != r.Compared {
			return "", fmt.Errorf("%w: revision %d was compared with %d, and %d is approved now; apply it again", ErrConflict, number, r.Compared, force.Number)
		}
		return Approved, supersede(ctx, tx, number, now)
	})
}

// Reject ends a pending revision; its author may do so too. ErrState when it is
// not pending.
func (s *Store) Reject(ctx context.Context, number int64, by string) (Revision, error) {
	return s.decide(ctx, "revision.reject", number, by, func(*sql.Tx, *Revision, int64) (State, error) { return Rejected, nil })
}

func (s *Store) decide(ctx context.Context, action string, number int64, by string, to func(*sql.Tx, *Revision, int64) (State, error)) (Revision, error) {
	if err := checkAuthor(by); err != nil {
		return Revision{}, err
	}
	now := micros(s.opts.Now())
	var r Revision
	a := s.action(ctx, action)
	err := s.write(ctx, a, func(tx *sql.Tx) (err error) {
		if r, err = oneRevision(ctx, tx, "WHERE number = ?", number); err != nil {
			return err
		}
		if r.State != Pending {
			return fmt.Errorf("%w: revision %d is %s", ErrState, number, r.State)
		}
		state, err := to(tx, &r, now)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE revisions SET state = ?, decided_by = ?, decided = ? WHERE number = ?", state, by, now, number); err != nil {
			return err
		}
		if err := tell(ctx, tx, number, now, by, string(state), ""); err != nil {
			return err
		}
		r, err = oneRevision(ctx, tx, "WHERE number = ?", number)
		tellRevision(a, &r)
		return err
	}, unindexed)
	return r, err
}

// Activate notes that a node, named for people, has loaded an approved
// revision; what was active is superseded. For a revision that is active, or
// no longer followed, it does nothing.
func (s *Store) Activate(ctx context.Context, number int64, node string) error {
	if r, err := s.RevisionAt(ctx, number); err != nil || r.State != Approved {
		return err // spares the others a reload of their index
	}
	now := micros(s.opts.Now())
	return s.write(ctx, byGateway, func(tx *sql.Tx) error {
		r, err := oneRevision(ctx, tx, "WHERE number = ?", number)
		if err != nil || r.State != Approved {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO revision_events (number, at, author, what, detail)
			SELECT number, ?, '', 'superseded', ? FROM revisions WHERE state = 'active'`, now, "by revision "+strconv.FormatInt(number, 10)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE revisions SET state = 'superseded' WHERE state = 'active'"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE revisions SET state = 'active' WHERE number = ?", number); err != nil {
			return err
		}
		return tell(ctx, tx, number, now, "", string(Active), "on "+node)
	}, unindexed)
}

// RequireApproval changes which revisions need an approval, from the next one
// on. What is pending stays so.
func (s *Store) RequireApproval(ctx context.Context, rule Approval, author string) error {
	if rule != ApproveWeaker && rule != ApproveAll && rule != ApproveNone {
		return fmt.Errorf("%w: approval must be weaker, all or none", ErrInvalid)
	}
	if err := checkAuthor(author); err != nil {
		return err
	}
	a := s.action(ctx, "revision.rule")
	a.Target("rule", "approval")
	a.Change("author", "", author)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		var before string
		if err := tx.QueryRowContext(ctx, "SELECT approval FROM revision_rules").Scan(&before); err != nil {
			return err
		}
		a.Change("approval", before, string(rule))
		if _, err := tx.ExecContext(ctx, "UPDATE revision_rules SET approval = ?", rule); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM revision_events WHERE number = 0 AND id <=
			(SELECT coalesce(max(id), 0) - 10000 FROM revision_events)`); err != nil {
			return err
		}
		return tell(ctx, tx, 0, micros(s.opts.Now()), author, "rule", "approval "+string(rule))
	}, unindexed)
}
