// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"durward"
	"durward/internal/allocs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ctx   = context.Background()
	start = time.Date(2026, 11, 21, 10, 0, 0, 123456000, time.UTC)
	// prefixes compares as text: netip types have no exported fields.
	prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
)

func clock() time.Time { return start }

func openStore(t testing.TB, url string, opts Options) *Store {
	t.Helper()
	if opts.Now == nil {
		opts.Now = clock
	}
	s, err := Open(ctx, url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newURL is a place for a store that does not exist yet.
func newURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "durward.db") }

// onBoth runs a test on each kind of store.
func onBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("memory", func(t *testing.T) { test(t, openStore(t, "memory:", Options{})) })
	t.Run("sqlite", func(t *testing.T) { test(t, openStore(t, newURL(t), Options{})) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func consumer(id string) durward.Consumer {
	return durward.Consumer{
		ID: id, Name: "The " + id, Roles: []string{"member"}, Created: start, Plan: "silver",
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Denied: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")},
	}
}

func key(id, consumer string) durward.Key {
	return durward.Key{
		ID: id, Environment: "live", Consumer: consumer, Name: "first", Hash: [32]byte{1, 2, 3},
		Roles: []string{"moderator"}, Scopes: []string{"messages:read"},
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
		Denied:    []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Plan: "gold", Holders: []string{"ada", "ops"},
		Created: start, Expires: start.Add(time.Hour),
	}
}

func TestAKeyIsFoundWithItsConsumerAsSoonAsItWasMade(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, _, err := s.Key(ctx, "k1")
		wantErr(t, err, durward.ErrNotFound)
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		k, c, err := s.Key(ctx, "k1")
		must(t, err)
		if diff := cmp.Diff(key("k1", "acme"), k, prefixes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(consumer("acme"), c, prefixes); diff != "" {
			t.Error(diff)
		}
		listed, err := s.Keys(ctx, "acme")
		must(t, err)
		if diff := cmp.Diff([]durward.Key{key("k1", "acme")}, listed, prefixes); diff != "" {
			t.Error(diff)
		}
		if st := s.Stats(); st.Keys != 1 || st.Consumers != 1 || st.Reloads != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestADisabledConsumerIsSeenThroughAllItsKeysAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		must(t, s.CreateKey(ctx, key("k2", "acme")))
		disabled, roles := true, []string{"owner"}
		changed, err := s.UpdateConsumer(ctx, "acme", Change{Disabled: &disabled, Roles: &roles})
		must(t, err)
		roles[0] = "changed by the caller afterwards"
		for _, id := range []string{"k1", "k2"} {
			_, c, err := s.Key(ctx, id)
			must(t, err)
			if !c.Disabled || c.Roles[0] != "owner" || c.Name != "The acme" {
				t.Errorf("%s: consumer %+v", id, c)
			}
		}
		read, err := s.Consumer(ctx, "acme")
		must(t, err)
		if diff := cmp.Diff(changed, read, prefixes); diff != "" {
			t.Error(diff)
		}
		_, err = s.UpdateConsumer(ctx, "nobody", Change{Disabled: &disabled})
		wantErr(t, err, durward.ErrNotFound)
	})
}

func TestDeletingAConsumerTakesItsKeysAlong(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for _, id := range []string{"acme", "other"} {
			must(t, s.CreateConsumer(ctx, consumer(id)))
			must(t, s.CreateKey(ctx, key("k-"+id, id)))
		}
		must(t, s.DeleteConsumer(ctx, "acme"))
		_, _, err := s.Key(ctx, "k-acme")
		wantErr(t, err, durward.ErrNotFound)
		_, _, err = s.Key(ctx, "k-other")
		must(t, err)
		keys, err := s.Keys(ctx, "")
		must(t, err)
		consumers, err := s.Consumers(ctx)
		must(t, err)
		if len(keys) != 1 || len(consumers) != 1 || s.Stats().Keys != 1 || s.Stats().Consumers != 1 {
			t.Errorf("%d keys, %d consumers, stats %+v", len(keys), len(consumers), s.Stats())
		}
		wantErr(t, s.DeleteConsumer(ctx, "acme"), durward.ErrNotFound)
	})
}

func TestARevocationIsNeverUndoneOrPutOff(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		revokedAt := func() time.Time {
			k, _, err := s.Key(ctx, "k1")
			must(t, err)
			return k.Revoked
		}
		must(t, s.RevokeKey(ctx, "k1", start))
		must(t, s.RevokeKey(ctx, "k1", start.Add(time.Hour)))
		if got := revokedAt(); !got.Equal(start) {
			t.Errorf("revoked at %v", got)
		}
		must(t, s.RevokeKey(ctx, "k1", start.Add(-time.Hour)))
		if got := revokedAt(); !got.Equal(start.Add(-time.Hour)) {
			t.Errorf("revoked at %v", got)
		}
		wantErr(t, s.RevokeKey(ctx, "k1", time.Time{}), ErrInvalid)
		wantErr(t, s.RevokeKey(ctx, "k2", start), durward.ErrNotFound)
	})
}

