// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package http1

import "net"

// peeker is blind here: a connection that ended while idle is noticed by the
// exchange that uses it.
type peeker struct{}

func newPeeker(net.Conn) *peeker { return &peeker{} }

func (*peeker) quiet() bool { return true }
