// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/allocs"
)

func thing(t testing.TB, kind, id, fields string) Object {
	t.Helper()
	f, err := ParseFields([]byte(fields))
	must(t, err)
	return Object{Kind: kind, ID: id, Fields: f}
}

func put(t testing.TB, s *Store, kind, id, fields string) {
	t.Helper()
	must(t, s.PutObjects(ctx, []Object{thing(t, kind, id, fields)}))
}

// knows gives what the index knows of an object; "" when there is none.
func knows(s *Store, kind, id string) string {
	fields, _ := s.Object(kind, id)
	return string(fields)
}

func listed(t testing.TB, s *Store, kind string) (names []string) {
	t.Helper()
	for o, err := range s.Objects(ctx, kind) {
		must(t, err)
		names = append(names, o.Kind+"/"+o.ID)
	}
	return names
}

// rows gives how many rows there are, deleted ones included, and the counters.
func rows(t testing.TB, s *Store) (n, live, bytes int, swept int64) {
	t.Helper()
	must(t, s.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM objects), live, bytes, swept FROM objects_state").Scan(&n, &live, &bytes, &swept))
	return n, live, bytes, swept
}

func TestAnObjectIsKnownAsSoonAsItWasPutAndNoLongerThanItIsThere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		put(t, s, "Space", "lobby", `{"level": 12345678901234567890.10, "members": ["ada"]}`)
		put(t, s, "Space", "studio", `{}`)
		put(t, s, "Message", "lobby", `{"author":"\u0061da"}`)
		// Digits stay as they were written.
		if got := knows(s, "Space", "lobby"); got != `{"level":12345678901234567890.10,"members":["ada"]}` {
			t.Error(got)
		}
		if knows(s, "Space", "studio") != `{}` || !strings.Contains(knows(s, "Message", "lobby"), "author") || knows(s, "Space", "none") != "" || knows(s, "", "") != "" {
			t.Error("an object is another's, or not there")
		}
		o, err := s.StoredObject(ctx, "Space", "lobby")
		must(t, err)
		if want := thing(t, "Space", "lobby", knows(s, "Space", "lobby")); !cmp.Equal(o.Fields, want.Fields) || o.ID != "lobby" || !o.Changed.Equal(start) {
			t.Errorf("%+v", o)
		}
		if diff := cmp.Diff([]string{"Message/lobby", "Space/lobby", "Space/studio"}, listed(t, s, "")); diff != "" {
			t.Error(diff)
		}
		must(t, s.DeleteObject(ctx, "Space", "lobby"))
		if diff := cmp.Diff([]string{"Space/studio"}, listed(t, s, "Space")); diff != "" || knows(s, "Space", "lobby") != "" || s.Stats().Objects != 2 {
			t.Errorf("%s; %d objects", diff, s.Stats().Objects)
		}
		_, err = s.StoredObject(ctx, "Space", "lobby")
		wantErr(t, err, durward.ErrNotFound)
		wantErr(t, s.DeleteObject(ctx, "Space", "lobby"), durward.ErrNotFound)
		put(t, s, "Space", "lobby", `{"members":[]}`) // back again, and nothing of before is there
		if got := knows(s, "Space", "lobby"); got != `{"members":[]}` {
			t.Error(got)
		}
		if n, live, bytes, _ := rows(t, s); n != 3 || live != 3 || bytes != len(`{"members":[]}{}`+knows(s, "Message", "lobby")) {
			t.Errorf("%d rows, %d live, %d bytes", n, live, bytes)
		}
	})
}

