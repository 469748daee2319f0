// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"durward"
)

func TestTagsAreStableUntilTheKeyIsErased(t *testing.T) {
	cfg := testConfig(t)
	tagOf := func(subject string) string {
		s, err := Open(t.Context(), cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ev := newEvent(subject)
		if err := s.Cover(&ev, operation); err != nil {
			t.Fatal(err)
		}
		return ev.Who
	}
	first := tagOf("ann")
	if again := tagOf("ann"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	if tagOf("bob") == first {
		t.Error("two subjects have one tag")
	}
	o := openKeysOf(t, cfg)
	if o.Hash(KindCredential, "jti-of-ann") == "" {
		t.Error("a credential has no tag")
	}
	if got := o.Hash(KindSubject, "ann"); got != first {
		t.Errorf("searched by %s, recorded as %s", got, first)
	}
	if o.Hash(KindSubject, "nobody") != "" || o.Hash(KindAddress, "no address") != "" {
		t.Error("who never called has a tag")
	}
	a := o.Hash(KindAddress, "203.0.113.9")
	if a == "" || a != o.Hash(KindAddress, "::ffff:203.0.113.9") {
		t.Error("one address has two tags, or none")
	}
	if tag, err := o.Erase(t.Context(), KindSubject, "ann"); err != nil || tag != first {
		t.Errorf("erased %s %v", tag, err)
	}
	if o.Hash(KindSubject, "ann") != "" || o.Hash(KindCredential, "jti-of-ann") != "" || tagOf("ann") == first {
		t.Error("the name still leads to the records")
	}
}

func TestAnErasedKeyIsNowhereInTheFiles(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	ann, bob := newEvent("ann"), newEvent("bob")
	s.Cover(&ann, operation)
	s.Cover(&bob, operation)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	o := openKeysOf(t, cfg)
	hash, _ := o.hash(KindSubject, "ann")
	var wrapped []byte
	if err := o.keys.db.QueryRow("SELECT wrapped FROM keys WHERE hash = ?", hash).Scan(&wrapped); err != nil {
		t.Fatal(err)
	}
	in := func() (found []string) {
		files, _ := filepath.Glob(cfg.Keys + "*")
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, wrapped) || bytes.Contains(content, hash) {
				found = append(found, filepath.Base(f))
			}
		}
		return found
	}
	if len(in()) == 0 {
		t.Fatal("the test looks in the wrong place")
	}
	if _, err := o.Erase(t.Context(), KindSubject, "ann"); err != nil {
		t.Fatal(err)
	}
	if found := in(); len(found) > 0 {
		t.Errorf("the erased key is in %v", found)
	}
	if err := o.Open(t.Context(), &ann); !errors.Is(err, ErrErased) {
		t.Errorf("ann: %v", err)
	}
	if err := o.Open(t.Context(), &bob); err != nil || bob.Subject != "bob" {
		t.Errorf("bob: %v %+v", err, bob)
	}
	if tag, err := o.Erase(t.Context(), KindSubject, "ann"); tag != "" || err != nil {
		t.Errorf("a second time: %q %v", tag, err)
	}
}

func TestASealerThatRunsForgetsWhatAnotherProcessErased(t *testing.T) {
	cfg := testConfig(t)
	told := make(chan string, 10)
	fail := true
	s := openSealer(t, cfg, Options{Erased: func(kind, tag string) error {
		if fail { // the record of it is tried again
			fail = false
			return errors.New("the log fails")
		}
		told <- kind + " " + tag
		return nil
	}})
	before := newEvent("ann")
	s.Cover(&before, operation)
	s.Flush()
	o := openKeysOf(t, cfg)
	tag, err := o.Erase(t.Context(), KindSubject, "ann")
	if err != nil || tag != before.Who {
		t.Fatal(tag, err)
	}
	s.look()
	s.look()
	s.look()
	if len(told) != 1 || <-told != "subject "+tag {
		t.Error("it was not recorded once")
	}
	after := newEvent("ann")
	s.Cover(&after, operation)
	s.Flush()
	if after.Who == before.Who || after.Credential == before.Credential {
		t.Error("the erased key is still in use")
	}
	if err := o.Open(t.Context(), &after); err != nil || after.Subject != "ann" {
		t.Errorf("the new key: %v", err)
	}
	if s.Stats().Erased != 2 || s.Stats().Made != 5 {
		t.Errorf("%+v", s.Stats())
	}
}

func TestARekeyLeavesTheRecordsReadableUnderTheNewMasterOnly(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	ev := newEvent("ann")
	s.Cover(&ev, operation)
	s.Flush()
	next := cfg
	next.MasterKey = otherKey
	if err := Rekey(t.Context(), cfg, next); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(t.Context(), cfg); !errors.Is(err, ErrMaster) {
		t.Errorf("the old master key: %v", err)
	}
	if err := Rekey(t.Context(), cfg, next); !errors.Is(err, ErrMaster) {
		t.Errorf("again from the old one: %v", err)
	}
	// The one that runs goes on, and what it seals is read by the new one.
	later := newEvent("carl")
	s.Cover(&later, operation)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	o := openKeysOf(t, next)
	for _, one := range []*durward.Event{&ev, &later} {
		if err := o.Open(t.Context(), one); err != nil {
			t.Error(err)
		}
	}
}

func TestKeysThatNoRecordNeedsAreDestroyed(t *testing.T) {
	cfg, day := testConfig(t), moment
	s := openSealer(t, cfg, Options{Now: func() time.Time { return day }})
	old, kept := newEvent("old"), newEvent("kept")
	s.Cover(&old, operation)
	s.Cover(&kept, operation)
	s.Flush()
	day = day.AddDate(0, 0, 20)
	again := newEvent("kept")
	s.Cover(&again, operation)
	s.look() // notes the use
	s.Expire(day.AddDate(0, 0, -5))
	s.look()
	o := openKeysOf(t, cfg)
	if o.Hash(KindSubject, "old") != "" || o.Hash(KindSubject, "kept") == "" {
		t.Error("the wrong keys expired")
	}
}
