// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
)

const (
	seqPrefix  = `{"seq":`
	hashPrefix = `,"hash":"`
	lineEnd    = `"}`
	tailLength = len(hashPrefix) + 2*sha256.Size + len(lineEnd)
)

// position is the place in the chain: the last record's number and hash.
type position struct {
	sequence uint64
	hash     [sha256.Size]byte
}

// chain makes and checks lines one after another. It is not safe for
// concurrent use.
type chain struct {
	position
	digest hash.Hash
}

func newChain(at position) *chain { return &chain{position: at, digest: sha256.New()} }

// seal appends the next line, with its newline, to out. body is what
// appendBody made.
func (c *chain) seal(out, body []byte) []byte {
	start := len(out)
	c.sequence++
	out = append(out, seqPrefix...)
	out = strconv.AppendUint(out, c.sequence, 10)
	out = append(out, body...)
	c.sum(out[start:])
	out = append(out, hashPrefix...)
	out = hex.AppendEncode(out, c.hash[:])
	return append(out, lineEnd+"\n"...)
}

// sum advances the hash over the covered part of a line.
func (c *chain) sum(covered []byte) {
	c.digest.Reset()
	c.digest.Write(c.hash[:])
	c.digest.Write(covered)
	c.digest.Sum(c.hash[:0])
}

// Faults of a line.
var (
	errLineShape    = errors.New("not a record: the line was changed, or cut")
	errLineSequence = errors.New("sequence number does not follow: records are missing, repeated or in another order")
	errLineHash     = errors.New("hash does not match: this record or its predecessor was changed, removed or moved")
)

// check verifies that line, without its newline, is the next one, and
// advances. After an error the chain must not be used again.
func (c *chain) check(line []byte) error {
	sequence, covered, sum, ok := splitLine(line)
	if !ok {
		return errLineShape
	}
	if sequence != c.sequence+1 {
		return errLineSequence
	}
	c.sequence = sequence
	c.sum(covered)
	// The text is compared, not the value: a digit in the other case is a
	// changed byte too.
	if want := hex.AppendEncode(make([]byte, 0, 2*sha256.Size), c.hash[:]); !bytes.Equal(want, sum) {
		return errLineHash
	}
	return nil
}

// splitLine takes a line apart: its number, what the hash covers, and the
// hash's text.
func splitLine(line []byte) (sequence uint64, covered, sum []byte, ok bool) {
	if len(line) < len(seqPrefix)+tailLength || !bytes.HasPrefix(line, []byte(seqPrefix)) {
		return 0, nil, nil, false
	}
	covered, tail := line[:len(line)-tailLength], line[len(line)-tailLength:]
	if !bytes.HasPrefix(tail, []byte(hashPrefix)) || !bytes.HasSuffix(tail, []byte(lineEnd)) {
		return 0, nil, nil, false
	}
	digits := covered[len(seqPrefix):]
	if i := bytes.IndexByte(digits, ','); i > 0 {
		digits = digits[:i]
	}
	sequence, err := strconv.ParseUint(string(digits), 10, 63)
	if err != nil || digits[0] == '0' || digits[0] == '+' {
		return 0, nil, nil, false
	}
	return sequence, covered, tail[len(hashPrefix) : len(tail)-len(lineEnd)], true
}
