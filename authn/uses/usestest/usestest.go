// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package usestest holds an implementation of uses against the contract that
// package uses states. It decides nothing by itself and keeps no state.
package usestest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
)

// Uses is what is tested.
type Uses interface {
	Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error)
}

// Backend is a Uses whose time the test can move. Nodes see the same state: one
// for an implementation in memory, two or more clients for a shared one.
type Backend struct {
	Nodes   []Uses
	Now     func() time.Time
	Advance func(time.Duration) // forward only
}

// Test runs the contract. New makes a backend with nothing in it and room for
// at least 10,000 ids; it cleans up through t.Cleanup.
func Test(t *testing.T, New func(t *testing.T) Backend) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"an id is granted as often as its limit says", limits},
		{"what must end at once is refused", nothing},
		{"a space knows nothing of another", separate},
		{"an id is remembered until the latest end that it was used with", remembered},
		{"refusals are not counted and lengthen nothing", refusals},
		{"concurrent uses of one id are granted limit times", concurrent},
		{"an end far away is kept", distant},
		{"a context that has ended never grants twice", cancelled},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, New(t)) })
	}
}

// ID makes an id of a number.
func ID(n int) [32]byte { return sha256.Sum256(fmt.Append(nil, "id ", n)) }

// want uses once, on one node after the other.
func (b Backend) want(t *testing.T, space string, id int, limit int, life time.Duration, ok bool) {
	t.Helper()
	turn := int(b.Now().UnixNano()/int64(time.Second)) + id + limit
	got, err := b.Nodes[turn%len(b.Nodes)].Use(t.Context(), space, ID(id), limit, b.Now().Add(life))
	if err != nil || got != ok {
		t.Fatalf("Use(%s, %d, limit %d, %v) = %v, %v; want %v", space, id, limit, life, got, err, ok)
	}
}

func limits(t *testing.T, b Backend) {
	for limit := 1; limit <= 5; limit++ {
		for range limit {
			b.want(t, "s", limit, limit, time.Minute, true)
		}
		b.want(t, "s", limit, limit, time.Minute, false)
		b.want(t, "s", limit, limit, time.Minute, false)
	}
	b.want(t, "s", 3, 4, time.Minute, true) // a larger limit leaves one more
	b.want(t, "s", 3, 1, time.Minute, false)
}

func nothing(t *testing.T, b Backend) {
	b.want(t, "s", 1, 0, time.Minute, false)
	b.want(t, "s", 1, -1, time.Minute, false)
	b.want(t, "s", 1, 1, 0, false)
	b.want(t, "s", 1, 1, -time.Hour, false)
	if got, err := b.Nodes[0].Use(t.Context(), "s", ID(1), 1, time.Time{}); got || err != nil {
		t.Fatalf("the zero time: %v, %v", got, err)
	}
	b.want(t, "s", 1, 1, time.Minute, true) // none of them was counted
}

func separate(t *testing.T, b Backend) {
	for _, space := range []string{"", "a", "b", "a\x00", "A"} {
		b.want(t, space, 1, 1, time.Minute, true)
	}
	for _, space := range []string{"", "a", "b", "a\x00", "A"} {
		b.want(t, space, 1, 1, time.Minute, false)
	}
}

func remembered(t *testing.T, b Backend) {
	b.want(t, "s", 1, 3, time.Minute, true)
	b.want(t, "s", 1, 3, 10*time.Minute, true)
	b.want(t, "s", 1, 3, time.Second, true) // an earlier end shortens nothing
	b.Advance(9 * time.Minute)
	b.want(t, "s", 1, 3, time.Minute, false)
	b.Advance(2 * time.Minute)
	b.want(t, "s", 1, 3, time.Minute, true)
}

func refusals(t *testing.T, b Backend) {
	b.want(t, "s", 1, 1, time.Minute, true)
	for range 100 {
		b.want(t, "s", 1, 1, time.Hour, false)
	}
	b.want(t, "s", 1, 2, time.Minute, true)
	b.Advance(2 * time.Minute)
	b.want(t, "s", 1, 1, time.Minute, true)
}

func concurrent(t *testing.T, b Backend) {
	const callers, ids, limit = 16, 50, 3
	var granted [ids]atomic.Int32
	until := b.Now().Add(time.Minute)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range ids {
				ok, err := b.Nodes[c%len(b.Nodes)].Use(t.Context(), "s", ID(i), limit, until)
				if err != nil {
					t.Error(err)
				}
				if ok {
					granted[i].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i := range granted {
		if n := granted[i].Load(); n != limit {
			t.Errorf("id %d was granted %d times, want %d", i, n, limit)
		}
	}
}

func distant(t *testing.T, b Backend) {
	for i, until := range []time.Time{b.Now().AddDate(100, 0, 0), b.Now().AddDate(5000, 0, 0)} {
		for n := range 2 {
			ok, err := b.Nodes[0].Use(t.Context(), "s", ID(i), 1, until)
			if err != nil || ok != (n == 0) {
				t.Errorf("use %d until %v: %v, %v", n, until, ok, err)
			}
		}
		b.Advance(time.Hour)
		if ok, err := b.Nodes[0].Use(t.Context(), "s", ID(i), 1, until); ok || err != nil {
			t.Errorf("until %v, an hour later: %v, %v", until, ok, err)
		}
	}
}

// cancelled: a backend may answer or fail, but a failure is an Unavailable, and
// whatever it did, the id is never granted twice.
func cancelled(t *testing.T, b Backend) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 20 {
		granted := 0
		for _, ctx := range []context.Context{ended, t.Context(), ended, t.Context()} {
			ok, err := b.Nodes[0].Use(ctx, "s", ID(i), 1, b.Now().Add(time.Minute))
			if _, away := errors.AsType[*durward.Unavailable](err); err != nil && !away {
				t.Fatalf("the error %v is no *durward.Unavailable", err)
			}
			if ok && err != nil {
				t.Fatal("granted with an error")
			}
			if ok {
				granted++
			}
		}
		if granted > 1 {
			t.Errorf("granted %d times", granted)
		}
	}
}
