// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bytes"
	"cmp"
	"slices"
)

// Kind says what a finding is about.
type Kind uint8

const (
	Secret     Kind = iota // whoever has it can use it
	Personal               // it is about a person
	Disclosure             // it tells what runs behind the gateway
)

// Detector is what can be found.
type Detector struct {
	ID   string
	Kind Kind
	// Optional detectors are for one country or one API: nobody gets them
	// without asking.
	Optional bool
}

// Finding is a place in content. Detector is an index of Set.Detectors.
type Finding struct {
	Detector   int
	Start, End int64 // bytes from the beginning of the content
	// Keep is how many of the last letters and digits a mask leaves.
	Keep int
	// Bare says that it is a number of JSON, which must stay one.
	Bare bool

	anchor int // where it was found, in what was scanned
}

// How far detectors look. They never look behind a line's end, but for keys
// that have several lines.
const (
	reachLeft  = 96 // bytes before an anchor
	shiftLeft  = 16 // how far before its anchor a finding can start
	reachShort = 64
	reachLine  = 1 << 10
	reachToken = 4 << 10
	reachKey   = 16 << 10
)

// Window is the most content that a Filter holds back.
const Window = reachKey + reachLeft + shiftLeft

// view is what a detector may see: b[at] is where the anchor begins.
type view struct {
	b  []byte
	at int
}

// found is a detector's answer, relative to the view; end 0 is nothing.
type found struct{ start, end, keep int }

// anchor is a text at which a detector looks.
type anchor struct {
	text     string // in lower case when fold is set
	fold     bool
	offset   int // of the rarest two pairs within text
	reach    int
	lines    bool // may go beyond the line's end
	detector int
	check    func(view) found
}

// number is a detector that looks at runs of digits.
type number struct {
	detector int
	check    func(view) found
}

// What a pair of bytes can be: the lowest bit says the beginning of a number,
// the others the place of its anchors in Set.buckets, 0 for none.
const pairDigit = 1

// Set is a compiled choice of detectors. It is immutable.
type Set struct {
	Detectors []Detector
	pairs     [1 << 16]uint16
	any       [1 << 10]uint64 // which pairs are anything: 8 KiB, which stay in the cache
	buckets   [][]int32       // of anchors
	anchors   []anchor
	numbers   []number
	tail      int // the longest anchor
}

// Pick says which detectors a set has.
type Pick func(d Detector) bool

// NewSet compiles the built-in detectors that pick chooses, and patterns.
func NewSet(pick Pick, patterns []*Pattern) *Set {
	s := &Set{buckets: make([][]int32, 1), tail: 4}
	for _, b := range builtin() {
		if !pick(b.Detector) {
			continue
		}
		d := len(s.Detectors)
		s.Detectors = append(s.Detectors, b.Detector)
		for _, a := range b.anchors {
			a.detector = d
			s.add(a)
		}
		if b.number != nil {
			s.numbers = append(s.numbers, number{d, b.number})
		}
	}
	for _, p := range patterns {
		s.Detectors = append(s.Detectors, Detector{ID: p.Name, Kind: Personal, Optional: true})
		for _, a := range p.anchors() {
			a.detector = len(s.Detectors) - 1
			s.add(a)
		}
	}
	if len(s.numbers) > 0 {
		s.digits()
	}
	for p, kind := range s.pairs {
		if kind != 0 {
			s.any[p>>6] |= 1 << (p & 63)
		}
	}
	return s
}

func (s *Set) add(a anchor) {
	s.tail = max(s.tail, len(a.text))
	a.offset = rarest(a.text)
	n := int32(len(s.anchors))
	s.anchors = append(s.anchors, a)
	for k := a.offset; k < a.offset+2; k++ {
		for _, one := range cases(a.text[k], a.fold) {
			for _, two := range cases(a.text[k+1], a.fold) {
				p := pairOf(one, two)
				if s.pairs[p] == 0 {
					s.pairs[p] = uint16(len(s.buckets)) << 1
					s.buckets = append(s.buckets, nil)
				}
				if in := &s.buckets[s.pairs[p]>>1]; !slices.Contains(*in, n) {
					*in = append(*in, n)
				}
			}
		}
	}
}

// digits marks the pairs with which a number begins: two digits, or the letter
// of a bank account or document number and a digit.
func (s *Set) digits() {
	for c := range 256 {
		for d := '0'; d <= '9'; d++ {
			if class[c]&(digit|upper) != 0 {
				s.pairs[pairOf(byte(c), byte(d))] |= pairDigit
			}
		}
	}
}

func pairOf(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) }

func cases(c byte, fold bool) []byte {
	if fold && class[c]&lower != 0 {
		return []byte{c, c - 'a' + 'A'}
	}
	return []byte{c}
}

// Scan gives what is found in whole content, in its order.
func (s *Set) Scan(dst []Finding, content []byte) []Finding {
	dst, _ = s.scan(dst, content, 0, true, false)
	return dst
}

