// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"container/heap"
	"math"
	"net/netip"
	"time"
)

// Client is whose budget a run is taken from: who was authenticated, or else an
// address.
type Client struct {
	Address   netip.Addr
	Principal string // "" is nobody: the address counts
}

// key is the client without what does not tell it from others.
func (c Client) key() Client {
	if c.Principal != "" {
		return Client{Principal: c.Principal}
	}
	if c.Address.Is6() && !c.Address.Is4In6() {
		if p, err := c.Address.WithZone("").Prefix(64); err == nil {
			return Client{Address: p.Addr()}
		}
	}
	return Client{Address: c.Address.Unmap()}
}

// account is one client's state: the time at which all that it took will be
// paid for, in nanoseconds since the scheduler began. A time that has gone by
// is no debt, so that such an account can be forgotten.
//
// used is what it took of late, halved every halfLife: who stays within its rate
// owes nothing, and may yet have used far more than others.
type account struct {
	client Client
	paid   int64
	index  int // in the heap
	used   float64
	at     int64 // when used was so much
}

const halfLife = 10 * float64(time.Second)

// recent is what an account used of late.
func (a *account) recent(now int64) float64 {
	return a.used * math.Exp2(-float64(now-a.at)/halfLife)
}

// take adds to what an account used.
func (a *account) take(cost, now int64) {
	a.used, a.at = max(a.recent(now)+float64(cost), 0), now
}

// clients is a table of accounts of bounded size. When it is full the account
// with the least debt makes room, never one that owes more; a newcomer takes its
// debt over, so that nobody gets a fresh budget by driving others out.
type clients struct {
	max   int
	known map[Client]*account
	heap  byDebt
}

// get finds or makes the account of a client.
func (t *clients) get(key Client, now int64) *account {
	if a := t.known[key]; a != nil {
		return a
	}
	if len(t.heap) < t.max {
		a := &account{client: key, paid: now}
		t.known[key] = a
		heap.Push(&t.heap, a)
		return a
	}
	a := t.heap[0]
	delete(t.known, a.client)
	a.client = key
	t.known[key] = a
	t.move(a, max(a.paid, now))
	return a
}

// move sets the time of an account.
func (t *clients) move(a *account, paid int64) {
	a.paid = paid
	heap.Fix(&t.heap, a.index)
}

// recent is what a client used of late, 0 when it is not known.
func (t *clients) recent(key Client, now int64) float64 {
	if a := t.known[key]; a != nil {
		return a.recent(now)
	}
	return 0
}

// byDebt is a heap with the least debt first.
type byDebt []*account

func (h byDebt) Len() int           { return len(h) }
func (h byDebt) Less(i, j int) bool { return h[i].paid < h[j].paid }
func (h byDebt) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *byDebt) Push(x any) {
	a := x.(*account)
	a.index = len(*h)
	*h = append(*h, a)
}

// Pop implements heap.Interface.
func (h *byDebt) Pop() any {
	a := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return a
}
