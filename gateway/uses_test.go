// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/binary"
	"testing"
	"time"

	"durward/authn/capability"
)

// One holder of a capability can make any number of use counts that live for
// days. They may fill their own room, and nothing else.
func TestUseCountsOfCapabilitiesLeaveRoomForProofsAndNonces(t *testing.T) {
	const most = 2048
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	u := newUses(most, func() time.Time { return now })
	id := func(n int) (id [32]byte) {
		binary.BigEndian.PutUint64(id[:], uint64(n))
		return id
	}
	full := false
	for n := range 4 * most {
		if _, err := u.Use(t.Context(), capability.Space, id(n), 1, now.Add(24*time.Hour)); err != nil {
			full = true
			break
		}
	}
	if !full {
		t.Fatal("the room of capabilities has no bound")
	}
	for _, space := range []string{"dpop", "signature"} {
		for n := range most / 4 {
			if ok, err := u.Use(t.Context(), space, id(n), 1, now.Add(time.Minute)); !ok || err != nil {
				t.Fatalf("%s %d: %v, %v", space, n, ok, err)
			}
		}
		if ok, err := u.Use(t.Context(), space, id(0), 1, now.Add(time.Minute)); ok || err != nil {
			t.Errorf("%s again: %v, %v", space, ok, err)
		}
	}
	if ok, err := u.Use(t.Context(), capability.Space, id(0), 1, now.Add(time.Minute)); ok || err != nil {
		t.Errorf("a count that is full: %v, %v", ok, err)
	}
}
