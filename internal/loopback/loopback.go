// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package loopback gives tests addresses where nobody listens. A port of
// 127.0.0.1 that was just closed may be another process's the next moment; one
// of an address that no other test uses stays free.
package loopback

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

var given atomic.Uint32

// Free gives an address, a host and a port, that can be listened on and that
// nobody listens on. Where the machine has no more than 127.0.0.1, it is a port
// that was free a moment ago.
func Free(t testing.TB) string {
	t.Helper()
	// 127.0.0.0/8 is all of the machine on Linux: a host for each process and call.
	n := uint32(os.Getpid())<<6 + given.Add(1)
	host := fmt.Sprintf("127.%d.%d.%d", 1+n>>15%254, n>>7&0xff, 1+n&0x7f)
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
