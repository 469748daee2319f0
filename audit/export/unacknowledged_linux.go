// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// unacknowledged gives the bytes that were written to a connection and that the
// other machine's system has not acknowledged (tcp(7), SIOCOUTQ).
func unacknowledged(conn *net.TCPConn) (int, error) {
	if conn == nil {
		return 0, nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
	return n, errors.Join(err, failed)
}
