// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"errors"
	"testing"

	"durward"
)

func TestWithoutItsKeysAnActionHasNoNames(t *testing.T) {
	s := openSealer(t, testConfig(t), Options{})
	s.keys.db.Close()
	told := &durward.AdminAction{ID: "x", Action: "consumer.update"}
	told.Target("revision", "7") // which needs no key
	told.Target("consumer", "ann")
	told.Change("name", "", "Ann")
	ev := durward.Event{Kind: durward.EventAdmin, Admin: told}
	if err := s.Cover(&ev, nil); err == nil {
		t.Error("it was sealed")
	}
	if a := ev.Admin; ev.Sealed != Withheld || len(a.Targets)+len(a.Changes)+len(a.Sealed) > 0 || len(told.Targets) != 2 {
		t.Errorf("%+v of %+v", a, told)
	}
}

// TestAKeyWhoseOwnerIsLearntLaterGoesWithThem: its id was denied before anybody
// knew whose it is.
func TestAKeyWhoseOwnerIsLearntLaterGoesWithThem(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	cover := func(whose string) durward.Event {
		a := &durward.AdminAction{ID: "x" + whose, Action: "key.deny"}
		a.TargetOf("key", "k1", whose)
		ev := durward.Event{Kind: durward.EventAdmin, Admin: a}
		if err := errors.Join(s.Cover(&ev, nil), s.Flush()); err != nil {
			t.Fatal(err)
		}
		return ev
	}
	before := cover("")
	cover("ann")
	cover("bob") // whose it is does not change
	o := openKeysOf(t, cfg)
	if tag, err := o.Erase(t.Context(), KindSubject, "bob"); tag == "" || err != nil {
		t.Fatal(err)
	}
	again := before
	admin := *before.Admin
	again.Admin = &admin
	again.Admin.Targets = []string{before.Admin.Targets[0]}
	if err := o.Open(t.Context(), &again); err != nil {
		t.Errorf("with another's erasure: %v", err)
	}
	if tag, err := o.Erase(t.Context(), KindSubject, "ann"); tag == "" || err != nil {
		t.Fatal(err)
	}
	if err := o.Open(t.Context(), &before); !errors.Is(err, ErrErased) {
		t.Errorf("after the erasure: %v", err)
	}
}
