// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"hash/fnv"
	"math"
	"math/bits"
	"net/netip"
	"sync/atomic"
)

// candidate is what the choice knows of a target.
type candidate struct {
	*member
	weight int
	seed   uint64 // of the target's name, for hashing
	drain  bool
}

// balancer chooses among targets. It takes no lock.
type balancer struct {
	kind  string
	list  []candidate
	turns []uint8 // smooth weighted round robin, one whole cycle
	next  atomic.Uint64
}

func newBalancer(kind string, list []candidate) *balancer {
	for i := range list {
		h := fnv.New64a()
		h.Write([]byte(list[i].name))
		list[i].seed = mix(h.Sum64())
	}
	return &balancer{kind: kind, list: list, turns: smoothTurns(list)}
}

// set is a set of places in the list.
type set uint64

func (s set) has(i int) bool { return s&(1<<i) != 0 }
func (s set) count() int     { return bits.OnesCount64(uint64(s)) }

// usable gives the targets that may get a request, without those in not.
func (b *balancer) usable(now int64, not set) set {
	var s set
	for i := range b.list {
		if c := &b.list[i]; !c.drain && !not.has(i) && c.health.usable(now) {
			s |= 1 << i
		}
	}
	return s
}

// choose gives a place in s, which is not empty.
func (b *balancer) choose(s set, client netip.Addr) int {
	switch b.kind {
	case "least_requests":
		return b.least(s)
	case "hash":
		if client.IsValid() {
			return b.rendezvous(s, client)
		}
	}
	return b.turn(s)
}

// turn goes on in the cycle. The turn of a target that is not in s goes to the
// others by their weights, not to its neighbour alone.
func (b *balancer) turn(s set) int {
	n := b.next.Add(1) - 1
	i := int(b.turns[n%uint64(len(b.turns))])
	if s.has(i) {
		return i
	}
	total := 0
	for i := range b.list {
		if s.has(i) {
			total += b.list[i].weight
		}
	}
	at := int(mix(n) % uint64(total))
	for i := range b.list {
		if s.has(i) {
			if at -= b.list[i].weight; at < 0 {
				return i
			}
		}
	}
	return bits.TrailingZeros64(uint64(s))
}

// least takes the target with the fewest requests in flight for its weight;
// among equals the turn moves on.
func (b *balancer) least(s set) int {
	best, load, weight := -1, int64(0), int64(1)
	start := int(b.next.Add(1) % uint64(len(b.list)))
	for k := range b.list {
		i := start + k
		if i >= len(b.list) {
			i -= len(b.list)
		}
		if !s.has(i) {
			continue
		}
		l, w := b.list[i].load.Load()+1, int64(b.list[i].weight)
		if best < 0 || l*weight < load*w {
			best, load, weight = i, l, w
		}
	}
	return best
}

// rendezvous is weighted highest-random-weight hashing: a client keeps its
// target while that is usable, and only the clients of a lost one move.
func (b *balancer) rendezvous(s set, client netip.Addr) int {
	raw := client.As16()
	h := uint64(14695981039346656037)
	for _, c := range raw {
		h = (h ^ uint64(c)) * 1099511628211
	}
	best, top := -1, math.Inf(-1)
	for i := range b.list {
		if !s.has(i) {
			continue
		}
		// A number in (0, 1), from the upper 53 bits.
		u := (float64(mix(h^b.list[i].seed)>>11) + 0.5) / (1 << 53)
		if score := -float64(b.list[i].weight) / math.Log(u); score > top {
			best, top = i, score
		}
	}
	return best
}

// mix spreads the bits of a number (the finaliser of SplitMix64).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// smoothTurns lays out one cycle in which each target comes as often as its
// weight says, spread evenly.
func smoothTurns(list []candidate) []uint8 {
	divisor, total := 0, 0
	for i := range list {
		divisor = gcd(divisor, list[i].weight)
	}
	for i := range list {
		total += list[i].weight / divisor
	}
	current := make([]int, len(list))
	turns := make([]uint8, 0, total)
	for range total {
		best := 0
		for i := range list {
			current[i] += list[i].weight / divisor
			if current[i] > current[best] {
				best = i
			}
		}
		current[best] -= total
		turns = append(turns, uint8(best))
	}
	return turns
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
