// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"

	"durward"
)

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Change says what UpdateConsumer sets; nil leaves a field as it is.
type Change struct {
	Name      *string
	Roles     *[]string
	Addresses *[]netip.Prefix
	Denied    *[]netip.Prefix
	Plan      *string
	Disabled  *bool
}

// CreateConsumer adds a consumer. Created is set to now when it is zero. The
// error is ErrExists when the id is taken, ErrInvalid when a value cannot be
// stored.
func (s *Store) CreateConsumer(ctx context.Context, c durward.Consumer) error {
	if c.Created.IsZero() {
		c.Created = s.opts.Now()
	}
	c = normalConsumer(c)
	if err := checkConsumer(&c); err != nil {
		return err
	}
	a := s.action(ctx, "consumer.create")
	a.Target("consumer", c.ID)
	tellConsumer(a, &durward.Consumer{}, &c)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		return insertConsumer(ctx, tx, &c)
	}, func(ix *index) { ix.putConsumer(c) })
}

func insertConsumer(ctx context.Context, tx *sql.Tx, c *durward.Consumer) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO consumers (id, name, roles, addresses, denied, plan, disabled, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.Name, list(c.Roles), networks(c.Addresses), networks(c.Denied), c.Plan, c.Disabled, micros(c.Created))
	return err
}

// Consumer reads one consumer from the database.
func (s *Store) Consumer(ctx context.Context, id string) (durward.Consumer, error) {
	return queryConsumer(ctx, s.db, id)
}

func queryConsumer(ctx context.Context, q querier, id string) (durward.Consumer, error) {
	if id == "" { // which would pick all
		return durward.Consumer{}, durward.ErrNotFound
	}
	found, err := queryConsumers(ctx, q, id)
	if err != nil {
		return durward.Consumer{}, err
	}
	if len(found) == 0 {
		return durward.Consumer{}, durward.ErrNotFound
	}
	return found[0], nil
}

// Consumers reads all consumers from the database, by id.
func (s *Store) Consumers(ctx context.Context) ([]durward.Consumer, error) {
	return queryConsumers(ctx, s.db, "")
}

// UpdateConsumer changes a consumer and gives it as it is now. What is
// disabled stops at once to be answered as enabled.
func (s *Store) UpdateConsumer(ctx context.Context, id string, change Change) (durward.Consumer, error) {
	var c durward.Consumer
	a := s.action(ctx, "consumer.update")
	a.Target("consumer", id)
	err := s.write(ctx, a, func(tx *sql.Tx) error {
		found, err := queryConsumer(ctx, tx, id)
		if err != nil {
			return err
		}
		c = normalConsumer(change.of(found))
		if err := checkConsumer(&c); err != nil {
			return err
		}
		tellConsumer(a, &found, &c)
		_, err = tx.ExecContext(ctx, `UPDATE consumers SET name = ?, roles = ?, addresses = ?, denied = ?, plan = ?,
			disabled = ? WHERE id = ?`,
			c.Name, list(c.Roles), networks(c.Addresses), networks(c.Denied), c.Plan, c.Disabled, id)
		return err
	}, func(ix *index) { ix.putConsumer(c) })
	if err != nil {
		return durward.Consumer{}, err
	}
	return c, nil
}

func (change *Change) of(c durward.Consumer) durward.Consumer {
	assign(&c.Name, change.Name)
	assign(&c.Roles, change.Roles)
	assign(&c.Addresses, change.Addresses)
	assign(&c.Denied, change.Denied)
	assign(&c.Plan, change.Plan)
	assign(&c.Disabled, change.Disabled)
	return c
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// DeleteConsumer removes a consumer and all its keys.
func (s *Store) DeleteConsumer(ctx context.Context, id string) error {
	a := s.action(ctx, "consumer.delete")
	a.Target("consumer", id)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		keys, err := queryKeys(ctx, tx, durward.KeyFilter{Consumer: id})
		if err != nil {
			return err
		}
		for i := range keys {
			a.TargetOf("key", keys[i].ID, id)
		}
		return oneRow(tx.ExecContext(ctx, "DELETE FROM consumers WHERE id = ?", id))
	}, func(ix *index) { ix.dropConsumer(id) })
}

// queryConsumers reads one consumer, or all when id is empty.
func queryConsumers(ctx context.Context, q querier, id string) ([]durward.Consumer, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, name, roles, addresses, denied, plan, disabled, created FROM consumers
		WHERE ?1 = '' OR id = ?1 ORDER BY id`, id)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []durward.Consumer
	for rows.Next() {
		c, err := scanConsumer(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, classify(rows.Err())
}

func scanConsumer(rows *sql.Rows) (c durward.Consumer, err error) {
	var lists [3]string // roles, addresses, denied
	var created int64
	if err := rows.Scan(&c.ID, &c.Name, &lists[0], &lists[1], &lists[2], &c.Plan, &c.Disabled, &created); err != nil {
		return c, classify(err)
	}
	what := "consumer " + c.ID
	if c.Roles, err = unlist(lists[0]); err != nil {
		return c, err
	}
	if c.Addresses, err = unNetworks(lists[1], what); err != nil {
		return c, err
	}
	if c.Denied, err = unNetworks(lists[2], what); err != nil {
		return c, err
	}
	c.Created = instant(created)
	return c, nil
}

// normalConsumer gives c as it will be read back, sharing nothing.
func normalConsumer(c durward.Consumer) durward.Consumer {
	c.Roles = copied(c.Roles)
	c.Addresses, c.Denied = copied(c.Addresses), copied(c.Denied)
	c.Created = instant(micros(c.Created))
	return c
}

func checkConsumer(c *durward.Consumer) error {
	if !consumerID.MatchString(c.ID) {
		return fmt.Errorf("%w: consumer id must be %s", ErrInvalid, consumerID)
	}
	return errors.Join(checkTexts(c.Name, c.Roles), checkPlan(c.Plan), checkNetworks(c.Addresses), checkNetworks(c.Denied))
}
