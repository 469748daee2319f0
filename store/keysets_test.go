// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func ids(keys []durward.Key) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.ID)
	}
	return strings.Join(all, " ")
}

// holding is a key of other text whose copies the holders have.
func holding(id, consumer string, holders ...string) durward.Key {
	k := key(id, consumer)
	k.Holders = holders
	copy(k.Hash[:], "hash of "+id)
	return k
}

// shared is a store with four keys of two consumers.
func shared(t *testing.T, s *Store) {
	t.Helper()
	must(t, s.AddKeys(ctx, []durward.Consumer{consumer("acme"), consumer("other")}, []durward.Key{
		holding("k1", "acme", "ada", "ops"), holding("k2", "acme", "ops"), holding("k3", "other", "ada"), holding("k4", "other"),
	}))
}

func TestAConsumerIsFoundAsSoonAsItWasMadeAndNoLongerThanItIsThere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, err := s.LookUp("acme")
		wantErr(t, err, durward.ErrNotFound)
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		c, err := s.LookUp("acme")
		must(t, err)
		if diff := cmp.Diff(consumer("acme"), c, prefixes); diff != "" {
			t.Error(diff)
		}
		plan, off, none := "bronze", true, []netip.Prefix{}
		_, err = s.UpdateConsumer(ctx, "acme", Change{Plan: &plan, Disabled: &off, Addresses: &none})
		must(t, err)
		if c, _ = s.LookUp("acme"); c.Plan != "bronze" || !c.Disabled || len(c.Addresses) != 0 || len(c.Denied) != 1 {
			t.Errorf("%+v", c)
		}
		must(t, s.DeleteConsumer(ctx, "acme"))
		_, err = s.LookUp("acme")
		wantErr(t, err, durward.ErrNotFound)
	})
}

func TestKeysAreFoundByWhatTheFilterNames(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		for _, c := range []struct {
			name  string
			match durward.KeyFilter
			want  string
		}{
			{"all", durward.KeyFilter{}, "k1 k2 k3 k4"},
			{"by id", durward.KeyFilter{ID: "k2"}, "k2"},
			{"by consumer", durward.KeyFilter{Consumer: "acme"}, "k1 k2"},
			{"by holder, over consumers", durward.KeyFilter{Holder: "ada"}, "k1 k3"},
			{"by both", durward.KeyFilter{Holder: "ada", Consumer: "other"}, "k3"},
			{"a part of a holder's name is none", durward.KeyFilter{Holder: "ad"}, ""},
			{"a pattern is none", durward.KeyFilter{Holder: "%"}, ""},
		} {
			keys, err := s.FindKeys(ctx, c.match)
			must(t, err)
			if got := ids(keys); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestAllKeysThatMatchAreRevokedTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		must(t, s.RevokeKey(ctx, "k3", start.Add(-time.Hour)))
		revoked, err := s.RevokeKeys(ctx, durward.KeyFilter{Holder: "ada"}, start)
		must(t, err)
		if ids(revoked) != "k1" {
			t.Errorf("revoked now: %q", ids(revoked))
		}
		for id, want := range map[string]time.Time{"k1": start, "k2": {}, "k3": start.Add(-time.Hour), "k4": {}} {
			if k, _, err := s.Key(ctx, id); err != nil || !k.Revoked.Equal(want) {
				t.Errorf("%s: revoked %v, %v", id, k.Revoked, err)
			}
		}
		revoked, err = s.RevokeKeys(ctx, durward.KeyFilter{Holder: "nobody"}, start)
		if err != nil || len(revoked) != 0 {
			t.Errorf("%v, %v", revoked, err)
		}
		_, err = s.RevokeKeys(ctx, durward.KeyFilter{}, time.Time{})
		wantErr(t, err, ErrInvalid)
	})
}

func TestNoIdIsNotEveryId(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		_, err := s.Consumer(ctx, "")
		wantErr(t, err, durward.ErrNotFound)
		_, err = s.UpdateConsumer(ctx, "", Change{})
		wantErr(t, err, durward.ErrNotFound)
		wantErr(t, s.RevokeKey(ctx, "", start), durward.ErrNotFound)
		wantErr(t, s.RotateKey(ctx, "", key("k5", "acme"), start), durward.ErrNotFound)
	})
}

