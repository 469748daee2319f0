// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// alphabets are those of values that contracts prove something of, and some that
// are near what the transformations look for.
var alphabets = map[string]string{
	"digits":               "0123456789",
	"numbers":              "0123456789+-.eE",
	"hexadecimal":          "0123456789abcdefABCDEF-",
	"dates":                "0123456789-:.TtZz+",
	"words":                "abcXYZ019_",
	"sentences":            "abcXYZ ,.'!?",
	"base64":               "ABCZabcz0189+/=",
	"comments":             "a1 /*-#<!>",
	"escapes":              `\x01uU4{}%+&#;aF`,
	"paths":                `./\ :aC`,
	"blanks":               " \t\r\n\v\f\x00a",
	"nothing":              "",
	"quotes":               "\"'\\^ ,;AZ/(",
	"letters beyond ASCII": "aK\u0130\u0131\u017f\u212a\u1e9e\u00a0\u2003",
	"bytes":                "\x80\x85\xa0\xc3\xff\x00a",
}

func valueOf(r *rand.Rand, alphabet string) []byte {
	if alphabet == "" {
		return nil
	}
	if r.IntN(2) == 0 { // whole characters
		runes := []rune(alphabet)
		var b strings.Builder
		for range r.IntN(24) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		if strings.ContainsRune(b.String(), '\ufffd') {
			return nil
		}
		return []byte(b.String())
	}
	out := make([]byte, r.IntN(24))
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return out
}

func checkImage(t *testing.T, tr T, of ByteSet, value []byte) {
	t.Helper()
	out, _ := tr.ApplyReported(nil, value)
	image := tr.Image(of)
	for _, b := range out {
		if !image.Has(b) {
			t.Fatalf("%s of %q is %q: the byte %q is not in the image", tr, value, out, b)
		}
	}
	if len(out) > len(value) && !tr.Lengthens(&of) {
		t.Fatalf("%s of %q is %q, which is longer", tr, value, out)
	}
}

func TestTheImageHoldsEveryByteOfEveryResult(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for name, alphabet := range alphabets {
		for _, tr := range All() {
			t.Run(tr.String()+" of "+name, func(t *testing.T) {
				for range 400 {
					checkImage(t, tr, Bytes(alphabet), valueOf(r, alphabet))
				}
			})
		}
	}
}

// Random alphabets, so that no pair of bytes is left out for want of a name.
func TestTheImageHoldsEveryByteOfResultsOfRandomAlphabets(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	for range 3000 {
		b := make([]byte, 1+r.IntN(12))
		for i := range b {
			b[i] = byte(r.IntN(256))
			if r.IntN(3) > 0 {
				b[i] &= 0x7f
			}
		}
		for _, tr := range All() {
			checkImage(t, tr, Bytes(string(b)), valueOf(r, string(b)))
		}
	}
}

func TestImagesAreNoWiderThanTheyNeedToBe(t *testing.T) {
	for _, tt := range []struct{ transform, of, image string }{
		{"none", "abc", "abc"},
		{"lowercase", "ABC1", "abc1"},
		{"uppercase", "abc1", "ABC1"},
		{"lowercase", "0123", "0123"},
		{"urldecodeuni", "abc", "abc"},
		{"urldecodeuni", "a+b", "a b"},
		{"urldecode", "0-9", "0-9"},
		{"cmdline", "A b", "a b"},
		{"cmdline", `"x"`, "x"},
		{"removewhitespace", "a b", "ab"},
		{"compresswhitespace", "a\t", "a\t "},
		{"jsdecode", "abc", "abc"},
		{"cssdecode", "abc", "abc"},
		{"htmlentitydecode", "abc;#", "abc;#"},
		{"removenulls", "abc", "abc"},
		{"utf8tounicode", "abc", "abc"},
		{"replacecomments", "abc/", "abc/"},
		{"normalizepathwin", `a\`, "a/"},
		{"base64decode", "A", "\x00"},
		{"base64decodeext", "A-._", "\x00\x03\x0f\x3e\x3f\x80\xbe\xbf\xc0\xe0\xef\xf0\xf8\xfb\xfc\xfe\xff"},
		{"length", "abc", "0123456789"},
		{"hexencode", "z", "0123456789abcdef"},
	} {
		tr, ok := Lookup(tt.transform)
		if !ok {
			t.Fatal(tt.transform)
		}
		if got, want := tr.Image(Bytes(tt.of)), Bytes(tt.image); got != want {
			t.Errorf("the image of %q by %s is %x, not that of %q", tt.of, tt.transform, got, tt.image)
		}
	}
}

func TestWhatCanDecodeAnythingHasEveryByteInItsImage(t *testing.T) {
	for name, of := range map[string]string{
		"urldecodeuni": "%41", "urldecode": "%41", "jsdecode": `\x`, "escapeseqdecode": `\x`, "cssdecode": `\4`,
		"htmlentitydecode": "&#1;", "hexdecode": "41", "md5": "a", "sha1": "a",
	} {
		if tr, ok := Lookup(name); !ok || tr.Image(Bytes(of)) != Everything() {
			t.Errorf("%s of %q: not every byte", name, of)
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add([]byte("a\\u0041%u0041&lt;/**/-- \t\x00\xa0\u0130"), uint8(0))
	f.Add([]byte("\u212a\u1e9e"), uint8(13))
	f.Fuzz(func(t *testing.T, value []byte, n uint8) {
		tr := All()[int(n)%len(All())]
		var of ByteSet
		of.AddAll(value)
		checkImage(t, tr, of, value)
	})
}
