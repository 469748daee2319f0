// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package world knows the tested service as a run has seen it: which calls
// worked for whom, which objects exist, who made them and who was shown them.
// It makes calls that should work: prerequisites first, with the identifiers of
// objects that the caller made.
//
// Objects are told apart by names, paths and links of the document (producers
// and consumers, as in Atlidakis, Godefroid, Polishchuk: RESTler, ICSE 2019).
//
// Failure: what cannot be reached is said (ErrUnreached), never guessed to be
// fine. State is in memory and bounded: objects, values of each, depth.
package world

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// ErrUnreached tells that no call of an operation is known to work.
var ErrUnreached = errors.New("no working call is known")

// Config is what a world is made of.
type Config struct {
	API    *spec.API
	Client *client.Client
	// Base is the path that the operations are below.
	Base string
	// Desk renews credentials; nil where none can be.
	Desk  *identity.Desk
	Users []*identity.Identity
	Seed  uint64
	// ReadOnly makes nothing.
	ReadOnly bool
}

// World implements check.World. It is safe for concurrent use.
type World struct {
	Config
	tag string // part of every unique text, by the seed

	mu      sync.Mutex
	ops     map[*spec.Operation]*opState
	objects []*object
	serial  int
	log     []*object // made ones, in order, for cleaning up
	making  map[string]bool
}

// opState is what is known of one operation.
type opState struct {
	answers map[int]int
	status  int    // of the last answer
	reason  string // what it said
	good    map[string]*check.Exchange
	happy   *call.Call // the first that worked, by whomever
	refused map[string]int
	// vain counts waits in a row after which the answer was 429 again.
	vain  int
	wants *wants
}

// New makes a world that knows nothing yet.
func New(c Config) *World {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, c.Seed)
	w := &World{Config: c, tag: "dw" + strconv.FormatUint(uint64(h.Sum32()%46656), 36),
		ops: map[*spec.Operation]*opState{}, making: map[string]bool{}}
	for _, op := range c.API.Operations {
		w.ops[op] = &opState{answers: map[int]int{}, good: map[string]*check.Exchange{}, refused: map[string]int{}}
	}
	return w
}

// Rand gives the random numbers of one part of a run, which are the same in each
// run with that seed.
func Rand(seed uint64, part ...string) *rand.Rand {
	h := fnv.New64a()
	for _, p := range part {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func nameOf(as *identity.Identity) string {
	if as == nil {
		return ""
	}
	return as.Name
}

// Request writes a call down with the credentials of as.
func (w *World) Request(_ context.Context, c *call.Call, as *identity.Identity) (*client.Request, error) {
	r, err := c.Encode(w.Base)
	if err != nil {
		return nil, err
	}
	as.Apply(r)
	return r, nil
}

// Send sends a call as somebody. Expired credentials are renewed once. What the
// answer shows is remembered.
func (w *World) Send(ctx context.Context, c *call.Call, as *identity.Identity) (*check.Exchange, error) {
	e, err := w.send(ctx, c, as)
	if err != nil {
		return nil, err
	}
	if e.Answer.Status == http.StatusUnauthorized && as.Renews() && w.Desk != nil && w.worked(as) {
		turn := as.Turn()
		if err := w.Desk.Renew(ctx, as, turn); err != nil {
			return e, nil //nolint:nilerr // the 401 is the answer
		}
		return w.send(ctx, c, as)
	}
	return e, nil
}

// worked tells that a user's credentials are worth renewing: somebody with them
// got in before.
func (w *World) worked(as *identity.Identity) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.ops {
		if s.good[as.Name] != nil {
			return true
		}
	}
	return false
}

func (w *World) send(ctx context.Context, c *call.Call, as *identity.Identity) (*check.Exchange, error) {
	if as.Renews() && w.Desk != nil && as.Stale() {
		_ = w.Desk.Renew(ctx, as, as.Turn()) // a failure shows in the answer
	}
	r, err := w.Request(ctx, c, as)
	if err != nil {
		return nil, err
	}
	a, err := w.Client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusTooManyRequests && w.patient(c.Op) {
		if a, err = w.later(ctx, r, a); err != nil {
			return nil, err
		}
		w.waited(c.Op, a)
	}
	e := &check.Exchange{Call: c, As: as, Request: r, Answer: a}
	w.Learn(e)
	return e, nil
}

// maxVain is how often an operation is waited for in vain: its bound is one of
// attempts, not of a second.
const maxVain = 2

func (w *World) patient(op *spec.Operation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ops[op]
	return s == nil || s.vain < maxVain
}

func (w *World) waited(op *spec.Operation, a *client.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ops[op]
	if s == nil {
		return
	}
	if s.vain++; a.Status != http.StatusTooManyRequests {
		s.vain = 0
	}
}

// later repeats a request that came too fast, after a short wait.
func (w *World) later(ctx context.Context, r *client.Request, a *client.Answer) (*client.Answer, error) {
	wait := time.Second
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil {
		wait = time.Duration(s) * time.Second
	}
	if wait > 3*time.Second {
		return a, nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return w.Client.Do(ctx, r)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Do sends a request that was made by hand, as it stands.
func (w *World) Do(ctx context.Context, r *client.Request) (*check.Exchange, error) {
	a, err := w.Client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return &check.Exchange{Request: r, Answer: a}, nil
}

// Good gives the first exchange of op by as that was answered 2xx, or makes one
// where there is none and op is safe or may be tried.
func (w *World) Good(ctx context.Context, op *spec.Operation, as *identity.Identity) (*check.Exchange, error) {
	w.mu.Lock()
	e := w.ops[op].good[nameOf(as)]
	refused := w.ops[op].refused[nameOf(as)]
	w.mu.Unlock()
	if e != nil {
		return e, nil
	}
	if err := w.may(op, as); err != nil {
		return nil, err
	}
	if refused >= maxRefused {
		return nil, w.unreached(op)
	}
	return w.attempt(ctx, op, as, 0)
}

// may refuses calls that the run must not make.
func (w *World) may(op *spec.Operation, as *identity.Identity) error {
	switch {
	case w.ReadOnly && !client.Safe(op.Method):
		return fmt.Errorf("%s: %w: the run is read-only", op.ID, ErrUnreached)
	case leaves(op) && as != nil && !as.Renews():
		return fmt.Errorf("%s: %w: it would end the session of a user who cannot log in again", op.ID, ErrUnreached)
	}
	return nil
}

// maxRefused is after how many failed attempts of an operation by one user no
// further one is made.
const maxRefused = 2

func (w *World) unreached(op *spec.Operation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ops[op]
	if s.status == 0 {
		return fmt.Errorf("%s: %w", op.ID, ErrUnreached)
	}
	return fmt.Errorf("%s: %w: last answer %d: %s", op.ID, ErrUnreached, s.status, s.reason)
}

// Call makes a call of op that as should be allowed, on objects that as made.
func (w *World) Call(ctx context.Context, op *spec.Operation, as *identity.Identity) (*call.Call, error) {
	if err := w.may(op, as); err != nil {
		return nil, err
	}
	return w.fresh(ctx, op, as, turn{}, 0)
}

// unique makes a text that was not used before in this run, and in no run with
// another seed.
func (w *World) unique() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	return w.tag + strconv.Itoa(w.serial)
}

// renumber gives every unique text within s a new number.
func (w *World) renumber(s string, with func() string) string {
	at := strings.Index(s, w.tag)
	if at < 0 {
		return s
	}
	end := at + len(w.tag)
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == at+len(w.tag) {
		return s
	}
	return s[:at] + with() + s[end:]
}
