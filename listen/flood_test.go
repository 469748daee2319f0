// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package listen

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"durward"
	"durward/internal/allocs"
)

// scanAll gives the frames of pieces of the sizes, round and round.
func scanAll(b []byte, sizes ...byte) (frames []frame, within bool) {
	var s scanner
	for i := 0; len(b) > 0; i++ {
		n := len(b)
		if len(sizes) > 0 {
			n = min(n, int(sizes[i%len(sizes)])+1)
		}
		piece := b[:n]
		b = b[n:]
		for {
			rest, f, ok := s.next(piece)
			if !ok {
				break
			}
			frames = append(frames, f)
			piece = rest
		}
	}
	return frames, s.within()
}

func TestFramesAreFoundInAnyPieces(t *testing.T) {
	var b bytes.Buffer
	w := http2.NewFramer(&b, nil)
	w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
	w.WriteData(1, true, []byte("hello"))
	w.WriteRSTStream(1, http2.ErrCodeCancel)
	w.WriteData(3, false, nil)
	w.WriteGoAway(7, http2.ErrCodeEnhanceYourCalm, []byte("calm down"))
	w.WritePing(false, [8]byte{})
	want := []frame{
		{length: 6, kind: frameSettings}, {length: 5, kind: frameData, flags: flagEndStream, stream: 1},
		{length: 4, kind: frameReset, code: 8, stream: 1}, {kind: frameData, stream: 3},
		{length: 17, kind: frameGoAway, code: 11}, {length: 8, kind: framePing},
	}
	for _, sizes := range [][]byte{nil, {0}, {1}, {8}, {9, 0, 3}, {12}, {16}} {
		got, within := scanAll(b.Bytes(), sizes...)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); diff != "" || within {
			t.Errorf("in pieces of %v: %s, within %v", sizes, diff, within)
		}
	}
	if _, within := scanAll(b.Bytes()[:b.Len()-1]); !within {
		t.Error("a frame without its last byte is taken for a whole one")
	}
}

// The pieces in which bytes come change nothing, and x/net's framer finds the
// same frames.
func FuzzFrameCounter(f *testing.F) {
	f.Add([]byte("\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x04\x00\x00\x00\x00\x00"), []byte{0, 5})
	f.Add([]byte("\x00\x00\x05\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"), []byte{3})
	f.Add([]byte("\x00\x00\x09\x07\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x0b!\x00\x00\x00\x04\x00\x00\x00\x00\x00"), []byte{1, 14})
	f.Add([]byte("\x00\x00\x03\x07\x00\x00\x00\x00\x00\x00\x00\x00"), []byte{})
	f.Add([]byte("\xff\xff\xff\x00\x00"), []byte{})
	f.Fuzz(func(t *testing.T, b, sizes []byte) {
		whole, within := scanAll(b)
		pieces, still := scanAll(b, sizes...)
		if diff := cmp.Diff(whole, pieces, cmp.AllowUnexported(frame{})); diff != "" || within != still {
			t.Fatalf("%s, within %v and %v", diff, within, still)
		}
		r := bytes.NewReader(b)
		for _, f := range whole {
			h, err := http2.ReadFrameHeader(r)
			if err != nil || h.Length != f.length || byte(h.Type) != f.kind || byte(h.Flags) != f.flags || h.StreamID != f.stream {
				t.Fatalf("%+v, and by x/net %v, %v", f, h, err)
			}
			io.CopyN(io.Discard, r, int64(h.Length))
		}
	})
}

func TestAnAllowanceIsSpentAndEarned(t *testing.T) {
	now := time.Unix(0, 0)
	var a allowance
	a.init(func() time.Time { return now })
	spend := func() (n int) {
		for a.take(frameIdle) {
			n++
		}
		a.units.Store(0)
		return n
	}
	if n := spend(); n != frameBurst {
		t.Errorf("%d frames at first", n)
	}
	now = now.Add(time.Second)
	if n := spend(); n != 200 {
		t.Errorf("%d frames after a second", n)
	}
	now = now.Add(time.Hour)
	if n := spend(); n != frameBurst {
		t.Errorf("%d frames after an hour", n)
	}
	for range 3 * frameBurst {
		a.give(frameEarned)
	}
	if n := spend(); n != frameBurst {
		t.Errorf("%d frames after many answers", n)
	}
}

