// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of revocations.
const (
	// MaxRevocations is how many there may be, those that were taken back and
	// have not ended yet included.
	MaxRevocations = 1_000_000
	// MaxRevocation is how long one may stand.
	MaxRevocation = 10 * 366 * 24 * time.Hour

	maxIssuer   = 1024 // bytes; it may be a URL
	maxTokenID  = 256  // bytes; package authn takes no longer ids and subjects
	sweepEvery  = 10 * time.Minute
	sweepAtOnce = 10_000 // rows, so that other writers get their turn
)

// Revocation refuses a token before it expires, or all tokens of a subject
// that were issued up to now.
type Revocation struct {
	Issuer  string // durward.Principal.Issuer, or "capability"
	ID      string // durward.Principal.Credential; "" for a subject
	Subject string // durward.Principal.Subject; "" for one token
	At      time.Time
	Until   time.Time // from then on it is forgotten; later than the token's end
	Reason  string    // for people; at most 200 bytes
}

func (r *Revocation) kind() (kind revocationKind, id string) {
	if r.Subject != "" {
		return ofSubject, r.Subject
	}
	return ofToken, r.ID
}

func (r *Revocation) check(now time.Time) error {
	kind, id := r.kind()
	for _, s := range []string{r.Issuer, id, r.Reason} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
			return fmt.Errorf("%w: a revocation's texts must be UTF-8 without control characters", ErrInvalid)
		}
	}
	switch {
	case (r.ID == "") == (r.Subject == ""):
		return fmt.Errorf("%w: a revocation is of one token's id or of one subject", ErrInvalid)
	case r.Issuer == "" || len(r.Issuer) > maxIssuer:
		return fmt.Errorf("%w: an issuer's name has 1 to %d bytes", ErrInvalid, maxIssuer)
	case len(id) > maxTokenID:
		return fmt.Errorf("%w: the %s has more than %d bytes, which no token has", ErrInvalid, kindNames[kind], maxTokenID)
	case len(r.Reason) > maxName:
		return fmt.Errorf("%w: the reason is longer than %d bytes", ErrInvalid, maxName)
	case !r.Until.After(now) || r.Until.After(now.Add(MaxRevocation)):
		return fmt.Errorf("%w: a revocation ends in the future, within ten years", ErrInvalid)
	}
	return nil
}

