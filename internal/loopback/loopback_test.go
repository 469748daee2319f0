// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package loopback

import (
	"net"
	"testing"
)

func TestAnAddressIsFreeAndNobodyElses(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		address := Free(t)
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Fatalf("somebody listens on %s", address)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("%s is not loopback", ip)
		}
		l.Close()
		if seen[address] {
			t.Errorf("%s was given twice", address)
		}
		seen[address] = true
	}
}
