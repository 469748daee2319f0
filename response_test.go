// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"durward"
	"durward/internal/allocs"
)

func TestBufferedContentIsSentWholeAndInOrder(t *testing.T) {
	const text = "0123456789"
	for _, limit := range []int64{0, 1, 9, 10, 11, 100} {
		for _, declared := range []int64{-1, 10} {
			r := &durward.Response{Body: io.NopCloser(iotest.OneByteReader(strings.NewReader(text))), Length: declared}
			content, whole, err := r.Buffer(limit)
			if err != nil || whole != (limit >= 10) || !strings.HasPrefix(text, string(content)) || int64(len(content)) > limit+1 {
				t.Fatalf("limit %d: %q, whole %v, %v", limit, content, whole, err)
			}
			if content, whole, err = r.Buffer(100); string(content) != text || !whole || err != nil {
				t.Fatalf("limit %d, read on: %q, whole %v, %v", limit, content, whole, err)
			}
			if sent, err := io.ReadAll(r.Body); string(sent) != text || err != nil {
				t.Fatalf("limit %d: sent %q, %v", limit, sent, err)
			}
		}
	}
}

func TestAnUpstreamThatBreaksOffIsToldToWhoBuffersAndToWhoSends(t *testing.T) {
	broken := errors.New("broken off")
	r := &durward.Response{Length: -1, Body: io.NopCloser(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)))}
	if content, whole, err := r.Buffer(10); string(content) != "abc" || whole || !errors.Is(err, broken) {
		t.Fatalf("%q, whole %v, %v", content, whole, err)
	}
	if sent, err := io.ReadAll(r.Body); string(sent) != "abc" || !errors.Is(err, broken) {
		t.Fatalf("sent %q, %v", sent, err)
	}
}

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestReplacedContentClosesTheOldOne(t *testing.T) {
	old := &closing{Reader: strings.NewReader("old content")}
	r := &durward.Response{Body: old, Length: 11, Stream: true, Trailer: func() durward.Header { return nil }}
	r.Buffer(3)
	r.Replace([]byte("new"))
	sent, err := io.ReadAll(r.Body)
	if !bytes.Equal(sent, []byte("new")) || err != nil || old.closed != 1 || r.Length != 3 || r.Stream || r.Trailer != nil {
		t.Fatalf("sent %q, %v, closed %d times, %+v", sent, err, old.closed, r)
	}
	if _, whole, _ := r.Buffer(100); !whole {
		t.Error("new content is not known as whole")
	}
}

func TestAnswersThatAreKeptHoldNoMoreThanTheirBudget(t *testing.T) {
	before := durward.HeldBytes()
	text := strings.Repeat("x", 1<<20)
	fresh := func() *durward.Response {
		return &durward.Response{Body: io.NopCloser(strings.NewReader(text)), Length: int64(len(text))}
	}
	var kept []*durward.Response
	for range 300 {
		r := fresh()
		content, whole, err := r.Buffer(1 << 20)
		if err != nil || whole != (len(content) == len(text)) {
			t.Fatal(len(content), whole, err)
		}
		if kept = append(kept, r); !whole {
			break
		}
	}
	last := kept[len(kept)-1]
	if content, whole, _ := last.Buffer(1 << 20); whole || len(content) < 64<<10 || durward.HeldBytes() > 256<<20+2<<20 {
		t.Errorf("%d answers: %d bytes of the last, %t, %d in all", len(kept), len(content), whole, durward.HeldBytes())
	}
	if got, err := io.ReadAll(last.Body); err != nil || string(got) != text {
		t.Errorf("the last is not sent whole: %d bytes, %v", len(got), err)
	}
	small := &durward.Response{Body: io.NopCloser(strings.NewReader(text[:60<<10])), Length: -1}
	if _, whole, _ := small.Buffer(1 << 20); !whole {
		t.Error("a small one is not looked at")
	}
	for _, r := range kept {
		r.Body.Close()
		r.Body.Close()
	}
	r := fresh()
	if _, whole, _ := r.Buffer(1 << 20); !whole {
		t.Error("what was closed still counts")
	}
	r.Replace(make([]byte, 1<<20))
	if held := durward.HeldBytes() - before; held < 1<<20 || held > 2<<20 {
		t.Errorf("what replaces an answer holds %d", held)
	}
	if r.Body.Close(); durward.HeldBytes() != before {
		t.Errorf("%d bytes are still held", durward.HeldBytes()-before)
	}
}

func TestContentOfKnownLengthIsKeptInOneAllocation(t *testing.T) {
	var r durward.Response
	source := strings.NewReader("")
	body := io.NopCloser(source)
	if n := allocs.PerRun(20, func() {
		source.Reset("0123456789")
		r = durward.Response{Body: body, Length: 10}
		if content, whole, err := r.Buffer(100); len(content) != 10 || !whole || err != nil {
			t.Fatal(content, whole, err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// wrapped stands for a stage that puts something before what another one keeps.
type wrapped struct{ io.ReadCloser }

func TestContentIsKeptAgainBelowAndAboveWhatAStagePutBefore(t *testing.T) {
	r := &durward.Response{Body: io.NopCloser(strings.NewReader("0123456789")), Length: 10}
	if content, whole, _ := r.Buffer(3); whole || !strings.HasPrefix("0123456789", string(content)) {
		t.Fatalf("%q, %v", content, whole)
	}
	r.Body = wrapped{r.Body}
	if content, whole, err := r.Buffer(100); string(content) != "0123456789" || !whole || err != nil {
		t.Fatalf("%q, %v, %v", content, whole, err)
	}
	if sent, err := io.ReadAll(r.Body); string(sent) != "0123456789" || err != nil {
		t.Errorf("%q, %v", sent, err)
	}
}
