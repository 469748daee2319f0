// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"durward/internal/allocs"
)

func TestOnlyTextsThatCannotBeGuessedMayBeImported(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"32 letters and digits", "Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A", nil},
		{"a UUID", "3f2a9c1e-7b4d-4e8a-9c6f-1d2b3a4c5e6f", nil},
		{"40 hexadecimal digits", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", nil},
		{"base64 with signs", "q83vEjRWeJq83vASNFZ4mg+/7w==", nil},
		{"another product's prefix", "sk_live_51H8a7s9dK2lQpXv3Bn6Ty", nil},
		{"20 characters", "a8Kd93LsPq02MzXc7VbN", nil},
		{"as long as may be", strings.Repeat("a8Kd93LsPq02MzXc", 15) + "Qw4rTy6uIo9pAs1d", nil},

		{"19 characters", "a8Kd93LsPq02MzXc7Vb", ErrForm},
		{"too long", strings.Repeat("a8Kd93LsPq02MzXc", 16) + "x", ErrForm},
		{"nothing", "", ErrForm},
		{"a space", "a8Kd93LsPq02 MzXc7VbN", ErrForm},
		{"a line break", "a8Kd93LsPq02MzXc7VbN\n", ErrForm},
		{"not ASCII", "a8Kd93LsPq02MzXc7VbNé", ErrForm},
		{"the form of our own keys", "dw_live_a8Kd93LsPq02MzXc7VbN", ErrForm},

		{"one character", strings.Repeat("x", 32), ErrWeak},
		{"few characters", "abababcabcabacbacbabcabcbabc", ErrWeak},
		{"a repeated key", "a8Kd93Ls02a8Kd93Ls02", ErrWeak},
		{"a repeated word", "changemechangemechangeme", ErrWeak},
		{"the alphabet", "abcdefghijklmnopqrstuvwxyz", ErrWeak},
		{"counting", "01234567890123456789012", ErrWeak},
		{"zeros but for the end", "00000000000000000000000000a8Kd93Ls", ErrWeak},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.text)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if err != nil && len(c.text) > 3 && strings.Contains(err.Error(), c.text) {
				t.Error("the error tells the key")
			}
		})
	}
}

func TestRandomKeysAreTaken(t *testing.T) {
	refused := 0
	for range 2000 {
		var b [16]byte
		rand.Read(b[:])
		if Check(hex.EncodeToString(b[:])) != nil {
			refused++
		}
	}
	if refused > 2 {
		t.Errorf("%d of 2000 random keys of 32 hexadecimal digits are refused", refused)
	}
}

func TestAnIDIsThatOfOneHashAndTellsNothingOfIt(t *testing.T) {
	a, b := [32]byte{1}, [32]byte{2}
	// Ids stand in stores: they never change.
	if got := ID(a); got != "ext-njs2oahcvujyqds24agnz5ft" {
		t.Errorf("ID is %s", got)
	}
	if ID(a) == ID(b) {
		t.Error("ids are not those of their hashes")
	}
	if !regexp.MustCompile(`^ext-[a-z2-7]{24}$`).MatchString(ID(b)) {
		t.Errorf("ID is %s", ID(b))
	}
	if strings.Contains(ID(a), lower.EncodeToString(a[:15])) {
		t.Error("the id holds the hash")
	}
}

func TestTheChecksOfARequestAllocateAlmostNothing(t *testing.T) {
	text, hash := "Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A", [32]byte{7}
	if n := allocs.PerRun(100, func() { _ = Form(text) }); n != 0 {
		t.Errorf("Form: %v allocations", n)
	}
	if n := allocs.PerRun(100, func() { _ = ID(hash) }); n > 1 {
		t.Errorf("ID: %v allocations", n)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A", "", "dw_live_x", strings.Repeat("x", 300), "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if Check(text) == nil && (!Form(text) || len(text) < MinText || len(text) > MaxText) {
			t.Fatalf("%q is taken", text)
		}
	})
}

func BenchmarkID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = ID([32]byte{1})
	}
}