func TestRotationMakesTheNewKeyAndEndsTheOldOneLater(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateConsumer(ctx, consumer("other")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		wantErr(t, s.RotateKey(ctx, "k1", key("k2", "other"), start), ErrInvalid)
		wantErr(t, s.RotateKey(ctx, "k1", key("k1", "acme"), start), ErrExists)
		k, _, _ := s.Key(ctx, "k1")
		if !k.Expires.Equal(start.Add(time.Hour)) {
			t.Errorf("a rotation that failed changed the key: %v", k.Expires)
		}
		must(t, s.RotateKey(ctx, "k1", key("k2", "acme"), start.Add(time.Minute)))
		k, _, _ = s.Key(ctx, "k1")
		_, _, err := s.Key(ctx, "k2")
		if !k.Expires.Equal(start.Add(time.Minute)) || err != nil {
			t.Errorf("old expires %v, new: %v", k.Expires, err)
		}
		must(t, s.RotateKey(ctx, "k1", key("k3", "acme"), start.Add(time.Hour)))
		if k, _, _ = s.Key(ctx, "k1"); !k.Expires.Equal(start.Add(time.Minute)) {
			t.Errorf("a rotation made the old key last longer: %v", k.Expires)
		}
	})
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 201))
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		wantErr(t, s.CreateConsumer(ctx, consumer("acme")), ErrExists)
		wantErr(t, s.CreateKey(ctx, key("k1", "acme")), ErrExists)
		wantErr(t, s.CreateKey(ctx, key("k2", "nobody")), durward.ErrNotFound)
		for _, id := range []string{"", "Acme", "-acme", "a b", "a\n", long} {
			wantErr(t, s.CreateConsumer(ctx, consumer(id)), ErrInvalid)
		}
		c := consumer("b")
		c.Roles = []string{""}
		wantErr(t, s.CreateConsumer(ctx, c), ErrInvalid)
		for name, change := range map[string]func(*durward.Key){
			"id":          func(k *durward.Key) { k.ID = "k 1" },
			"environment": func(k *durward.Key) { k.Environment = "" },
			"hash":        func(k *durward.Key) { k.Hash = [32]byte{} },
			"name":        func(k *durward.Key) { k.Name = long },
			"scopes":      func(k *durward.Key) { k.Scopes = make([]string, 101) },
			"addresses":   func(k *durward.Key) { k.Addresses = []netip.Prefix{{}} },
			"many":        func(k *durward.Key) { k.Addresses = make([]netip.Prefix, 101) },
		} {
			k := key("k2", "acme")
			change(&k)
			if err := s.CreateKey(ctx, k); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if st := s.Stats(); st.Keys != 1 || st.Consumers != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestWhatWasStoredIsThereAfterAReopen(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{})
	must(t, s.CreateConsumer(ctx, consumer("acme")))
	must(t, s.CreateKey(ctx, key("k1", "acme")))
	pepper := bytes.Clone(s.Pepper())
	must(t, s.Close())
	must(t, s.Close())
	if _, _, err := s.Key(ctx, "k1"); err != nil {
		t.Errorf("the index of a closed store: %v", err)
	}
	wantErr(t, s.CreateConsumer(ctx, consumer("late")), ErrClosed)

	again := openStore(t, url, Options{})
	k, c, err := again.Key(ctx, "k1")
	must(t, err)
	if diff := cmp.Diff(key("k1", "acme"), k, prefixes); diff != "" {
		t.Error(diff)
	}
	if c.ID != "acme" || !bytes.Equal(again.Pepper(), pepper) || len(pepper) != 32 {
		t.Errorf("consumer %+v, pepper of %d bytes", c, len(pepper))
	}
}

func TestAStoreIsSafeForConcurrentUse(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 10 {
					id := "k" + strconv.Itoa(g) + "-" + strconv.Itoa(i)
					if err := s.CreateKey(ctx, key(id, "acme")); err != nil {
						t.Error(err)
					}
					s.Touch(id, start)
					if i%2 == 0 {
						if err := s.RevokeKey(ctx, id, start); err != nil {
							t.Error(err)
						}
					}
				}
			})
			wg.Go(func() {
				for i := range 1000 {
					_, _, _ = s.Key(ctx, "k"+strconv.Itoa(g)+"-"+strconv.Itoa(i%10))
					s.Touch("k"+strconv.Itoa(g)+"-"+strconv.Itoa(i%10), start.Add(time.Duration(i)*time.Minute))
				}
			})
		}
		wg.Wait()
		must(t, s.writeUses(ctx))
		keys, err := s.Keys(ctx, "")
		must(t, err)
		if len(keys) != 40 {
			t.Errorf("%d keys", len(keys))
		}
		for _, k := range keys {
			got, _, err := s.Key(ctx, k.ID)
			must(t, err)
			if !got.Revoked.Equal(k.Revoked) || k.LastUsed.IsZero() {
				t.Errorf("index %+v, database %+v", got, k)
			}
		}
	})
}

func TestALookUpAllocatesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		must(t, s.CreateKey(ctx, key("k1", "acme")))
		s.Touch("k1", start)
		n := allocs.PerRun(100, func() {
			if _, _, err := s.Key(ctx, "k1"); err != nil {
				t.Error(err)
			}
			if _, _, err := s.Key(ctx, "k2"); err == nil {
				t.Error("found")
			}
			if _, err := s.LookUp("acme"); err != nil {
				t.Error(err)
			}
			if _, err := s.LookUp("nobody"); err == nil {
				t.Error("found")
			}
			if !s.Denied("k1", [32]byte{1}).IsZero() {
				t.Error("denied")
			}
			s.Touch("k1", start)
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestFilesOfTheStoreAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, "sqlite:"+filepath.Join(dir, "a b?#%.db"), Options{})
	must(t, s.CreateConsumer(ctx, consumer("acme")))
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) < 3 {
		t.Errorf("only %d files", len(entries))
	}
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), mode)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	s := openStore(b, "memory:", Options{})
	must(b, s.CreateConsumer(ctx, consumer("acme")))
	must(b, s.CreateKey(ctx, key("k1", "acme")))
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = s.Key(ctx, "k1")
		s.Touch("k1", start)
	}
}
