// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math/bits"
	"sync/atomic"
	"time"

	"durward"
)

// Attempt is one attempt to authenticate.
type Attempt = durward.Attempt

// DefaultEntries is how many keys each table of failures has places for when
// Options do not say.
const DefaultEntries = 1 << 15

// Options are what a Guard is made with.
type Options struct {
	// Entries is how many keys each of the four tables of failures has places
	// for, 81 bytes each; 0 means DefaultEntries. Twice as many successes are
	// remembered, 8 bytes each.
	Entries int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// OnEvent is told of locks and of the alarm, once each. It is called by
	// the goroutine of a request, so it must not block. May be nil.
	OnEvent func(Event)
}

// Guard keeps the state: one for the process, which outlives reloads. It is
// safe for concurrent use.
type Guard struct {
	now     func() time.Time
	start   time.Time
	onEvent func(Event)

	source, ranges, credential, account, presented hasher

	tables   [kinds]*table
	pairs    *known
	crowds   *crowd // by source and by range
	pressure pressure
	counts   counts
}

// NewGuard makes a guard that has counted nothing.
func NewGuard(o Options) *Guard {
	if o.Entries <= 0 {
		o.Entries = DefaultEntries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Guard{
		now: o.Now, start: o.Now(), onEvent: o.OnEvent,
		source: newHasher(), ranges: newHasher(), credential: newHasher(), account: newHasher(), presented: newHasher(),
		pairs: newKnown(2 * o.Entries), crowds: newCrowd(o.Entries / 2),
	}
	for i := range g.tables {
		g.tables[i] = newTable(o.Entries)
	}
	return g
}

// clock is the time in nanoseconds since the guard was made, from 1.
func (g *Guard) clock() int64 { return max(int64(g.now().Sub(g.start)), 0) + 1 }

// View is a guard under the rules of one generation. A nil View takes every
// attempt and counts nothing. It is safe for concurrent use.
type View struct {
	guard *Guard
	rules rules
}

// With gives the guard under cfg, nil when its mode is off. What was counted
// under other rules stays.
func (g *Guard) With(cfg Config) (*View, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Mode == durward.Off {
		return nil, nil
	}
	return &View{guard: g, rules: newRules(&cfg)}, nil
}

// keys are the hashes by which an attempt is counted; 0 is not counted.
type keys struct {
	source, ranges          uint64
	credential, account     uint64
	ofCredential, ofAccount uint64 // the pairs of these with the source
}

func (v *View) keys(a *Attempt) (k keys) {
	g := v.guard
	address := a.Source.Unmap()
	bits, wide := v.rules.ipv6Prefix, v.rules.ipv6Range
	if address.Is4() {
		bits, wide = 128, 96+v.rules.ipv4Range
	}
	b := address.As16() // 16 zero bytes for an address that is not known
	mask(&b, bits)
	k.source = g.source.bytes(b[:])
	mask(&b, wide)
	k.ranges = g.ranges.bytes(b[:])
	if a.Credential != "" {
		k.credential = g.credential.text(a.Credential)
		k.ofCredential = mix(k.source, k.credential)
	}
	if a.Account != "" {
		k.account = g.account.text(a.Account)
		k.ofAccount = mix(k.source, k.account)
	}
	return k
}

// mask keeps the first n bits.
func mask(b *[16]byte, n int) {
	for i := (n + 7) / 8; i < 16; i++ {
		b[i] = 0
	}
	if n%8 != 0 {
		b[n/8] &= 0xff << (8 - n%8)
	}
}

// mix makes one hash of two that nobody outside knows.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return nonzero(high ^ low)
}

// nonzero keeps 0 for what is not there.
func nonzero(hash uint64) uint64 { return max(hash, 1) }

// Begin tells whether an attempt must be refused unchecked, and how long to
// wait then. Ask it before a credential is checked, and tell Failed or
// Succeeded of what came of it; what could not be decided needs neither.
func (v *View) Begin(a Attempt) (retryAfter time.Duration, blocked bool) {
	if v == nil {
		return 0, false
	}
	k := v.keys(&a)
	t := &v.guard.tables
	until := [...]int64{
		t[KindSource].until(k.source), t[KindRange].until(k.ranges),
		t[KindPair].until(k.ofCredential), t[KindPair].until(k.ofAccount),
		t[KindIdentity].until(k.credential), t[KindIdentity].until(k.account),
	}
	if until == [6]int64{} {
		return 0, false
	}
	wait := v.wait(&k, &until)
	if wait <= 0 {
		return 0, false
	}
	if v.rules.mode == durward.Report {
		v.guard.counts.wouldRefuse.Add(1)
		return 0, false
	}
	v.guard.counts.refused.Add(1)
	return time.Duration(wait), true
}

