// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

// outliner makes the outlines of a document. It is used while a document's
// lock is held.
type outliner struct {
	d       *Document
	byPlace map[place]*said
	known   map[string]*outline
	heirsBy map[place][]cursor
	err     error

	looked, sensitive, writeOnly bool // what hides returns
}

func newOutliner(d *Document) *outliner {
	return &outliner{d: d, byPlace: map[place]*said{}, known: map[string]*outline{}}
}

// mostOutlines bounds what one document's answers may cost in memory, some 500
// bytes each; behind it values are not looked into.
const mostOutlines = 200_000

// at gives the outline of the schema at a place.
func (b *outliner) at(c cursor) (*outline, error) {
	b.err = nil
	o := b.of(b.expand(c, nil, false))
	return o, b.err
}

// of gives the outline of a value that has one of the ways; nil when there is
// no way at all.
func (b *outliner) of(ways []way) *outline {
	if len(ways) == 0 {
		return nil
	}
	k := key(ways)
	if o, ok := b.known[k]; ok {
		return o
	}
	if len(b.known) >= mostOutlines {
		return nothingKnown
	}
	o := new(outline)
	b.known[k] = o // before its parts, which may lead back here
	forms := make([]form, len(ways))
	for i := range ways {
		if forms[i] = b.form(&ways[i]); b.err != nil {
			return o
		}
	}
	if !slices.ContainsFunc(forms, func(f form) bool { return !f.blank() }) {
		*o = *anything
		o.unknown = slices.ContainsFunc(ways, func(w way) bool { return w.unknown })
		return o
	}
	b.fill(o, forms)
	b.choose(o, ways)
	return o
}

// form is one way with what its schemas say.
type form struct {
	core, extra []*said
	types       kind // 0: any
	declares    bool // it says which members there are
	free        bool // and that there may be others
	unknown     bool
}

// blank tells that nothing is said of the value.
func (f *form) blank() bool {
	if f.types != 0 || f.declares {
		return false
	}
	for _, s := range slices.Concat(f.core, f.extra) {
		if s.hidden != nil || s.hasItems || len(s.required) > 0 {
			return false
		}
	}
	return true
}

func (b *outliner) form(w *way) form {
	f := form{unknown: w.unknown, types: kAny | kInteger}
	read := func(places []place) (out []*said) {
		for _, at := range places {
			s, err := b.read(b.d.cursorAt(at))
			if err != nil && b.err == nil {
				b.err = err
			}
			if s != nil {
				out = append(out, s)
			}
			if s != nil && s.declares() {
				f.declares = true
			}
		}
		return out
	}
	f.core, f.extra = read(w.core), read(w.extra)
	for _, s := range f.core {
		if s.types != 0 {
			t := s.types
			if t&kNumber != 0 {
				t |= kInteger
			}
			f.types &= t
		}
	}
	if f.types == kAny|kInteger {
		f.types = 0
	}
	f.free = w.unknown || !f.declares && f.takes(kObject)
	return f
}

func (f *form) takes(k kind) bool { return f.types == 0 || f.types&k != 0 }

// fill writes what any of the forms says.
func (b *outliner) fill(o *outline, forms []form) {
	names := map[string]bool{}
	for i := range forms {
		f := &forms[i]
		if f.types == 0 || o.types == 0 && i > 0 {
			o.types = 0
		} else {
			o.types |= f.types
		}
		o.unknown = o.unknown || f.unknown
		for _, s := range slices.Concat(f.core, f.extra) {
			for name := range s.properties {
				names[name] = true
			}
			for _, name := range s.required {
				names[name] = true
			}
			if s.hidden != nil {
				o.hidden = append(o.hidden, s.hidden)
			}
		}
	}
	var rest, items []way
	for i := range forms {
		rest = append(rest, b.others(&forms[i])...)
		items = append(items, b.itemsOf(&forms[i])...)
	}
	o.rest, o.items = b.of(b.bounded(rest)), b.of(b.bounded(items))
	o.members = make(map[string]*entry, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var ways []way
		for i := range forms {
			ways = append(ways, b.memberOf(&forms[i], name)...)
		}
		o.members[name] = &entry{name: name, to: b.of(b.bounded(ways))}
	}
	for i := range forms {
		for _, s := range slices.Concat(forms[i].core, forms[i].extra) {
			for _, p := range s.patterns {
				o.patterns = append(o.patterns, patternOutline{p.re, b.of(b.bounded(b.expand(p.to, nil, false)))})
			}
		}
	}
	o.require(forms)
}

