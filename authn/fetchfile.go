// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"os"
	"time"
)

// fileFetcher reads a key set from a file, again when it has changed.
type fileFetcher struct {
	path          string
	seen, pending fileState
}

type fileState struct {
	size     int64
	modified time.Time
}

func (f *fileFetcher) accepted() { f.seen = f.pending }

func (f *fileFetcher) fetch(context.Context) (document, error) {
	info, err := os.Stat(f.path)
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would hang
		return document{}, errors.New("jwks: not a regular file that can be read")
	}
	state := fileState{info.Size(), info.ModTime()}
	if state == f.seen {
		return document{same: true, maxAge: -1}, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return document{}, errors.New("jwks: file cannot be opened")
	}
	defer file.Close()
	body, err := readBounded(file)
	f.pending = state
	return document{body: body, maxAge: -1}, err
}
