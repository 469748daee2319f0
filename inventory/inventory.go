// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package inventory notes what is called, so that it can be held against what
// is declared: operations and parameters that callers use and no contract
// knows (shadow), and declared operations that nobody uses (zombie). It is
// OWASP API9:2023, improper inventory management.
//
// It decides nothing about a request. It keeps names, counts, times and shapes
// (types, formats, which members are there), never a value of a parameter or
// of content; a path segment or member name that looks like an id becomes a
// placeholder.
//
// Threat: a client that calls a million invented paths must neither fill the
// memory nor push out what matters; every list is bounded, and what carries a
// credential stays before what does not.
//
// Failure policy: what cannot be stored stays in memory, within the bounds, and
// is tried again. Requests never wait for it.
//
// State kept: what was seen since the last flush, by API and operation; what
// was seen before is in the store.
package inventory

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/internal/units"
)

// Config is the `inventory:` part of the document.
type Config struct {
	// Off notes nothing.
	Off bool `yaml:"off"`
	// Flush is how often what was seen is written to the store. Default 30s, at
	// least 1s.
	Flush units.Duration `yaml:"flush"`
	// MaxUndeclared is how many undeclared operations of an API are kept.
	// Default 1000, at most 10000.
	MaxUndeclared int `yaml:"max_undeclared"`
	// Shapes says of which exchanges the shape of JSON content is learned: of
	// the first 20 of each operation and one in so many after them. Default 0:
	// none.
	Shapes int `yaml:"shapes"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var errs []error
	if d := c.Flush.Std(); d != 0 && (d < time.Second || d > time.Hour) {
		errs = append(errs, durward.Invalid("flush", "must be from 1s to 1h"))
	}
	if c.MaxUndeclared < 0 || c.MaxUndeclared > 10_000 {
		errs = append(errs, durward.Invalid("max_undeclared", "must be from 1 to 10000"))
	}
	if c.Shapes < 0 {
		errs = append(errs, durward.Invalid("shapes", "must be 0 (none) or more"))
	}
	return errors.Join(errs...)
}

// Keeper is where what was seen is kept. change gets what is there, nil for
// nothing, and gives what shall be there; it is called within a transaction.
type Keeper interface {
	ChangeInventory(ctx context.Context, api string, change func(old []byte) ([]byte, error)) error
}

// Inventory notes what is called. A nil *Inventory notes nothing. Its methods
// are safe for concurrent use.
type Inventory struct {
	cfg    Config
	keeper Keeper
	log    *slog.Logger
	now    func() time.Time

	mu   sync.Mutex
	apis map[string]*noted

	failing atomic.Bool

	stop func()
	done chan struct{}
}

// noted is what was seen of one API since the last flush.
type noted struct {
	mu         sync.Mutex
	operations map[string]*Operation
	undeclared map[string]*Seen
	more       int64 // requests for undeclared operations that found no room
}

// Open makes an Inventory that is flushed to keeper until Close. It gives nil
// when the configuration says off.
func Open(cfg Config, keeper Keeper, now func() time.Time, log *slog.Logger) *Inventory {
	if cfg.Off {
		return nil
	}
	if cfg.Flush == 0 {
		cfg.Flush = units.Duration(30 * time.Second)
	}
	if cfg.MaxUndeclared == 0 {
		cfg.MaxUndeclared = 1000
	}
	ctx, cancel := context.WithCancel(context.Background())
	inv := &Inventory{cfg: cfg, keeper: keeper, log: log, now: now, apis: map[string]*noted{}, stop: cancel, done: make(chan struct{})}
	go inv.run(ctx)
	return inv
}

func (inv *Inventory) run(ctx context.Context) {
	defer close(inv.done)
	ticker := time.NewTicker(inv.cfg.Flush.Std())
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		before := inv.failing.Load()
		if err := inv.Flush(ctx); err != nil && !before && ctx.Err() == nil {
			inv.log.Warn("the inventory cannot be stored; it is kept in memory", "error", err)
		}
	}
}

// Close flushes once more and ends.
func (inv *Inventory) Close(ctx context.Context) error {
	if inv == nil {
		return nil
	}
	inv.stop()
	<-inv.done
	return inv.Flush(ctx)
}

func (inv *Inventory) api(name string) *noted {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	n := inv.apis[name]
	if n == nil {
		n = &noted{operations: map[string]*Operation{}, undeclared: map[string]*Seen{}}
		inv.apis[name] = n
	}
	return n
}

// Declared gives the handle of a declared operation. known are the names of its
// declared query parameters; any tells that it takes others as well. A later
// call with the same names, such as after a reload, gives the same handle with
// what is known now. It is nil for a nil Inventory.
func (inv *Inventory) Declared(op *durward.Operation, known []string, any bool) *Operation {
	if inv == nil {
		return nil
	}
	n := inv.api(op.API)
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.operations[op.ID]
	if o == nil {
		o = &Operation{shapes: inv.cfg.Shapes}
		n.operations[op.ID] = o
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.method, o.template, o.any = op.Method, op.Template, any
	o.known = make(map[string]struct{}, len(known))
	for _, name := range known {
		// The name of a deepObject is that of its first part.
		o.known[name] = struct{}{}
	}
	return o
}

// Missed notes a request that no declared operation of the API takes.
// credential tells that it carried one: then a client of the API made it, and
// not somebody who tries paths.
func (inv *Inventory) Missed(x *durward.Exchange, status int, credential bool) {
	if inv == nil || x.Operation == nil || x.Operation.API == "" {
		return
	}
	key := method(x.In.Method) + " " + Template(strings.TrimPrefix(x.In.Path, x.Operation.Prefix))
	n := inv.api(x.Operation.API)
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.undeclared[key]
	if seen == nil {
		if len(n.undeclared) >= inv.cfg.MaxUndeclared && !dropOne(n.undeclared, credential) {
			n.more++
			return
		}
		seen = new(Seen)
		n.undeclared[key] = seen
	}
	seen.count(x, status, false, narrow)
	if credential {
		seen.Credentials++
	}
	seen.query(x.In.RawQuery, nil, narrow)
}

// someOperations is how many are compared before one is dropped.
const someOperations = 32

// dropOne makes room for an undeclared operation: the one that was asked for
// least, of those without a credential. There is none to drop when all have
// been asked for with one, or more than once by who has none. For who has none
// only some are looked at, since others wait and a scanner asks again at once.
func dropOne(all map[string]*Seen, credential bool) bool {
	worst, looked := "", 0
	for key, s := range all {
		if looked++; looked > someOperations && !credential {
			break
		}
		if s.Credentials > 0 || s.Count > 1 && !credential {
			continue
		}
		if worst == "" || s.Count < all[worst].Count || s.Count == all[worst].Count && s.Last.Before(all[worst].Last) {
			worst = key
		}
	}
	if worst == "" {
		return false
	}
	delete(all, worst)
	return true
}

// method bounds what stands in the list: a method is at most a token of 20.
func method(m string) string {
	if len(m) > 20 {
		return m[:20]
	}
	return m
}

// Flush adds what was seen to what the store has.
func (inv *Inventory) Flush(ctx context.Context) error {
	inv.mu.Lock()
	names := make([]string, 0, len(inv.apis))
	for name := range inv.apis {
		names = append(names, name)
	}
	inv.mu.Unlock()
	var errs []error
	for _, name := range names {
		n := inv.api(name)
		delta := n.take(inv.now())
		if delta == nil {
			continue
		}
		err := inv.keeper.ChangeInventory(ctx, name, func(old []byte) ([]byte, error) { return merged(old, delta, inv.cfg.MaxUndeclared) })
		if err != nil {
			n.giveBack(delta, inv.cfg.MaxUndeclared)
			errs = append(errs, err)
		}
	}
	inv.failing.Store(len(errs) > 0)
	return errors.Join(errs...)
}

// Healthy tells whether the last flush was stored. A nil Inventory is healthy.
func (inv *Inventory) Healthy() bool { return inv == nil || !inv.failing.Load() }

// take gives what was seen, and begins anew; nil when there is nothing.
func (n *noted) take(now time.Time) *API {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := &API{Since: now, Operations: map[string]*Seen{}, Undeclared: n.undeclared, More: n.more}
	for id, o := range n.operations {
		if seen := o.take(); seen != nil {
			a.Operations[id] = seen
		}
	}
	n.undeclared, n.more = map[string]*Seen{}, 0
	if len(a.Operations) == 0 && len(a.Undeclared) == 0 && a.More == 0 {
		return nil
	}
	return a
}

// giveBack keeps what could not be stored.
func (n *noted) giveBack(a *API, most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, seen := range a.Operations {
		if o := n.operations[id]; o != nil {
			o.giveBack(seen)
		}
	}
	now := &API{Undeclared: n.undeclared, More: n.more}
	a.Operations = nil
	a.merge(now, most)
	n.undeclared, n.more = a.Undeclared, a.More
}
