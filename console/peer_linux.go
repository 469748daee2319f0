// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"net"
	"os"
	"syscall"

	"durward"
	"durward/internal/account"
)

// withPeer gives a context that tells who is at the other end of the control
// socket, as the kernel says (SO_PEERCRED, unix(7)); they cannot choose it.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return ctx
	}
	var peer *syscall.Ucred
	if raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}) != nil || err != nil {
		return ctx
	}
	host, _ := os.Hostname()
	uid := int(peer.Uid)
	return durward.WithActor(ctx, durward.Actor{User: account.Name(uid), UID: uid, Host: host, PID: int(peer.Pid), Command: "reload"})
}
