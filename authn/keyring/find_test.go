// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/authn/keyring"
)

func TestKeysAreListedByWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{}
	add := func(name string, change func(*keyring.Wish)) string {
		w.now = w.now.Add(time.Second) // the order of the list
		id := create(t, w, change).Key.ID
		names[id] = name
		return id
	}
	add("week", func(w *keyring.Wish) { w.Life = 7 * day })
	add("ever", func(w *keyring.Wish) { w.Life, w.Holders = 0, nil })
	add("hour", func(w *keyring.Wish) { w.Life = time.Hour })
	revoked := add("revoked", func(w *keyring.Wish) { w.Life = 7 * day })
	leaked := add("leaked", nil)
	add("other", func(w *keyring.Wish) { w.Consumer, w.MakeConsumer, w.Holders = "other", true, []string{"ada"} })
	_, err := w.Revoke(ctx, revoked)
	must(t, err)
	_, err = w.DenyIDs(ctx, []string{leaked}, "")
	must(t, err)
	w.now = start.Add(2 * time.Hour)
	for _, c := range []struct {
		name string
		q    keyring.Query
		want string
	}{
		{"all", keyring.Query{}, "week ever hour revoked leaked other"},
		{"of a consumer", keyring.Query{Consumer: "other"}, "other"},
		{"of a holder", keyring.Query{Holder: "ops"}, "week hour revoked leaked"},
		{"valid", keyring.Query{State: keyring.Valid}, "week ever other"},
		{"expired", keyring.Query{State: keyring.Expired}, "hour"},
		{"revoked", keyring.Query{State: keyring.Revoked}, "revoked"},
		{"leaked", keyring.Query{State: keyring.Leaked}, "leaked"},
		{"expiring", keyring.Query{ExpiringBefore: start.Add(30 * day)}, "week"},
		{"expiring at that very time", keyring.Query{ExpiringBefore: start.Add(7*day + time.Second)}, ""},
		{"unused", keyring.Query{UnusedSince: start.Add(3 * time.Second), State: keyring.Valid}, "week ever"},
		{"nothing", keyring.Query{Consumer: "nobody"}, ""},
	} {
		found, err := w.List(ctx, c.q)
		must(t, err)
		var got []string
		for _, id := range ids(found) {
			got = append(got, names[id])
		}
		if diff := cmp.Diff(strings.Fields(c.want), append([]string{}, got...)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if _, err := w.List(ctx, keyring.Query{State: "good"}); err == nil || err.Error() != "state: must be valid, expired, revoked or leaked" {
		t.Error(err)
	}
}

func TestTheStateOfAKey(t *testing.T) {
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for _, c := range []struct {
		name string
		key  durward.Key
		want keyring.State
	}{
		{"without an end", durward.Key{}, keyring.Valid},
		{"before its end", durward.Key{Expires: at(1)}, keyring.Valid},
		{"at its end", durward.Key{Expires: at(0)}, keyring.Expired},
		{"revoked", durward.Key{Revoked: at(-1), Expires: at(-1)}, keyring.Revoked},
		{"revoked by a clock that is ahead", durward.Key{Revoked: at(time.Hour)}, keyring.Revoked},
		{"leaked", durward.Key{Leaked: at(0), Revoked: at(-1)}, keyring.Leaked},
	} {
		if got := keyring.StateOf(&c.key, start); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestARevocationIsInForceWhenTheCallReturns(t *testing.T) {
	w := newWorld(t)
	id := create(t, w, nil).Key.ID
	w.events = nil
	k, err := w.Revoke(ctx, id)
	must(t, err)
	if found, _, _ := w.store.Key(ctx, id); !found.Revoked.Equal(start) || !k.Revoked.Equal(start) {
		t.Errorf("revoked %v, said %v", found.Revoked, k.Revoked)
	}
	if got := w.recorded(); got != "system root@console key.revoke consumer=acme key="+id+": \n" {
		t.Errorf("recorded %q", got)
	}
	w.now = start.Add(time.Hour)
	if k, err = w.Revoke(ctx, id); err != nil || !k.Revoked.Equal(start) {
		t.Errorf("again: %v, %v", k.Revoked, err)
	}
	_, err = w.Revoke(ctx, "nobodyskey00")
	wantErr(t, err, durward.ErrNotFound)
	if got := w.recorded(); !strings.Contains(got, "key.revoke refused consumer= key=nobodyskey00: not found\n") {
		t.Errorf("recorded %q", got)
	}
}

func TestAllKeysOfAConsumerOrHolderAreRevokedTogether(t *testing.T) {
	w := newWorld(t)
	a := create(t, w, func(w *keyring.Wish) { w.Holders = []string{"ada"} }).Key.ID
	w.now = w.now.Add(time.Second)
	b := create(t, w, func(w *keyring.Wish) { w.Holders = []string{"bob", "ada"} }).Key.ID
	c := create(t, w, func(w *keyring.Wish) { w.Consumer, w.MakeConsumer, w.Holders = "other", true, []string{"bob"} }).Key.ID
	good := func() (left []string) {
		found, err := w.List(ctx, keyring.Query{State: keyring.Valid})
		must(t, err)
		return ids(found)
	}
	w.events = nil
	for _, bad := range []func() ([]durward.Key, error){
		func() ([]durward.Key, error) { return w.RevokeConsumer(ctx, "nobody") },
		func() ([]durward.Key, error) { return w.RevokeConsumer(ctx, "") },
		func() ([]durward.Key, error) { return w.RevokeHolder(ctx, "nobody") },
		func() ([]durward.Key, error) { return w.RevokeHolder(ctx, "") },
	} {
		revoked, err := bad()
		var field *durward.FieldError
		if !errors.Is(err, durward.ErrNotFound) && !errors.As(err, &field) || len(revoked) != 0 {
			t.Errorf("%v, %v", revoked, err)
		}
	}
	if n := len(good()); n != 3 || strings.Count(w.recorded(), "key.revoke refused") != 4 {
		t.Fatalf("%d keys are left, or it was not recorded", n)
	}
	revoked, err := w.RevokeHolder(ctx, "ada")
	must(t, err)
	if diff := cmp.Diff([]string{a, b}, ids(revoked)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{c}, good()); diff != "" {
		t.Error(diff)
	}
	revoked, err = w.RevokeConsumer(ctx, "other")
	if err != nil || len(revoked) != 1 || len(good()) != 0 {
		t.Errorf("%v, %v, left %v", ids(revoked), err, good())
	}
	if revoked, err = w.RevokeConsumer(ctx, "other"); err != nil || len(revoked) != 0 {
		t.Errorf("again: %v, %v", ids(revoked), err)
	}
	want := "system root@console key.revoke consumer= key=: 2 keys of the holder ada\n" +
		"system root@console key.revoke consumer=other key=: 1 key of the consumer\n" +
		"system root@console key.revoke consumer=other key=: 0 keys of the consumer\n"
	if diff := cmp.Diff(want, w.recorded()); diff != "" {
		t.Error(diff)
	}
}

func TestAStoreThatFailsFailsTheOperation(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, nil)
	must(t, w.store.Close())
	w.events = nil
	for name, do := range map[string]func() error{
		"create": func() error { _, err := w.Create(ctx, full()); return err },
		"list":   func() error { _, err := w.List(ctx, keyring.Query{}); return err },
		"show":   func() error { _, err := w.Show(ctx, made.Key.ID); return err },
		"rotate": func() error { _, _, err := w.Rotate(ctx, made.Key.ID, keyring.Rotation{}); return err },
		"revoke": func() error { _, err := w.Revoke(ctx, made.Key.ID); return err },
		"holder": func() error { _, err := w.RevokeHolder(ctx, "ada"); return err },
		"deny":   func() error { _, err := w.DenyIDs(ctx, []string{"k"}, ""); return err },
		"import": func() error {
			_, err := w.Import(ctx, strings.NewReader(`{"consumer":"acme","key":"Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A"}`), keyring.ImportOptions{})
			return err
		},
	} {
		if err := do(); err == nil || errors.Is(err, durward.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := strings.Count(w.recorded(), " refused "); n != 6 {
		t.Errorf("%d refusals were recorded", n)
	}
}