// scan finds what begins at or behind from. ended tells that nothing comes
// behind b; otherwise safe is where the part begins of which more must be seen.
// With events a blank line ends whatever stands before it.
func (s *Set) scan(dst []Finding, b []byte, from int, ended, events bool) (out []Finding, safe int) {
	limit := len(b)
	if !ended {
		limit = s.limit(b, from)
	}
	first := len(dst)
	pending := limit
	pairs := &s.pairs
	for i := from; i+1 < len(b); i += 2 {
		p := pairOf(b[i], b[i+1])
		if s.any[p>>6]&(1<<(p&63)) == 0 {
			continue
		}
		kind := pairs[p]
		if i-s.tail > pending {
			break
		}
		if kind > pairDigit {
			for _, n := range s.buckets[kind>>1] {
				a := &s.anchors[n]
				for at := i - a.offset; at >= i-a.offset-1; at-- {
					if at < from || at >= pending || !a.stands(b[at:]) {
						continue
					}
					if seen, whole := a.view(b, at, ended, events); whole {
						dst = keep(dst, a.detector, at, seen, a.check(seen))
					} else {
						pending = at
					}
				}
			}
		}
		if kind&pairDigit != 0 {
			if at := runStart(b, i); at >= from && at < pending && isNumber(b, at) {
				if seen, whole := numberView(b, at, ended); whole {
					dst = s.number(dst, at, seen)
				} else {
					pending = at
				}
			}
		}
	}
	found := slices.DeleteFunc(dst[first:], func(f Finding) bool { return f.anchor >= pending })
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Detector, b.Detector))
	})
	return dst[:first+len(found)], pending
}

// limit is how far b can be judged when more comes: an anchor may be cut at its
// end, but none holds a line's end.
func (s *Set) limit(b []byte, from int) int {
	limit := max(len(b)-s.tail-2, from)
	if nl := bytes.LastIndexAny(b[limit:], "\n\r"); nl >= 0 {
		limit += nl + 1
	}
	return limit
}

func keep(dst []Finding, detector, at int, v view, f found) []Finding {
	if f.end <= f.start {
		return dst
	}
	base := at - v.at
	return append(dst, Finding{
		Detector: detector, Start: int64(base + f.start), End: int64(base + f.end), Keep: f.keep,
		Bare: bareNumber(v.b, f.start, f.end), anchor: at,
	})
}

// number asks the detectors of numbers.
func (s *Set) number(dst []Finding, at int, v view) []Finding {
	for k := range s.numbers {
		dst = keep(dst, s.numbers[k].detector, at, v, s.numbers[k].check(v))
	}
	return dst
}

// isNumber tells whether what begins at i can matter to a detector of numbers.
// Runs of one or two digits cannot, unless a letter stands before two: the pass
// does not see all of those. The bytes that it needs are there: scan holds back
// more than that.
func isNumber(b []byte, i int) bool {
	if i+2 < len(b) && class[b[i+1]]&class[b[i+2]]&digit != 0 {
		return true
	}
	return i > 0 && class[b[i-1]]&upper != 0 && i+1 < len(b) && class[b[i+1]]&digit != 0
}

// stands tells whether b begins with the anchor's text.
func (a *anchor) stands(b []byte) bool {
	if len(b) < len(a.text) {
		return false
	}
	if !a.fold {
		return string(b[:len(a.text)]) == a.text
	}
	for k := range len(a.text) {
		if c := a.text[k]; b[k] != c && (class[b[k]]&upper == 0 || b[k]+'a'-'A' != c) {
			return false
		}
	}
	return true
}

// view cuts what the detector may see. whole is false when more must come.
func (a *anchor) view(b []byte, at int, ended, events bool) (v view, whole bool) {
	end := min(at+a.reach, len(b))
	whole = ended || at+a.reach <= len(b)
	switch {
	case !a.lines:
		if nl := lineEnd(b, at, end); nl < end {
			end, whole = nl, true
		}
	case events:
		if nl := bytes.Index(b[at:end], []byte("\n\n")); nl >= 0 {
			end, whole = at+nl, true
		}
	}
	if !whole && a.lines { // it may be over already
		if k := bytes.Index(b[at:end], pemEnd); k >= 0 && bytes.Contains(b[at+k+len(pemEnd):end], pemDashes) {
			whole = true
		}
	}
	start := lineStart(b, at)
	return view{b[start:end], at - start}, whole
}

// runStart gives where the run of digits begins that shows at i, or -1 when it
// showed earlier.
func runStart(b []byte, i int) int {
	if class[b[i]]&digit == 0 {
		i++
	}
	if i == 0 || class[b[i-1]]&digit == 0 {
		return i
	}
	if i == 1 || class[b[i-2]]&(digit|upper) == 0 { // behind a letter it showed already
		return i - 1
	}
	return -1
}

func numberView(b []byte, at int, ended bool) (v view, whole bool) {
	end := min(at+reachShort, len(b))
	whole = ended || at+reachShort <= len(b)
	if nl := lineEnd(b, at, end); nl < end {
		end, whole = nl, true
	}
	start := lineStart(b, at)
	return view{b[start:end], at - start}, whole
}

func lineEnd(b []byte, i, end int) int {
	for i < end && b[i] != '\n' && b[i] != '\r' {
		i++
	}
	return i
}

// lineStart gives where the context of an anchor begins.
func lineStart(b []byte, at int) int {
	i := at
	for i > 0 && i > at-reachLeft && b[i-1] != '\n' && b[i-1] != '\r' {
		i--
	}
	return i
}
