// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func bodyOf(text string, length, limit int64) *Body {
	b := new(Body)
	b.Init(strings.NewReader(text), length)
	b.SetLimit(limit)
	return b
}

func TestAContentIsTakenOnceAndSharedByAll(t *testing.T) {
	b := bodyOf("hello", -1, 10)
	for range 2 {
		if got, err := b.Bytes(); string(got) != "hello" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for range 2 {
		if got, err := io.ReadAll(b); string(got) != "hello" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		if !b.Rewind() {
			t.Fatal("a buffered content cannot start again")
		}
	}
	if b.Length() != 5 || !b.Buffered() || b.Taken() != 5 {
		t.Errorf("length %d, buffered %v, taken %d", b.Length(), b.Buffered(), b.Taken())
	}
}

func TestTheLimitHoldsToTheByte(t *testing.T) {
	for _, tt := range []struct {
		name            string
		content         string
		declared, limit int64
		tooLarge        bool
	}{
		{"exactly the limit", "12345", -1, 5, false},
		{"one byte more", "123456", -1, 5, true},
		{"declared larger", "123456", 6, 5, true},
		{"declared smaller than it is", "123456", 2, 5, true},
		{"no limit was set: nothing may come", "1", -1, 0, true},
		{"empty and no limit", "", -1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, read := range map[string]func(*Body) error{
				"Bytes": func(b *Body) error { _, err := b.Bytes(); return err },
				"Read":  func(b *Body) error { _, err := io.Copy(io.Discard, b); return err },
				"slow":  func(b *Body) error { _, err := io.ReadAll(iotest.OneByteReader(b)); return err },
			} {
				b := bodyOf(tt.content, tt.declared, tt.limit)
				if err := read(b); errors.Is(err, ErrBodyTooLarge) != tt.tooLarge || !tt.tooLarge && err != nil {
					t.Errorf("%s: %v", way, err)
				}
				if b.Taken() > tt.limit+1 {
					t.Errorf("%s took %d bytes", way, b.Taken())
				}
			}
		})
	}
}

func TestAnErrorStays(t *testing.T) {
	b := new(Body)
	b.Init(io.MultiReader(strings.NewReader("part"), iotest.ErrReader(ErrBodyTimeout)), -1)
	b.SetLimit(100)
	for range 2 {
		if _, err := b.Bytes(); !errors.Is(err, ErrBodyTimeout) {
			t.Fatalf("%v", err)
		}
	}
	if !errors.Is(b.Err(), ErrBodyTimeout) {
		t.Errorf("Err: %v", b.Err())
	}
}

func TestAStreamedContentIsGone(t *testing.T) {
	b := bodyOf("hello", 5, 10)
	if b.Touched() {
		t.Error("touched before the first Read")
	}
	if !b.Rewind() {
		t.Error("an untouched content can start again: nothing has gone")
	}
	b.Read(make([]byte, 2))
	if _, err := b.Bytes(); err == nil || b.Rewind() || !b.Touched() {
		t.Errorf("Bytes after Read: %v", err)
	}
}

func TestALengthThatIsOnlyAnnouncedCostsNoMemory(t *testing.T) {
	b := bodyOf("x", 1<<30, 1<<30)
	if _, err := b.Bytes(); err != nil {
		t.Fatal(err)
	}
	if cap(b.buf) > 64<<10 {
		t.Errorf("%d bytes for one", cap(b.buf))
	}
}

func TestAReplacedContentIsWhatTheUpstreamGets(t *testing.T) {
	for _, b := range []*Body{bodyOf("secret", -1, 10), new(Body)} {
		b.Bytes()
		b.Replace([]byte("sealed"))
		if got, _ := io.ReadAll(b); string(got) != "sealed" || b.Length() != 6 || b.Empty() {
			t.Errorf("%q, length %d, empty %v", got, b.Length(), b.Empty())
		}
	}
}

func TestNoContentIsEmptyAndWhole(t *testing.T) {
	b := new(Body)
	b.Init(nil, -1)
	if got, err := b.Bytes(); len(got) != 0 || err != nil || !b.Empty() || b.Length() != 0 {
		t.Errorf("%q, %v, empty %v, length %d", got, err, b.Empty(), b.Length())
	}
}

func TestALimitCanBeLoweredAndNotRaised(t *testing.T) {
	for _, tt := range []struct {
		name             string
		declared         int64
		limit, lowered   int64
		buffered         bool
		atOnce, whenRead bool // too large
	}{
		{"enough", -1, 10, 7, false, false, false},
		{"declared larger", 6, 10, 5, false, true, true},
		{"found larger", -1, 10, 5, false, false, true},
		{"not raised", -1, 5, 10, false, false, true},
		{"buffered and larger", -1, 10, 5, true, true, true},
		{"buffered", -1, 10, 6, true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bodyOf("123456", tt.declared, tt.limit)
			if tt.buffered {
				b.Bytes()
			}
			if err := b.LowerLimit(tt.lowered); (err == ErrBodyTooLarge) != tt.atOnce {
				t.Errorf("lowered: %v", err)
			}
			if _, err := b.Bytes(); (err == ErrBodyTooLarge) != tt.whenRead {
				t.Errorf("read: %v", err)
			}
			if taken := b.Taken(); !tt.buffered && taken > min(tt.limit, tt.lowered)+1 {
				t.Errorf("%d bytes were taken", taken)
			}
		})
	}
}
