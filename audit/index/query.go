// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"net/netip"
	"time"

	"durward/audit/line"
)

// Query is what is asked for. A record is found when it is as every field says
// that is set; the zero Query finds all.
type Query struct {
	Subject    string
	Consumer   string
	Credential string
	Address    netip.Prefix // the client's; a single address is a prefix of all its bits
	API        string
	Operation  string
	Object     string // the path, one of its segments, or the record's object
	Outcome    string // line.Allowed, line.Refused or line.Failed
	Code       string
	Detection  string // as line.Record.Detections names it
	Kind       string // attempt, outcome, flood or system
	RequestID  string

	Since time.Time // from then on
	Until time.Time // before then
	// Before is for paging: only records with a lower number, as the last one of
	// the page before. Records come from the newest, and a number never changes,
	// so that nothing is skipped or repeated while the log grows. 0 is the end.
	Before uint64
	// Actor finds what somebody did: one of its fields is enough.
	Actor *Actor
}

// Actor is somebody, by what is known of them.
type Actor struct {
	Subject, Consumer, Credential string
	Address                       netip.Addr
}

// Fits tells whether a record is what was asked for. The index only says which
// ones may be.
func (q *Query) Fits(r *line.Record, h Hasher) bool {
	return is(r.Consumer, q.Consumer) && (q.Credential == "" || credential(r, q.Credential, h)) &&
		is(r.API, q.API) && is(r.Operation, q.Operation) && is(r.Code, q.Code) && is(r.Kind, q.Kind) &&
		is(r.RequestID, q.RequestID) &&
		(q.Subject == "" || subject(r, q.Subject, h)) &&
		(!q.Address.IsValid() || within(r, q.Address, h)) &&
		(q.Outcome == "" || r.Outcome() == q.Outcome) &&
		(q.Object == "" || has(r.Objects(), q.Object)) &&
		(q.Detection == "" || has(r.Detections(), q.Detection)) &&
		(q.Since.IsZero() || !r.Time.Before(q.Since)) && (q.Until.IsZero() || r.Time.Before(q.Until)) &&
		(q.Before == 0 || r.Seq < q.Before) &&
		(q.Actor == nil || q.Actor.fits(r, h))
}

func (a *Actor) fits(r *line.Record, h Hasher) bool {
	return a.Subject != "" && subject(r, a.Subject, h) ||
		a.Consumer != "" && is(r.Consumer, a.Consumer) ||
		a.Credential != "" && credential(r, a.Credential, h) ||
		a.Address.IsValid() && within(r, netip.PrefixFrom(a.Address, a.Address.BitLen()), h)
}

func is(value []byte, want string) bool { return want == "" || string(value) == want }

func has(all []string, want string) bool {
	for _, s := range all {
		if s == want {
			return true
		}
	}
	return false
}

func subject(r *line.Record, want string, h Hasher) bool {
	return string(r.Subject) == want || len(r.Who) > 0 && (string(r.Who) == want || h != nil && string(r.Who) == h.Hash("subject", want))
}

func credential(r *line.Record, want string, h Hasher) bool {
	return len(r.Credential) > 0 && (string(r.Credential) == want || h != nil && string(r.Credential) == h.Hash("credential", want))
}

func within(r *line.Record, want netip.Prefix, h Hasher) bool {
	if len(r.Client) == 0 {
		return false
	}
	a, err := netip.ParseAddr(string(r.Client))
	if err != nil {
		return h != nil && want.IsSingleIP() && string(r.Client) == h.Hash("client", want.Addr().String())
	}
	return want.Contains(a.Unmap())
}

// test looks at one column of a block.
type test struct {
	column column
	hashes []uint32 // one of them
	kind   byte     // colKind: its bits under mask
	mask   byte
	low    uint64 // colAddress: from low to high
	high   uint64
}

// condition is met when one of its tests is.
type condition []test

