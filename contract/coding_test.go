// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func TestCompressedContentIsASingleWholeMember(t *testing.T) {
	const text = `{"name":"ann"}`
	good := zip(text)
	named := func() string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "../../x", "note", bytes.Repeat([]byte("x"), 1000)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}()
	flip := func(at int) string {
		b := []byte(good)
		b[(at+len(b))%len(b)] ^= 1
		return string(b)
	}
	var raw bytes.Buffer
	fw, _ := flate.NewWriter(&raw, 9)
	io.WriteString(fw, text)
	fw.Close()
	for _, test := range []struct{ name, content, want string }{
		{"a member", good, text},
		{"a member with a name, a comment and extra data", named, text},
		{"an empty member", zip(""), ""},
		{"gzip within gzip is undone once", zip(good), good},
		{"nothing", "", reasonBadCoding},
		{"the first bytes", good[:5], reasonBadCoding},
		{"without its checksum", good[:len(good)-8], reasonBadCoding},
		{"without its last byte", good[:len(good)-1], reasonBadCoding},
		{"with another checksum", flip(-8), reasonBadCoding},
		{"with another length", flip(-4), reasonBadCoding},
		{"with damaged data", flip(12), reasonBadCoding},
		{"with another method", flip(2), reasonBadCoding},
		{"a second member", good + good, reasonBadCoding},
		{"an empty second member", good + zip(""), reasonBadCoding},
		{"a byte behind it", good + "x", reasonBadCoding},
		{"zeros behind it", good + "\x00\x00", reasonBadCoding},
		{"deflate without gzip", raw.String(), reasonBadCoding},
		{"no gzip", text, reasonBadCoding},
	} {
		plain, reason := gunzip([]byte(test.content), 1<<20, 100)
		if got := string(plain) + reason; got != test.want && !(reason != "" && reason == test.want) {
			t.Errorf("%s: got %.60q (%s), want %.60q", test.name, plain, reason, test.want)
		}
	}
}

func TestTheRatioCountsBeyondTheFirst4KiB(t *testing.T) {
	random := func(n int) string {
		r := rand.New(rand.NewPCG(1, 1))
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
		}
		return string(b)
	}
	for _, test := range []struct {
		name  string
		text  string
		ratio int64
		most  int64
		want  string
	}{
		{"a short text of one letter", strings.Repeat("a", freeInflated), 1, 1 << 20, ""},
		{"one letter more", strings.Repeat("a", freeInflated+1), 1, 1 << 20, reasonDecompressed},
		{"text that hardly shrinks", random(100_000), 2, 1 << 20, ""},
		{"the same against its size", random(100_000), 2, 99_999, reasonDecompressed},
		{"exactly its size", random(100_000), 2, 100_000, ""},
		{"one letter within a high ratio", strings.Repeat("a", 1<<20), 1100, 1 << 20, ""},
		{"one letter beyond the default", strings.Repeat("a", 1<<20), 100, 1 << 20, reasonDecompressed},
	} {
		plain, reason := gunzip([]byte(zip(test.text)), test.most, test.ratio)
		if reason != test.want || reason == "" && string(plain) != test.text {
			t.Errorf("%s: %s, %d bytes", test.name, reason, len(plain))
		}
	}
}

// A bomb costs no more memory than the content that is allowed.
func TestBombsAreRefusedInBoundedMemory(t *testing.T) {
	bomb := []byte(zip(strings.Repeat("\x00", 64<<20))) // 64 KiB
	const most = 1 << 20
	gunzip(bomb, most, 1100) // the reader is made
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 8
	for range rounds {
		if plain, reason := gunzip(bomb, most, 1100); reason != reasonDecompressed || plain != nil {
			t.Fatal(reason, len(plain))
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 6*most {
		t.Errorf("%d bytes for a bomb whose %d bytes may become %d", each, len(bomb), most)
	}
	d := mustParse(t, bodyDoc)
	for _, cfg := range []*Config{
		{ContentEncodings: []string{"gzip"}},
		{ContentEncodings: []string{"gzip"}, MaxRatio: 1100},
		{ContentEncodings: []string{"gzip"}, MaxRatio: 1, MaxDecompressed: 512 << 20},
	} {
		for _, mime := range []string{"application/merge-patch+json", "text/plain", "application/octet-stream"} {
			got := ask(mustStage(t, d, "types", cfg), request{body: string(bomb), mime: mime, header: []string{"Content-Encoding: gzip"}})
			if got != "deny body-too-large" {
				t.Errorf("%s, %+v: %s", mime, *cfg, got)
			}
		}
	}
}

// Whatever is taken is what the standard library takes of one member.
func FuzzGunzip(f *testing.F) {
	for _, text := range []string{"", "a", `{"a":1}`, strings.Repeat("ab", 5000)} {
		f.Add([]byte(zip(text)))
	}
	f.Add([]byte(zip("a") + zip("b")))
	f.Fuzz(func(t *testing.T, content []byte) {
		plain, reason := gunzip(content, 8<<10, 20)
		if reason != "" {
			return
		}
		zr, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(zr)
		if err != nil || !bytes.Equal(plain, want) {
			t.Fatalf("%q: %v", content, err)
		}
		if len(plain) > 8<<10 || len(plain) > max(freeInflated, 20*len(content)) {
			t.Fatalf("%d bytes became %d", len(content), len(plain))
		}
	})
}
