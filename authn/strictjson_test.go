// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// asStandard is what encoding/json makes of the same text.
func asStandard(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var m map[string]any
	err := d.Decode(&m)
	return m, err
}

func TestReadObjectSeesWhatTheStandardLibrarySees(t *testing.T) {
	for _, in := range []string{
		`{}`, ` { } `, "{\n\t\"a\" : [ ] , \"b\":{ }\r\n}", `{"a":[1,-2.5e+7,"x\\","\"",[[]],{"b":[null,true,false]}],"":"\u00e4\n"}`,
		`{"a":"\\","b":"\\\"","c":"ä","d":0}`, `{"a":[{},{},[],[1 , 2]] }`,
	} {
		got, err := readObject([]byte(in))
		want, stdErr := asStandard([]byte(in))
		if err != nil || stdErr != nil {
			t.Errorf("%s: %v, %v", in, err, stdErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-standard +ours):\n%s", in, diff)
		}
	}
}

// FuzzReadObject: what is read is what encoding/json reads.
func FuzzReadObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":"c"}]}`, `{"a":1,"a":2}`, `[]`, "{\"\\ud800\":1}", `{"a":[1 ,2 , -0.1e5],"b":true,"c":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readObject(data)
		if err != nil {
			return
		}
		want, err := asStandard(data)
		if err != nil {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("read %v, encoding/json %v", got, want)
		}
	})
}
