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

// proofHeader begins a proof (C2SP tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// Proof shows, without the log, that a record is in it: the record, its place,
// the hashes beside the way to the root, and a signed checkpoint.
type Proof struct {
	Record     []byte // the line, without its newline; may be nil where the reader has it
	Index      int64  // of the leaf, from 0
	Hashes     tlog.RecordProof
	Checkpoint []byte // a signed note
}

// Prove makes the proof of a leaf in the tree of a signed checkpoint of size.
func Prove(record []byte, index, size int64, reader tlog.HashReader, signed []byte) (*Proof, error) {
	hashes, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return nil, err
	}
	return &Proof{Record: record, Index: index, Hashes: hashes, Checkpoint: signed}, nil
}

// Format writes the proof as text. The record goes along as the extra data that
// the format allows.
func (p *Proof) Format() []byte {
	var b strings.Builder
	b.WriteString(proofHeader + "\n")
	if p.Record != nil {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Record) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return []byte(b.String())
}

// ErrProof says that a proof shows nothing.
var ErrProof = errors.New("the proof does not show that the record is in the log")

// maxProof bounds what is read: a record of 256 KiB in base64, 63 hashes, a note.
const maxProof = 512 << 10

// ParseProof reads a proof.
func ParseProof(text []byte) (*Proof, error) {
	if len(text) > maxProof {
		return nil, fmt.Errorf("%w: it is too long", ErrProof)
	}
	head, checkpoint, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofHeader {
		return nil, fmt.Errorf("%w: it is none of %s", ErrProof, proofHeader)
	}
	lines = lines[1:]
	p := &Proof{Checkpoint: []byte(checkpoint)}
	if len(lines) > 0 {
		if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
			record, err := base64.StdEncoding.Strict().DecodeString(extra)
			if err != nil {
				return nil, fmt.Errorf("%w: its record cannot be read", ErrProof)
			}
			p.Record, lines = record, lines[1:]
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: it has no index", ErrProof)
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	n, err := strconv.ParseInt(index, 10, 64)
	if !ok || err != nil || n < 0 || strconv.FormatInt(n, 10) != index {
		return nil, fmt.Errorf("%w: it has no index", ErrProof)
	}
	p.Index = n
	if len(lines) > 64 {
		return nil, fmt.Errorf("%w: it has too many hashes", ErrProof)
	}
	for _, line := range lines[1:] {
		var h tlog.Hash
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != len(h) {
			return nil, fmt.Errorf("%w: a hash cannot be read", ErrProof)
		}
		copy(h[:], raw)
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

// Check verifies the proof with the log's public key alone. The error is
// ErrSignature, ErrCheckpoint or ErrProof.
func (p *Proof) Check(record []byte, verifier note.Verifier) (*Checkpoint, error) {
	c, _, err := Open(p.Checkpoint, verifier)
	if err != nil {
		return nil, err
	}
	if p.Index >= c.Size {
		return nil, ErrProof
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, tlog.RecordHash(record)); err != nil {
		return nil, ErrProof
	}
	return c, nil
}
