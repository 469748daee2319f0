// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"errors"
	"io"
)

// Action is what is done about a finding.
type Action uint8

const (
	Pass   Action = iota // nothing
	Report               // it is recorded
	Mask                 // it is overwritten, and recorded
	Block                // the content is not sent, or no more of it, and that is recorded
)

var actionNames = [...]string{"off", "report", "mask", "block"}

func (a Action) String() string { return actionNames[a] }

// ErrBlocked cuts a content in which something was found that must not be sent.
var ErrBlocked = errors.New("something was found in it that must not be sent")

// Filter guards content that is read while it comes. What it gives has the
// length of what it gets. It holds back only what may be the beginning of a
// finding, and nothing in front of a line's end unless a key began there, so
// that every event of a stream goes on at once; at most Window bytes in any
// case. It is not safe for concurrent use.
type Filter struct {
	set    *Set
	source io.ReadCloser
	act    func(Finding) Action
	events bool

	buf     []byte // the content as it came, from base on: context, then what is held
	base    int64
	scanned int // where the next search begins in buf
	given   int // what was given, or put into out
	masks   []Finding
	found   []Finding
	out     []byte
	err     error
}

// most is how many bytes a filter reads at once.
const most = 16 << 10

// Filter makes one. act is asked once for each finding, in the goroutine that
// reads. events says that a blank line ends whatever stands before it
// (text/event-stream).
func (s *Set) Filter(source io.ReadCloser, events bool, act func(Finding) Action) *Filter {
	return &Filter{set: s, source: source, act: act, events: events}
}

// Read gives guarded content. The error is ErrBlocked or the source's.
func (f *Filter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.out) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		f.fill()
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// Close closes the source.
func (f *Filter) Close() error { return f.source.Close() }

// fill reads once, and decides as far as it can.
func (f *Filter) fill() {
	f.forget()
	if cap(f.buf)-len(f.buf) < most/2 {
		f.buf = append(make([]byte, 0, max(2*len(f.buf), 2*most)), f.buf...)
	}
	room := f.buf[len(f.buf):cap(f.buf)]
	n, err := f.source.Read(room[:min(len(room), most)])
	f.buf = f.buf[:len(f.buf)+n]
	f.err = err
	var safe int
	// What came before an error of the source is judged as if more came, and
	// what cannot be judged is not sent: the answer is cut anyhow.
	f.found, safe = f.set.scan(f.found[:0], f.buf, f.scanned, err == io.EOF, f.events)
	for _, one := range f.found {
		one.Start, one.End = one.Start+f.base, one.End+f.base
		switch f.act(one) {
		case Block:
			f.out, f.err = nil, ErrBlocked
			return
		case Mask:
			f.masks = append(f.masks, one)
		}
	}
	f.scanned = safe
	f.give(f.ready(safe))
}

// ready is how far content can be given, when all anchors before safe were seen:
// a finding can begin a little before its anchor, but not in another line, and
// one that is masked is given as a whole.
func (f *Filter) ready(safe int) int {
	ready := max(safe-shiftLeft, f.given)
	if safe == len(f.buf) && f.err == io.EOF {
		ready = safe
	} else {
		for i := safe; i > ready; i-- {
			if c := f.buf[i-1]; c == '\n' || c == '\r' {
				ready = i
				break
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, m := range f.masks {
			if start, end := int(m.Start-f.base), int(m.End-f.base); start < ready && end > ready {
				ready, changed = max(start, f.given), true
			}
		}
	}
	return ready
}

// give moves content up to ready into out, masked.
func (f *Filter) give(ready int) {
	if ready <= f.given {
		return
	}
	start := f.base + int64(f.given)
	f.out = append(f.out[:0], f.buf[f.given:ready]...)
	f.given = ready
	end, left := f.base+int64(ready), f.masks[:0]
	for _, m := range f.masks {
		if m.Start < end {
			Overwrite(f.out, start, m)
		} else {
			left = append(left, m)
		}
	}
	f.masks = left
}

// forget drops what neither is held nor can be context.
func (f *Filter) forget() {
	drop := min(f.given, f.scanned) - reachLeft - shiftLeft
	if drop < most/2 {
		return
	}
	f.buf = append(f.buf[:0], f.buf[drop:]...)
	f.base, f.given, f.scanned = f.base+int64(drop), f.given-drop, f.scanned-drop
}
