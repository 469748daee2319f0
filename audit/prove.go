// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"durward"
	"durward/audit/merkle"
)

// Prove gives the proof that a record is in the log: by its number, or by its
// request id the outcome of a request. It reads a log that is being written as
// well as a copy. The error is durward.ErrNotFound when there is none, or when
// no checkpoint covers it yet.
func Prove(dir, id string) (*merkle.Proof, error) {
	signed, err := os.ReadFile(filepath.Join(dir, merkle.CheckpointFile))
	if err != nil {
		return nil, fmt.Errorf("the log has no checkpoint: %w", err)
	}
	public, err := os.ReadFile(filepath.Join(dir, PublicFile))
	if err != nil {
		return nil, err
	}
	verifier, err := merkle.NewVerifier(string(public))
	if err != nil {
		return nil, err
	}
	c, _, err := merkle.Open(signed, verifier)
	if err != nil {
		return nil, err
	}
	line, sequence, err := find(dir, id)
	if err != nil {
		return nil, err
	}
	if int64(sequence) > c.Size {
		return nil, fmt.Errorf("record %d is stored, and no checkpoint covers it yet: %w", sequence, durward.ErrNotFound)
	}
	return merkle.Prove(line, int64(sequence)-1, c.Size, merkle.NewChecker(dir, c), signed)
}

// find looks for a record, by its number or a request id.
func find(dir, id string) (found []byte, number uint64, err error) {
	if n, err := strconv.ParseUint(id, 10, 63); err == nil && n > 0 {
		r := NewReader(dir, n)
		defer r.Close()
		line, sequence, err := r.Next()
		if errors.Is(err, io.EOF) || err == nil && sequence != n {
			return nil, 0, fmt.Errorf("record %d: %w", n, durward.ErrNotFound)
		}
		return append([]byte(nil), line...), sequence, err
	}
	r := NewReader(dir, 1)
	defer r.Close()
	var gone *RemovedError
	for {
		line, sequence, err := r.Next()
		switch {
		case errors.As(err, &gone):
			continue
		case errors.Is(err, io.EOF):
			if found == nil {
				return nil, 0, fmt.Errorf("request %s: %w", id, durward.ErrNotFound)
			}
			return found, number, nil
		case err != nil:
			return nil, 0, err
		}
		ev, _, err := Decode(line)
		if err != nil {
			return nil, 0, err
		}
		// The outcome comes after the attempt.
		if ev.RequestID == id {
			found, number = append(found[:0], line...), sequence
			if ev.Kind == durward.EventOutcome {
				return found, number, nil
			}
		}
	}
}
