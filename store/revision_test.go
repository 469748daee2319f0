// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func bundle(text string) Bundle {
	return Bundle{Document: "durward.yaml", Files: map[string][]byte{
		"durward.yaml": []byte("listen: " + text), "api/things.yaml": []byte("openapi: 3.1.0"), "empty.yaml": {},
	}}
}

// proposal is one that is based on what the store has now.
func proposal(t testing.TB, s *Store, text, author string, weaker bool) Proposal {
	t.Helper()
	p := Proposal{Bundle: bundle(text), Author: author, Message: "because of " + text, Weaker: weaker}
	if weaker {
		p.Labels = []Label{{Weaker, "authentication of GET /things"}}
	}
	for at, find := range map[*int64]func() (Revision, error){
		&p.Base:     func() (Revision, error) { return s.NewestRevision(ctx) },
		&p.Compared: func() (Revision, error) { return s.Followed(ctx) },
	} {
		r, err := find()
		if err != nil && !errors.Is(err, durward.ErrNotFound) {
			t.Fatal(err)
		}
		*at = r.Number
	}
	return p
}

func propose(t testing.TB, s *Store, text, author string, weaker bool) Revision {
	t.Helper()
	r, err := s.Propose(ctx, proposal(t, s, text, author, weaker))
	must(t, err)
	return r
}

func wantState(t testing.TB, s *Store, states ...State) {
	t.Helper()
	all, err := s.Revisions(ctx, 100)
	must(t, err)
	var got []State
	for _, r := range slices.Backward(all) {
		got = append(got, r.State)
	}
	if diff := cmp.Diff(states, got); diff != "" {
		t.Errorf("states of revision 1 and on: %s", diff)
	}
}

func TestARevisionIsGivenBackAsItWasProposed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		p := proposal(t, s, "a", "ana", false)
		p.Labels = []Label{{Stronger, "limits of GET /things"}, {Neutral, "log"}}
		made, err := s.Propose(ctx, p)
		must(t, err)
		want := Revision{
			Number: 1, Fingerprint: p.Bundle.Fingerprint(), Author: "ana", Message: "because of a",
			Made: start, Labels: p.Labels, State: Approved,
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		found, err := s.RevisionAt(ctx, 1)
		must(t, err)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
		b, err := s.Bundle(ctx, made.Fingerprint)
		must(t, err)
		if b.Fingerprint() != made.Fingerprint || string(b.Files["api/things.yaml"]) != "openapi: 3.1.0" || len(b.Files) != 3 {
			t.Errorf("bundle %v", b)
		}
		_, err = s.Bundle(ctx, strings.Repeat("0", 64))
		wantErr(t, err, durward.ErrNotFound)
		_, err = s.RevisionAt(ctx, 2)
		wantErr(t, err, durward.ErrNotFound)
	})
}

func TestTheStatesOfRevisions(t *testing.T) {
	s := openStore(t, newURL(t), Options{})
	_, err := s.Followed(ctx)
	wantErr(t, err, durward.ErrNotFound)
	propose(t, s, "1", "ana", false)
	must(t, s.Activate(ctx, 1, "node"))
	wantState(t, s, Active)
	propose(t, s, "2", "ana", true)
	wantState(t, s, Active, Pending)
	if r, err := s.Followed(ctx); err != nil || r.Number != 1 {
		t.Errorf("nodes follow %d, %v", r.Number, err)
	}
	_, err = s.Approve(ctx, 2, "ANA")
	wantErr(t, err, ErrSameAuthor)
	must(t, s.Activate(ctx, 2, "node")) // not approved: nothing
	wantState(t, s, Active, Pending)
	r, err := s.Approve(ctx, 2, "ben")
	must(t, err)
	if r.DecidedBy != "ben" || r.Decided != start {
		t.Errorf("decided by %q at %v", r.DecidedBy, r.Decided)
	}
	wantState(t, s, Active, Approved)
	_, err = s.Approve(ctx, 2, "ben")
	wantErr(t, err, ErrState)
	// Another is approved before any node took the second.
	propose(t, s, "3", "ana", false)
	wantState(t, s, Active, Superseded, Approved)
	if r, err := s.ActiveRevision(ctx); err != nil || r.Number != 1 {
		t.Errorf("active is %d, %v", r.Number, err)
	}
	must(t, s.Activate(ctx, 3, "node"))
	must(t, s.Activate(ctx, 3, "another")) // is no change
	must(t, s.Activate(ctx, 2, "late"))    // is past
	wantState(t, s, Superseded, Superseded, Active)
	// A pending one is rejected, by its author; the next is based on what is left.
	propose(t, s, "4", "ana", true)
	_, err = s.Reject(ctx, 4, "ana")
	must(t, err)
	_, err = s.Reject(ctx, 4, "ana")
	wantErr(t, err, ErrState)
	if r := propose(t, s, "5", "ana", true); r.Number != 5 {
		t.Errorf("number %d", r.Number)
	}
	propose(t, s, "6", "ben", false)
	wantState(t, s, Superseded, Superseded, Active, Rejected, Superseded, Approved)
	events, err := s.RevisionEvents(ctx, 2)
	must(t, err)
	var told []string
	for _, e := range events {
		told = append(told, strings.TrimSpace(e.Author+" "+e.What+" "+e.Detail))
	}
	if diff := cmp.Diff([]string{"ana applied pending", "ben approved", "superseded by revision 3"}, told); diff != "" {
		t.Error(diff)
	}
}

