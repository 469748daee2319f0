// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"durward"
)

// Bounds of what is stored.
const (
	maxName    = 200
	maxList    = 100
	maxElement = 200
)

var (
	consumerID    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	keyID         = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	environmentID = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
)

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Change says what UpdateConsumer sets; nil leaves a field as it is.
type Change struct {
	Name     *string
	Roles    *[]string
	Disabled *bool
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
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO consumers (id, name, roles, disabled, created) VALUES (?, ?, ?, ?, ?)",
			c.ID, c.Name, list(c.Roles), c.Disabled, micros(c.Created))
		return err
	}, func(ix *index) { ix.putConsumer(c) })
}

// Consumer reads one consumer from the database.
func (s *Store) Consumer(ctx context.Context, id string) (durward.Consumer, error) {
	found, err := queryConsumers(ctx, s.db, id)
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
	err := s.write(ctx, func(tx *sql.Tx) error {
		found, err := queryConsumers(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return durward.ErrNotFound
		}
		c = found[0]
		if change.Name != nil {
			c.Name = *change.Name
		}
		if change.Roles != nil {
			c.Roles = *change.Roles
		}
		if change.Disabled != nil {
			c.Disabled = *change.Disabled
		}
		c = normalConsumer(c)
		if err := checkConsumer(&c); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE consumers SET name = ?, roles = ?, disabled = ? WHERE id = ?",
			c.Name, list(c.Roles), c.Disabled, id)
		return err
	}, func(ix *index) { ix.putConsumer(c) })
	if err != nil {
		return durward.Consumer{}, err
	}
	return c, nil
}

// DeleteConsumer removes a consumer and all its keys.
func (s *Store) DeleteConsumer(ctx context.Context, id string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		return oneRow(tx.ExecContext(ctx, "DELETE FROM consumers WHERE id = ?", id))
	}, func(ix *index) { ix.dropConsumer(id) })
}

// queryConsumers reads one consumer, or all when id is empty.
func queryConsumers(ctx context.Context, q querier, id string) ([]durward.Consumer, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, name, roles, disabled, created FROM consumers
		WHERE ?1 = '' OR id = ?1 ORDER BY id`, id)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []durward.Consumer
	for rows.Next() {
		var c durward.Consumer
		var roles string
		var created int64
		if err := rows.Scan(&c.ID, &c.Name, &roles, &c.Disabled, &created); err != nil {
			return nil, classify(err)
		}
		if c.Roles, err = unlist(roles); err != nil {
			return nil, err
		}
		c.Created = instant(created)
		all = append(all, c)
	}
	return all, classify(rows.Err())
}

// normalConsumer gives c as it will be read back, sharing nothing.
func normalConsumer(c durward.Consumer) durward.Consumer {
	c.Roles = append([]string(nil), c.Roles...)
	c.Created = instant(micros(c.Created))
	return c
}

func checkConsumer(c *durward.Consumer) error {
	if !consumerID.MatchString(c.ID) {
		return fmt.Errorf("%w: consumer id must be %s", ErrInvalid, consumerID)
	}
	return checkTexts(c.Name, c.Roles)
}

func checkTexts(name string, lists ...[]string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: name is longer than %d bytes", ErrInvalid, maxName)
	}
	for _, l := range lists {
		if len(l) > maxList {
			return fmt.Errorf("%w: more than %d roles or scopes", ErrInvalid, maxList)
		}
		for _, e := range l {
			if e == "" || len(e) > maxElement {
				return fmt.Errorf("%w: a role or scope must have 1 to %d bytes", ErrInvalid, maxElement)
			}
		}
	}
	return nil
}

func list(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(values) // strings cannot fail
	return string(text)
}

func unlist(text string) ([]string, error) {
	if text == "[]" {
		return nil, nil
	}
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("%w: a list is not JSON", ErrCorrupt)
	}
	return values, nil
}

// micros and instant turn times into columns and back; 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// oneRow is durward.ErrNotFound when a statement changed nothing.
func oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return durward.ErrNotFound
}
