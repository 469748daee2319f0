// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"durward"
)

// Fields are what is known of an object, each as JSON. What is not changed
// stays as it was written, to the last digit.
type Fields map[string]jsontext.Value

// maxFields is how many fields an object may have.
const maxFields = 100

// ParseFields reads a JSON object (RFC 8259); a name that is there twice, or
// text that is not UTF-8, is an error. The error is ErrInvalid.
func ParseFields(text []byte) (Fields, error) {
	f := Fields{}
	if err := json.Unmarshal(text, &f); err != nil || f == nil {
		return nil, fmt.Errorf("%w: the fields of an object are a JSON object", ErrInvalid)
	}
	return f, nil
}

// MakeFields makes fields of decoded JSON or YAML. The error is ErrInvalid.
func MakeFields(values map[string]any) (Fields, error) {
	f := Fields{}
	for name, v := range values {
		if err := f.Set(name, v); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Values gives the fields as decoded JSON.
func (f Fields) Values() (map[string]any, error) {
	text, err := f.text()
	if err != nil {
		return nil, err
	}
	var values map[string]any
	err = json.Unmarshal(text, &values)
	return values, err
}

// Set gives a field its value; nil takes the field away.
func (f Fields) Set(name string, value any) error {
	if value == nil {
		delete(f, name)
		return nil
	}
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("%w: the field %s cannot be written as JSON", ErrInvalid, name)
	}
	f[name] = text
	return nil
}

// Add puts a text, number or truth value into the list that a field is, and
// makes the field where it is missing. It tells whether the value was not there
// yet. The error is ErrInvalid when the field is no list.
func (f Fields) Add(name string, value any) (added bool, err error) {
	list, err := f.list(name)
	if err != nil || slices.ContainsFunc(list, equal(value)) {
		return false, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return false, fmt.Errorf("%w: the value cannot be written as JSON", ErrInvalid)
	}
	return true, f.Set(name, append(list, text))
}

// Remove takes a value out of the list that a field is. The error is
// durward.ErrNotFound when it is not in there, ErrInvalid when the field is no
// list.
func (f Fields) Remove(name string, value any) error {
	list, err := f.list(name)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(list), equal(value))
	if len(rest) == len(list) {
		return durward.ErrNotFound
	}
	return f.Set(name, rest)
}

// Has tells whether a field is a text, or is a list that it is in.
func (f Fields) Has(text string) bool {
	is := equal(text)
	for name, v := range f {
		if is(v) {
			return true
		}
		if list, err := f.list(name); err == nil && slices.ContainsFunc(list, is) {
			return true
		}
	}
	return false
}

func (f Fields) list(name string) ([]jsontext.Value, error) {
	text, ok := f[name]
	if !ok {
		return []jsontext.Value{}, nil
	}
	var list []jsontext.Value
	if text.Kind() != '[' || json.Unmarshal(text, &list) != nil {
		return nil, fmt.Errorf("%w: the field %s is no list", ErrInvalid, name)
	}
	return list, nil
}

// equal compares by meaning: a text may be escaped, a number written in
// several ways.
func equal(value any) func(jsontext.Value) bool {
	switch n := value.(type) {
	case int:
		value = float64(n)
	case int64:
		value = float64(n)
	}
	return func(v jsontext.Value) bool {
		switch v.Kind() {
		case '"', '0', 't', 'f':
			var decoded any
			return json.Unmarshal(v, &decoded) == nil && decoded == value
		}
		return false
	}
}

// text gives the fields as one JSON object.
func (f Fields) text() ([]byte, error) {
	if len(f) > maxFields {
		return nil, fmt.Errorf("%w: an object has at most %d fields", ErrInvalid, maxFields)
	}
	for name := range f {
		if name == "" || len(name) > maxName {
			return nil, fmt.Errorf("%w: the name of a field has 1 to %d bytes", ErrInvalid, maxName)
		}
	}
	if f == nil {
		f = Fields{}
	}
	text, err := json.Marshal(f, json.Deterministic(true))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the fields of an object cannot be written as JSON", ErrInvalid)
	case len(text) > MaxObject:
		return nil, fmt.Errorf("%w: the fields of an object have more than %d bytes", ErrInvalid, MaxObject)
	}
	return text, nil
}
