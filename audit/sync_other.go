// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package audit

import "os"

// syncData makes a file's content and length durable.
func syncData(f *os.File) error { return f.Sync() }
