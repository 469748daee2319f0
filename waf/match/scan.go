// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

// scanner finds the windows of all patterns in one pass. At each place two
// look-ups, of this pair of symbols and of the pair after it, leave the buckets
// in which there may be a window; those of these four symbols are then compared.
type scanner struct {
	pairs   [pairCount]pairMasks
	items   []item
	anchors []anchor  // look for these instead of a scan, unless nil
	narrow  codeTable // items by the four symbols they begin with
	wide    [64][]wideItems
	wides   uint64 // buckets with wide items
}

// wideItems are up to 64 items: for each of the first places, those whose window
// has a symbol there.
type wideItems struct {
	items []uint32
	masks [5][symbols]uint64
}

func (s *scanner) addWide(bucket int, w symbolWindow, fifth symbolSet, i uint32) {
	s.wides |= 1 << bucket
	groups := s.wide[bucket]
	if len(groups) == 0 || len(groups[len(groups)-1].items) == 64 {
		groups = append(groups, wideItems{})
		s.wide[bucket] = groups
	}
	last := &groups[len(groups)-1]
	for at, set := range w {
		set.each(func(symbol uint32) { last.masks[at][symbol] |= 1 << len(last.items) })
	}
	fifth.each(func(symbol uint32) { last.masks[4][symbol] |= 1 << len(last.items) })
	last.items = append(last.items, i)
}

// pairMasks are the buckets with a window whose first two symbols, or next two,
// are this pair.
type pairMasks struct{ first, next uint64 }

// item is a window, and what to do where it stands.
type item struct {
	window  window
	pattern uint32

	// A match of an expression begins least to most runes before the byte
	// that is ahead of the window's place; where does not matter unless near.
	near        bool
	ahead       int32  // 1 when the first set is only behind
	entry       uint32 // of the pattern's local automaton, for what begins with the window
	least, most int32

	phrase string // of a literal, in lower case; the window lies offset bytes into it
	offset int32
}

// maxCodes bounds the sequences of symbols under which one item is filed. Items
// with more are wide: compared whenever their bucket comes up.
const maxCodes = 64

func newScanner(items []item) *scanner {
	s := &scanner{items: items, anchors: findAnchors(items)}
	filler := newFiller()
	codes := map[uint32][]uint32{}
	for i, it := range items {
		w := it.window.symbols()
		bucket := filler.put(w)
		if spread(w) > maxCodes {
			s.addWide(bucket, w, it.fifth(), uint32(i))
			continue
		}
		eachCode(w, func(code uint32) { codes[code] = append(codes[code], uint32(i)) })
	}
	for bucket := range filler.buckets {
		b := &filler.buckets[bucket]
		for pair := range pairCount {
			if b.first.has(pair) {
				s.pairs[pair].first |= 1 << bucket
			}
			if b.next.has(pair) {
				s.pairs[pair].next |= 1 << bucket
			}
		}
	}
	s.narrow = newCodeTable(codes, items)
	return s
}

// fifth are the symbols that may stand after the four of a window.
func (it *item) fifth() symbolSet {
	switch end := int(it.offset) + planDepth; {
	case len(it.window) > planDepth:
		return symbolsOf(it.window[planDepth])
	case it.phrase != "" && end < len(it.phrase):
		return 1 << symbolOf[it.phrase[end]]
	}
	return anySymbol
}

// spread is the number of sequences of four symbols of a window.
func spread(w symbolWindow) int {
	n := 1
	for _, set := range w {
		n *= set.len()
	}
	return n
}

func eachCode(w symbolWindow, do func(uint32)) {
	w[0].each(func(a uint32) {
		w[1].each(func(b uint32) {
			w[2].each(func(c uint32) {
				w[3].each(func(d uint32) { do(a<<18 | b<<12 | c<<6 | d) })
			})
		})
	})
}

// codeTable is a hash table from four symbols to items.
type codeTable struct {
	keys  []uint32 // code+1, 0 when free
	spans [][2]uint32
	items []filed
	shift uint32
}