// require notes the members that every form requires and everybody may see.
func (o *outline) require(forms []form) {
	var all []string
	for i := range forms {
		var own []string
		if !forms[i].takes(kObject) {
			continue
		}
		for _, s := range forms[i].core {
			own = append(own, s.required...)
		}
		if all == nil {
			all = append([]string{}, own...)
			continue
		}
		all = slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(own, name) })
	}
	slices.Sort(all)
	bit := uint64(1)
	for _, name := range slices.Compact(all) {
		if e := o.members[name]; e != nil && e.to != nil && len(e.to.hidden) == 0 && bit != 0 {
			e.bit = bit
			o.required |= bit
			bit <<= 1
		}
	}
}

// memberOf gives the ways of a member in one form.
func (b *outliner) memberOf(f *form, name string) []way {
	if !f.takes(kObject) {
		return nil
	}
	ways, said := []way{{}}, false
	for _, s := range slices.Concat(f.core, f.extra) {
		said = said || f.declares && slices.Contains(s.required, name) // what must be there is declared
		if p, ok := s.properties[name]; ok {
			ways, said = b.and(ways, b.expand(p, nil, false)), true
		}
		for _, p := range s.patterns {
			if p.re.MatchString(name) {
				ways, said = b.and(ways, b.expand(p.to, nil, false)), true
			}
		}
	}
	switch {
	case said && f.unknown:
		return b.loose(ways)
	case said:
		return ways
	}
	return b.others(f)
}

// others gives the ways of members that no schema names, none when there are
// no such members.
func (b *outliner) others(f *form) []way {
	if !f.takes(kObject) {
		return nil
	}
	ways, said := []way{{}}, f.free
	for _, s := range slices.Concat(f.core, f.extra) {
		if s.additional != nil {
			ways, said = b.and(ways, b.expand(*s.additional, nil, false)), true
		}
	}
	if !said {
		return nil
	}
	if f.unknown {
		return b.loose(ways)
	}
	return ways
}

// itemsOf gives the ways of an array's items. Where each has a place of its
// own, any of them may stand anywhere.
func (b *outliner) itemsOf(f *form) []way {
	if !f.takes(kArray) {
		return nil
	}
	ways := []way{{}}
	declaring := f.core
	if f.unknown {
		declaring = slices.Concat(f.core, f.extra)
	}
	for _, s := range declaring {
		if !s.hasItems {
			continue
		}
		var own []way
		for _, item := range s.items {
			own = append(own, b.expand(item, nil, false)...)
		}
		ways = b.and(ways, b.bounded(own))
	}
	if f.unknown {
		return b.loose(ways)
	}
	return ways
}

// choose makes the outlines of single alternatives, where one member's value
// says which one it is.
func (b *outliner) choose(o *outline, ways []way) {
	property := ""
	for _, w := range ways {
		if w.by != "" {
			property = w.by
		}
	}
	if property == "" {
		return
	}
	by := map[string][]way{}
	for _, w := range ways {
		if w.by != property && w.by != "" {
			return // two members choose, so neither does alone
		}
		for _, value := range w.tags {
			w.by, w.tags = "", nil
			by[value] = append(by[value], w)
		}
	}
	o.pick = &picker{property: property, by: make(map[string]*outline, len(by))}
	for value, some := range by {
		o.pick.by[value] = b.of(some)
	}
}