func TestManyKeysAreAddedAllOrNone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		bad := key("k7", "acme")
		bad.Plan = "no plan"
		for name, c := range map[string]struct {
			consumers []durward.Consumer
			keys      []durward.Key
			want      error
		}{
			"a key is taken":        {[]durward.Consumer{consumer("new")}, []durward.Key{key("k5", "new"), key("k1", "new")}, ErrExists},
			"twice the same key":    {nil, []durward.Key{key("k5", "acme"), key("k5", "acme")}, ErrExists},
			"a consumer is taken":   {[]durward.Consumer{consumer("acme")}, nil, ErrExists},
			"a consumer is missing": {nil, []durward.Key{key("k5", "acme"), key("k6", "nobody")}, durward.ErrNotFound},
			"a value is bad":        {[]durward.Consumer{consumer("new")}, []durward.Key{bad}, ErrInvalid},
			"a consumer's id is":    {[]durward.Consumer{consumer("NEW")}, nil, ErrInvalid},
			"too many":              {nil, make([]durward.Key, maxAtOnce+1), ErrInvalid},
		} {
			if err := s.AddKeys(ctx, c.consumers, c.keys); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if st := s.Stats(); st.Keys != 4 || st.Consumers != 2 {
			t.Errorf("something was added: %+v", st)
		}
	})
}

func TestADeniedKeyIsRevokedWhateverItsRowSays(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		leaked := holding("k1", "acme")
		hit, err := s.DenyKeys(ctx, []durward.Denial{{Hash: leaked.Hash, Note: "seen on a paste site"}, {ID: "k3"}, {ID: "k9"}}, start)
		must(t, err)
		if ids(hit) != "k1 k3" || s.Stats().Denials != 3 {
			t.Errorf("hit %q, stats %+v", ids(hit), s.Stats())
		}
		check := func(when string) {
			t.Helper()
			for id, want := range map[string]time.Time{"k1": start, "k2": {}, "k3": start} {
				k, _, err := s.Key(ctx, id)
				must(t, err)
				read, err := s.FindKeys(ctx, durward.KeyFilter{ID: id})
				must(t, err)
				if !k.Leaked.Equal(want) || !k.Revoked.Equal(want) || !read[0].Leaked.Equal(want) || !read[0].Revoked.Equal(want) {
					t.Errorf("%s, %s: leaked %v, revoked %v; read %v, %v", when, id, k.Leaked, k.Revoked, read[0].Leaked, read[0].Revoked)
				}
			}
		}
		check("at once")
		must(t, s.DeleteConsumer(ctx, "acme"))
		// The same text under another id is as leaked as under the first.
		again := holding("k1", "acme")
		renamed := again
		renamed.ID = "k1-again"
		must(t, s.AddKeys(ctx, []durward.Consumer{consumer("acme")}, []durward.Key{again, renamed, holding("k2", "acme")}))
		check("stored again")
		if k, _, _ := s.Key(ctx, "k1-again"); k.Revoked.IsZero() {
			t.Error("the text is good under another id")
		}
		s.mu.Lock()
		err = s.reload(ctx)
		s.mu.Unlock()
		must(t, err)
		check("loaded again")

		_, err = s.DenyKeys(ctx, []durward.Denial{{ID: "k3"}}, start.Add(time.Hour))
		must(t, err)
		check("denied again")
		if !s.Denied("", leaked.Hash).Equal(start) || !s.Denied("k9", [32]byte{}).Equal(start) || !s.Denied("k2", holding("k2", "").Hash).IsZero() {
			t.Error("Denied says something else")
		}
		wantErr(t, s.RotateKey(ctx, "k3", key("k5", "other"), start), durward.ErrRevoked)
	})
}

func TestADenialNamesOneThing(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	for name, d := range map[string]durward.Denial{
		"nothing":  {},
		"both":     {ID: "k1", Hash: [32]byte{1}},
		"no id":    {ID: "a b"},
		"long":     {ID: "k1", Note: strings.Repeat("n", maxNote+1)},
		"long id ": {ID: strings.Repeat("k", 65)},
	} {
		if _, err := s.DenyKeys(ctx, []durward.Denial{{ID: "good"}, d}, start); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := s.DenyKeys(ctx, []durward.Denial{{ID: "k1"}}, time.Time{})
	wantErr(t, err, ErrInvalid)
	_, err = s.DenyKeys(ctx, make([]durward.Denial, maxAtOnce+1), start)
	wantErr(t, err, ErrInvalid)
	if s.Stats().Denials != 0 {
		t.Error("something was denied")
	}
}

func TestAKeyThatWasRevokedIsNotRotated(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		shared(t, s)
		must(t, s.RevokeKey(ctx, "k1", start))
		wantErr(t, s.RotateKey(ctx, "k1", key("k5", "acme"), start.Add(time.Hour)), durward.ErrRevoked)
		_, _, err := s.Key(ctx, "k5")
		wantErr(t, err, durward.ErrNotFound)
	})
}

