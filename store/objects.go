// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"durward"
)

// Bounds of objects.
const (
	// MaxObjects is how many there may be.
	MaxObjects = 1_000_000
	// MaxObjectBytes is how many bytes the fields of all may have together.
	MaxObjectBytes = 256 << 20
	// MaxObject is how many bytes the fields of one may have, as JSON.
	MaxObject = 8 << 20

	maxKind      = 200 // bytes
	maxObjectID  = 1024
	keepDeleted  = time.Hour // for other nodes; one that is further behind reads all
	dropsAtATime = 10_000    // rows, so that a change does not take long
)

// Object is an object of an API, such as a space, and what is known of it, such
// as its members. Which fields an object has, and of which types they are, says
// the configuration; the store does not ask.
type Object struct {
	Kind    string // its type's name; at most 200 bytes
	ID      string // at most 1024 bytes
	Fields  Fields
	Changed time.Time
}

func (o *Object) check() error {
	for _, s := range []string{o.Kind, o.ID} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
			return fmt.Errorf("%w: an object's type and id must be UTF-8 without control characters", ErrInvalid)
		}
	}
	switch {
	case o.Kind == "" || len(o.Kind) > maxKind:
		return fmt.Errorf("%w: an object's type has 1 to %d bytes", ErrInvalid, maxKind)
	case o.ID == "" || len(o.ID) > maxObjectID:
		return fmt.Errorf("%w: an object's id has 1 to %d bytes", ErrInvalid, maxObjectID)
	}
	return nil
}

// PutObjects stores objects in the place of those of the same type and id, all
// of them or, with an error, none. The error is ErrInvalid when one cannot be
// stored, when one is there twice, or when there would be too many.
func (s *Store) PutObjects(ctx context.Context, all []Object) error {
	changes := make(map[objectRef][]byte, len(all))
	for i := range all {
		fields, err := all[i].Fields.text()
		if err := errors.Join(all[i].check(), err); err != nil {
			return err
		}
		ref := objectRef{all[i].Kind, all[i].ID}
		if _, twice := changes[ref]; twice {
			return fmt.Errorf("%w: an object is there twice", ErrInvalid)
		}
		changes[ref] = fields
	}
	a := s.action(ctx, "object.put")
	for i := range all {
		a.Target("object", all[i].Kind+"/"+all[i].ID)
	}
	return s.write(ctx, a, func(tx *sql.Tx) error { return s.writeObjects(ctx, tx, changes) }, func(ix *index) { ix.objects.put(changes) })
}

// ChangeObject changes an object while nobody else can, and gives it as it is
// then; change gets its fields and says no by an error, which is given back. One
// that is not there is made when create is set, else the error is
// durward.ErrNotFound.
func (s *Store) ChangeObject(ctx context.Context, kind, id string, create bool, change func(Fields) error) (Object, error) {
	o := Object{Kind: kind, ID: id}
	if err := o.check(); err != nil {
		return o, err
	}
	changes := map[objectRef][]byte{}
	a := s.action(ctx, "object.change")
	a.Target("object", kind+"/"+id)
	err := s.write(ctx, a, func(tx *sql.Tx) error {
		found, err := queryObject(ctx, tx, kind, id)
		switch {
		case errors.Is(err, durward.ErrNotFound) && create:
			found = Object{Kind: kind, ID: id, Fields: Fields{}}
		case err != nil:
			return err
		}
		before := maps.Clone(found.Fields)
		if err := change(found.Fields); err != nil {
			return err
		}
		tellFields(a, before, found.Fields)
		text, err := found.Fields.text()
		if err != nil {
			return err
		}
		found.Changed = instant(micros(s.opts.Now()))
		o, changes[objectRef{kind, id}] = found, text
		return s.writeObjects(ctx, tx, changes)
	}, func(ix *index) { ix.objects.put(changes) })
	return o, err
}

// DeleteObject deletes an object. The error is durward.ErrNotFound when there
// is none.
func (s *Store) DeleteObject(ctx context.Context, kind, id string) error {
	changes := map[objectRef][]byte{{kind, id}: nil}
	a := s.action(ctx, "object.delete")
	a.Target("object", kind+"/"+id)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		if _, err := queryObject(ctx, tx, kind, id); err != nil {
			return err
		}
		return s.writeObjects(ctx, tx, changes)
	}, func(ix *index) { ix.objects.put(changes) })
}

