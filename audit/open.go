// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"durward"
)

// Open opens or makes the log in the configuration's directory and locks it.
// Of an existing log the last file is verified and the chain goes on from it;
// a line that a crash cut in the middle is removed, which is recorded. A last
// file with any other fault is refused: evidence is not to be written over, so
// the directory has to be moved away first. Open fails when it cannot store a
// record, or another process holds the directory (ErrLocked).
func Open(cfg Config, opts Options) (*Log, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	l := &Log{
		cfg: cfg.withDefaults(), now: opts.Now, log: opts.Log, clock: opts.Clock,
		cur: &batch{}, wake: make(chan struct{}, 1), done: make(chan struct{}), clockStop: make(chan struct{}),
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.clock == nil {
		l.clock = systemClock
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.stageTimes = l.cfg.StageTimes != StagesOff
	if l.cfg.StageTimes == StagesSlow {
		l.leastStage = slowStage
	}
	l.floods.window, l.floods.now, l.floods.sweep = l.cfg.FloodWindow.Std(), l.now, l.sweepFloods
	if err := os.MkdirAll(l.cfg.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("audit directory: %w", err)
	}
	lock, err := lockDirectory(l.cfg.Directory)
	if err != nil {
		return nil, err
	}
	l.w = &writer{
		l: l, fs: opts.files, dir: l.cfg.Directory, lock: lock,
		timer: time.NewTimer(time.Hour), syncTimer: time.NewTimer(time.Hour),
	}
	l.w.timer.Stop()
	l.w.syncTimer.Stop()
	if l.w.fs == nil {
		l.w.fs = systemFiles{}
	}
	if err := l.openSealer(); err != nil {
		lock.Close()
		return nil, err
	}
	if l.cfg.Compress != CompressNone {
		l.w.compressor = startCompressor(l.cfg.Directory, l.log, l.Stored)
	}
	if err := l.w.open(); err != nil {
		if l.w.f != nil {
			l.w.f.Close()
		}
		l.w.compressor.close()
		_ = l.closeSealer()
		lock.Close()
		return nil, fmt.Errorf("open audit log in %s: %w", l.cfg.Directory, err)
	}
	if err := l.startMaker(); err != nil {
		l.w.f.Close()
		l.w.compressor.close()
		_ = l.closeSealer()
		lock.Close()
		return nil, fmt.Errorf("open audit log in %s: %w", l.cfg.Directory, err)
	}
	l.ready.Store(l.maker)
	l.w.compressor.look() // what the process before left
	go l.w.run()
	if opts.Now == nil {
		watch := clockWatch{state: l.clock().State}
		watch.look(l.now(), 0)
		l.clockEnd.Go(func() { l.watchClock(l.clockStop, watch) })
	}
	if l.sealer != nil {
		l.sealer.Start()
	}
	return l, nil
}

// open finds the end of the log, repairs it, and stores the record that the
// log was opened.
func (w *writer) open() error {
	files, err := listFiles(w.dir)
	if err != nil {
		return err
	}
	t := tail{}
	cut := int64(0)
	for len(files) > 0 {
		last := files[len(files)-1]
		if t, err = readTail(filePath(w.dir, last), last); err != nil {
			return err
		}
		cut += t.torn
		if t.size > 0 {
			break
		}
		// The file was made, but its first line was never complete.
		if err := w.removeFile(filePath(w.dir, last)); err != nil {
			return err
		}
		files = files[:len(files)-1]
	}
	w.chain = newChain(t.end)
	if t.action != "" {
		w.l.lastAction.Store(&t.action)
	}
	if committed := w.l.committed(); t.end.sequence < committed {
		return fmt.Errorf("it ends with record %d, and has committed to %d: records were cut from its end; move it away to begin a new one", t.end.sequence, committed)
	}
	for _, first := range files {
		begun, err := readBegun(filePath(w.dir, first))
		if err != nil {
			return err
		}
		w.segments = append(w.segments, segment{first, begun})
	}
	detail := "new log"
	if len(files) == 0 {
		if err := w.begin(); err != nil {
			return err
		}
	} else {
		if err := w.reopen(files[len(files)-1], t); err != nil {
			return err
		}
		if detail = "after an orderly end"; t.last.Message != messageClosed {
			detail = "after a crash"
		}
	}
	if cut > 0 {
		detail += fmt.Sprintf("; %d bytes of an incomplete record were cut off", cut)
		w.l.log.Warn("audit log ended in an incomplete record, which was cut off", slog.Int64("bytes", cut))
	}
	return w.system(messageOpened, detail)
}

// reopen continues the last file, without what a crash left of a line.
func (w *writer) reopen(first uint64, t tail) error {
	f, err := w.fs.Append(filePath(w.dir, first))
	if errors.Is(err, fs.ErrNotExist) {
		// It is compressed: whoever removed the file behind it, the chain goes
		// on in a new one.
		return w.begin()
	}
	if err != nil {
		return err
	}
	w.f, w.size = f, t.size
	if t.torn > 0 {
		if err := f.Truncate(t.size); err != nil {
			return err
		}
	}
	// What the process before wrote last may not have reached the disk yet.
	return w.sync(f)
}

// tail is what the last file of a log tells.
type tail struct {
	end  position
	size int64 // up to the last whole line
	torn int64 // bytes behind it
	last durward.Event

	action string // id of the last admin record up to here; "" for none
}

// readTail verifies one file from its own first record on.
func readTail(path string, first uint64) (tail, error) {
	var t tail
	var last []byte
	r, err := openLines(path)
	if err != nil {
		return t, err
	}
	defer r.Close()
	var c *chain
	for {
		line, err := r.next()
		if errors.Is(err, errTorn) {
			t.torn = r.torn
			break
		}
		if err != nil {
			return t, r.fault(err)
		}
		if line == nil {
			break
		}
		if c == nil {
			if c, err = beginChain(line, first); err != nil {
				return t, r.fault(err)
			}
		}
		if err := c.check(line); err != nil {
			return t, r.fault(err)
		}
		last = append(last[:0], line...)
		if id := actionOf(line); id != "" {
			t.action = id
		}
	}
	if c == nil {
		return t, nil
	}
	t.end, t.size = c.position, r.offset
	if t.last, _, err = Decode(last); err != nil {
		return t, r.fault(err)
	}
	return t, nil
}

// readBegun reads the time of a file's first record.
func readBegun(path string) (time.Time, error) {
	r, err := openLines(path)
	if err != nil {
		return time.Time{}, err
	}
	defer r.Close()
	line, err := r.next()
	if err != nil || line == nil {
		return time.Time{}, r.fault(errLineShape)
	}
	ev, _, err := Decode(line)
	if err != nil {
		return time.Time{}, r.fault(err)
	}
	return ev.Time, nil
}
