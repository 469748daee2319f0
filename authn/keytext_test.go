// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"
)

func TestMintedKeysParse(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		text, id, hash, err := MintKey(pepper, "live")
		if err != nil {
			t.Fatal(err)
		}
		env, got, err := ParseKey(text)
		if err != nil || env != "live" || got != id {
			t.Fatalf("%q %q %v", env, got, err)
		}
		if hash != HashKey(pepper, text) || hash == HashKey(bytes.Repeat([]byte("x"), 32), text) {
			t.Fatal("the hash is not that of the text under the pepper")
		}
		if seen[id] || seen[text] {
			t.Fatal("a key twice")
		}
		seen[id], seen[text] = true, true
	}
}

func TestMintKeyRefusesWeakInput(t *testing.T) {
	for _, env := range []string{"", "a", "Live", "live_", "toolongenv", "l1ve"} {
		if _, _, _, err := MintKey(pepper, env); err == nil {
			t.Errorf("environment %q is taken", env)
		}
	}
	if _, _, _, err := MintKey(pepper[:31], "live"); err == nil {
		t.Error("a short pepper is taken")
	}
}

func TestEverySlipInAKeyIsCaught(t *testing.T) {
	text, _, _, err := MintKey(pepper, "test")
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, c := range "aA0_-. \n%" {
			if rune(text[i]) == c {
				continue
			}
			if _, _, err := ParseKey(text[:i] + string(c) + text[i+1:]); err == nil {
				t.Errorf("byte %d changed to %q is taken", i, c)
			}
		}
		if _, _, err := ParseKey(text[:i]); err == nil {
			t.Errorf("the first %d bytes are taken", i)
		}
	}
	for i := range len(text) - 1 {
		swapped := text[:i] + text[i+1:i+2] + text[i:i+1] + text[i+2:]
		if _, _, err := ParseKey(swapped); err == nil && swapped != text {
			t.Errorf("bytes %d and %d swapped are taken", i, i+1)
		}
	}
}

func TestChecksumIsCRC32InBase62(t *testing.T) {
	body := "dw_live_abc"
	n := uint64(0)
	for _, c := range keyChecksum(body) {
		n = n*62 + uint64(strings.IndexByte(base62, c))
	}
	if n != uint64(crc32.ChecksumIEEE([]byte(body))) {
		t.Errorf("checksum says %d", n)
	}
}

// FuzzParseKey: nothing but a key with its checksum is taken, and its parts are
// those of the text.
func FuzzParseKey(f *testing.F) {
	text, _, _, _ := MintKey(pepper, "live")
	for _, s := range []string{text, "", "dw_", "dw_live__", strings.Repeat("dw_live_", 8), text + "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		env, id, err := ParseKey(s)
		if err != nil {
			return
		}
		prefix := "dw_" + env + "_" + id + "_"
		if !strings.HasPrefix(s, prefix) || len(s) != len(prefix)+secretLen+checksumLen || resum(s) != s {
			t.Errorf("%q is taken", s)
		}
	})
}
