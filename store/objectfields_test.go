// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"math"
	"testing"

	"durward"
)

func fieldsOf(t testing.TB, text string) Fields {
	t.Helper()
	f, err := ParseFields([]byte(text))
	must(t, err)
	return f
}

func (f Fields) must(t testing.TB) string {
	t.Helper()
	text, err := f.text()
	must(t, err)
	return string(text)
}

func TestValuesAreAddedOnceAndRemovedByTheirMeaning(t *testing.T) {
	f := fieldsOf(t, `{"members":["\u0061da",7.0,true,{"x":1}],"name":"ada"}`)
	for name, row := range map[string]struct {
		value any
		added bool
	}{
		"one that is written otherwise": {"ada", false},
		"a number":                      {7, false},
		"a larger number":               {int64(7), false},
		"a truth value":                 {true, false},
		"a number as text":              {"7", true},
		"a text that is a truth value":  {"true", true},
		"another":                       {"bob", true},
	} {
		added, err := f.Add("members", row.value)
		if err != nil || added != row.added {
			t.Errorf("%s: %v, %v", name, added, err)
		}
	}
	for _, v := range []any{"ada", "7", "true", "bob", 7, true} {
		must(t, f.Remove("members", v))
		wantErr(t, f.Remove("members", v), durward.ErrNotFound)
	}
	if got := f.must(t); got != `{"members":[{"x":1}],"name":"ada"}` {
		t.Error(got)
	}
	added, err := f.Add("new", "ada")
	if err != nil || !added || f.must(t) != `{"members":[{"x":1}],"name":"ada","new":["ada"]}` {
		t.Errorf("%v, %v: %s", added, err, f.must(t))
	}
	must(t, f.Remove("new", "ada"))
	if string(f["new"]) != "[]" {
		t.Error("the last one takes the set along")
	}
	wantErr(t, f.Remove("none", "ada"), durward.ErrNotFound)
	_, err = f.Add("name", "bob")
	wantErr(t, err, ErrInvalid)
	wantErr(t, f.Remove("name", "ada"), ErrInvalid)
	_, err = f.Add("members", math.NaN())
	wantErr(t, err, ErrInvalid)
}

func TestWhoIsSomewhereInTheFields(t *testing.T) {
	f := fieldsOf(t, `{"members":["ada","\u0062ob"],"author":"cy","level":7,"deep":[["dan"]]}`)
	for who, want := range map[string]bool{"ada": true, "bob": true, "cy": true, "dan": false, "7": false, "": false, "level": false} {
		if f.Has(who) != want {
			t.Errorf("%s: %v", who, !want)
		}
	}
}

func TestFieldsAreMadeOfDecodedValues(t *testing.T) {
	f, err := MakeFields(map[string]any{"members": []any{"ada"}, "level": 3, "open": true, "none": nil})
	must(t, err)
	if got := f.must(t); got != `{"level":3,"members":["ada"],"open":true}` {
		t.Error(got)
	}
	values, err := f.Values()
	must(t, err)
	if values["level"] != 3.0 || values["open"] != true || len(values) != 3 {
		t.Errorf("%v", values)
	}
	_, err = MakeFields(map[string]any{"level": math.Inf(1)})
	wantErr(t, err, ErrInvalid)
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{`{"members":["ada"]}`, `{}`, `{"a":1.50,"b":[true,"x"]}`, `{"a":1,"a":2}`, `[]`, `null`} {
		f.Add(s, "members", "ada")
	}
	f.Fuzz(func(t *testing.T, text, name, value string) {
		fields, err := ParseFields([]byte(text))
		if err != nil {
			return
		}
		if _, err := fields.Add(name, value); err != nil {
			return
		}
		if !fields.Has(value) && value != "" {
			// Text that is not UTF-8 is not added.
			t.Fatalf("%q was added and is not there: %s", value, fields)
		}
		if err := fields.Remove(name, value); err != nil {
			t.Fatalf("%q was added and cannot be removed: %v", value, err)
		}
		if list, err := fields.list(name); err != nil {
			t.Fatal(err)
		} else if _, err := (Fields{name: fields[name]}).Add(name, value); err != nil || len(list) > len(text) {
			t.Fatalf("%d elements, %v", len(list), err)
		}
	})
}
