// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"runtime"
	"testing"

	"durward"
)

// cost gives what costOnce does, and when that is too much the least of several
// times: what other goroutines allocate meanwhile is counted with it.
func cost(s *Server, data []byte) uint64 {
	least := costOnce(s, data)
	for range 5 {
		if least <= mostMemory(data) {
			break
		}
		least = min(least, costOnce(s, data))
	}
	return least
}

// costOnce gives the bytes that are allocated for a connection's requests, which
// are read as a stream. The pools are full before.
func costOnce(s *Server, data []byte) uint64 {
	s.ServeConn(context.Background(), &quiet{tape{data: []byte(get), step: 1 << 20}}, Info{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.ServeConn(context.Background(), &quiet{tape{data: data, step: 1 << 20}}, Info{})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// mostMemory is what a connection's bytes may cost. Its own buffers may be new
// ones when the collector has emptied the pools.
func mostMemory(data []byte) uint64 { return uint64(100*len(data) + 128<<10) }

func discarder() *Server {
	return New(&handler{serve: func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		io.Copy(io.Discard, &x.In.Body)
		out.Respond(&durward.Response{Status: 204}, nil)
	}}, Options{})
}

// FuzzMemory holds that no bytes of a client cost more memory than a multiple
// of them.
func FuzzMemory(f *testing.F) {
	for _, data := range corpus(f, 100) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		if used := cost(discarder(), data); used > mostMemory(data) {
			t.Fatalf("%d bytes of memory for %d bytes: %q", used, len(data), data)
		}
	})
}

func TestGeneratedConnectionsCostAMultipleOfTheirBytes(t *testing.T) {
	skipUnderRace(t)
	worst := uint64(0)
	for _, data := range corpus(t, 1000) {
		used := cost(discarder(), data)
		if used > mostMemory(data) {
			t.Errorf("%d bytes of memory for %d bytes: %.200q", used, len(data), data)
		}
		worst = max(worst, used)
	}
	t.Logf("at most %d bytes for a connection", worst)
}