// wait gives how long an attempt must wait, of whose keys some are or were
// refused. A known pair waits for itself only.
func (v *View) wait(k *keys, until *[6]int64) int64 {
	g, r := v.guard, &v.rules
	now := g.clock()
	known := v.known(k, now)
	longest := int64(0)
	for i, u := range until {
		if !known || i == 2 || i == 3 {
			longest = max(longest, u-now)
		}
	}
	if most := max(r.lockFor, r.delayMax); longest > most {
		// Other rules set it before a reload: it ends no later than if these
		// had set it now.
		g.shorten(k, now+most)
		return most
	}
	if longest > 0 {
		return longest
	}
	t := &g.tables
	longest = max(t[KindPair].admit(k.ofCredential, now, r.pair, r), t[KindPair].admit(k.ofAccount, now, r.pair, r))
	if known || longest > 0 {
		return longest
	}
	t[KindRange].admit(k.ranges, now, r.ranges, r)
	t[KindIdentity].admit(k.credential, now, r.identity, r)
	t[KindIdentity].admit(k.account, now, r.identity, r)
	return t[KindSource].admit(k.source, now, r.source.times(v.friends(k.source, now)), r)
}

// shorten lets none of the keys wait longer than until.
func (g *Guard) shorten(k *keys, until int64) {
	t := &g.tables
	t[KindSource].shorten(k.source, until)
	t[KindRange].shorten(k.ranges, until)
	for _, key := range [...]uint64{k.ofCredential, k.ofAccount} {
		t[KindPair].shorten(key, until)
	}
	for _, key := range [...]uint64{k.credential, k.account} {
		t[KindIdentity].shorten(key, until)
	}
}

// known tells whether everything that an attempt claims succeeded from its
// source lately. All of it: else the holder of a good client id could try
// accounts behind it.
func (v *View) known(k *keys, now int64) bool {
	if k.credential == 0 && k.account == 0 {
		return false
	}
	for _, pair := range [2][2]uint64{{k.credential, k.ofCredential}, {k.account, k.ofAccount}} {
		if pair[0] != 0 {
			if _, ok := v.guard.pairs.age(pair[0], pair[1], now, v.rules.knownFor); !ok {
				return false
			}
		}
	}
	return true
}

// friends is how many times more often than others a source or range may fail:
// once for each different id that succeeded there lately. Somebody with one
// good credential among the others gains one.
func (v *View) friends(key uint64, now int64) int {
	return max(v.guard.crowds.size(key, now, v.rules.knownFor), 1)
}

// Succeeded notes that an attempt was accepted. What it claims must be what
// was proven. For who succeeded lately it costs three hashes and no write.
func (v *View) Succeeded(a Attempt) {
	if v == nil {
		return
	}
	k := v.keys(&a)
	now := v.guard.clock()
	noted := v.succeeded(k.credential, k.ofCredential, now)
	noted = v.succeeded(k.account, k.ofAccount, now) || noted
	if noted {
		// One friend, however many ids it has: the account where there is one.
		id := k.account
		if id == 0 {
			id = k.credential
		}
		v.guard.crowds.add(k.source, id, now, v.rules.knownFor)
		v.guard.crowds.add(k.ranges, id, now, v.rules.knownFor)
	}
}

// succeeded makes a pair known, and tells whether that was to be written.
func (v *View) succeeded(id, pair uint64, now int64) bool {
	if id == 0 {
		return false
	}
	g := v.guard
	if g.tables[KindPair].has(pair) {
		g.tables[KindPair].drop(pair)
	}
	minutes, ok := g.pairs.age(id, pair, now, v.rules.knownFor)
	if ok && minutes*nsMinute*8 <= v.rules.knownFor {
		return false
	}
	g.pairs.note(id, pair, now)
	return true
}

// counts are what Stats tells. They are written on refusals and failures only.
type counts struct {
	failures, repeats, refused, wouldRefuse atomic.Uint64
	locks                                   [kinds]atomic.Uint64
}