func TestWhoHasToApprove(t *testing.T) {
	for name, c := range map[string]struct {
		rule          Approval
		weaker, allow bool
		want          State
		err           error
	}{
		"a weaker one waits": {ApproveWeaker, true, false, Pending, nil},
		"a weaker one waits also when its author allows it": {ApproveWeaker, true, true, Pending, nil},
		"another does not":                                          {ApproveWeaker, false, false, Approved, nil},
		"every one waits where all do":                              {ApproveAll, false, false, Pending, nil},
		"a weaker one is refused where nobody approves":             {ApproveNone, true, false, "", ErrWeaker},
		"unless its author allows it":                               {ApproveNone, true, true, Approved, nil},
		"another is taken where nobody approves":                    {ApproveNone, false, false, Approved, nil},
		"the rule of a new store is that a weaker one has to wait":  {"", true, true, Pending, nil},
		"the rule of a new store is that others have not to wait":   {"", false, false, Approved, nil},
		"a weaker one waits where all do, whatever its author says": {ApproveAll, true, true, Pending, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, "memory:", Options{})
			if c.rule != "" {
				must(t, s.RequireApproval(ctx, c.rule, "root"))
			}
			p := proposal(t, s, "a", "ana", c.weaker)
			p.AllowWeaker = c.allow
			r, err := s.Propose(ctx, p)
			wantErr(t, err, c.err)
			if r.State != c.want {
				t.Errorf("state %q, want %q", r.State, c.want)
			}
		})
	}
}

func TestAnOldBaseIsAConflictOnTwoStoresOfOneFile(t *testing.T) {
	url := newURL(t)
	one, two := openStore(t, url, Options{}), openStore(t, url, Options{})
	propose(t, one, "1", "ana", false)
	late := proposal(t, two, "late", "ben", false)
	propose(t, one, "2", "ana", false)
	_, err := two.Propose(ctx, late)
	wantErr(t, err, ErrConflict)
	if want := "the change is based on revision 1, and ana applied revision 2"; !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q in it", err, want)
	}
	late.Base = 2 // and still compared with the first
	_, err = two.Propose(ctx, late)
	wantErr(t, err, ErrConflict)
	late.Compared = 2
	_, err = two.Propose(ctx, late)
	must(t, err)
	wantState(t, one, Superseded, Superseded, Approved)
	// The counter that nodes poll has moved on the first store as well.
	eventually(t, "the first store sees the change", func() bool { return one.Stats().Revision == two.Stats().Revision })
}

func TestOfManyAtOnceOneIsTaken(t *testing.T) {
	url := newURL(t)
	one, two := openStore(t, url, Options{}), openStore(t, url, Options{})
	propose(t, one, "1", "ana", false)
	p := proposal(t, one, "x", "ben", false)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			p := p
			p.Bundle = bundle(fmt.Sprint("many ", i))
			_, errs[i] = []*Store{one, two}[i%2].Propose(ctx, p)
		})
	}
	wg.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
			continue
		}
		wantErr(t, err, ErrConflict)
	}
	if taken != 1 {
		t.Errorf("%d were taken", taken)
	}
	wantState(t, two, Superseded, Approved)
}

func TestAnApprovalOfWhatWasComparedWithAnotherIsAConflict(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{})
	propose(t, s, "1", "ana", false)
	propose(t, s, "2", "ana", true)
	// As no transaction of this version leaves it.
	execute(t, rawDB(t, url), "UPDATE revisions SET compared = 7 WHERE number = 2")
	_, err := s.Approve(ctx, 2, "ben")
	wantErr(t, err, ErrConflict)
	wantState(t, s, Approved, Pending)
}

