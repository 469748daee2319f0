// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/durwardtest"
)

// refusedKeys are keys that look right and are refused, by why.
func refusedKeys(t *testing.T, now time.Time) (*fakeKeys, map[error]string) {
	t.Helper()
	s := newFakeKeys()
	s.consumers["gone"] = durward.Consumer{ID: "gone", Disabled: true}
	for range 1000 { // so that to find one is some work
		s.mint(t, "live", nil)
	}
	wrong := s.mint(t, "live", nil)
	unknown, _, _, err := MintKey(pepper, "live")
	if err != nil {
		t.Fatal(err)
	}
	return s, map[error]string{
		errKeySecret:      resum(wrong[:30] + flip(wrong[30]) + wrong[31:]),
		errKeyUnknown:     unknown,
		errKeyRevoked:     s.mint(t, "live", func(k *durward.Key) { k.Revoked = now.Add(-time.Hour) }),
		errKeyExpired:     s.mint(t, "live", func(k *durward.Key) { k.Expires = now.Add(-time.Hour) }),
		errKeyLeaked:      s.mint(t, "live", func(k *durward.Key) { k.Leaked, k.Revoked = now, now }),
		errKeyConsumer:    s.mint(t, "live", func(k *durward.Key) { k.Consumer = "gone" }),
		errKeyEnvironment: s.mint(t, "test", nil),
	}
}

// TestTheTimeOfARefusalDoesNotTellWhichKeysExist is statistics over many tries:
// were the HMAC left out for an unknown id, it would take less than half of the
// time of a known one.
func TestTheTimeOfARefusalDoesNotTellWhichKeysExist(t *testing.T) {
	c := durwardtest.NewClock()
	s, texts := refusedKeys(t, c.Now())
	a, err := newKeyAuth(&APIKey{Environments: []string{"live"}}, Env{Keys: s, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]func(){}
	for why, text := range texts {
		x := exchange("X-Api-Key", text)
		if _, err := a.Authenticate(t.Context(), x); !errors.Is(err, why) {
			t.Fatalf("%v, want %v", err, why)
		}
		ways[why.Error()] = func() {
			if _, err := a.Authenticate(t.Context(), x); err == nil {
				t.Error("accepted: " + why.Error())
			}
		}
	}
	durwardtest.SameTime(t, 1.3, ways)
}

// TestTheAnswerDoesNotTellWhichKeysExist: what a client gets is the same.
func TestTheAnswerDoesNotTellWhichKeysExist(t *testing.T) {
	c := durwardtest.NewClock()
	s, texts := refusedKeys(t, c.Now())
	st := keyStage(t, APIKey{Environments: []string{"live"}}, s, c.Now)
	texts[errKeyForm] = strings.Repeat("x", 60)
	var first *durward.Exchange
	for why, text := range texts {
		x := exchange("X-Api-Key", text)
		refused(t, st.Request(t.Context(), x), why)
		if first == nil {
			first = x
		}
		if diff := cmp.Diff(first.Extra, x.Extra); diff != "" || len(x.Violated) > 0 || x.Principal.Known() {
			t.Errorf("%v: %s", why, diff)
		}
	}
}
