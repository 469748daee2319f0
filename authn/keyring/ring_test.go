// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/authn"
	"durward/authn/keyring"
	"durward/store"
)

var (
	ctx      = context.Background()
	start    = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
)

const day = 24 * time.Hour

// world is a ring on a real store, with a clock and what was recorded.
type world struct {
	*keyring.Ring
	store  *store.Store
	now    time.Time
	events []durward.Event
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{now: start}
	clock := func() time.Time { return w.now }
	var err error
	if w.store, err = store.Open(ctx, "memory:", store.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	must(t, w.store.CreateConsumer(ctx, durward.Consumer{ID: "acme", Name: "Acme"}))
	w.Ring = keyring.New(w.store, keyring.Options{Now: clock, Record: func(ev durward.Event) { w.events = append(w.events, ev) }}).As("root@console")
	return w
}

// recorded gives the events since the last time, one a line.
func (w *world) recorded() string {
	var b strings.Builder
	for _, ev := range w.events {
		fmt.Fprintf(&b, "%s %s %s consumer=%s key=%s: %s\n", ev.Kind, ev.Subject, ev.Message, ev.Consumer, ev.Credential, ev.Detail)
	}
	w.events = nil
	return b.String()
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

func networks(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func full() keyring.Wish {
	return keyring.Wish{
		Consumer: "acme", Environment: "live", Name: "night job", Holders: []string{"ada", "ops"}, Roles: []string{"reader"},
		Scopes: []string{"messages:read"}, Addresses: networks("192.0.2.0/24"), Denied: networks("192.0.2.7/32"), Plan: "gold", Life: 90 * day,
	}
}

func create(t testing.TB, w *world, change func(*keyring.Wish)) keyring.Made {
	t.Helper()
	wish := full()
	if change != nil {
		change(&wish)
	}
	made, err := w.Create(ctx, wish)
	must(t, err)
	return made
}

func ids(keys []durward.Key) (all []string) {
	for _, k := range keys {
		all = append(all, k.ID)
	}
	return all
}

func TestAKeyIsMadeAsWishedAndItsTextIsKeptNowhere(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, nil)
	environment, id, err := authn.ParseKey(made.Secret.Reveal())
	if err != nil || environment != "live" || id != made.Key.ID {
		t.Errorf("the text is that of %s in %s: %v", id, environment, err)
	}
	k, _, err := w.store.Key(ctx, id)
	must(t, err)
	want := durward.Key{
		ID: id, Environment: "live", Consumer: "acme", Name: "night job", Holders: []string{"ada", "ops"},
		Hash: authn.HashKey(w.store.Pepper(), made.Secret.Reveal()), Roles: []string{"reader"}, Scopes: []string{"messages:read"},
		Addresses: networks("192.0.2.0/24"), Denied: networks("192.0.2.7/32"), Plan: "gold", Created: start, Expires: start.Add(90 * day),
	}
	if diff := cmp.Diff(want, k, prefixes); diff != "" {
		t.Error(diff)
	}
	if got, want := w.recorded(), "system root@console key.create consumer=acme key="+id+": name night job\n"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	shown, err := w.Show(ctx, id)
	must(t, err)
	if diff := cmp.Diff(want, shown, prefixes); diff != "" {
		t.Error(diff)
	}
}

func TestASecretPrintsAsNothing(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, nil)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v %+v %#v %s %q\n", made, made, made, made.Secret, made.Secret)
	text, err := json.Marshal(made)
	must(t, err)
	b.Write(text)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("made", "made", made, "secret", made.Secret)
	if secret := made.Secret.Reveal(); len(secret) < 40 || strings.Contains(b.String(), secret[len(secret)-20:]) {
		t.Error("the secret was printed")
	}
	if !strings.Contains(b.String(), "(secret)") {
		t.Errorf("nothing stands for it: %s", b.String())
	}
}

func TestAKeyIsNotMadeOfWhatCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change func(*keyring.Wish)
		want   string
	}{
		{"no consumer", func(w *keyring.Wish) { w.Consumer = "" }, "consumer: is needed"},
		{"unknown consumer", func(w *keyring.Wish) { w.Consumer = "nobody" }, "not found"},
		{"a consumer that cannot be made", func(w *keyring.Wish) { w.Consumer, w.MakeConsumer = "A B", true }, "invalid value: consumer id"},
		{"environment", func(w *keyring.Wish) { w.Environment = "LIVE" }, "environment: environment must be 2 to 8 letters a-z"},
		{"environment of foreign keys", func(w *keyring.Wish) { w.Environment = "ext" }, "environment: ext is that of imported keys"},
		{"life before now", func(w *keyring.Wish) { w.Life = -1 }, "life: must be from 0"},
		{"life too long", func(w *keyring.Wish) { w.Life = keyring.MaxLife + 1 }, "life: must be from 0"},
		{"an address with bits behind", func(w *keyring.Wish) { w.Addresses = networks("10.0.0.1/8") }, "addresses: holds what is no network"},
		{"a mapped address", func(w *keyring.Wish) { w.Denied = networks("::ffff:10.0.0.0/104") }, "denied: holds what is no network"},
		{"plan", func(w *keyring.Wish) { w.Plan = "a b" }, "invalid value: plan"},
		{"an empty role", func(w *keyring.Wish) { w.Roles = []string{""} }, "invalid value"},
		{"an empty holder, and a consumer to make", func(w *keyring.Wish) { w.Consumer, w.MakeConsumer, w.Holders = "fresh", true, []string{""} }, "invalid value"},
	} {
		wish := full()
		c.change(&wish)
		made, err := w.Create(ctx, wish)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
			continue
		}
		if made.Secret.Reveal() != "" {
			t.Errorf("%s: a text was given", c.name)
		}
		if got := w.recorded(); !strings.HasPrefix(got, "system root@console key.create refused consumer="+wish.Consumer+" key=: ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: recorded %q", c.name, got)
		}
	}
	if st := w.store.Stats(); st.Keys != 0 || st.Consumers != 1 {
		t.Errorf("something was stored: %+v", st)
	}
}

