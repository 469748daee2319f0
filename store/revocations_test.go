// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/allocs"
)

const month = 30 * 24 * time.Hour

func token(issuer, id string) Revocation {
	return Revocation{Issuer: issuer, ID: id, Until: start.Add(month), Reason: "lost"}
}

func subject(issuer, id string) Revocation {
	return Revocation{Issuer: issuer, Subject: id, Until: start.Add(month)}
}

func revoke(t testing.TB, s *Store, all ...Revocation) []Revocation {
	t.Helper()
	done, err := s.Revoke(ctx, all)
	must(t, err)
	return done
}

func revocations(t testing.TB, s *Store) []Revocation {
	t.Helper()
	var all []Revocation
	for r, err := range s.Revocations(ctx) {
		must(t, err)
		all = append(all, r)
	}
	return all
}

func TestWhichTokensARevocationIsAbout(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		if s.Revoked("corp", "t-1", "ann", start) {
			t.Error("revoked before anything was")
		}
		revoke(t, s, token("corp", "t-1"), subject("corp", "ben"), token("capability", "0123"))
		for name, row := range map[string]struct {
			issuer, id, subject string
			issued              time.Time
			want                bool
		}{
			"the token": {"corp", "t-1", "ann", start, true},
			"the token, whenever it says that it was issued": {"corp", "t-1", "ann", start.Add(time.Hour), true},
			"another token of the same subject":              {"corp", "t-2", "ann", start, false},
			"a token of that id, of another issuer":          {"other", "t-1", "ann", start, false},
			"issuer and id that are the same when joined":    {"cor", "pt-1", "ann", start, false},
			"a token whose subject is the id":                {"corp", "t-2", "t-1", start, false},
			"a token whose id is the subject":                {"corp", "ben", "ann", start, false},
			"a capability":                                   {"capability", "0123", "acme", start, true},
			"an old token of the subject":                    {"corp", "t-3", "ben", start.Add(-time.Hour), true},
			"one of the same moment":                         {"corp", "t-3", "ben", start, true},
			"one that does not say when":                     {"corp", "t-3", "ben", time.Time{}, true},
			"one issued later":                               {"corp", "t-3", "ben", start.Add(time.Microsecond), false},
			"an old one of that subject, of another issuer":  {"other", "t-3", "ben", start.Add(-time.Hour), false},
			"nobody": {"", "", "", time.Time{}, false},
		} {
			if got := s.Revoked(row.issuer, row.id, row.subject, row.issued); got != row.want {
				t.Errorf("%s: %v, want %v", name, got, row.want)
			}
		}
		if n := s.Stats().Revocations; n != 3 {
			t.Errorf("%d revocations", n)
		}
	})
}

func TestARevocationEndsAndIsForgotten(t *testing.T) {
	var now atomic.Int64
	now.Store(start.UnixMicro())
	s := openStore(t, newURL(t), Options{Now: func() time.Time { return time.UnixMicro(now.Load()) }})
	short := token("corp", "short")
	short.Until = start.Add(time.Hour)
	revoke(t, s, short, token("corp", "long"), subject("corp", "ann"))
	now.Store(start.Add(time.Hour - time.Microsecond).UnixMicro())
	if !s.Revoked("corp", "short", "x", start) {
		t.Error("forgotten before its end")
	}
	now.Store(start.Add(time.Hour).UnixMicro())
	if s.Revoked("corp", "short", "x", start) || !s.Revoked("corp", "long", "x", start) {
		t.Error("in force after its end, or ended before it")
	}
	if all := revocations(t, s); len(all) != 2 {
		t.Errorf("%+v are listed", all)
	}
	must(t, s.sweep(ctx))
	if n, rows := s.Stats().Revocations, count(t, s); n != 2 || rows != 2 {
		t.Errorf("%d in memory, %d rows", n, rows)
	}
	must(t, s.sweep(ctx))
	now.Store(start.Add(month).UnixMicro())
	if s.Revoked("corp", "x", "ann", start) {
		t.Error("the subject is revoked after its end")
	}
	must(t, s.sweep(ctx))
	if n, rows := s.Stats().Revocations, count(t, s); n != 0 || rows != 0 {
		t.Errorf("%d in memory, %d rows", n, rows)
	}
}

