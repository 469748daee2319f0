// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"errors"
	"testing"
	"time"
)

// A token that was good and is no more is no guess, also when it is asked about
// again later; one that the server never knew may be one.
func TestOnlyATokenThatWasGoodHasEnded(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	ask := func(token string, want error) {
		t.Helper()
		if _, err := c.Check(t.Context(), token); !errors.Is(err, want) || Ended(err) != (want == errEnded || want == errExpired) {
			t.Errorf("%s: %v", token, err)
		}
	}
	s.set("token", `{"active":true,"sub":"cy","aud":"moot"}`)
	ask("token", nil)
	s.set("token", `{"active":false}`)
	clock.add(time.Minute)
	ask("token", errEnded)
	ask("token", errEnded) // as it is remembered
	clock.add(time.Minute)
	ask("token", errEnded) // as it is asked about once more
	ask("guess", errInactive)
	ask("guess", errInactive)
	clock.add(time.Minute)
	ask("guess", errInactive)
	s.set("old", `{"active":true,"sub":"cy","aud":"moot","exp":1}`)
	ask("old", errExpired)
}