// TestAChangeThatBreaksOffLeavesNothing makes each step of each change fail, as
// a full disk or a crash would.
func TestAChangeThatBreaksOffLeavesNothing(t *testing.T) {
	changes := map[string]func(t *testing.T, s *Store) error{
		"apply": func(t *testing.T, s *Store) error {
			_, err := s.Propose(ctx, proposal(t, s, "new", "ana", false))
			return err
		},
		"approve":  func(t *testing.T, s *Store) error { _, err := s.Approve(ctx, 3, "ben"); return err },
		"reject":   func(t *testing.T, s *Store) error { _, err := s.Reject(ctx, 3, "ben"); return err },
		"activate": func(t *testing.T, s *Store) error { return s.Activate(ctx, 2, "node") },
		"rule":     func(t *testing.T, s *Store) error { return s.RequireApproval(ctx, ApproveNone, "ana") },
	}
	failed := 0
	for name, change := range changes {
		for _, table := range []string{"bundles", "contents", "bundle_files", "revisions", "revision_events", "revision_rules", "state"} {
			for _, verb := range []string{"INSERT", "UPDATE"} {
				url := newURL(t)
				s := openStore(t, url, Options{})
				propose(t, s, "1", "ana", false)
				must(t, s.Activate(ctx, 1, "node"))
				propose(t, s, "2", "ana", false)
				propose(t, s, "3", "ana", true)
				before := dump(t, url)
				conn := rawDB(t, url)
				execute(t, conn, "CREATE TRIGGER broken BEFORE "+verb+" ON "+table+" BEGIN SELECT RAISE(ABORT, 'broken'); END")
				err := change(t, s)
				execute(t, conn, "DROP TRIGGER broken")
				if err == nil {
					continue // this change has no such step
				}
				failed++
				if after := dump(t, url); after != before {
					t.Errorf("%s without %s of %s left\n%s\nof\n%s", name, verb, table, after, before)
				}
				if err := change(t, s); err != nil { // it goes when the disk does
					t.Errorf("%s after %s of %s failed: %v", name, verb, table, err)
				}
				must(t, s.Close())
			}
		}
	}
	if failed < 18 {
		t.Errorf("only %d steps could be made to fail", failed)
	}
}

// dump is all that the database knows of revisions.
func dump(t testing.TB, url string) string {
	t.Helper()
	var out strings.Builder
	conn := rawDB(t, url)
	defer conn.Close()
	for _, query := range []string{
		"SELECT number || state || decided_by || fingerprint FROM revisions ORDER BY number",
		"SELECT fingerprint || document FROM bundles ORDER BY 1", "SELECT hex(sum) || length(content) FROM contents ORDER BY 1",
		"SELECT fingerprint || name || hex(sum) FROM bundle_files ORDER BY 1",
		"SELECT id || what || detail FROM revision_events ORDER BY id", "SELECT approval FROM revision_rules", "SELECT CAST(revision AS TEXT) FROM state",
	} {
		rows, err := conn.QueryContext(ctx, query)
		must(t, err)
		for rows.Next() {
			var line string
			must(t, rows.Scan(&line))
			out.WriteString(line + "\n")
		}
		must(t, rows.Err())
		rows.Close()
	}
	return out.String()
}

// TestARollbackRestoresTheSameFingerprint does what people do, at random, and
// holds after each step: at most one revision is followed, the followed bundle
// is whole, and a rollback gives the very same fingerprint.
func TestARollbackRestoresTheSameFingerprint(t *testing.T) {
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 5))
		s := openStore(t, "memory:", Options{})
		var prints []string
		for step := range 150 {
			n := int64(len(prints))
			switch at := 1 + random.Int64N(max(n, 1)); {
			case n == 0 || random.IntN(3) == 0:
				r := propose(t, s, fmt.Sprint(random.IntN(12)), "ana", random.IntN(3) == 0)
				prints = append(prints, r.Fingerprint)
			case random.IntN(2) == 0:
				b, err := s.Bundle(ctx, prints[at-1])
				must(t, err)
				p := proposal(t, s, "", "ana", random.IntN(4) == 0)
				p.Bundle, p.Restores = b, at
				r, err := s.Propose(ctx, p)
				must(t, err)
				if r.Fingerprint != prints[at-1] {
					t.Fatalf("seed %d, step %d: rollback to %d gave another fingerprint", seed, step, at)
				}
				prints = append(prints, r.Fingerprint)
			case random.IntN(2) == 0:
				_, err := s.Approve(ctx, at, "ben")
				allowed(t, err, ErrState, ErrConflict)
			case random.IntN(4) == 0:
				_, err := s.Reject(ctx, at, "ben")
				allowed(t, err, ErrState)
			default:
				must(t, s.Activate(ctx, at, "node"))
			}
			holds(t, s, prints)
		}
	}
}

func allowed(t *testing.T, err error, which ...error) {
	t.Helper()
	if err != nil && !slices.ContainsFunc(which, func(w error) bool { return errors.Is(err, w) }) {
		t.Fatal(err)
	}
}

func holds(t *testing.T, s *Store, prints []string) {
	t.Helper()
	all, err := s.Revisions(ctx, 1000)
	must(t, err)
	count := map[State]int{}
	for _, r := range all {
		count[r.State]++
	}
	if count[Active] > 1 || count[Approved] > 1 || len(all) != len(prints) {
		t.Fatalf("%v of %d revisions", count, len(all))
	}
	r, err := s.Followed(ctx)
	if errors.Is(err, durward.ErrNotFound) {
		return
	}
	must(t, err)
	b, err := s.Bundle(ctx, r.Fingerprint)
	must(t, err)
	if r.Fingerprint != prints[r.Number-1] || b.Fingerprint() != r.Fingerprint {
		t.Fatalf("revision %d is followed with another bundle than was proposed", r.Number)
	}
}
