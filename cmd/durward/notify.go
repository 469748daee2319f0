// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"os"
)

// notifyReady tells systemd that the start has ended (sd_notify, Type=notify).
// Elsewhere NOTIFY_SOCKET is not set and nothing happens.
func notifyReady() {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte("READY=1"))
}
