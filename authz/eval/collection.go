// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import "slices"

// values is a set or record whose members are written down in a policy or come
// from a literal at run time.
type values struct {
	list  []Value
	names []string         // of a record, beside list
	index map[Key]struct{} // of a large set of simple values; nil without
}

// indexed is the number of elements from which a constant set gets an index.
const indexed = 9

// NewSet makes a set that lives as long as the policies or longer.
func NewSet(list ...Value) Value {
	s := &values{}
	if len(list) >= indexed && !slices.ContainsFunc(list, hasParts) {
		s.index = make(map[Key]struct{}, len(list))
	}
	for _, v := range list {
		s.add(v)
		if s.index != nil {
			s.index[Key{v.Kind, v.N, v.S, v.T}] = struct{}{}
		}
	}
	return Value{Kind: SetOf, X: Set(s)}
}

func hasParts(v Value) bool { return v.Kind == SetOf || v.Kind == RecordOf || v.Kind == IP }

// NewRecord makes a record that lives as long as the policies. A later value
// of the same name wins.
func NewRecord(names []string, list []Value) Value {
	r := &values{}
	for i, name := range names {
		r.put(name, list[i])
	}
	return Value{Kind: RecordOf, X: Record(r)}
}

func (s *values) add(v Value) {
	if !s.Has(v) {
		s.list = append(s.list, v)
	}
}

func (s *values) put(name string, v Value) {
	if i := slices.Index(s.names, name); i >= 0 {
		s.list[i] = v
		return
	}
	s.names, s.list = append(s.names, name), append(s.list, v)
}

func (s *values) Len() int          { return len(s.list) }
func (s *values) At(i int) Value    { return s.list[i] }
func (s *values) Name(i int) string { return s.names[i] }

func (s *values) Has(v Value) bool {
	if s.index != nil {
		_, ok := s.index[Key{v.Kind, v.N, v.S, v.T}]
		return ok && !hasParts(v)
	}
	for i := range s.list {
		if s.list[i].Equal(v) {
			return true
		}
	}
	return false
}

func (s *values) Entities() bool {
	return !slices.ContainsFunc(s.list, func(v Value) bool { return v.Kind != Entity })
}

func (s *values) Get(name string) (Value, bool) {
	for i := range s.names {
		if s.names[i] == name {
			return s.list[i], true
		}
	}
	return Value{}, false
}

// Texts is a set of strings over a slice without duplicates, such as a
// caller's scopes. A pointer to it costs no allocation.
type Texts []string

// Len is the number of strings.
func (t *Texts) Len() int { return len(*t) }

// At gives a string.
func (t *Texts) At(i int) Value { return Text((*t)[i]) }

// Has tells whether v is one of the strings.
func (t *Texts) Has(v Value) bool { return v.Kind == String && slices.Contains(*t, v.S) }

// Entities is true of the empty set only.
func (t *Texts) Entities() bool { return len(*t) == 0 }
