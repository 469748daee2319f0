// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

// spaces shares out the room of a shard. A space that has an entry has a number;
// the number of one that has none is given to the next. A space first uses its
// reserve, then the pool. When more than reserves spaces live at once, those that
// came last have the pool only.
type spaces struct {
	index   map[string]uint32
	list    []space
	free    []uint32
	reserve int // entries for each of the first numbers
	pool    int // entries left for all
}

type space struct {
	name string
	used int // entries
	pool int // those of them that are from the pool
}

func newSpaces(max int) spaces {
	s := spaces{index: map[string]uint32{}, reserve: max / (4 * reserves)}
	s.pool = max - s.reserve*reserves
	return s
}

// take finds room for one entry of the space, and gives its number. It is false
// when there is none.
func (s *spaces) take(name string) (uint32, bool) {
	n, ok := s.index[name]
	if !ok {
		n = uint32(len(s.list))
		if k := len(s.free); k > 0 {
			n = s.free[k-1]
		}
	}
	reserved := n < reserves && (!ok && s.reserve > 0 || ok && s.list[n].used-s.list[n].pool < s.reserve)
	if !reserved && s.pool <= 0 {
		return 0, false
	}
	if !ok {
		s.add(name, n)
	}
	s.list[n].used++
	if !reserved {
		s.list[n].pool++
		s.pool--
	}
	return n, true
}

func (s *spaces) add(name string, n uint32) {
	if int(n) == len(s.list) {
		s.list = append(s.list, space{})
	} else {
		s.free = s.free[:len(s.free)-1]
	}
	s.list[n] = space{name: name}
	s.index[name] = n
}

// give returns the room of one entry, to the pool first.
func (s *spaces) give(n uint32) {
	one := &s.list[n]
	one.used--
	if one.pool > 0 {
		one.pool--
		s.pool++
	}
	if one.used == 0 {
		delete(s.index, one.name)
		one.name = ""
		s.free = append(s.free, n)
	}
}
