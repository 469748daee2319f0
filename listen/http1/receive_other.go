// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package http1

const canReceive = false

func (c *conn) receive(uintptr) bool { return true }

func closeWrite(uintptr) {}

func resetOnClose(uintptr) {}
