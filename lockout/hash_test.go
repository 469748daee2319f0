// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import "testing"

func TestHashesAreKeyedByEachGuardAndEachUse(t *testing.T) {
	seen := map[uint64]bool{}
	for range 2 {
		g := NewGuard(Options{})
		for _, h := range []*hasher{&g.source, &g.ranges, &g.credential, &g.account, &g.presented} {
			if h.fixed != 0 {
				t.Fatal("a guard has a hash that everybody knows")
			}
			text := h.text("an id")
			if text != h.text("an id") || text != h.bytes([]byte("an id")) || text == h.text("another id") {
				t.Error("a hash is not one of what it hashes")
			}
			seen[text] = true
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d different hashes, want 10", len(seen))
	}
}

func TestTheHashOfTestsIsSpreadLikeTheOthers(t *testing.T) {
	h := hasher{fixed: 1}
	var buckets [256]int
	for i := range 256 * 64 {
		buckets[h.text(host(i))%256]++
		buckets[h.bytes([]byte(host(i)))>>56]++
	}
	for i, n := range buckets {
		if n < 64 || n > 256 {
			t.Errorf("bucket %d of 256 has %d of %d", i, n, 2*256*64)
		}
	}
}
