// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package address decides from which addresses clients may call: an allow and
// a deny list of ranges, from the configuration and from files that change
// while the gateway runs.
//
// Deny wins over allow. An allow list refuses whatever it does not hold, also
// when its files hold nothing. Addresses have one form each, so that neither
// an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) nor a zone (RFC
// 4007) gets around a list; see package netlist for that and for what is not
// unwrapped (6to4, Teredo, NAT64).
//
// At a listener the address of the peer is judged ([List.Allows]); in the
// pipeline the client's, as it was found behind trusted proxies
// ([List.Stage]), so that a list of clients cannot be got around by a
// forwarding field that nobody vouches for.
//
// Failure policy: a file that cannot be read or has a fault stops a start or a
// reload. Later its old content stays in force, and logs and [List.Stats] say
// so: an attacker who can fill a disk does not empty a deny list.
//
// State kept: the ranges (8 bytes for an IPv4, 32 for an IPv6 range).
package address

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"durward"
	"durward/internal/netlist"
)

// List judges addresses. It is safe for concurrent use.
type List struct {
	mode       durward.Mode
	empty      bool // takes every address
	restricted bool // there is an allow list
	now        atomic.Pointer[sets]
	log        *slog.Logger

	mu    sync.Mutex // of what follows, and of Store to now
	fixed sets       // from the configuration
	files []*file
}

// sets are the lists that are in force: those of the configuration and one for
// each file.
type sets struct{ allow, deny []*netlist.Set }

// New reads the files and makes a list. The error holds every fault. log gets
// what later happens to the files; nil drops it.
func New(cfg Config, log *slog.Logger) (*List, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &List{mode: cfg.Mode, empty: cfg.empty(), restricted: cfg.restricts(), log: log}
	var err error
	if l.fixed.allow, err = fixed("allow", cfg.Allow); err != nil {
		return nil, err
	}
	if l.fixed.deny, err = fixed("deny", cfg.Deny); err != nil {
		return nil, err
	}
	if err := l.open(&cfg); err != nil {
		return nil, err
	}
	l.publish()
	return l, nil
}

func fixed(field string, ranges []netip.Prefix) ([]*netlist.Set, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	set, err := netlist.New(ranges, netlist.All)
	if err != nil {
		return nil, durward.InvalidIn(field, err)
	}
	return []*netlist.Set{set}, nil
}

// publish puts the lists in force. The caller holds mu or is alone.
func (l *List) publish() {
	next := &sets{
		allow: append([]*netlist.Set(nil), l.fixed.allow...),
		deny:  append([]*netlist.Set(nil), l.fixed.deny...),
	}
	for _, f := range l.files {
		if f.allow {
			next.allow = append(next.allow, f.set)
		} else {
			next.deny = append(next.deny, f.set)
		}
	}
	l.now.Store(next)
}

// Allows tells whether a client may call from an address. An address that is
// not known is on no list, so that an allow list refuses it. In report and off
// mode it still judges: what follows is the caller's.
func (l *List) Allows(a netip.Addr) bool { return l.judge(a) == nil }

// Empty tells whether every address is taken, or the mode is off: there is
// nothing to ask.
func (l *List) Empty() bool { return l.empty || l.mode == durward.Off }

// Mode is the mode of the configuration.
func (l *List) Mode() durward.Mode { return l.mode }

func (l *List) judge(a netip.Addr) error {
	s := l.now.Load()
	for _, set := range s.deny {
		if set.Contains(a) {
			return errDenied
		}
	}
	if !l.restricted {
		return nil
	}
	for _, set := range s.allow {
		if set.Contains(a) {
			return nil
		}
	}
	return errNotAllowed
}