func TestAConsumerIsMadeOnlyWhenAskedFor(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, func(w *keyring.Wish) { w.Consumer, w.MakeConsumer = "fresh", true })
	if c, err := w.store.LookUp("fresh"); err != nil || c.Name != "fresh" || !made.MadeConsumer {
		t.Errorf("%+v, %v, made %v", c, err, made.MadeConsumer)
	}
	if again := create(t, w, func(w *keyring.Wish) { w.Consumer, w.MakeConsumer = "fresh", true }); again.MadeConsumer {
		t.Error("made twice")
	}
}

func TestARotationInheritsEverythingAndOverlaps(t *testing.T) {
	w := newWorld(t)
	first := create(t, w, nil)
	w.store.Touch(first.Key.ID, start)
	w.now = start.Add(10 * day)
	w.events = nil
	next, old, err := w.Rotate(ctx, first.Key.ID, keyring.Rotation{Overlap: day})
	must(t, err)
	if next.Secret.Reveal() == first.Secret.Reveal() || next.Key.ID == first.Key.ID || next.Key.Hash == first.Key.Hash {
		t.Error("the new key is the old one")
	}
	want := first.Key
	want.ID, want.Hash, want.Created, want.Expires = next.Key.ID, next.Key.Hash, w.now, w.now.Add(90*day)
	stored, _, err := w.store.Key(ctx, next.Key.ID)
	must(t, err)
	if diff := cmp.Diff(want, stored, prefixes); diff != "" {
		t.Error(diff)
	}
	was, _, err := w.store.Key(ctx, first.Key.ID)
	must(t, err)
	if !was.Expires.Equal(w.now.Add(day)) || !old.Expires.Equal(was.Expires) || !was.Revoked.IsZero() {
		t.Errorf("the old one expires %v, said %v", was.Expires, old.Expires)
	}
	if got := w.recorded(); got != "system root@console key.rotate consumer=acme key="+first.Key.ID+": next "+next.Key.ID+", until 2026-12-02T10:00:00Z\n" {
		t.Errorf("recorded %s", got)
	}
	w.now = w.now.Add(day)
	for id, want := range map[string]keyring.State{first.Key.ID: keyring.Expired, next.Key.ID: keyring.Valid} {
		k, err := w.Show(ctx, id)
		must(t, err)
		if got := keyring.StateOf(&k, w.now); got != want {
			t.Errorf("%s is %s after the overlap, want %s", id, got, want)
		}
	}
}

