// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"

	"durward/audit/line"
)

// blockRecords is how many records a block has at most; their place in it fits
// sixteen bits.
const blockRecords = 4096

// column is one thing that can be asked for. The numbers are those of the
// database: they never change, and mean version schemaVersion.
type column int

const (
	colRequest column = iota
	colSubject
	colConsumer
	colCredential
	colAPI
	colOperation
	colCode
	numHashes // up to here: 32 bits a record
)

const (
	colKind      column = 8 + iota // kind and outcome, 8 bits
	colAddress                     // 64 bits
	colTime                        // 64 bits
	colOffset                      // 64 bits
	colObject                      // a set of names for each record
	colDetection                   // likewise
	numColumns
)

// head is what a block is known by.
type head struct {
	first     uint64 // number of its first record
	file      uint64 // of the log: number of its first record
	n         int
	low, high int64 // Unix time in microseconds
}

func (h *head) last() uint64 { return h.first + uint64(h.n) - 1 }

// block holds the columns of some records.
type block struct {
	head
	hashes    [numHashes][]uint32
	kinds     []byte
	addresses []uint64
	times     []uint64
	offsets   []uint64
	objects   sets
	detected  sets

	client  string // of the last record, and what the column has of it
	address uint64
}

func newBlock(first, file uint64) *block {
	return &block{head: head{first: first, file: file, low: math.MaxInt64, high: math.MinInt64}}
}

// add appends the next record, which begins at offset in its file.
func (b *block) add(r *line.Record, offset int64) {
	subject := r.Subject
	if len(subject) == 0 {
		subject = r.Who
	}
	for i, value := range [numHashes][]byte{r.RequestID, subject, r.Consumer, r.Credential, r.API, r.Operation, r.Code} {
		b.hashes[i] = append(b.hashes[i], hash(value))
	}
	b.kinds = append(b.kinds, kindOf(string(r.Kind))|outcomeOf(r.Outcome())<<4)
	if string(r.Client) != b.client { // most records are of the one before
		b.client, b.address = string(r.Client), addressOf(r.Client)
	}
	b.addresses = append(b.addresses, b.address)
	at := r.Time.UnixMicro()
	b.low, b.high = min(b.low, at), max(b.high, at)
	b.times = append(b.times, uint64(at))
	b.offsets = append(b.offsets, uint64(offset))
	b.objects.add(hash64(r.Path)^hash64(r.Object)*3, r.Objects)
	if len(r.Stage)+len(r.Steps)+len(r.Findings)+len(r.Answer) == 0 {
		b.detected.ids = append(b.detected.ids, 0)
	} else {
		key := hash64(r.Stage) ^ hash64(r.Code)*3 ^ hash64(r.Steps)*5 ^ hash64(r.Findings)*7 ^ hash64(r.Answer)*9
		b.detected.add(key|1, r.Detections)
	}
	b.n++
}

// sets gives each record a set of names. Records of a block share sets; the
// set 0 is empty.
type sets struct {
	ids     []uint16
	members [][]uint32 // of the sets from 1
	known   map[uint64]uint16
}

func (s *sets) add(key uint64, names func() []string) {
	id, ok := s.known[key]
	if !ok {
		if s.known == nil {
			s.known = map[uint64]uint16{}
		}
		var members []uint32
		for _, name := range names() {
			members = append(members, hash([]byte(name)))
		}
		if len(members) > 0 {
			s.members = append(s.members, members)
			id = uint16(len(s.members))
		}
		s.known[key] = id
	}
	s.ids = append(s.ids, id)
}

// encode gives a column as the database has it, before compression.
func (b *block) encode(out []byte, c column) []byte {
	le := binary.LittleEndian
	switch c {
	case colKind:
		return append(out, b.kinds...)
	case colAddress, colTime, colOffset:
		for _, v := range b.wide(c) {
			out = le.AppendUint64(out, v)
		}
		return out
	case colObject, colDetection:
		return b.set(c).encode(out)
	}
	if c < numHashes {
		for _, v := range b.hashes[c] {
			out = le.AppendUint32(out, v)
		}
	}
	return out
}

