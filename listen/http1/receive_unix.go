// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import "syscall"

// canReceive tells that reads can be made on the descriptor itself.
const canReceive = true

// receive reads once into a buffer that it gives back when there is nothing.
func (c *conn) receive(fd uintptr) (done bool) {
	w := c.acquire()
	for {
		n, err := syscall.Read(int(fd), w.buf)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			c.release()
			return false
		}
		w.r, w.w = 0, max(n, 0)
		c.recvN, c.recvErr = n, err
		return true
	}
}

// closeWrite tells the other end that nothing more will come.
func closeWrite(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_WR) }

// resetOnClose makes the close a reset.
func resetOnClose(fd uintptr) {
	_ = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
}
