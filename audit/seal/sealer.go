// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxCached  = 8192  // subjects, and as many addresses and credentials
	maxPending = 65536 // new keys that wait for the disk
	pollEvery  = time.Second
	// keepBeyond is for how many days more than any record under it a key is
	// kept: the day of its last use is written with some delay.
	keepBeyond = 7
	fileWait   = 5 * time.Second // most that is waited for the keys file
)

// Withheld stands for the ciphertext of a record whose personal fields could not
// be sealed, and were left out.
const Withheld = "withheld"

var (
	errTooMany = errors.New("too many new keys wait for the disk")
)

// Options are what a Sealer needs beside its Config.
type Options struct {
	Now func() time.Time // nil is time.Now
	Log *slog.Logger     // nil discards
	// Erased stores a record of a key that was destroyed. It is called again
	// later when it fails.
	Erased func(kind, tag string) error
}

// Sealer seals the records of one log. It is safe for concurrent use.
type Sealer struct {
	cfg       Config
	opts      Options
	keys      *keysFile
	subjects  *cache[string]
	creds     *cache[string]
	addresses *cache[netip.Addr]

	mu      sync.Mutex        // of what follows, and of looking into the keys file
	pending map[string]*entry // new ones that are not on the disk, by hash
	taken   map[string]int64  // the day on which keys were taken, by tag

	fresh    atomic.Bool  // there are pending ones
	oldest   atomic.Int64 // day of the oldest record that is kept; 0 when not known
	seen     int64        // the last erasure that was looked at
	withheld atomic.Uint64
	made     atomic.Uint64
	erased   atomic.Uint64
	stop     chan struct{}
	done     chan struct{}
	once     sync.Once
}

// Stats are counters since Open.
type Stats struct {
	Made     uint64 // keys
	Erased   uint64 // keys that this process was told to forget
	Withheld uint64 // records whose personal fields were left out
}

// Stats gives the counters; zero of a nil Sealer.
func (s *Sealer) Stats() Stats {
	if s == nil {
		return Stats{}
	}
	return Stats{s.made.Load(), s.erased.Load(), s.withheld.Load()}
}

// Open opens the keys file, which is made when absent, and asks for the root key.
func Open(ctx context.Context, cfg Config, opts Options) (*Sealer, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	master, err := cfg.master()
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(ctx, cfg.Keys, master, true)
	if err != nil {
		return nil, err
	}
	return &Sealer{
		cfg: cfg, opts: opts, keys: keys,
		subjects: newCache[string](maxCached), creds: newCache[string](maxCached), addresses: newCache[netip.Addr](maxCached),
		pending: map[string]*entry{}, taken: map[string]int64{},
		stop: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// Start begins to look for keys that other processes erase. Erased may be called
// from now on.
func (s *Sealer) Start() {
	go func() {
		defer close(s.done)
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		for {
			s.look()
			select {
			case <-s.stop:
				return
			case <-ticker.C:
			}
		}
	}()
}

// Stop ends what Start began. No Erased is called after it.
func (s *Sealer) Stop() {
	s.once.Do(func() { close(s.stop) })
	<-s.done
}

// Close stores what is pending and closes the keys file. Stop comes before.
func (s *Sealer) Close() error {
	return errors.Join(s.Flush(), s.keys.close())
}

func (s *Sealer) today() int64 { return s.opts.Now().Unix() / 86400 }

// ofSubject gives the key of a subject.
func (s *Sealer) ofSubject(subject string) (*entry, error) {
	e := s.subjects.get(subject)
	if e == nil {
		var err error
		if e, err = s.load(KindSubject, subject, ""); err != nil {
			return nil, err
		}
		s.subjects.put(subject, e)
	}
	s.take(e)
	return e, nil
}

// ofCredential gives the key of a subject's credential, of which only the tag is
// used. It is erased with the subject, for its records would tell that they are of
// one person with later ones under the same credential.
func (s *Sealer) ofCredential(credential string, owner *entry) (*entry, error) {
	e := s.creds.get(credential)
	if e == nil {
		var err error
		if e, err = s.load(KindCredential, credential, owner.hash); err != nil {
			return nil, err
		}
		s.creds.put(credential, e)
	}
	s.take(e)
	return e, nil
}

// ofAddress gives the key of an address.
func (s *Sealer) ofAddress(a netip.Addr) (*entry, error) {
	a = network(a)
	e := s.addresses.get(a)
	if e == nil {
		var err error
		if e, err = s.load(KindAddress, a.String(), ""); err != nil {
			return nil, err
		}
		s.addresses.put(a, e)
	}
	s.take(e)
	return e, nil
}

// take notes that a key is used today.
func (s *Sealer) take(e *entry) {
	today := s.today()
	if was := e.day.Load(); was >= today || !e.day.CompareAndSwap(was, today) {
		return
	}
	s.mu.Lock()
	if len(s.taken) < maxPending {
		s.taken[e.tag] = today
	}
	s.mu.Unlock()
}

// load reads or makes a key. One at a time, so that nobody has two.
func (s *Sealer) load(kind, value, owner string) (*entry, error) {
	hash := keyed(s.keys.index, kind, value)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.pending[string(hash)]; e != nil {
		return e, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fileWait)
	defer cancel()
	d, err := s.keys.find(ctx, hash)
	if err != nil {
		return nil, err
	}
	if d != nil {
		return newEntry(d)
	}
	if len(s.pending) >= maxPending {
		return nil, errTooMany
	}
	e, err := newEntry(newDataKey(hash, kind, value, s.today()))
	if err != nil {
		return nil, err
	}
	e.owner = owner
	s.pending[e.hash] = e
	s.fresh.Store(true)
	s.made.Add(1)
	return e, nil
}

// Flush brings the new keys to the disk. Records that need them are written
// after it only.
func (s *Sealer) Flush() error {
	if s == nil || !s.fresh.Load() {
		return nil
	}
	s.mu.Lock()
	fresh := make([]*dataKey, 0, len(s.pending))
	for _, e := range s.pending {
		fresh = append(fresh, e.dataKey)
	}
	taken := s.taken
	s.taken = map[string]int64{}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), fileWait)
	defer cancel()
	err := s.keys.insert(ctx, fresh, taken)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		for tag, day := range taken {
			s.taken[tag] = max(s.taken[tag], day)
		}
		return err
	}
	for _, d := range fresh {
		delete(s.pending, d.hash)
	}
	s.fresh.Store(len(s.pending) > 0)
	return nil
}

// Expire says of when the oldest record is that is kept. Keys that only older
// ones need are destroyed.
func (s *Sealer) Expire(oldest time.Time) {
	if s != nil {
		s.oldest.Store(oldest.Unix() / 86400)
	}
}
