// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"durward/internal/allocs"
)

func lines(pairs ...string) Header {
	var h Header
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestSetReplacesEveryLineOfTheNameAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want Header
	}{
		{"there was none", lines("A", "1"), lines("A", "1", "X", "new")},
		{"there was one", lines("X", "1", "A", "2"), lines("X", "new", "A", "2")},
		{"there were several", lines("A", "1", "X", "2", "B", "3", "X", "4", "X", "5", "C", "6"), lines("A", "1", "X", "new", "B", "3", "C", "6")},
		{"the header was empty", nil, lines("X", "new")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.in
			h.Set("X", "new")
			if !slices.Equal(h, tt.want) {
				t.Errorf("%v", h)
			}
		})
	}
}

// The model is a plain list; every operation must agree with it.
func TestAHeaderIsAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h, model Header
		name := rapid.SampledFrom([]string{"A", "B", "C"})
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			n, v := name.Draw(t, "name"), rapid.StringN(0, 3, 8).Draw(t, "value")
			switch rapid.IntRange(0, 3).Draw(t, "operation") {
			case 0:
				h.Add(n, v)
				model = append(model, Field{n, v})
			case 1:
				h.Del(n)
				model = slices.DeleteFunc(slices.Clone(model), func(f Field) bool { return f.Name == n })
			case 2:
				h.Set(n, v)
				at := slices.IndexFunc(model, func(f Field) bool { return f.Name == n })
				if at < 0 {
					model = append(model, Field{n, v})
					break
				}
				rest := slices.DeleteFunc(slices.Clone(model[at+1:]), func(f Field) bool { return f.Name == n })
				model = append(append(slices.Clone(model[:at]), Field{n, v}), rest...)
			case 3:
				h.Filter(func(f Field) bool { return f.Name != n || f.Value == v })
				model = slices.DeleteFunc(slices.Clone(model), func(f Field) bool { return f.Name == n && f.Value != v })
			}
			if !slices.Equal(h, model) {
				t.Fatalf("%v, want %v", h, model)
			}
			values := h.Values(nil, n)
			if h.Count(n) != len(values) || h.Has(n) != (len(values) > 0) || len(values) > 0 && h.Get(n) != values[0] {
				t.Fatalf("Count %d, Has %v, Get %q, Values %q", h.Count(n), h.Has(n), h.Get(n), values)
			}
		}
	})
}

func TestNamesAreCanonical(t *testing.T) {
	for in, want := range map[string]string{"content-type": "Content-Type", "X-API-Key": "X-Api-Key", "a b": "a b"} {
		if got := CanonicalName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLookUpsAllocateNothing(t *testing.T) {
	h := lines(strings.Split("A 1 B 2 C 3 D 4 E 5 F 6", " ")...)
	if n := allocs.PerRun(100, func() { h.Get("F"); h.Has("Z"); h.Count("A") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