// conditions are what the index can look at, the cheap columns first.
func (q *Query) conditions(h Hasher) []condition {
	var all []condition
	if q.Kind != "" {
		all = append(all, condition{{column: colKind, kind: kindOf(q.Kind), mask: 0x0f}})
	}
	if q.Outcome != "" {
		all = append(all, condition{{column: colKind, kind: outcomeOf(q.Outcome) << 4, mask: 0xf0}})
	}
	text := func(c column, value string) {
		if value != "" {
			all = append(all, condition{{column: c, hashes: []uint32{hash([]byte(value))}}})
		}
	}
	text(colRequest, q.RequestID)
	if q.Subject != "" {
		all = append(all, condition{subjectTest(q.Subject, h)})
	}
	if q.Credential != "" {
		all = append(all, condition{credentialTest(q.Credential, h)})
	}
	text(colConsumer, q.Consumer)
	if q.Address.IsValid() {
		all = append(all, addressTests(q.Address, h))
	}
	text(colCode, q.Code)
	text(colOperation, q.Operation)
	text(colAPI, q.API)
	text(colDetection, q.Detection)
	text(colObject, q.Object)
	if q.Actor != nil {
		all = append(all, q.Actor.condition(h))
	}
	return all
}

func (a *Actor) condition(h Hasher) condition {
	c := condition{}
	if a.Subject != "" {
		c = append(c, subjectTest(a.Subject, h))
	}
	if a.Consumer != "" {
		c = append(c, test{column: colConsumer, hashes: []uint32{hash([]byte(a.Consumer))}})
	}
	if a.Credential != "" {
		c = append(c, credentialTest(a.Credential, h))
	}
	if a.Address.IsValid() {
		c = append(c, addressTests(netip.PrefixFrom(a.Address, a.Address.BitLen()), h)...)
	}
	return c
}

func subjectTest(subject string, h Hasher) test {
	t := test{column: colSubject, hashes: []uint32{hash([]byte(subject))}}
	if h != nil {
		t.hashes = append(t.hashes, hash([]byte(h.Hash("subject", subject))))
	}
	return t
}

func credentialTest(credential string, h Hasher) test {
	t := test{column: colCredential, hashes: []uint32{hash([]byte(credential))}}
	if h != nil {
		t.hashes = append(t.hashes, hash([]byte(h.Hash("credential", credential))))
	}
	return t
}

func addressTests(p netip.Prefix, h Hasher) condition {
	low := addressKey(p.Masked().Addr())
	high := low
	if p.Addr().Unmap().Is4() {
		high |= uint64(1)<<(32-min(p.Bits(), 32)) - 1
	} else if p.Bits() < 64 {
		high |= ^uint64(0) >> p.Bits()
	}
	c := condition{{column: colAddress, low: low, high: high}}
	if h != nil && p.IsSingleIP() {
		sealed := addressOf([]byte(h.Hash("client", p.Addr().String())))
		c = append(c, test{column: colAddress, low: sealed, high: sealed})
	}
	return c
}

// mark sets found for the records of b that meet t. The column is loaded.
func (t *test) mark(b *block, found []bool) {
	switch t.column {
	case colKind:
		for i, k := range b.kinds {
			found[i] = found[i] || k&t.mask == t.kind
		}
	case colAddress:
		for i, a := range b.addresses {
			found[i] = found[i] || a >= t.low && a <= t.high && a != 0
		}
	case colObject, colDetection:
		t.markSets(b.set(t.column), found)
	default:
		for _, want := range t.hashes {
			for i, h := range b.hashes[t.column] {
				if h == want {
					found[i] = true
				}
			}
		}
	}
}

func (t *test) markSets(s *sets, found []bool) {
	good := make([]bool, len(s.members)+1)
	any := false
	for i, members := range s.members {
		for _, m := range members {
			for _, want := range t.hashes {
				good[i+1] = good[i+1] || m == want
			}
		}
		any = any || good[i+1]
	}
	for i, id := range s.ids {
		found[i] = found[i] || any && good[id]
	}
}

// ParseAddress reads an address or a network (CIDR, RFC 4632).
func ParseAddress(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}