func (b *block) set(c column) *sets {
	if c == colObject {
		return &b.objects
	}
	return &b.detected
}

func (b *block) wide(c column) []uint64 {
	switch c {
	case colAddress:
		return b.addresses
	case colTime:
		return b.times
	}
	return b.offsets
}

var errColumn = errors.New("a column of the audit index is not as it was written")

// decode reads a column into the block, whose head is set.
func (b *block) decode(c column, data []byte) error {
	le := binary.LittleEndian
	switch c {
	case colKind:
		if len(data) != b.n {
			return errColumn
		}
		b.kinds = append([]byte(nil), data...)
	case colAddress, colTime, colOffset:
		if len(data) != 8*b.n {
			return errColumn
		}
		values := make([]uint64, b.n)
		for i := range values {
			values[i] = le.Uint64(data[8*i:])
		}
		switch c {
		case colAddress:
			b.addresses = values
		case colTime:
			b.times = values
		default:
			b.offsets = values
		}
	case colObject, colDetection:
		return b.set(c).decode(b.n, data)
	default:
		if len(data) != 4*b.n {
			return errColumn
		}
		values := make([]uint32, b.n)
		for i := range values {
			values[i] = le.Uint32(data[4*i:])
		}
		b.hashes[c] = values
	}
	return nil
}

func (s *sets) encode(out []byte) []byte {
	le := binary.LittleEndian
	for _, id := range s.ids {
		out = le.AppendUint16(out, id)
	}
	for _, m := range s.members {
		out = le.AppendUint16(out, uint16(len(m)))
		for _, v := range m {
			out = le.AppendUint32(out, v)
		}
	}
	return out
}

func (s *sets) decode(n int, data []byte) error {
	le := binary.LittleEndian
	if len(data) < 2*n {
		return errColumn
	}
	ids, rest := make([]uint16, n), data[2*n:]
	for i := range ids {
		ids[i] = le.Uint16(data[2*i:])
	}
	var members [][]uint32
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest) < 2+4*int(le.Uint16(rest)) || len(members) == n {
			return errColumn
		}
		m := make([]uint32, le.Uint16(rest))
		for i := range m {
			m[i] = le.Uint32(rest[2+4*i:])
		}
		members, rest = append(members, m), rest[2+4*len(m):]
	}
	for _, id := range ids {
		if int(id) > len(members) {
			return errColumn
		}
	}
	s.ids, s.members, s.known = ids, members, nil
	return nil
}

// hash64 is FNV-1a (draft-eastlake-fnv). It spreads; it hides nothing.
func hash64(value []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range value {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// hash is what a column holds of a text: 0 for none.
func hash(value []byte) uint32 {
	if len(value) == 0 {
		return 0
	}
	h := hash64(value)
	return max(uint32(h^h>>32), 1)
}

// addressOf is what the column of addresses holds: an IPv4 address whole, of an
// IPv6 address the first half, of anything else its hash, 0 for none.
func addressOf(text []byte) uint64 {
	if len(text) == 0 {
		return 0
	}
	a, err := netip.ParseAddr(string(text))
	if err != nil {
		return hash64(text) | 1<<63
	}
	return addressKey(a)
}

func addressKey(a netip.Addr) uint64 {
	if a = a.Unmap(); a.Is4() {
		four := a.As4()
		return 0xffff<<32 | uint64(binary.BigEndian.Uint32(four[:]))
	}
	all := a.As16()
	return binary.BigEndian.Uint64(all[:])
}

// kindOf and outcomeOf are small numbers; 0 is for what is not known here.
func kindOf(kind string) byte {
	switch kind {
	case "attempt":
		return 1
	case "outcome":
		return 2
	case "flood":
		return 3
	case "system":
		return 4
	case "admin":
		return 5
	}
	return 0
}

func outcomeOf(outcome string) byte {
	switch outcome {
	case line.Allowed:
		return 1
	case line.Refused:
		return 2
	case line.Failed:
		return 3
	}
	return 0
}
