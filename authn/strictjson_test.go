// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadObjectTakesPlainObjectsOnly(t *testing.T) {
	for in, ok := range map[string]bool{
		`{}`:                            true,
		` {"a":1,"b":[true,null,"x"]} `: true,
		`{"a":{"a":{"a":1}}}`:           true,
		`{"a":1,"A":2}`:                 true, // names have case
		``:                              false,
		`null`:                          false,
		`[]`:                            false,
		`"a"`:                           false,
		`{"a":1,"a":1}`:                 false,
		`{"a":1,"\u0061":1}`:            false,
		`{"x":[{"a":1,"a":1}]}`:         false,
		`{"a":1}{}`:                     false,
		`{"a":1} x`:                     false,
		`{"a":1,}`:                      false,
		`{"a" 1}`:                       false,
		`{"a":01}`:                      false,
		`{"a":NaN}`:                     false,
		`{'a':1}`:                       false,
		`{a:1}`:                         false,
		`{"a":1`:                        false,
		"{\"a\":\"\x01\"}":              false,
		"{\"\xc0\xaf\":1}":              false,
		`{"a":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + "}": true,
		`{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + "}":     false,
	} {
		o, err := readObject([]byte(in))
		if got := err == nil; got != ok {
			t.Errorf("%s: read %v, want %v", in, got, ok)
		}
		if ok && o == nil {
			t.Errorf("%s: no object", in)
		}
	}
}

func TestReadObjectKeepsNumbersAsTheyAre(t *testing.T) {
	o, err := readObject([]byte(`{"n":123456789012345678901234567890}`))
	if err != nil || o["n"] != json.Number("123456789012345678901234567890") {
		t.Errorf("got %v, %v", o["n"], err)
	}
}

// FuzzReadObject: what is read is what encoding/json reads, and written again
// it is read to the same.
func FuzzReadObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":"c"}]}`, `{"a":1,"a":2}`, `[]`, "{\"\\ud800\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := readObject(data)
		if err != nil {
			return
		}
		var std map[string]any
		if err := json.Unmarshal(data, &std); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		if len(std) != len(o) {
			t.Fatalf("%d members, encoding/json sees %d", len(o), len(std))
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := readObject(again); err != nil || len(p) != len(o) {
			t.Fatalf("read again: %v", err)
		}
	})
}
