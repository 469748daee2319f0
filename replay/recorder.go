// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

const (
	queueLength = 1024
	flushEvery  = time.Second
	parts       = 8 // files that max_size is spread over
)

// Recorder writes records of exchanges. A nil Recorder records nothing. It is
// safe for concurrent use.
type Recorder struct {
	cfg    Config
	key    []byte
	log    *slog.Logger
	now    func() time.Time
	redact map[string]bool
	queue  chan *Record
	flush  chan chan struct{}
	done   chan struct{}
	once   sync.Once
	ended  atomic.Bool

	written, dropped atomic.Uint64
	failed           bool // said so in the log
}

// Open begins a recording in files of its own, or gives nil when cfg records
// nothing. secrets are more names of fields and parameters that carry
// credentials.
func Open(cfg Config, secrets []string, now func() time.Time, log *slog.Logger) (*Recorder, error) {
	if err := cfg.Check(); err != nil || !cfg.Enabled() {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	key, err := ParseKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = defaultSize
	}
	if err := os.MkdirAll(cfg.Directory, 0o700); err != nil {
		return nil, durward.Invalid("directory", "cannot be made: %v", err)
	}
	r := &Recorder{
		cfg: cfg, key: key, log: log, now: now, redact: map[string]bool{},
		queue: make(chan *Record, queueLength), flush: make(chan chan struct{}), done: make(chan struct{}),
	}
	for _, name := range slices.Concat(cfg.Redact, secrets) {
		r.redact[strings.ToLower(name)] = true
	}
	go r.run()
	return r, nil
}

// Exchange records an exchange that has ended. code, stage and reason are those
// of its refusal. It never blocks; x may be used again when it returns.
func (r *Recorder) Exchange(x *durward.Exchange, code durward.Code, stage, reason string) {
	if r == nil || r.ended.Load() {
		return
	}
	record := newRecord(x, code, stage, reason, r.secret, int(r.cfg.MaxBody))
	select {
	case r.queue <- record:
	default:
		r.dropped.Add(1)
	}
}

func (r *Recorder) secret(name string) bool {
	return soundsSecret(name) || r.redact[strings.ToLower(name)]
}

// Stats are how many records were written, and dropped because they could not
// be written in time or at all.
func (r *Recorder) Stats() (written, dropped uint64) {
	if r == nil {
		return 0, 0
	}
	return r.written.Load(), r.dropped.Load()
}

// Flush waits until all that was recorded before is in the files.
func (r *Recorder) Flush() {
	if r == nil {
		return
	}
	reply := make(chan struct{})
	select {
	case r.flush <- reply:
		<-reply
	case <-r.done:
	}
}

// Close writes what is queued and ends.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.once.Do(func() {
		r.ended.Store(true)
		r.Flush()
		r.flush <- nil
	})
	<-r.done
	return nil
}

func (r *Recorder) run() {
	defer close(r.done)
	var w *writer
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	end := func() {
		if w != nil {
			r.check(w.close())
			w = nil
		}
	}
	defer end()
	for {
		select {
		case record := <-r.queue:
			w = r.write(w, record)
		case <-tick.C:
			if w != nil {
				r.check(w.buf.Flush())
			}
		case reply := <-r.flush:
			for more := true; more; {
				select {
				case record := <-r.queue:
					w = r.write(w, record)
				default:
					more = false
				}
			}
			if w != nil {
				r.check(w.buf.Flush())
			}
			if reply == nil {
				return
			}
			close(reply)
		}
	}
}

// write puts a record into the current file, or a new one when that is full.
func (r *Recorder) write(w *writer, record *Record) *writer {
	if w != nil && w.size >= int64(r.cfg.MaxSize)/parts {
		r.check(w.close())
		w = nil
	}
	if w == nil {
		r.expire()
		name := fmt.Sprintf("%020d-%d%s", r.now().UnixNano(), os.Getpid(), suffix)
		var err error
		if w, err = createFile(filepath.Join(r.cfg.Directory, name), r.key); !r.check(err) {
			r.dropped.Add(1)
			return nil
		}
	}
	if !r.check(w.write(record)) {
		r.dropped.Add(1)
		r.check(w.close())
		return nil
	}
	r.written.Add(1)
	return w
}

// expire removes the oldest files, so that a new one has room.
func (r *Recorder) expire() {
	names, err := files(r.cfg.Directory)
	if !r.check(err) {
		return
	}
	room := int64(r.cfg.MaxSize) - int64(r.cfg.MaxSize)/parts
	var total int64
	for _, name := range slices.Backward(names) {
		path := filepath.Join(r.cfg.Directory, name)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if total += info.Size(); total > room {
			r.check(os.Remove(path))
		}
	}
}

// check says in the log, once in a row, that nothing can be written.
func (r *Recorder) check(err error) bool {
	if err == nil {
		r.failed = false
		return true
	}
	if !r.failed {
		r.log.Error("exchanges are not recorded", "error", err)
	}
	r.failed = true
	return false
}
