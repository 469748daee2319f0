// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/internal/again"
	"golang.org/x/net/http2"
)

// What has begun and does not end closes the connection, be it at the pace of
// a byte now and then, and be it below a stream that keeps the connection busy.
func TestWhatDoesNotEndClosesTheConnection(t *testing.T) {
	t.Parallel()
	limits := Limits{HeaderTimeout: milliseconds(300), BodyTimeout: milliseconds(400)}
	for name, send := range map[string]func(c *h2client){
		"part of a frame header":  func(c *h2client) { c.Conn.Write([]byte{0, 0}) },
		"part of a ping":          func(c *h2client) { c.Conn.Write([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00ab")) },
		"part of a HEADERS frame": func(c *h2client) { c.Conn.Write([]byte("\x00\x00\x08\x01\x05\x00\x00\x00\x03\x82")) },
		"a section without its end": func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: c.block(basic("GET")...)})
		},
		"a section that drips": func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: c.block(basic("GET")...)})
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for c.WriteContinuation(3, false, []byte("\x00\x01a\x01b")) == nil {
				<-tick.C
			}
		},
		"part of a DATA frame": func(c *h2client) {
			c.request(3, false, basic("POST")...)
			c.Conn.Write([]byte("\x00\x00\xff\x00\x01\x00\x00\x00\x03abc"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				_, address := start(t, serveFunc(echo), Config{Limits: limits})
				c := dialH2(t, address)
				c.request(1, true, basic("GET")...) // an earlier frame's alarm must harm nobody
				if got := c.outcome(1); got != "200" {
					t.Fatal(got)
				}
				began := time.Now()
				go send(c)
				c.end()
				within(t, began, 5*time.Second, "closing")
			})
		})
	}
}

// An idle connection is no frame that hangs.
func TestAnEarlierAlarmDoesNotEndAnIdleConnection(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		_, address := start(t, says("x"), Config{Limits: Limits{HeaderTimeout: milliseconds(150)}})
		c := dialH2(t, address)
		for id := uint32(1); id < 7; id += 2 {
			if c.request(id, true, basic("GET")...); c.outcome(id) != "200" {
				t.Fatalf("request %d was not served", id)
			}
			<-time.After(250 * time.Millisecond)
		}
	})
}

// Streams that are opened and never finished end with their time, and so does
// what a client does not read; others are served meanwhile.
func TestUnfinishedStreamsEndInTime(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		var slow atomic.Int64
		h := serveFunc(echo)
		_, address := start(t, h, Config{Limits: Limits{BodyTimeout: milliseconds(500), Streams: 20}})
		var clients sync.WaitGroup
		began := time.Now()
		for range 10 {
			clients.Go(func() {
				c := dialH2(t, address)
				for i := range uint32(20) {
					c.request(2*i+1, false, basic("POST")...)
				}
				for answered := 0; answered < 20; {
					f, err := c.ReadFrame()
					if err != nil {
						t.Error(err)
						return
					}
					if _, ok := f.(*http2.HeadersFrame); ok {
						answered++
						slow.Add(1)
					}
				}
			})
		}
		other := dialH2(t, address)
		for id := uint32(1); id < 100; id += 2 {
			if other.request(id, true, basic("GET")...); other.outcome(id) != "200" {
				t.Error("another client was not served")
			}
		}
		clients.Wait()
		within(t, began, 10*time.Second, "ending")
		if n := slow.Load(); n != 200 {
			t.Errorf("%d of 200 streams were answered", n)
		}
	})
}

// A client that opens the window by a byte now and then gets no answer without
// end: a block has its time, whatever trickles.
func TestATricklingWindowEndsTheStream(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		_, address := start(t, says(string(make([]byte, 100<<10))), Config{Limits: Limits{WriteTimeout: milliseconds(400)}})
		c := dialH2(t, address, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		began := time.Now()
		c.request(1, true, basic("GET")...)
		for {
			f, err := c.ReadFrame()
			if err != nil {
				break
			}
			if _, ok := f.(*http2.DataFrame); ok {
				c.WriteWindowUpdate(1, 1)
			}
			if r, ok := f.(*http2.RSTStreamFrame); ok && r.StreamID == 1 {
				break
			}
		}
		within(t, began, 5*time.Second, "ending")
	})
}