func count(t testing.TB, s *Store) (n int) {
	t.Helper()
	must(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM revoked_tokens").Scan(&n))
	return n
}

func TestOfTwoRevocationsTheLaterEndStands(t *testing.T) {
	var now atomic.Int64
	now.Store(start.UnixMicro())
	s := openStore(t, "memory:", Options{Now: func() time.Time { return time.UnixMicro(now.Load()) }})
	long, short := subject("corp", "ann"), subject("corp", "ann")
	short.Until, short.Reason = start.Add(2*time.Hour), "again"
	revoke(t, s, long)
	now.Store(start.Add(time.Hour).UnixMicro())
	done := revoke(t, s, short)
	want := []Revocation{{Issuer: "corp", Subject: "ann", At: start.Add(time.Hour), Until: start.Add(month), Reason: "again"}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, revocations(t, s)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if !s.Revoked("corp", "x", "ann", start.Add(30*time.Minute)) {
		t.Error("a token from between the two revocations is good")
	}
}

func TestARevocationIsTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		revoke(t, s, token("corp", "t-1"), subject("corp", "t-1"))
		must(t, s.Unrevoke(ctx, Revocation{Issuer: "corp", ID: "t-1"}))
		if s.Revoked("corp", "t-1", "x", start) || !s.Revoked("corp", "x", "t-1", start) {
			t.Error("the wrong one was taken back")
		}
		wantErr(t, s.Unrevoke(ctx, Revocation{Issuer: "corp", ID: "t-1"}), durward.ErrNotFound)
		wantErr(t, s.Unrevoke(ctx, Revocation{Issuer: "corp", Subject: "t-2"}), durward.ErrNotFound)
		wantErr(t, s.Unrevoke(ctx, Revocation{Issuer: "other", Subject: "t-1"}), durward.ErrNotFound)
		if all := revocations(t, s); len(all) != 1 || all[0].Subject != "t-1" {
			t.Errorf("listed: %+v", all)
		}
		again := token("corp", "t-1")
		again.Until = start.Add(time.Minute)
		if done := revoke(t, s, again); !done[0].Until.Equal(again.Until) || !s.Revoked("corp", "t-1", "x", start) {
			t.Errorf("revoked again: %+v", done)
		}
	})
}

