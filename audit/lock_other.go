// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package audit

import (
	"errors"
	"os"
)

// lockDirectory refuses: without a lock two processes could break the chain.
func lockDirectory(string) (*os.File, error) {
	return nil, errors.New("audit: this system has no file locks that end with their process")
}

func unlock(f *os.File) error { return f.Close() }