func TestTheLifeOfARotatedKey(t *testing.T) {
	forever, week := time.Duration(0), 7*day
	for _, c := range []struct {
		name              string
		life              time.Duration
		how               keyring.Rotation
		nextEnd, firstEnd time.Time
	}{
		{"is as long as the old one's was", 30 * day, keyring.Rotation{}, start.Add(40 * day), start.Add(10 * day)},
		{"is for ever when the old one's was", 0, keyring.Rotation{Overlap: day}, time.Time{}, start.Add(11 * day)},
		{"can be set", 0, keyring.Rotation{Life: &week}, start.Add(17 * day), start.Add(10 * day)},
		{"can be set for ever", 30 * day, keyring.Rotation{Life: &forever, Overlap: day}, time.Time{}, start.Add(11 * day)},
		{"does not make the old one live longer", 11 * day, keyring.Rotation{Overlap: 30 * day}, start.Add(21 * day), start.Add(11 * day)},
	} {
		w := newWorld(t)
		first := create(t, w, func(w *keyring.Wish) { w.Life = c.life })
		w.now = start.Add(10 * day)
		next, _, err := w.Rotate(ctx, first.Key.ID, c.how)
		must(t, err)
		old, err := w.Show(ctx, first.Key.ID)
		must(t, err)
		if !next.Key.Expires.Equal(c.nextEnd) || !old.Expires.Equal(c.firstEnd) {
			t.Errorf("%s: the next ends %v, want %v; the first %v, want %v", c.name, next.Key.Expires, c.nextEnd, old.Expires, c.firstEnd)
		}
	}
}

func TestOnlyAGoodKeyIsRotated(t *testing.T) {
	w := newWorld(t)
	revoked, leaked, expired, good := create(t, w, nil), create(t, w, nil), create(t, w, func(w *keyring.Wish) { w.Life = time.Hour }), create(t, w, nil)
	_, err := w.Revoke(ctx, revoked.Key.ID)
	must(t, err)
	_, err = w.DenyIDs(ctx, []string{leaked.Key.ID}, "")
	must(t, err)
	w.now = start.Add(time.Hour)
	long := keyring.MaxLife + 1
	for _, c := range []struct {
		name, id string
		how      keyring.Rotation
		want     error
	}{
		{"revoked", revoked.Key.ID, keyring.Rotation{}, durward.ErrRevoked},
		{"leaked", leaked.Key.ID, keyring.Rotation{}, keyring.ErrLeaked},
		{"expired", expired.Key.ID, keyring.Rotation{}, keyring.ErrExpired},
		{"unknown", "nobodyskey00", keyring.Rotation{}, durward.ErrNotFound},
		{"no id", "", keyring.Rotation{}, durward.ErrNotFound},
		{"an overlap before now", good.Key.ID, keyring.Rotation{Overlap: -1}, nil},
		{"an overlap too long", good.Key.ID, keyring.Rotation{Overlap: keyring.MaxOverlap + 1}, nil},
		{"a life too long", good.Key.ID, keyring.Rotation{Life: &long}, nil},
	} {
		made, _, err := w.Rotate(ctx, c.id, c.how)
		var field *durward.FieldError
		if err == nil || c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &field) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if made.Secret.Reveal() != "" {
			t.Errorf("%s: a text was given", c.name)
		}
	}
	if n := w.store.Stats().Keys; n != 4 {
		t.Errorf("%d keys", n)
	}
}