func TestScanningAllocatesNothing(t *testing.T) {
	h := &http2conn{limits: new(Limits)}
	*h.limits = h.limits.withDefaults()
	h.left.init(time.Now)
	b := []byte("\x00\x00\x02\x00\x00\x00\x00\x00\x01hi\x00\x00\x00\x01\x05\x00\x00\x00\x03")
	if n := allocs.PerRun(100, func() { h.scan(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// floods send one round each; the request of stream 1 is open when they begin.
var floods = map[string]func(c *h2client, i uint32) error{
	"ping":                func(c *h2client, i uint32) error { return c.WritePing(false, [8]byte{byte(i)}) },
	"unasked ping answer": func(c *h2client, i uint32) error { return c.WritePing(true, [8]byte{byte(i)}) },
	"settings":            func(c *h2client, i uint32) error { return c.WriteSettings() },
	"changing settings": func(c *h2client, i uint32) error {
		return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: i % 1000})
	},
	"priority": func(c *h2client, i uint32) error {
		return c.WritePriority(2*i+101, http2.PriorityParam{StreamDep: 1, Weight: byte(i)})
	},
	"window update":           func(c *h2client, i uint32) error { return c.WriteWindowUpdate(0, 1) },
	"window update of stream": func(c *h2client, i uint32) error { return c.WriteWindowUpdate(1, 1) },
	"empty data":              func(c *h2client, i uint32) error { return c.WriteData(1, false, nil) },
	"padded empty data":       func(c *h2client, i uint32) error { return c.WriteDataPadded(1, false, nil, []byte{}) },
	"unknown frames":          func(c *h2client, i uint32) error { return c.WriteRawFrame(0xee, 0, 0, nil) },
	"rapid reset": func(c *h2client, i uint32) error {
		c.request(2*i+3, true, basic("GET")...)
		return c.WriteRSTStream(2*i+3, http2.ErrCodeCancel)
	},
	"requests that we are made to reset": func(c *h2client, i uint32) error {
		c.request(2*i+3, true, basic("GET")...)
		return c.WriteWindowUpdate(2*i+3, 0)
	},
	"malformed requests": func(c *h2client, i uint32) error { return c.request(2*i+3, true, "X", "y") },
	"streams beyond the limit": func(c *h2client, i uint32) error {
		return c.request(2*i+3, false, basic("POST")...)
	},
}

// A flood of 20000 rounds is cut, the goroutines end, what reached the handler
// is bounded, and other clients are served meanwhile.
func TestFloodsAreCut(t *testing.T) {
	for name, round := range floods {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			h := serveFunc(func(ctx context.Context, x *durward.Exchange, out durward.Responder) {
				if x.In.RawPath == "/other" {
					out.Respond(text(200, "fine"), nil)
					return
				}
				requests.Add(1)
				<-ctx.Done() // an upstream that takes its time
				out.Abort()
			})
			s, address := start(t, h, Config{})
			other := transport(t, address, nil, onlyHTTP1)
			c := dialH2(t, address)
			c.request(1, false, basic("POST")...)
			ended := make(chan string, 1)
			go func() { ended <- c.end() }()
			before, began := cpu(), time.Now()
			rounds := uint32(0)
			for ; rounds < 20000 && round(c, rounds) == nil; rounds++ {
				if rounds%500 == 250 {
					if _, body := get(t, other, "http://a/other"); body != "fine" {
						t.Error("another client was not served")
					}
				}
			}
			why := <-ended
			awaitOpen(t, s, 1) // the other client
			if n := requests.Load(); n > 1000 {
				t.Errorf("%d requests reached the handler", n)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			t.Logf("%s after %d rounds were written in %v, %d requests served, CPU %v, %d goroutines, heap %d KiB", why, rounds,
				time.Since(began).Round(time.Millisecond), requests.Load(), cpu()-before, runtime.NumGoroutine(), m.HeapInuse>>10)
		})
	}
}

// A client that is served pays for nothing that its answers ask for.
func TestServedClientsAreNotCut(t *testing.T) {
	_, address := start(t, says(strings.Repeat("x", 100)), Config{})
	c := dialH2(t, address)
	for i := range uint32(3000) {
		id := 2*i + 1
		if err := c.request(id, true, basic("GET")...); err != nil {
			t.Fatal(err)
		}
		if got := c.outcome(id); got != "200" {
			t.Fatalf("%s at request %d", got, i)
		}
		c.WriteWindowUpdate(0, 100) // as a simple client does for each DATA
		c.WriteWindowUpdate(id, 100)
		c.WritePing(false, [8]byte{})
		if i%2 == 0 {
			c.WriteRSTStream(id, http2.ErrCodeCancel)
		}
	}
}
