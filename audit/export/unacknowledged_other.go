// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package export

import "net"

// unacknowledged is not known here: what was written counts as taken.
func unacknowledged(*net.TCPConn) (int, error) { return 0, nil }
