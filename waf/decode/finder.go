// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"sync"
)

// Where a value stands.
const (
	Query  = "query"
	Body   = "body"
	Cookie = "cookie"
	Header = "header"
	Path   = "path"
)

// Value is what a value of the request stands for.
type Value struct {
	In, Name string
	Text     string
	Steps    string // how it was decoded, outermost first: "base64+json"
}

// Finder collects decoded values of one request. It belongs to one goroutine;
// what it is given is neither kept nor changed.
type Finder struct {
	Found []Value
	// Over says that there was more than the limits allow.
	Over bool

	cfg              *Config
	room, bytes      int
	plain, name, raw []byte // scratch
	walk             walker // through JSON content
}

var finders = sync.Pool{New: func() any { return new(Finder) }}

// New gives a Finder from a pool; Release gives it back.
func New(c *Config) *Finder {
	f := finders.Get().(*Finder)
	f.cfg, f.room, f.bytes = c, c.MaxValues, int(c.MaxBytes)
	if f.room == 0 {
		f.room = defaultValues
	}
	if f.bytes == 0 {
		f.bytes = defaultBytes
	}
	return f
}

// Release ends the use of a Finder and of what it found.
func (f *Finder) Release() {
	clear(f.Found)
	clear(f.plain[:cap(f.plain)])
	clear(f.raw[:cap(f.raw)])
	clear(f.walk.unescaped[:cap(f.walk.unescaped)])
	if cap(f.plain)+cap(f.raw)+cap(f.walk.unescaped)+cap(f.Found)*64 > 64<<10 {
		return
	}
	*f = Finder{Found: f.Found[:0], plain: f.plain[:0], name: f.name[:0], raw: f.raw[:0], walk: walker{path: f.walk.path[:0], unescaped: f.walk.unescaped[:0]}}
	finders.Put(f)
}

// Pairs looks at the values of a query or form as sent: name=value&name=value.
func (f *Finder) Pairs(in string, raw []byte) {
	for len(raw) > 0 && !f.Over {
		pair, rest, _ := bytes.Cut(raw, []byte{'&'})
		raw = rest
		name, value, ok := bytes.Cut(pair, []byte{'='})
		if !ok || len(value) < shortest {
			continue
		}
		f.plain = appendForm(f.plain[:0], value)
		if what := look(f.plain); what != 0 {
			f.name = appendForm(f.name[:0], name)
			f.expand(at{in: in, name: f.name}, f.plain, what, "")
		}
	}
}

// Query looks at the values of a query as sent.
func (f *Finder) Query(raw string) {
	if len(raw) > shortest {
		f.raw = append(f.raw[:0], raw...)
		f.Pairs(Query, f.raw)
	}
}

// Cookies looks at the values of a Cookie field.
func (f *Finder) Cookies(field string) {
	f.raw = append(f.raw[:0], field...)
	for rest := f.raw; len(rest) > 0 && !f.Over; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{';'})
		name, value, _ := bytes.Cut(bytes.TrimLeft(pair, " "), []byte{'='})
		f.plain = appendPercent(f.plain[:0], bytes.Trim(value, `"`))
		f.value(at{in: Cookie, name: name}, f.plain)
	}
}

// Text looks at one value.
func (f *Finder) Text(in, name, value string) {
	if len(value) >= shortest {
		f.raw = append(f.raw[:0], value...)
		f.Bytes(in, name, f.raw)
	}
}

// Bytes is as Text.
func (f *Finder) Bytes(in, name string, value []byte) { f.value(at{in: in, whole: name}, value) }

// Segments looks at the segments of an escaped path.
func (f *Finder) Segments(path string) {
	f.raw = append(f.raw[:0], path...)
	for rest := f.raw; len(rest) > 0 && !f.Over; {
		var segment []byte
		segment, rest, _ = bytes.Cut(rest, []byte{'/'})
		f.plain = appendPercent(f.plain[:0], segment)
		f.value(at{in: Path}, f.plain)
	}
}

func (f *Finder) value(where at, text []byte) {
	if what := look(text); what != 0 {
		f.expand(where, text, what, "")
	}
}

// JSON looks at the texts in JSON content. Their names are as the rules have
// them: json.member.0.member. What follows a fault in it is not looked at.
func (f *Finder) JSON(content []byte) {
	w := &f.walk
	*w = walker{b: content, path: append(w.path[:0], "json"...), unescaped: w.unescaped, to: (*contentTexts)(f)}
	w.value()
	w.b, w.to = nil, nil
}

// contentTexts is a Finder that is told of the texts in JSON content.
type contentTexts Finder

func (c *contentTexts) leaf(w *walker, text []byte, member bool) bool {
	f := (*Finder)(c)
	if what := look(text); what != 0 && !member {
		f.expand(at{in: Body, name: w.path}, text, what, "")
	}
	return !f.Over
}

// at is where a value stands; its name is made a string when it is needed.
type at struct {
	in    string
	name  []byte
	whole string
}

// add keeps a decoded value.
func (f *Finder) add(where at, text []byte, steps string) {
	if f.room == 0 || len(text) > f.bytes {
		f.Over = true
		return
	}
	if where.whole == "" {
		where.whole = string(where.name)
	}
	f.room--
	f.bytes -= len(text)
	f.Found = append(f.Found, Value{In: where.in, Name: where.whole, Text: string(text), Steps: steps})
}