// Revoke refuses tokens, all of them or, with an error, none. Where one was
// revoked before, the later end stands, and for a subject the later At. At is
// set to now. It gives the revocations as they stand. The error is ErrInvalid
// when one cannot be stored, or when there would be more than MaxRevocations.
func (s *Store) Revoke(ctx context.Context, all []Revocation) ([]Revocation, error) {
	now := s.opts.Now()
	done := make([]Revocation, len(all))
	for i := range all {
		if err := all[i].check(now); err != nil {
			return nil, err
		}
		done[i] = all[i]
	}
	a := s.action(ctx, "token.revoke")
	for i := range done {
		kind, id := done[i].kind()
		a.TargetOf(kindNames[kind], done[i].Issuer+"/"+id, done[i].Subject)
	}
	if len(done) > 0 {
		a.Change("until", "", toldTime(done[0].Until))
		a.Change("reason", "", done[0].Reason)
	}
	err := s.write(ctx, a, func(tx *sql.Tx) error {
		if err := sweepRows(ctx, tx, now); err != nil {
			return err
		}
		for i := range done {
			if err := insertRevocation(ctx, tx, &done[i], now); err != nil {
				return err
			}
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM revoked_tokens").Scan(&n); err != nil {
			return err
		}
		if n > s.mostRevoked {
			return fmt.Errorf("%w: at most %d tokens can be revoked at a time", ErrInvalid, s.mostRevoked)
		}
		return nil
	}, func(ix *index) {
		for i := range done {
			kind, id := done[i].kind()
			ix.revoked.put(kind, done[i].Issuer, id, revocation{moment(micros(done[i].At)), moment(micros(done[i].Until))}, false)
		}
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func insertRevocation(ctx context.Context, tx *sql.Tx, r *Revocation, now time.Time) error {
	kind, id := r.kind()
	var at, until int64
	err := tx.QueryRowContext(ctx, `INSERT INTO revoked_tokens (kind, issuer, id, at, until, reason, lifted, revision)
		VALUES (?, ?, ?, ?, ?, ?, 0, (SELECT revision + 1 FROM state))
		ON CONFLICT DO UPDATE SET at = max(at, excluded.at), until = iif(lifted, excluded.until, max(until, excluded.until)),
			reason = excluded.reason, lifted = 0, revision = excluded.revision
		RETURNING at, until`,
		kindNames[kind], r.Issuer, id, micros(now), micros(r.Until), r.Reason).Scan(&at, &until)
	r.At, r.Until = instant(at), instant(until)
	return err
}

// Unrevoke takes a revocation back, by its issuer and its ID or Subject. What
// has not expired meanwhile is good again. The error is durward.ErrNotFound
// when it is not there.
func (s *Store) Unrevoke(ctx context.Context, r Revocation) error {
	kind, id := r.kind()
	a := s.action(ctx, "token.unrevoke")
	a.TargetOf(kindNames[kind], r.Issuer+"/"+id, r.Subject)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		return oneRow(tx.ExecContext(ctx, `UPDATE revoked_tokens SET lifted = 1, revision = (SELECT revision + 1 FROM state)
			WHERE kind = ? AND issuer = ? AND id = ? AND lifted = 0 AND until > ?`, kindNames[kind], r.Issuer, id, micros(s.opts.Now())))
	}, func(ix *index) { ix.revoked.put(kind, r.Issuer, id, revocation{}, true) })
}

// Revocations reads those that are in force from the database, by issuer and
// id. Ending early is allowed; an error is the last that is given.
func (s *Store) Revocations(ctx context.Context) iter.Seq2[Revocation, error] {
	return func(yield func(Revocation, error) bool) {
		rows, err := s.db.QueryContext(ctx, `SELECT kind = 'subject', issuer, id, at, until, reason FROM revoked_tokens
			WHERE lifted = 0 AND until > ? ORDER BY issuer, kind, id`, micros(s.opts.Now()))
		if err != nil {
			yield(Revocation{}, classify(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var r Revocation
			var subject bool
			var id string
			var at, until int64
			if err := rows.Scan(&subject, &r.Issuer, &id, &at, &until, &r.Reason); err != nil {
				yield(Revocation{}, classify(err))
				return
			}
			r.At, r.Until = instant(at), instant(until)
			if r.ID = id; subject {
				r.ID, r.Subject = "", id
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Revocation{}, classify(err))
		}
	}
}

// sweepRows drops rows that have ended, some at once. It is no change that
// others must see: they no longer count anywhere.
func sweepRows(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM revoked_tokens WHERE (kind, issuer, id) IN
		(SELECT kind, issuer, id FROM revoked_tokens WHERE until <= ? LIMIT ?)`, micros(now), sweepAtOnce)
	return err
}

// keepSwept forgets revocations that have ended until ctx does.
func (s *Store) keepSwept(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
				s.opts.Log.Warn("revocations that have ended are not deleted yet", "error", err)
			}
		}
	}
}

// sweep forgets what has ended, in memory and, where there was any, in the
// database.
func (s *Store) sweep(ctx context.Context) error {
	now := s.opts.Now()
	s.mu.Lock()
	gone := s.index.Load().revoked.forget(moment(micros(now)))
	s.mu.Unlock()
	for ; gone > 0; gone -= sweepAtOnce {
		if err := s.sweepOnce(ctx, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) sweepOnce(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	if err := sweepRows(ctx, tx, now); err != nil {
		return classify(err)
	}
	return classify(tx.Commit())
}