// filed is an item, and the symbols of which one must follow for it.
type filed struct {
	fifth symbolSet
	item  uint32
}

func newCodeTable(codes map[uint32][]uint32, items []item) codeTable {
	size := 16
	for size < 2*len(codes) {
		size *= 2
	}
	t := codeTable{keys: make([]uint32, size), spans: make([][2]uint32, size), shift: 32}
	for n := size; n > 1; n /= 2 {
		t.shift--
	}
	for code, list := range codes {
		slot := t.slot(code)
		t.keys[slot] = code + 1
		t.spans[slot] = [2]uint32{uint32(len(t.items)), uint32(len(t.items) + len(list))}
		for _, i := range list {
			t.items = append(t.items, filed{items[i].fifth(), i})
		}
	}
	return t
}

// slot is where a code is or would be.
func (t *codeTable) slot(code uint32) uint32 {
	slot := code * 0x9E3779B1 >> t.shift
	for t.keys[slot] != 0 && t.keys[slot] != code+1 {
		slot = (slot + 1) & uint32(len(t.keys)-1)
	}
	return slot
}

func (t *codeTable) find(code uint32) []filed {
	slot := t.slot(code)
	if t.keys[slot] == 0 {
		return nil
	}
	return t.items[t.spans[slot][0]:t.spans[slot][1]]
}

// scan calls found for every place in the text where windows may stand, from -1,
// the place before the first byte.
func (r *run) scan() {
	if r.scanner.anchors != nil && r.scanAnchors() {
		return
	}
	pairs, text := &r.scanner.pairs, r.text
	n := len(text)
	if n < 3 {
		for at := -1; at < n; at++ {
			r.look(at)
		}
		return
	}
	a, b := uint32(symbolOf[text[0]]), uint32(symbolOf[text[1]])
	here := pairs[symEdge<<6|a].first
	after := pairs[a<<6|b].first
	for i := 2; i < n; i++ {
		c := uint32(symbolOf[text[i]])
		masks := &pairs[(b<<6|c)&(pairCount-1)]
		if hit := here & masks.next; hit != 0 {
			r.found(i-3, hit)
		}
		here, after, b = after, masks.first, c
	}
	if hit := here & pairs[(b<<6|symEdge)&(pairCount-1)].next; hit != 0 {
		r.found(n-3, hit)
	}
	past := pairs[symEdge<<6|symEdge].next
	if hit := after & past; hit != 0 {
		r.found(n-2, hit)
	}
	if hit := pairs[(b<<6|symEdge)&(pairCount-1)].first & past; hit != 0 {
		r.found(n-1, hit)
	}
}

func (r *run) byteAt(at int) int {
	if uint(at) < uint(len(r.text)) {
		return int(r.text[at])
	}
	return edgeByte
}

func (r *run) symbol(at int) uint32 { return uint32(symbolOf[r.byteAt(at)]) }

// found compares the windows that may stand at a place.
func (r *run) found(at int, buckets uint64) {
	s := r.scanner
	first, second, third, fourth := r.symbol(at), r.symbol(at+1), r.symbol(at+2), r.symbol(at+3)
	fifth := r.symbol(at + 4)
	for _, f := range s.narrow.find(first<<18 | second<<12 | third<<6 | fourth) {
		if f.fifth&(1<<fifth) != 0 {
			r.compare(&s.items[f.item], at)
		}
	}
	for buckets &= s.wides; buckets != 0; buckets &= buckets - 1 {
		groups := s.wide[lowest(buckets)]
		for g := range groups {
			m := &groups[g].masks
			left := m[0][first%symbols] & m[1][second%symbols] & m[2][third%symbols] & m[3][fourth%symbols] & m[4][fifth%symbols]
			for ; left != 0; left &= left - 1 {
				r.compare(&s.items[groups[g].items[lowest(left)]], at)
			}
		}
	}
}