func TestWhatIsNoObjectIsRefusedWithAllBesideIt(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	put(t, s, "Space", "lobby", `{"members":["ada"]}`)
	many := Fields{}
	for i := range maxFields + 1 {
		must(t, many.Set("f"+strconv.Itoa(i), 1))
	}
	for name, o := range map[string]Object{
		"no type":                 {ID: "a"},
		"no id":                   {Kind: "Space"},
		"a long type":             {Kind: strings.Repeat("x", maxKind+1), ID: "a"},
		"a long id":               {Kind: "Space", ID: strings.Repeat("x", maxObjectID+1)},
		"a control character":     {Kind: "Space", ID: "a\nb"},
		"no UTF-8":                {Kind: "Space", ID: "\xff"},
		"no name of a field":      {Kind: "Space", ID: "a", Fields: Fields{"": []byte("1")}},
		"a value that is no JSON": {Kind: "Space", ID: "a", Fields: Fields{"f": []byte("{")}},
		"many fields":             {Kind: "Space", ID: "a", Fields: many},
		"a large field":           {Kind: "Space", ID: "a", Fields: Fields{"f": []byte(`"` + strings.Repeat("x", MaxObject) + `"`)}},
		"one that is there twice": thing(t, "Space", "b", `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			wantErr(t, s.PutObjects(ctx, []Object{thing(t, "Space", "b", `{}`), o}), ErrInvalid)
			if knows(s, "Space", "b") != "" || len(listed(t, s, "")) != 1 {
				t.Error("something was stored")
			}
		})
	}
	for _, text := range []string{``, `null`, `[]`, `{"a":1,"a":2}`, `{"a":`, `{"a":1}{}`, "{\"\xff\":1}"} {
		if _, err := ParseFields([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q gave %v", text, err)
		}
	}
}

func TestThereIsABoundOfObjects(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	if s.mostObjects != MaxObjects {
		t.Errorf("at most %d", s.mostObjects)
	}
	s.mostObjects = 2
	put(t, s, "Space", "a", `{}`)
	put(t, s, "Space", "b", `{}`)
	wantErr(t, s.PutObjects(ctx, []Object{thing(t, "Space", "c", `{}`)}), ErrInvalid)
	put(t, s, "Space", "b", `{"level":1}`) // which is there
	must(t, s.DeleteObject(ctx, "Space", "a"))
	put(t, s, "Space", "c", `{}`)
	// Bytes, too; what makes it less is possible even when it is too much.
	_, err := s.db.ExecContext(ctx, "UPDATE objects_state SET bytes = ?", MaxObjectBytes+1000)
	must(t, err)
	wantErr(t, s.PutObjects(ctx, []Object{thing(t, "Space", "c", `{"level":1}`)}), ErrInvalid)
	put(t, s, "Space", "b", `{}`)
	if knows(s, "Space", "c") != `{}` || knows(s, "Space", "b") != `{}` {
		t.Error("the bound was passed, or less was refused")
	}
}

func TestChangesOfOneObjectDoNotGetLost(t *testing.T) {
	url := newURL(t)
	stores := []*Store{openStore(t, url, Options{}), openStore(t, url, Options{})}
	put(t, stores[0], "Space", "lobby", `{"level":1}`)
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for n := range 20 {
				_, err := s.ChangeObject(ctx, "Space", "lobby", false, func(f Fields) error {
					_, err := f.Add("members", "m"+strconv.Itoa(i*100+n))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	o, err := stores[0].StoredObject(ctx, "Space", "lobby")
	must(t, err)
	members, err := o.Fields.list("members")
	must(t, err)
	if len(members) != 40 || string(o.Fields["level"]) != "1" {
		t.Errorf("%d members are left of 40", len(members))
	}
}

func TestAChangeThatSaysNoChangesNothing(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	put(t, s, "Space", "lobby", `{"level":1}`)
	no := errors.New("no")
	refuse := func(f Fields) error { clear(f); return no }
	_, err := s.ChangeObject(ctx, "Space", "lobby", false, refuse)
	wantErr(t, err, no)
	_, err = s.ChangeObject(ctx, "Space", "new", true, refuse)
	wantErr(t, err, no)
	_, err = s.ChangeObject(ctx, "Space", "none", false, func(Fields) error { t.Error("asked"); return nil })
	wantErr(t, err, durward.ErrNotFound)
	_, err = s.ChangeObject(ctx, "", "none", true, func(Fields) error { return nil })
	wantErr(t, err, ErrInvalid)
	if knows(s, "Space", "lobby") != `{"level":1}` || s.Stats().Objects != 1 {
		t.Error("something changed")
	}
	o, err := s.ChangeObject(ctx, "Space", "new", true, func(f Fields) error { return f.Set("level", 2) })
	must(t, err)
	if !o.Changed.Equal(start) || knows(s, "Space", "new") != `{"level":2}` {
		t.Errorf("%+v", o)
	}
}

func TestAnotherNodeFollowsObjectsWithinThePoll(t *testing.T) {
	url := newURL(t)
	cli, gateway := openStore(t, url, Options{}), openStore(t, url, Options{Poll: 5 * time.Millisecond})
	follows := func(what, want string) {
		t.Helper()
		eventually(t, what, func() bool { return knows(gateway, "Space", "lobby") == want })
	}
	put(t, cli, "Space", "studio", `{}`)
	put(t, cli, "Space", "lobby", `{"members":["ada"]}`)
	follows("an object is made", `{"members":["ada"]}`)
	tables := gateway.index.Load().objects
	unchanged, _ := gateway.Object("Space", "studio")
	_, err := cli.ChangeObject(ctx, "Space", "lobby", false, func(f Fields) error { return f.Remove("members", "ada") })
	must(t, err)
	follows("a member is gone", `{"members":[]}`)
	must(t, cli.DeleteObject(ctx, "Space", "lobby"))
	follows("an object is gone", "")
	if again, _ := gateway.Object("Space", "studio"); gateway.index.Load().objects != tables || &again[0] != &unchanged[0] {
		t.Error("few changes made the node read all objects anew")
	}
	// Many at once are read as a whole.
	var many []Object
	for i := range maxFollowed + 1 {
		many = append(many, Object{Kind: "Message", ID: strconv.Itoa(i)})
	}
	must(t, cli.PutObjects(ctx, many))
	eventually(t, "many are made", func() bool { return knows(gateway, "Message", "7") != "" })
	if n := gateway.Stats().Objects; n != maxFollowed+2 || gateway.index.Load().objects == tables || knows(gateway, "Space", "lobby") != "" {
		t.Errorf("%d objects", n)
	}
	if late := openStore(t, url, Options{}); late.Stats().Objects != maxFollowed+2 || knows(late, "Space", "lobby") != "" {
		t.Error("a store that was opened later knows other objects")
	}
}

func TestANodeThatIsBehindMissesNoDeletion(t *testing.T) {
	url := newURL(t)
	var now atomic.Int64
	now.Store(start.UnixMicro())
	cli := openStore(t, url, Options{Now: func() time.Time { return time.UnixMicro(now.Load()) }})
	put(t, cli, "Space", "old", `{}`)
	put(t, cli, "Space", "kept", `{}`)
	behind := openStore(t, url, Options{Poll: time.Hour}) // it does not look by itself
	must(t, cli.DeleteObject(ctx, "Space", "old"))
	now.Store(start.Add(keepDeleted).UnixMicro())
	put(t, cli, "Space", "new", `{}`)
	if n, _, _, swept := rows(t, cli); n != 3 || swept != 0 {
		t.Errorf("%d rows, swept %d: a deletion is forgotten too early", n, swept)
	}
	now.Store(start.Add(keepDeleted + time.Second).UnixMicro())
	put(t, cli, "Space", "newer", `{}`)
	if n, live, _, swept := rows(t, cli); n != 3 || live != 3 || swept == 0 {
		t.Errorf("%d rows, %d live, swept %d: a deletion is never forgotten", n, live, swept)
	}
	if knows(behind, "Space", "old") == "" {
		t.Fatal("it is not behind")
	}
	put(t, behind, "Space", "own", `{}`) // a write finds that it is behind
	if knows(behind, "Space", "old") != "" || behind.Stats().Objects != 4 {
		t.Errorf("a deletion was missed, or more is gone: %d objects", behind.Stats().Objects)
	}
}

func TestARestoredCopyBringsItsOwnObjects(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{Poll: 5 * time.Millisecond})
	put(t, s, "Space", "a", `{}`)
	put(t, s, "Space", "b", `{}`)
	conn := rawDB(t, url)
	execute(t, conn, "BEGIN; DELETE FROM objects WHERE id = 'b'; UPDATE state SET revision = revision - 1; COMMIT")
	eventually(t, "the older state", func() bool { return knows(s, "Space", "b") == "" })
	if knows(s, "Space", "a") == "" {
		t.Error("an object of the copy is not known")
	}
}

func TestObjectsAreReadWhileTheyChange(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		put(t, s, "Space", "kept", `{"level":0}`)
		done := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if knows(s, "Space", "kept") == "" {
						t.Error("an object is not there for a moment")
						return
					}
					if got := knows(s, "Space", "moved"); got != "" && got != `{"level":1}` {
						t.Error(got)
						return
					}
				}
			})
		}
		for range 30 {
			put(t, s, "Space", "moved", `{"level":1}`)
			put(t, s, "Space", "kept", `{"level":0}`)
			must(t, s.DeleteObject(ctx, "Space", "moved"))
		}
		close(done)
		wg.Wait()
		if n := s.Stats().Objects; n != 1 {
			t.Errorf("%d objects", n)
		}
	})
}

func TestAskingForAnObjectAllocatesNothing(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	put(t, s, "Space", "lobby", `{"members":["ada"]}`)
	for _, id := range []string{"lobby", "none"} {
		if n := allocs.PerRun(100, func() { s.Object("Space", id) }); n != 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
	}
}

func TestObjectsOfAStoreThatIsClosedOrLeft(t *testing.T) {
	s := openStore(t, newURL(t), Options{})
	put(t, s, "Space", "a", `{}`)
	put(t, s, "Space", "b", `{}`)
	n := 0
	for range s.Objects(ctx, "") {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d after leaving", n)
	}
	must(t, s.Close())
	wantErr(t, s.PutObjects(ctx, []Object{thing(t, "Space", "c", `{}`)}), ErrClosed)
	wantErr(t, s.DeleteObject(ctx, "Space", "a"), ErrClosed)
	if knows(s, "Space", "a") == "" {
		t.Error("a closed store forgets objects")
	}
}

func BenchmarkObject(b *testing.B) {
	s := openStore(b, "memory:", Options{})
	var all []Object
	for i := range 10_000 {
		all = append(all, thing(b, "Space", strconv.Itoa(i), `{"members":["ada","bob"]}`))
	}
	must(b, s.PutObjects(ctx, all))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Object("Space", "4711"); !ok {
			b.Fatal("not there")
		}
	}
}
