// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

func (p *pass) array(a *arrayPlan, depth int) bool {
	d := &p.d
	d.pos++
	d.space()
	if d.peek() == ']' {
		d.pos++
		return a.min <= 0
	}
	for count := 0; ; {
		if count++; count > d.lim.items || a.max >= 0 && count > a.max {
			return false
		}
		d.space()
		if !p.value(a.items, depth+1) {
			return false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return count >= a.min
		default:
			return false
		}
	}
}

func (p *pass) object(o *objectPlan, depth int) bool {
	d := &p.d
	d.pos++
	d.space()
	bits, names := len(p.bits), len(p.names)
	for range o.required {
		p.bits = append(p.bits, 0)
	}
	if d.peek() == '}' {
		d.pos++
		return p.ended(o, bits, names, 0)
	}
	var seen map[string]struct{} // only for many members that are not named
	for count := 0; ; {
		d.space()
		if d.peek() != '"' {
			return false
		}
		key, ok := d.str()
		if count++; !ok || count > d.lim.members {
			return false
		}
		member, named := o.members[key]
		if named {
			word, mask := &p.bits[bits+member.bit/64], uint64(1)<<(member.bit%64)
			if *word&mask != 0 {
				return false // it is repeated
			}
			*word |= mask
		} else {
			member.plan = o.rest
			if seen, ok = p.unseen(names, key, seen); !ok {
				return false
			}
		}
		d.space()
		if d.peek() != ':' {
			return false
		}
		d.pos++
		d.space()
		if !p.value(member.plan, depth+1) {
			return false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return p.ended(o, bits, names, count)
		default:
			return false
		}
	}
}

// ended closes an object, and tells that it has enough members, the required
// ones among them.
func (p *pass) ended(o *objectPlan, bits, names, count int) bool {
	for i, required := range o.required {
		if p.bits[bits+i]&required != required {
			return false
		}
	}
	p.bits, p.names = p.bits[:bits], p.names[:names]
	return count >= o.min && (o.max < 0 || count <= o.max)
}

// unseen enters a name that the plan does not have; false when it was there.
func (p *pass) unseen(from int, key string, seen map[string]struct{}) (map[string]struct{}, bool) {
	if seen == nil {
		if slices.Contains(p.names[from:], key) {
			return nil, false
		}
		p.names = append(p.names, key)
		if len(p.names)-from < 16 {
			return nil, true
		}
		seen = make(map[string]struct{}, 64)
		for _, name := range p.names[from:] {
			seen[name] = struct{}{}
		}
		return seen, true
	}
	if _, had := seen[key]; had {
		return seen, false
	}
	seen[key] = struct{}{}
	return seen, true
}