// writeObjects writes changes, and keeps count of what there is.
func (s *Store) writeObjects(ctx context.Context, tx *sql.Tx, changes map[objectRef][]byte) error {
	now := s.opts.Now()
	if err := dropDeleted(ctx, tx, now.Add(-keepDeleted)); err != nil {
		return err
	}
	before, err := tx.PrepareContext(ctx, "SELECT octet_length(fields) FROM objects WHERE kind = ? AND id = ?")
	if err != nil {
		return err
	}
	defer before.Close()
	put, err := tx.PrepareContext(ctx, `INSERT INTO objects (kind, id, fields, changed, revision) VALUES (?, ?, ?, ?, (SELECT revision + 1 FROM state))
		ON CONFLICT DO UPDATE SET fields = excluded.fields, changed = excluded.changed, revision = excluded.revision`)
	if err != nil {
		return err
	}
	defer put.Close()
	live, bytes := 0, int64(0)
	for ref, fields := range changes {
		var had sql.NullInt64
		if err := before.QueryRowContext(ctx, ref.kind, ref.id).Scan(&had); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if had.Valid {
			live, bytes = live-1, bytes-had.Int64
		}
		text := sql.NullString{String: string(fields), Valid: fields != nil}
		if text.Valid {
			live, bytes = live+1, bytes+int64(len(fields))
		}
		if _, err := put.ExecContext(ctx, ref.kind, ref.id, text, micros(now)); err != nil {
			return err
		}
	}
	return s.countObjects(ctx, tx, live, bytes)
}

// countObjects refuses what would be more than there may be; less is always
// possible.
func (s *Store) countObjects(ctx context.Context, tx *sql.Tx, live int, bytes int64) error {
	var nowLive int
	var nowBytes int64
	err := tx.QueryRowContext(ctx, "UPDATE objects_state SET live = live + ?, bytes = bytes + ? RETURNING live, bytes", live, bytes).Scan(&nowLive, &nowBytes)
	switch {
	case err != nil:
		return err
	case live > 0 && nowLive > s.mostObjects:
		return fmt.Errorf("%w: there can be at most %d objects", ErrInvalid, s.mostObjects)
	case bytes > 0 && nowBytes > MaxObjectBytes:
		return fmt.Errorf("%w: the fields of all objects can have at most %d bytes", ErrInvalid, MaxObjectBytes)
	}
	return nil
}

// dropDeleted drops rows of objects that were deleted long ago, and notes up to
// which revision, so that no node misses one.
func dropDeleted(ctx context.Context, tx *sql.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE objects_state SET swept = max(swept, coalesce((SELECT max(revision) FROM
			(SELECT revision FROM objects WHERE fields IS NULL AND changed < ?1 ORDER BY changed, kind, id LIMIT ?2)), 0));
		DELETE FROM objects WHERE (kind, id) IN
			(SELECT kind, id FROM objects WHERE fields IS NULL AND changed < ?1 ORDER BY changed, kind, id LIMIT ?2)`, micros(before), dropsAtATime)
	return err
}

// StoredObject reads one object from the database. The error is
// durward.ErrNotFound when there is none.
func (s *Store) StoredObject(ctx context.Context, kind, id string) (Object, error) {
	return queryObject(ctx, s.db, kind, id)
}

func queryObject(ctx context.Context, q querier, kind, id string) (Object, error) {
	return scanObject(q.QueryRowContext(ctx, "SELECT kind, id, fields, changed FROM objects WHERE kind = ? AND id = ? AND fields IS NOT NULL", kind, id))
}

func scanObject(row interface{ Scan(...any) error }) (o Object, err error) {
	var text []byte
	var changed int64
	if err := row.Scan(&o.Kind, &o.ID, &text, &changed); err != nil {
		return Object{}, classify(err)
	}
	o.Changed = instant(changed)
	if o.Fields, err = ParseFields(text); err != nil {
		return Object{}, fmt.Errorf("%w: the fields of an object", ErrCorrupt)
	}
	return o, nil
}

// Objects reads objects of a type from the database, by id; of all types when
// kind is empty. Ending early is allowed; an error is the last that is given.
func (s *Store) Objects(ctx context.Context, kind string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		rows, err := s.db.QueryContext(ctx, `SELECT kind, id, fields, changed FROM objects
			WHERE fields IS NOT NULL AND (?1 = '' OR kind = ?1) ORDER BY kind, id`, kind)
		if err != nil {
			yield(Object{}, classify(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			o, err := scanObject(rows)
			if !yield(o, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Object{}, classify(err))
		}
	}
}
