// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package http1

// left is not known here: a write to the client fails in the end.
func left(uintptr) bool { return false }
