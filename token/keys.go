// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"cmp"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// pollInterval is how often the files are looked at.
const pollInterval = 10 * time.Second

// Keys is the gateway's set of signing keys. It outlives reloads and is safe
// for concurrent use.
type Keys struct {
	config Config // with defaults
	now    func() time.Time
	log    *slog.Logger
	set    atomic.Pointer[keySet]
	tokens *reuse

	mu      sync.Mutex // of refresh
	trouble string     // what the log said last
	close   sync.Once
	stop    chan struct{}
	done    chan struct{}
}

// Open reads the keys, makes the first one where there is none, and begins to
// look after them. Its errors are FieldErrors. The Keys must be closed.
func Open(c Config, now func() time.Time, log *slog.Logger) (*Keys, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	k := &Keys{
		config: c.withDefaults(), now: now, log: log, tokens: newReuse(),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	field := "key_files"
	if c.Directory != "" {
		field = "directory"
		if err := directory(c.Directory).open(); err != nil {
			return nil, durward.Invalid(field, "%v", err)
		}
		directory(c.Directory).clean(now())
	}
	if err := k.refresh(); err != nil {
		return nil, durward.Invalid(field, "%v", err)
	}
	go k.run()
	return k, nil
}

// Close ends the looking after. The keys can still sign.
func (k *Keys) Close() {
	k.close.Do(func() { close(k.stop) })
	<-k.done
}

func (k *Keys) run() {
	defer close(k.done)
	t := time.NewTicker(pollInterval)
	defer t.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-t.C:
			k.report(k.refresh())
		}
	}
}

// report logs a fault once, and its end.
func (k *Keys) report(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == k.trouble:
	case text == "":
		k.log.Info("signing keys can be used again")
	default:
		k.log.Error("signing keys cannot be looked after: the last ones stay in use", "error", err)
	}
	k.trouble = text
}

var errGone = errors.New("directory of keys has lost all its keys: it is taken for one that is away")

// refresh reads the files, makes the next key when its time has come, and
// drops those whose tokens are dead. After an error the old set stays.
func (k *Keys) refresh() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var keys []*key
	var err, writing error
	if k.config.Directory == "" {
		keys, err = k.readFixed()
	} else {
		keys, writing, err = k.readDirectory(k.now())
	}
	if err != nil {
		return err
	}
	old := k.set.Load()
	old.keep(keys)
	set := newKeySet(keys, k.config.Directory == "")
	if old == nil || old.etag != set.etag {
		k.log.Info("signing keys", "published", len(keys), "signing", set.signing(k.now()).id)
	}
	k.set.Store(set)
	return writing
}

// readFixed reads the configured files.
func (k *Keys) readFixed() ([]*key, error) {
	var keys []*key
	for _, path := range k.config.KeyFiles {
		// 0440 is what container platforms give a group that reads secrets.
		one, err := readKeyFile(path, false, 0o037)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(o *key) bool { return o.id == one.id }) {
			return nil, errors.New("the same key stands in two key files")
		}
		keys = append(keys, one)
	}
	return keys, nil
}

// readDirectory gives the keys to publish, in the order of their times. A next
// key that cannot be written (writing) is no reason not to use the others.
func (k *Keys) readDirectory(now time.Time) (keys []*key, writing, err error) {
	d := directory(k.config.Directory)
	keys, err = d.read()
	if err == nil && len(keys) == 0 && k.set.Load() != nil {
		err = errGone
	}
	if err != nil {
		return nil, nil, err
	}
	if at, due := k.nextDue(keys, now); due {
		if writing = k.make(d, keys, at); writing == nil {
			keys, err = d.read()
		}
		if err != nil {
			return nil, nil, err
		}
		if len(keys) == 0 {
			return nil, nil, writing
		}
	}
	byTime(keys)
	kept := keys[:0]
	for i, one := range keys {
		// When the next one began to sign, this one's last token was made.
		if i+1 < len(keys) && !now.Before(keys[i+1].active.Add(MaxLifetime+grace)) {
			if err := os.Remove(d.file(one.seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				writing = errors.Join(writing, reason(err))
			}
			continue
		}
		kept = append(kept, one)
	}
	return kept, writing, nil
}

func byTime(keys []*key) {
	slices.SortFunc(keys, func(a, b *key) int {
		return cmp.Or(a.active.Compare(b.active), cmp.Compare(a.seq, b.seq))
	})
}

// nextDue tells whether a key must be made now, and from when on it signs.
func (k *Keys) nextDue(keys []*key, now time.Time) (at time.Time, due bool) {
	ahead := k.config.PublishAhead.Std()
	var last *key
	for _, one := range keys {
		// A key whose time is farther off was made while a clock was wrong.
		// Waiting for it would end the rotation.
		if one.active.After(now.Add(ahead + grace)) {
			continue
		}
		if last == nil || one.active.After(last.active) {
			last = one
		}
	}
	if last == nil {
		return now, true
	}
	at = last.active.Add(k.config.RotateAfter.Std())
	if soon := now.Add(ahead); at.Before(soon) {
		at = soon
	}
	old := !now.Before(last.active.Add(k.config.RotateAfter.Std() - ahead))
	other := last.alg != k.config.Algorithm && !now.Before(last.active)
	if other && !old {
		at = now.Add(ahead)
	}
	return at, old || other
}

// make writes the next key. That another node was faster is as good.
func (k *Keys) make(d directory, keys []*key, at time.Time) error {
	seq := 0
	for _, one := range keys {
		seq = max(seq, one.seq)
	}
	one, err := newKey(k.config.Algorithm, at.Truncate(time.Second))
	if err != nil {
		return err
	}
	_, err = d.create(seq+1, one)
	return err
}
