// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package netlist

import (
	"errors"
	"fmt"
	"net/netip"
)

// Take says what a caller takes as a range.
type Take bool

const (
	// NotAll refuses 0.0.0.0/0 and ::/0: the zero value.
	NotAll Take = false
	// All takes them.
	All Take = true
)

// Why a range cannot be used.
var (
	ErrInvalid  = errors.New("is not an address range")
	ErrHostBits = errors.New("has host bits set")
	ErrAll      = errors.New("holds every address")
)

// EntryError is a range that cannot be used, by its index.
type EntryError struct {
	Index int
	Err   error
}

func (e *EntryError) Error() string { return fmt.Sprintf("[%d]: %v", e.Index, e.Err) }
func (e *EntryError) Unwrap() error { return e.Err }

// Check gives the one form of a range: an IPv4-mapped one becomes IPv4. The
// error is ErrInvalid, ErrHostBits or ErrAll.
func Check(p netip.Prefix, take Take) (netip.Prefix, error) {
	if !p.IsValid() {
		return p, ErrInvalid
	}
	if p != p.Masked() {
		return p, ErrHostBits
	}
	if a := p.Addr(); a.Is4In6() {
		// Without host bits such a range is never shorter than /96.
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if p.Bits() == 0 && take == NotAll {
		return p, ErrAll
	}
	return p, nil
}

// Small is a handful of ranges that is searched from end to end: what a
// consumer or a key has. It is immutable and safe for concurrent use; nil
// holds nothing.
type Small []netip.Prefix

// Of makes a Small; see Check. It takes ranges that hold every address: who
// writes one of a few ranges means it.
func Of(prefixes ...netip.Prefix) (Small, error) {
	out := make(Small, 0, len(prefixes))
	for i, p := range prefixes {
		p, err := Check(p, All)
		if err != nil {
			return nil, &EntryError{Index: i, Err: err}
		}
		out = append(out, p)
	}
	return out, nil
}

// Contains tells whether a range holds an address. An invalid address is in
// none.
func (s Small) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for i := range s {
		if s[i].Contains(a) {
			return true
		}
	}
	return false
}
