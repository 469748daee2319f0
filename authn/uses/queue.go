// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

// queue has the entries by the time when they may end, the first at its head: a
// binary heap, so that nobody ever scans the entries. container/heap would
// allocate for each item.
type queue []item

type item struct {
	mono int64
	key  key
}

func (q *queue) push(it item) {
	*q = append(*q, it)
	h := *q
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].mono <= it.mono {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = it
}

// pop removes the head.
func (q *queue) pop() {
	h := *q
	last := len(h) - 1
	h[0] = h[last]
	*q = h[:last]
	if last > 0 {
		h[:last].down()
	}
}

// delay gives the head a later time.
func (q queue) delay(mono int64) {
	q[0].mono = mono
	q.down()
}

// down moves the head to its place.
func (q queue) down() {
	it, i := q[0], 0
	for {
		c := 2*i + 1
		if c >= len(q) {
			break
		}
		if c+1 < len(q) && q[c+1].mono < q[c].mono {
			c++
		}
		if q[c].mono >= it.mono {
			break
		}
		q[i] = q[c]
		i = c
	}
	q[i] = it
}
