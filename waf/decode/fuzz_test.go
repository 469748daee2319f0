// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzDecode holds the finder against the standard library's decoders: what
// encodes a text is found with that text, whatever stands around it; limits hold;
// nothing given is changed.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{attack, std(attack), `{"a":"\u0027"}`, `["x",{"y":"z"}]`, "%2527", `\u{41}\x`, "a=b&c=%7b%22", "\x00\xff", "eyJhIjoxfQ.eyJiIjoiYyJ9.x",
		`<a b="c">` + std(attack) + `</a>`, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + std(attack) + "\r\n--b--"} {
		f.Add([]byte(s))
	}
	c := &Config{MaxValues: 50, MaxBytes: 4096}
	f.Fuzz(func(t *testing.T, input []byte) {
		given := slices.Clone(input)
		finder := New(c)
		defer finder.Release()
		finder.Pairs(Query, input)
		finder.JSON(input)
		finder.XML(input)
		finder.Multipart("multipart/form-data; boundary=b", input)
		finder.Cookies(string(input))
		finder.Segments(string(input))
		finder.Text(Header, "X", string(input))
		total := 0
		for _, v := range finder.Found {
			total += len(v.Text)
			if v.Steps == "" || v.In == "" {
				t.Fatalf("%+v", v)
			}
		}
		if len(finder.Found) > 50 || total > 4096 {
			t.Fatalf("%d values of %d bytes", len(finder.Found), total)
		}
		if !bytes.Equal(given, input) {
			t.Fatal("the input was changed")
		}
		checkBase64(t, input)
		checkJSON(t, input)
	})
}

// checkBase64 encodes a text as the standard library does.
func checkBase64(t *testing.T, text []byte) {
	if len(text) < shortestText+1 || len(text) > 1000 || bytes.IndexByte(text, 0) >= 0 || len(readable(text)) != len(text) || len(readable(text[:min(len(text), firstLook*3/4)])) == 0 {
		return
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		got, _ := decodeBase64([]byte(encoding.EncodeToString(text)))
		if first := readable(text[:min(len(text), firstLook)]); first != nil && !bytes.Equal(got, text) {
			t.Fatalf("%q became %q", text, got)
		}
	}
}

// checkJSON holds the walk against the standard library's decoder.
func checkJSON(t *testing.T, text []byte) {
	var tree any
	if len(text) > 2000 || !utf8.Valid(text) || !json.Valid(text) || json.Unmarshal(text, &tree) != nil {
		return
	}
	want := map[string]bool{}
	depth := gather(tree, want)
	if depth >= maxDepth {
		return
	}
	got := map[string]bool{}
	w := walker{b: text, to: leafFunc(func(text []byte, _ bool) bool { got[string(text)] = true; return true })}
	if !w.value() {
		t.Fatalf("the walk ended in %q", text)
	}
	for s := range want {
		if !got[s] && !bytes.Contains([]byte(s), []byte("\ufffd")) {
			t.Fatalf("%q was passed over in %q", s, text)
		}
	}
}

func gather(v any, into map[string]bool) (depth int) {
	switch v := v.(type) {
	case string:
		into[v] = true
	case []any:
		for _, item := range v {
			depth = max(depth, gather(item, into))
		}
		return depth + 1
	case map[string]any:
		for name, item := range v {
			into[name] = true
			depth = max(depth, gather(item, into))
		}
		return depth + 1
	}
	return 0
}
