// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func zip(plain string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, plain)
	w.Close()
	return b.Bytes()
}

func TestBytes(t *testing.T) {
	text := strings.Repeat("some text, 100 times: ", 100)
	whole := zip(text)
	broken := bytes.Clone(whole)
	broken[len(broken)-6] ^= 1
	for _, row := range []struct {
		name    string
		content []byte
		limit   int64
		want    string
		err     error
	}{
		{"plain content comes back", whole, 1 << 20, text, nil},
		{"content of just the limit", whole, int64(len(text)), text, nil},
		{"content above the limit", whole, int64(len(text)) - 1, "", ErrTooLarge},
		{"a bomb", zip(strings.Repeat("\x00", 8<<20)), 0, "", ErrTooLarge},
		{"a small repetition is no bomb", zip(strings.Repeat("a", 4000)), 0, strings.Repeat("a", 4000), nil},
		{"nothing", nil, 0, "", ErrMalformed},
		{"no gzip", []byte("hello, this is text"), 0, "", ErrMalformed},
		{"a member that is cut", whole[:len(whole)-9], 0, "", ErrMalformed},
		{"a wrong checksum", broken, 0, "", ErrMalformed},
		{"bytes behind the member", append(bytes.Clone(whole), 'x'), 0, "", ErrMalformed},
		{"two members", append(bytes.Clone(whole), whole...), 0, "", ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := Bytes(row.content, row.limit)
			if !errors.Is(err, row.err) || err == nil && string(got) != row.want {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestAReaderGivesWhatCameAndTheErrorOfItsSource(t *testing.T) {
	away := errors.New("away")
	whole := zip(strings.Repeat("0123456789abcdef-", 3000))
	r, err := NewReader(iotest.OneByteReader(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), iotest.ErrReader(away))), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, away) {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, away) {
		t.Errorf("the error is forgotten: %v", err)
	}
	if _, err := NewReader(iotest.ErrReader(away), 0); !errors.Is(err, away) {
		t.Error(err)
	}
}

func FuzzBytes(f *testing.F) {
	f.Add(zip("hello"))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, content []byte) {
		const limit = 1 << 16
		plain, err := Bytes(content, limit)
		if err == nil && len(plain) > limit {
			t.Errorf("%d bytes", len(plain))
		}
		if err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	})
}