func TestWhatIsNoRevocationIsRefusedWithAllBesideIt(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	for name, r := range map[string]Revocation{
		"no issuer":           {ID: "x", Until: start.Add(1)},
		"neither of the two":  {Issuer: "corp", Until: start.Add(time.Hour)},
		"both":                {Issuer: "corp", ID: "x", Subject: "y", Until: start.Add(time.Hour)},
		"a very long id":      {Issuer: "corp", ID: strings.Repeat("x", 257), Until: start.Add(time.Hour)},
		"a very long issuer":  {Issuer: strings.Repeat("x", 1025), ID: "x", Until: start.Add(time.Hour)},
		"a very long reason":  {Issuer: "corp", ID: "x", Reason: strings.Repeat("x", 201), Until: start.Add(time.Hour)},
		"a control character": {Issuer: "corp", ID: "x\x1b[2J", Until: start.Add(time.Hour)},
		"not UTF-8":           {Issuer: "corp", Subject: "\xff", Until: start.Add(time.Hour)},
		"no end":              {Issuer: "corp", ID: "x"},
		"an end that is now":  {Issuer: "corp", ID: "x", Until: start},
		"an end far away":     {Issuer: "corp", ID: "x", Until: start.Add(MaxRevocation + 1)},
	} {
		if _, err := s.Revoke(ctx, []Revocation{token("corp", "good"), r}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.Stats().Revocations; n != 0 || s.Revoked("corp", "good", "", start) {
		t.Errorf("%d are in force", n)
	}
}

func TestAnotherNodeFollowsRevocationsWithinThePoll(t *testing.T) {
	url := newURL(t)
	cli, gateway := openStore(t, url, Options{}), openStore(t, url, Options{Poll: 5 * time.Millisecond})
	follows := func(what string, want bool, issuer, id, sub string) {
		t.Helper()
		eventually(t, what, func() bool { return gateway.Revoked(issuer, id, sub, start) == want })
	}
	revoke(t, cli, token("corp", "t-1"))
	follows("a token is revoked", true, "corp", "t-1", "x")
	tables := gateway.index.Load().revoked
	revoke(t, cli, subject("corp", "ann"))
	follows("a subject is revoked", true, "corp", "t-2", "ann")
	must(t, cli.Unrevoke(ctx, Revocation{Issuer: "corp", ID: "t-1"}))
	follows("a token is taken back", false, "corp", "t-1", "x")
	if gateway.index.Load().revoked != tables {
		t.Error("few changes made the node read all revocations anew")
	}
	if !gateway.Revoked("corp", "t-2", "ann", start) || gateway.Stats().Revocations != 1 {
		t.Error("what did not change was lost")
	}
	// Many at once are read as a whole.
	var many []Revocation
	for i := range maxFollowed + 1 {
		many = append(many, token("corp", "m-"+strconv.Itoa(i)))
	}
	revoke(t, cli, many...)
	follows("many are revoked", true, "corp", "m-7", "x")
	if n := gateway.Stats().Revocations; n != maxFollowed+2 || gateway.index.Load().revoked == tables {
		t.Errorf("%d revocations", n)
	}
	// A gateway that starts later knows all but what was taken back.
	late := openStore(t, url, Options{})
	if late.Stats().Revocations != maxFollowed+2 || late.Revoked("corp", "t-1", "x", start) {
		t.Error("a store that was opened later knows other revocations")
	}
}

func TestARestoredCopyBringsItsOwnRevocations(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{Poll: 5 * time.Millisecond})
	revoke(t, s, token("corp", "t-1"))
	revoke(t, s, token("corp", "t-2"))
	conn := rawDB(t, url)
	execute(t, conn, "BEGIN; DELETE FROM revoked_tokens WHERE id = 't-2'; UPDATE state SET revision = revision - 1; COMMIT")
	eventually(t, "the older state", func() bool { return !s.Revoked("corp", "t-2", "x", start) })
	if !s.Revoked("corp", "t-1", "x", start) {
		t.Error("a revocation of the copy is not in force")
	}
}

// insertRevocations puts so many into a store's file, beside it.
func insertRevocations(t testing.TB, url string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(60000)")
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(ctx, `WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < ?1)
		INSERT INTO revoked_tokens SELECT 'token', 'corp', printf('jti-%032x', i), 1, ?2, '', 0, 1 FROM c`, n, start.Add(month).UnixMicro())
	must(t, err)
}

func TestThereIsABoundOfRevocations(t *testing.T) {
	url := newURL(t)
	must(t, openStore(t, url, Options{}).Close())
	insertRevocations(t, url, 99)
	s := openStore(t, url, Options{})
	if s.mostRevoked != MaxRevocations {
		t.Errorf("at most %d", s.mostRevoked)
	}
	s.mostRevoked = 100
	revoke(t, s, token("corp", "the last"))
	_, err := s.Revoke(ctx, []Revocation{token("corp", "one more")})
	wantErr(t, err, ErrInvalid)
	if s.Revoked("corp", "one more", "", start) || !s.Revoked("corp", "the last", "", start) || s.Stats().Revocations != 100 {
		t.Error("the bound was passed, or what was there was lost")
	}
	revoke(t, s, token("corp", "the last")) // which is there
}

func TestAskingForARevocationAllocatesNothing(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	revoke(t, s, token("corp", "t-1"), subject("corp", "ann"))
	for name, row := range map[string][3]string{
		"neither": {"corp", "t-2", "ben"}, "a token": {"corp", "t-1", "ben"}, "a subject": {"corp", "t-2", "ann"},
	} {
		if n := allocs.PerRun(100, func() { s.Revoked(row[0], row[1], row[2], start) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestRevocationsOfAStoreThatIsClosedOrLeft(t *testing.T) {
	s := openStore(t, newURL(t), Options{})
	revoke(t, s, token("corp", "t-1"), token("corp", "t-2"))
	n := 0
	for range s.Revocations(ctx) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d after leaving", n)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range s.Revocations(gone) {
		wantErr(t, err, ErrUnavailable)
	}
	must(t, s.Close())
	_, err := s.Revoke(ctx, []Revocation{token("corp", "t-3")})
	wantErr(t, err, ErrClosed)
	wantErr(t, s.Unrevoke(ctx, Revocation{Issuer: "corp", ID: "t-1"}), ErrClosed)
	wantErr(t, s.sweepOnce(ctx, start), ErrClosed)
	if !s.Revoked("corp", "t-1", "", start) {
		t.Error("a closed store stops refusing")
	}
}

func BenchmarkRevoked(b *testing.B) {
	url := newURL(b)
	must(b, openStore(b, url, Options{}).Close())
	insertRevocations(b, url, 100_000)
	begun := time.Now()
	s := openStore(b, url, Options{Now: time.Now})
	opened := time.Since(begun)
	revoke(b, s, Revocation{Issuer: "corp", Subject: "ann", Until: time.Now().Add(time.Hour)})
	b.ReportAllocs()
	for b.Loop() {
		if s.Revoked("corp", "01890a5d-ac96-774b-bcce-b302099a8057", "erin", start) {
			b.Fatal("revoked")
		}
	}
	b.ReportMetric(float64(opened.Milliseconds()), "ms/open")
}