// TestASecondNodeFollowsWithinThePoll is the contract of the package comment.
func TestASecondNodeFollowsWithinThePoll(t *testing.T) {
	url := newURL(t)
	one := openStore(t, url, Options{})
	two := openStore(t, url, Options{Poll: 10 * time.Millisecond})
	shared(t, one)
	gone := func(id string) func() bool {
		return func() bool {
			k, _, err := two.Key(ctx, id)
			return err == nil && !k.Revoked.IsZero()
		}
	}
	eventually(t, "the new keys", func() bool { _, _, err := two.Key(ctx, "k4"); return err == nil })
	must(t, one.RevokeKey(ctx, "k1", start))
	if k, _, _ := one.Key(ctx, "k1"); k.Revoked.IsZero() {
		t.Error("not at once where it was done")
	}
	t.Log("revocation seen after", eventually(t, "the revocation", gone("k1")))
	_, err := one.RevokeKeys(ctx, durward.KeyFilter{Consumer: "acme"}, start)
	must(t, err)
	eventually(t, "the revocation of all", gone("k2"))
	_, err = one.DenyKeys(ctx, []durward.Denial{{Hash: holding("k3", "").Hash}}, start)
	must(t, err)
	eventually(t, "the denial", gone("k3"))
	off := true
	_, err = one.UpdateConsumer(ctx, "other", Change{Disabled: &off})
	must(t, err)
	eventually(t, "the disabled consumer", func() bool { c, err := two.LookUp("other"); return err == nil && c.Disabled })
	if one.Stats().Revision != two.Stats().Revision {
		t.Errorf("revisions %d and %d", one.Stats().Revision, two.Stats().Revision)
	}
}

func TestADatabaseOfTheFirstVersionIsMigrated(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{}) // for the pepper and the file's mode
	must(t, s.Close())
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:")+"?_txlock=immediate")
	must(t, err)
	defer db.Close()
	for _, drop := range []string{"probe_runs", "admin_events", "inventory", "objects", "objects_state", "revoked_tokens", "revision_rules", "revision_events", "revisions", "bundle_files", "contents", "bundles", "denials", "key_uses", "keys", "consumers", "state", "migrations"} {
		_, err := db.Exec("DROP TABLE " + drop)
		must(t, err)
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	must(t, err)
	all, err := readMigrations(files)
	must(t, err)
	must(t, applyMigrations(ctx, db, all[:1]))
	_, err = db.Exec(`INSERT INTO consumers VALUES ('acme', 'Acme', '["member"]', 0, 1000000);
		INSERT INTO keys VALUES ('old', 'live', 'acme', 'n', x'` + hex.EncodeToString([]byte(strings.Repeat("h", 32))) + `',
			'[]', '["a"]', '["10.0.0.0/8"]', 1000000, 0, 0);
		INSERT INTO key_uses VALUES ('old', 60000000);
		UPDATE state SET pepper_check = x'` + hex.EncodeToString(pepperCheck(s.Pepper())) + `'`)
	must(t, err)
	must(t, db.Close())

	again := openStore(t, url, Options{})
	k, c, err := again.Key(ctx, "old")
	must(t, err)
	want := durward.Key{
		ID: "old", Environment: "live", Consumer: "acme", Name: "n", Hash: [32]byte([]byte(strings.Repeat("h", 32))), Scopes: []string{"a"},
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Created: time.Unix(1, 0).UTC(), LastUsed: time.Unix(60, 0).UTC(),
	}
	if diff := cmp.Diff(want, k, prefixes); diff != "" {
		t.Error(diff)
	}
	if c.Name != "Acme" || c.Plan != "" || c.Addresses != nil || c.Denied != nil {
		t.Errorf("consumer %+v", c)
	}
	_, err = again.DenyKeys(ctx, []durward.Denial{{ID: "old"}}, start)
	must(t, err)
	must(t, again.RevokeKey(ctx, "old", start))
}

func TestTablesOfTheIndexCountWhatTheyHold(t *testing.T) {
	ix := newIndex()
	for i := range 1000 {
		ix.putConsumer(consumer("c" + strconv.Itoa(i%500)))
	}
	for i := range 600 {
		ix.dropConsumer("c" + strconv.Itoa(i))
	}
	if n := ix.owners.size.Load(); n != 0 {
		t.Errorf("%d consumers", n)
	}
	n := 0
	ix.owners.all(func(*owner) { n++ })
	if n != 0 {
		t.Errorf("%d consumers are there", n)
	}
}

func BenchmarkLookUp(b *testing.B) {
	s := openStore(b, "memory:", Options{})
	must(b, s.CreateConsumer(ctx, consumer("acme")))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.LookUp("acme")
	}
}
