// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what a log has committed to: its size and the hash of its tree
// (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // name of the log, which is that of its key
	Size   int64
	Root   tlog.Hash
}

// maxNote bounds what is read of others: a checkpoint with all its signatures.
const maxNote = 64 << 10

// text is what is signed.
func (c *Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// Sign gives the checkpoint as a signed note.
func (c *Checkpoint) Sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, signer)
}

// Errors of a checkpoint.
var (
	ErrCheckpoint = errors.New("not a checkpoint")
	ErrSignature  = errors.New("the checkpoint is not signed by the key of its log")
)

// Open reads a signed checkpoint. It must be signed by the key of verifier,
// whose name is the origin; other signatures, such as those of witnesses, may
// stand beside it and are given back unverified.
func Open(signed []byte, verifier note.Verifier) (*Checkpoint, *note.Note, error) {
	if len(signed) > maxNote {
		return nil, nil, ErrCheckpoint
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		var unverified *note.UnverifiedNoteError
		if errors.As(err, &unverified) {
			return nil, nil, ErrSignature
		}
		return nil, nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parse(n.Text)
	if err != nil {
		return nil, nil, err
	}
	if c.Origin != verifier.Name() {
		return nil, nil, fmt.Errorf("%w: it is of the log %q", ErrCheckpoint, c.Origin)
	}
	return c, n, nil
}

// parse reads the text of a checkpoint. Lines of extensions are refused: this
// log writes none, and nothing would check them.
func parse(text string) (*Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return nil, ErrCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("%w: its size is no number", ErrCheckpoint)
	}
	hash, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(hash) != tlog.HashSize {
		return nil, fmt.Errorf("%w: its root is no hash", ErrCheckpoint)
	}
	c := &Checkpoint{Origin: lines[0], Size: size}
	copy(c.Root[:], hash)
	return c, nil
}

// ErrForked says that two checkpoints are of different histories.
var ErrForked = errors.New("the log has another history than the one that was committed to")

// CheckConsistent checks by proof that the log of new goes on from that of old
// (RFC 6962, section 2.1.2). The error is ErrForked when it does not.
func CheckConsistent(old, new *Checkpoint, proof tlog.TreeProof) error {
	switch {
	case old.Origin != new.Origin:
		return fmt.Errorf("the checkpoints are of two logs, %q and %q", old.Origin, new.Origin)
	case old.Size > new.Size:
		return fmt.Errorf("%w: it has %d records, and had %d", ErrForked, new.Size, old.Size)
	case old.Size == 0:
		return nil
	case old.Size == new.Size:
		if old.Root != new.Root {
			return ErrForked
		}
		return nil
	}
	if err := tlog.CheckTree(proof, new.Size, new.Root, old.Size, old.Root); err != nil {
		return ErrForked
	}
	return nil
}
