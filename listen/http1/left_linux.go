// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import "syscall"

// tcpEstablished is TCP_ESTABLISHED of the kernel's tcp_states.h.
const tcpEstablished = 1

// left tells that the other end of a TCP connection has closed its half. The
// state is asked for, not the data, since data may lie before the end.
func left(fd uintptr) bool {
	// The first byte of struct tcp_info is the state. The call with a size of
	// four bytes is the one of package syscall that gives them as they are.
	info, err := syscall.GetsockoptInet4Addr(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
	return err == nil && info[0] != tcpEstablished
}
