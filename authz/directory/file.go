// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"durward"
	"durward/authz/eval"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 16 << 20

// File answers from a file, which was read whole when it was made.
type File struct{ objects map[Ref]*Object }

// OpenFile reads a file by its ending: .csv, else YAML, of which JSON is a part.
//
// YAML has a mapping from types to ids to fields. CSV has a row for each value:
// type,id,field,value; several rows of one set make the set. Every object must
// be of one of the types.
func OpenFile(name string, types []*Type) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("is larger than %d bytes", MaxFile)
	}
	return ReadFile(data, strings.EqualFold(filepath.Ext(name), ".csv"), types)
}

// ReadFile is OpenFile of a file's content.
func ReadFile(data []byte, isCSV bool, types []*Type) (*File, error) {
	raw, err := ParseFile(data, isCSV, types)
	if err != nil {
		return nil, err
	}
	out := &File{objects: map[Ref]*Object{}}
	for name, objects := range raw {
		i := slices.IndexFunc(types, func(t *Type) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no object type %q that is looked up here", name)
		}
		for id, fields := range objects {
			if id == "" {
				return nil, fmt.Errorf("%s: an id is empty", name)
			}
			o, err := types[i].BuildExactly(fields)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", id, err)
			}
			out.objects[Ref{name, id}] = o
		}
	}
	return out, nil
}

// ParseFile reads what a file says, by types, ids and fields. Only CSV needs the
// types; whether values fit them is not checked.
func ParseFile(data []byte, isCSV bool, types []*Type) (map[string]map[string]map[string]any, error) {
	raw := map[string]map[string]map[string]any{}
	var err error
	if isCSV {
		err = readCSV(string(data), raw, types)
	} else if len(strings.TrimSpace(string(data))) > 0 {
		err = yaml.Unmarshal(data, &raw)
	}
	return raw, err
}

// BuildExactly is Build, but a field that is not declared is an error.
func (t *Type) BuildExactly(raw map[string]any) (*Object, error) {
	for field := range raw {
		if t.Field(field) == nil {
			return nil, fmt.Errorf("%s: the field %q is not declared", t.Name, field)
		}
	}
	return t.Build(raw)
}

// Field finds a declared field; nil when there is none.
func (t *Type) Field(name string) *Field {
	if i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return &t.Fields[i]
	}
	return nil
}

// Look finds an object. It never waits.
func (f *File) Look(_ context.Context, t *Type, id string) (*Object, error) {
	if o, ok := f.objects[Ref{t.Name, id}]; ok {
		return o, nil
	}
	return nil, durward.ErrNotFound
}

// Close does nothing.
func (f *File) Close() error { return nil }

func readCSV(data string, into map[string]map[string]map[string]any, types []*Type) error {
	r := csv.NewReader(strings.NewReader(data))
	r.FieldsPerRecord = 4
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		if line == 1 && slices.Equal(row, []string{"type", "id", "field", "value"}) {
			continue
		}
		if err := addRow(row, into, types); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func addRow(row []string, into map[string]map[string]map[string]any, types []*Type) error {
	typ, id, field, text := row[0], row[1], row[2], row[3]
	var found *Field
	for _, t := range types {
		if f := t.Field(field); t.Name == typ && f != nil {
			found = f
		}
	}
	if found == nil {
		return fmt.Errorf("there is no object type %q with a field %q", typ, field)
	}
	if into[typ] == nil {
		into[typ] = map[string]map[string]any{}
	}
	if into[typ][id] == nil {
		into[typ][id] = map[string]any{}
	}
	value := found.FromText(text)
	had, again := into[typ][id][field]
	switch {
	case found.Set:
		list, _ := had.([]any)
		into[typ][id][field] = append(list, value)
	case again:
		return fmt.Errorf("the field %q is given twice", field)
	default:
		into[typ][id][field] = value
	}
	return nil
}

// FromText gives one value the type that a text cannot show. What does not fit
// stays a text, which Build refuses.
func (f *Field) FromText(text string) any {
	switch {
	case f.Kind == eval.Long:
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case f.Kind == eval.Bool && (text == "true" || text == "false"):
		return text == "true"
	}
	return text
}
