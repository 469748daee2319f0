// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "unicode/utf8"

// decoder tells byte by byte which class of runes comes next, as
// utf8.DecodeRune would: nodes are the beginnings of encodings that are
// complete with the next bytes or turn out not to be UTF-8.
type decoder struct {
	nodes []node
	root  [256]int32 // a class as ^class, or the index of a node
	seen  map[node]int32
}

// node says what follows for each continuation byte.
type node struct {
	depth int32     // bytes read so far
	next  [64]int32 // ^class when the rune is complete, a node, or broken
}

// broken marks a byte that cannot follow. Node 0 is never used, so that 0 is free.
const broken int32 = 0

func (d *decoder) build(p *prog) {
	if p.binary {
		for b := range 256 {
			d.root[b] = ^int32(p.classOf(rune(b)))
		}
		return
	}
	d.nodes = []node{{}}
	d.seen = map[node]int32{}
	for b := range 256 {
		switch {
		case b < utf8.RuneSelf:
			d.root[b] = ^int32(p.classOf(rune(b)))
		case b >= 0xC2 && b <= 0xDF:
			d.root[b] = d.node(p, rune(b&0x1F), 1, 1)
		case b >= 0xE0 && b <= 0xEF:
			d.root[b] = d.node(p, rune(b&0x0F), 1, 2)
		case b >= 0xF0 && b <= 0xF4:
			d.root[b] = d.node(p, rune(b&0x07), 1, 3)
		default:
			d.root[b] = ^int32(p.invalid)
		}
	}
	d.seen = nil
}

// node makes the node for encodings that begin with the bits of prefix, with
// left bytes to come.
func (d *decoder) node(p *prog, prefix rune, depth, left int32) int32 {
	n := node{depth: depth}
	uniform := int32(0) // the one child of all, once it is known
	if low, high := prefix<<(6*left), (prefix+1)<<(6*left)-1; left > 1 && whole(low, high, depth+left) && p.sameClass(low, high) {
		uniform = d.node(p, prefix<<6, depth+1, left-1)
	}
	for c := range rune(64) {
		child := prefix<<6 | c
		low, high := child<<(6*(left-1)), (child+1)<<(6*(left-1))-1
		switch {
		case !partly(low, high, depth+left):
			n.next[c] = broken
		case left == 1:
			n.next[c] = ^int32(p.classOf(child))
		case uniform != 0:
			n.next[c] = uniform
		default:
			n.next[c] = d.node(p, child, depth+1, left-1)
		}
	}
	if i, ok := d.seen[n]; ok {
		return i
	}
	i := int32(len(d.nodes))
	d.nodes = append(d.nodes, n)
	d.seen[n] = i
	return i
}

// whole and partly say whether all or any of the runes have encodings of this
// length: no longer ones than needed, no surrogates, nothing past the last rune.
func whole(low, high rune, length int32) bool {
	return low >= least[length] && high <= utf8.MaxRune && (high < 0xD800 || low > 0xDFFF)
}

func partly(low, high rune, length int32) bool {
	return high >= least[length] && low <= utf8.MaxRune && (low < 0xD800 || high > 0xDFFF)
}

var least = [...]rune{2: 0x80, 3: 0x800, 4: 0x10000}

// sameClass says whether an interval of runes lies in one interval of the classes.
func (p *prog) sameClass(low, high rune) bool {
	i, j := 0, len(p.lows)
	for i < j { // first interval that begins after low
		if m := (i + j) / 2; p.lows[m] <= low {
			i = m + 1
		} else {
			j = m
		}
	}
	return i == len(p.lows) || p.lows[i] > high
}

// mergeBytes finds the bytes that no state tells apart.
func (p *prog) mergeBytes() {
	seen := map[string]uint8{}
	key := make([]byte, 0, 4*(len(p.decoder.nodes)+1))
	for b := range 256 {
		key = appendInt32(key[:0], p.decoder.root[b])
		if b&0xC0 == 0x80 {
			for i := range p.decoder.nodes {
				key = appendInt32(key, p.decoder.nodes[i].next[b&0x3F])
			}
		}
		class, ok := seen[string(key)]
		if !ok {
			class = uint8(len(p.byteReps))
			seen[string(key)] = class
			p.byteReps = append(p.byteReps, byte(b))
		}
		p.byteClass[b] = class
	}
}

func appendInt32(b []byte, v int32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}
