// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Recheck is how old what is known of the files may be: what was changed is in
// force after this time at the latest.
const Recheck = 10 * time.Second

// How many verdicts are remembered, and how long a bad one is: a certificate
// that is not yet valid becomes so.
const (
	maxGood = 4096
	maxBad  = 1024
	badFor  = 10 * time.Second
)

// Verdict is what was found out about a certificate. It is shared and must not
// be changed.
type Verdict struct {
	Chain      []*x509.Certificate // from the leaf to the anchor
	Thumbprint [sha256.Size]byte   // of the leaf
	Derived    any                 // what the function given to New made of the leaf

	err         error
	generation  uint64
	from, until time.Time
}

// Verifier judges client certificates by the authorities and lists of some
// files, which it reads again when they change. Safe for concurrent use.
type Verifier struct {
	files  Files
	derive func(leaf *x509.Certificate) (any, error)
	now    func() time.Time
	log    *slog.Logger

	state  atomic.Pointer[state]
	lookAt atomic.Int64 // when to look at the files again, Unix nanoseconds
	mu     sync.Mutex   // of those who look
	stamps []stamp
	warned uint64 // the generation whose expired list was logged

	good, bad *cache
	digests   sync.Pool // *digests
}

// digests is room to hash a chain without allocating.
type digests struct {
	of  [MaxChain][sha256.Size]byte
	all [MaxChain * sha256.Size]byte
}

// New reads the files. derive, which may be nil, is asked once for each leaf
// whose chain is good; its error makes the certificate bad. log may be nil.
func New(files Files, derive func(*x509.Certificate) (any, error), now func() time.Time, log *slog.Logger) (*Verifier, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	files.CRL = slices.Clone(files.CRL)
	v := &Verifier{
		files: files, derive: derive, now: now, log: log, stamps: files.stamps(),
		good: newCache(maxGood), bad: newCache(maxBad),
	}
	v.digests.New = func() any { return new(digests) }
	s, err := files.read()
	if err != nil {
		return nil, err
	}
	s.generation = 1
	v.state.Store(s)
	v.mu.Lock()
	defer v.mu.Unlock()
	at := now()
	v.warn(s, at)
	v.lookAt.Store(at.Add(Recheck).UnixNano())
	return v, nil
}

// Pool gives the present authorities, and a number that changes with them.
func (v *Verifier) Pool() (*x509.CertPool, uint64) {
	s := v.current(v.now())
	return s.pool, s.generation
}

// Refresh looks at the files now.
func (v *Verifier) Refresh() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.look(v.now())
}

// current gives what the files say, at most Recheck ago. Whoever finds that
// older waits for the new: a request after a quiet hour must not be judged by
// what was true an hour ago.
func (v *Verifier) current(now time.Time) *state {
	if !v.due(now) {
		return v.state.Load()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.due(now) {
		v.look(now)
	}
	return v.state.Load()
}

func (v *Verifier) due(now time.Time) bool {
	left := v.lookAt.Load() - now.UnixNano()
	return left <= 0 || left > int64(Recheck) // the clock was set back
}

// look reads the files if they are others than before. v.mu is held.
func (v *Verifier) look(now time.Time) {
	defer func() { v.lookAt.Store(now.Add(Recheck).UnixNano()) }()
	old := v.state.Load()
	stamps := v.files.stamps()
	if slices.Equal(stamps, v.stamps) {
		v.warn(old, now)
		return
	}
	s, err := v.files.read()
	if err != nil {
		s = &state{pool: x509.NewCertPool(), fault: err}
		v.log.Error("client authorities or revocation lists cannot be read; client certificates are refused", "error", err)
	} else {
		v.log.Info("client authorities and revocation lists read again", "ca", v.files.CA)
	}
	s.generation = old.generation + 1
	v.stamps = stamps
	v.state.Store(s)
	v.warn(s, now)
}

// warn says once for each state of the files that a list in it has expired.
func (v *Verifier) warn(s *state, now time.Time) {
	if v.warned == s.generation {
		return
	}
	for _, l := range s.lists {
		if now.After(l.crl.NextUpdate) {
			v.warned = s.generation
			v.log.Error("a revocation list has expired; client certificates of its issuer are refused", "ca", v.files.CA, "expired", l.crl.NextUpdate)
			return
		}
	}
}

// Check judges certificates as a client sent them, leaf first, for this moment.
// The error is one of this package's or of derive, and is also given when the
// same certificates come again.
func (v *Verifier) Check(certs []*x509.Certificate) (*Verdict, error) {
	if len(certs) == 0 {
		return nil, ErrNone
	}
	if len(certs) > MaxChain {
		return nil, ErrSize
	}
	var raw [MaxChain][]byte
	for i, c := range certs {
		raw[i] = c.Raw
	}
	return v.check(raw[:len(certs)], certs)
}

// CheckDER does the same for certificates that are not parsed yet, and parses
// only those that are not known.
func (v *Verifier) CheckDER(ders [][]byte) (*Verdict, error) { return v.check(ders, nil) }

func (v *Verifier) check(ders [][]byte, certs []*x509.Certificate) (*Verdict, error) {
	if err := checkSizes(ders); err != nil {
		return nil, err
	}
	now := v.now()
	s := v.current(now)
	d := v.digests.Get().(*digests)
	key := d.key(ders)
	leaf := d.of[0]
	v.digests.Put(d)
	for _, c := range [...]*cache{v.good, v.bad} {
		if e := c.get(&key); e != nil && e.generation == s.generation && !now.Before(e.from) && !now.After(e.until) {
			return e, e.err
		}
	}
	e := &Verdict{Thumbprint: leaf, generation: s.generation, from: now, until: now.Add(badFor)}
	v.judge(e, s, ders, certs)
	if e.err != nil {
		v.bad.put(&key, e)
		return e, e.err
	}
	v.good.put(&key, e)
	return e, nil
}

func (v *Verifier) judge(e *Verdict, s *state, ders [][]byte, certs []*x509.Certificate) {
	if certs == nil {
		for _, der := range ders {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				e.err = ErrForm
				return
			}
			certs = append(certs, c)
		}
	}
	chain, until, err := s.verify(certs, e.from)
	if err == nil && v.derive != nil {
		e.Derived, err = v.derive(chain[0])
	}
	if e.err = err; err == nil {
		e.Chain, e.until = chain, until
	}
}

// Fits is ErrSize for certificates that are more than Check would look at. It is
// for who keeps them before they are checked. None at all fit.
func Fits(certs []*x509.Certificate) error {
	total := 0
	for _, c := range certs {
		total += len(c.Raw)
	}
	if len(certs) > MaxChain || len(certs) > 0 && len(certs[0].Raw) > MaxLeaf || total > maxBytes {
		return ErrSize
	}
	return nil
}

func checkSizes(ders [][]byte) error {
	if len(ders) == 0 {
		return ErrNone
	}
	total := 0
	for _, der := range ders {
		total += len(der)
	}
	if len(ders) > MaxChain || len(ders[0]) > MaxLeaf || total > maxBytes {
		return ErrSize
	}
	return nil
}

// key hashes the hashes of the certificates, so that no two ways of dividing
// the same bytes have the same key.
func (d *digests) key(ders [][]byte) [sha256.Size]byte {
	for i, der := range ders {
		d.of[i] = sha256.Sum256(der)
		copy(d.all[i*sha256.Size:], d.of[i][:])
	}
	return sha256.Sum256(d.all[:len(ders)*sha256.Size])
}
