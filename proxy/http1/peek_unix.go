// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"net"
	"syscall"
)

// peeker looks at an idle connection without waiting and without taking
// anything from it.
type peeker struct {
	raw  syscall.RawConn // nil when the connection has no descriptor
	look func(fd uintptr)
	n    int
	err  error
	one  [1]byte
}

// newPeeker looks below TLS: there is nothing that a server may send on an
// idle TLS connection which would leave it fit for use, for session tickets
// come before the first answer.
func newPeeker(nc net.Conn) *peeker {
	p := &peeker{}
	for {
		if sc, ok := nc.(syscall.Conn); ok {
			p.raw, _ = sc.SyscallConn()
			break
		}
		inner, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		nc = inner.NetConn()
	}
	p.look = func(fd uintptr) {
		p.n, _, p.err = syscall.Recvfrom(int(fd), p.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return p
}

// quiet tells that the connection is open with nothing to read. Control is
// used, not Read, because a deadline that has passed does not matter here.
func (p *peeker) quiet() bool {
	if p.raw == nil {
		return true
	}
	if err := p.raw.Control(p.look); err != nil {
		return false
	}
	return p.n <= 0 && (p.err == syscall.EAGAIN || p.err == syscall.EWOULDBLOCK || p.err == syscall.EINTR)
}
