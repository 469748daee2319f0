// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"durward"
)

const (
	// MaxWaiting is how many changes may wait for a gateway to record them.
	// While there are as many, nothing can be changed.
	MaxWaiting = 100_000

	// adminLease is for how long a gateway that took a change to record it
	// keeps others from it; one that died meanwhile is not waited for longer.
	adminLease = time.Minute
)

// byGateway is in place of an action where the gateway itself writes.
var byGateway *durward.AdminAction

// action begins the note of a change: who makes it is in ctx, else it is who
// runs the process. What is changed is added while the change is made.
func (s *Store) action(ctx context.Context, name string) *durward.AdminAction {
	actor, ok := durward.ActorOf(ctx)
	if !ok {
		actor = ProcessActor()
	}
	return &durward.AdminAction{ID: rand.Text(), At: instant(micros(s.opts.Now())), Action: name, Actor: actor}
}

// note writes the action into the transaction of its change, which fails when
// that cannot be done: what leaves no record does not happen.
func (s *Store) note(ctx context.Context, tx *sql.Tx, a *durward.AdminAction) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	var waiting int
	if _, err = tx.ExecContext(ctx, "INSERT INTO admin_events (event) VALUES (?)", string(text)); err == nil {
		err = tx.QueryRowContext(ctx, "SELECT max(id) - min(id) + 1 FROM admin_events").Scan(&waiting)
	}
	if err != nil {
		return fmt.Errorf("the change cannot be noted for the audit log: %w", classify(err))
	}
	if waiting > s.mostWaiting {
		return fmt.Errorf("%w: %d changes would wait for the audit log, which is as many as may; start a gateway, or look why it does not record them", ErrUnavailable, waiting)
	}
	return nil
}

// NextAction gives the change that is to be recorded next, and keeps other
// gateways from it for a while. taker names the audit log that it is for. The
// error is durward.ErrNotFound when there is nothing to do now, which is also
// so while another gateway has the next one.
func (s *Store) NextAction(ctx context.Context, taker string) (*durward.AdminAction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	var id int64
	if err := s.db.QueryRowContext(ctx, "SELECT id FROM admin_events ORDER BY id LIMIT 1").Scan(&id); err != nil {
		return nil, classify(err) // the common case takes no lock of the database
	}
	// A time far ahead is of a clock that was set back; a little ahead is only of
	// somebody who was faster.
	now := s.opts.Now()
	var text []byte
	err := s.db.QueryRowContext(ctx, `UPDATE admin_events SET taker = ?1, taken = ?2
		WHERE id = (SELECT min(id) FROM admin_events) AND (taker IN ('', ?1) OR taken < ?3 OR taken > ?4) RETURNING event`,
		taker, micros(now), micros(now.Add(-adminLease)), micros(now.Add(adminLease))).Scan(&text)
	if err != nil {
		return nil, classify(err)
	}
	a := new(durward.AdminAction)
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("%w: a change that waits for the audit log", ErrCorrupt)
	}
	return a, nil
}

// Recorded deletes a change that NextAction gave, once it is recorded.
func (s *Store) Recorded(ctx context.Context, a *durward.AdminAction) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	_, err := s.db.ExecContext(ctx, "DELETE FROM admin_events WHERE id = (SELECT min(id) FROM admin_events) AND json_extract(event, '$.id') = ?", a.ID)
	return classify(err)
}

// WaitingActions counts the changes that wait to be recorded.
func (s *Store) WaitingActions(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, "SELECT coalesce(max(id) - min(id) + 1, 0) FROM admin_events").Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, classify(err)
}
