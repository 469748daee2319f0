// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(s string, lim limits) (any, *fault) {
	var d decoder
	var t tree
	if f := d.decode(s, &t, &lim); f != nil {
		return nil, f
	}
	return t.value(0), nil
}

func TestJSONIsReadExactly(t *testing.T) {
	lim := (&Config{}).limits()
	for s, want := range map[string]any{
		`null`:                         nil,
		` true `:                       true,
		"\t[\r\n]":                     []any{},
		`{}`:                           map[string]any{},
		`-0.0`:                         number("-0.0"),
		`12345678901234567890.1234567`: number("12345678901234567890.1234567"),
		`"\"\\\/\b\f\n\r\t"`:           "\"\\/\b\f\n\r\t",
		`"\u00e9\uD83D\uDE00\u0000"`:   "é😀\x00",
		`"é😀"`:                         "é😀",
		`[1,[2,{"a":[]}],"b"]`:         []any{number("1"), []any{number("2"), map[string]any{"a": []any{}}}, "b"},
		`{"a":{"b":1},"":2}`:           map[string]any{"a": map[string]any{"b": number("1")}, "": number("2")},
	} {
		got, f := read(s, lim)
		if f != nil {
			t.Errorf("%s: %v", s, f)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", s, diff)
		}
	}
}

func TestWhatIsNotJSONIsRefused(t *testing.T) {
	lim := (&Config{}).limits()
	for _, s := range []string{
		"", " ", "nul", "True", "[", "]", "[1", "[1 2]", "[,]", "{", `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{,}`,
		`"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\x1f\"", "\"\x7f\xc0\"", `'a'`, "1 1", "[]x", "\x00", "//", "-", "1.", ".1", "1e", "Infinity",
		"\"\xed\xa0\x80\"", `"\uDC00"`, `"\uD83Dx"`, `"\uD83D\n"`, "\ufeff1", "1\x00",
	} {
		if v, f := read(s, lim); f == nil {
			t.Errorf("%q was read as %v", s, v)
		} else if f.bounded {
			t.Errorf("%q: %v is no bound", s, f)
		}
	}
}

func TestRepeatedMembersAreFoundInObjectsOfAnySize(t *testing.T) {
	lim := (&Config{}).limits()
	for _, size := range []int{1, 15, 16, 17, 18, 100} {
		var members []string
		for i := range size {
			members = append(members, fmt.Sprintf(`"m%d":%d`, i, i))
		}
		object := "{" + strings.Join(members, ",") + "}"
		if _, f := read(object, lim); f != nil {
			t.Errorf("%d members: %v", size, f)
		}
		for _, again := range []int{0, size / 2, size - 1} {
			twice := fmt.Sprintf(`{"in":[%s,"m%d":0}]}`, strings.TrimSuffix(object, "}"), again)
			_, f := read(twice, lim)
			if want := fmt.Sprintf("/in/0/m%d", again); f == nil || f.reason != reasonDuplicate || f.pointer != want {
				t.Errorf("%d members, m%d twice: %+v", size, again, f)
			}
		}
	}
}

func TestATreeAndItsValueAreTheSame(t *testing.T) {
	lim := (&Config{}).limits()
	for _, pair := range []struct {
		a, b string
		same bool
	}{
		{`1`, `1.0`, true}, {`1`, `10e-1`, true}, {`0`, `-0`, true}, {`1`, `2`, false}, {`1`, `"1"`, false}, {`1`, `true`, false},
		{`{"a":1,"b":[2]}`, `{"b":[2.0],"a":1}`, true}, {`{"a":1}`, `{"b":1}`, false}, {`{"a":1}`, `{"a":1,"b":2}`, false},
		{`[1,2]`, `[2,1]`, false}, {`[]`, `{}`, false}, {`null`, `false`, false}, {`""`, `""`, true},
		{`12345678901234567890`, `12345678901234567891`, false},
	} {
		a, _ := read(pair.a, lim)
		b, _ := read(pair.b, lim)
		if got := equal(treeOf(a), 0, treeOf(b), 0); got != pair.same {
			t.Errorf("%s and %s: %v", pair.a, pair.b, got)
		}
	}
}

func TestPointersIntoContentAreEscapedAndBounded(t *testing.T) {
	lim := (&Config{}).limits()
	var d decoder
	var tr tree
	if f := d.decode(`{"a/b":[{"~":1}]}`, &tr, &lim); f != nil {
		t.Fatal(f)
	}
	if got := tr.pointerTo([]int32{0, 1, 2, 3}); got != "/a~1b/0/~0" {
		t.Error(got)
	}
	deep := strings.Repeat(`{"`+strings.Repeat("é", 500)+`":`, 20) + "x"
	if _, f := read(deep, lim); f == nil || len(f.pointer) > maxShownPointer+2*maxShownName || strings.ContainsRune(f.pointer, '\ufffd') {
		t.Errorf("%+v", f)
	}
}
