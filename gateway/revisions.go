// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/config"
	"durward/store"
)

// FollowOptions are what a Follower needs. Options.Path is not used;
// Options.Store, which holds revisions, consumers and keys, is required.
type FollowOptions struct {
	Options
	// URL is what the store was opened with.
	URL string
	// Dir is where the paths of files that stay on the node start: keys,
	// certificates, the audit log. Empty is the current folder.
	Dir string
	// NewLog makes the log that the first configuration asks for; nil keeps
	// Options.Log.
	NewLog func(*config.Config) *slog.Logger
	// Node is this node's name in the history; the host's name when empty.
	Node string
	// Poll is how often the store's counter is looked at; 0 means 200ms.
	Poll time.Duration
	// Retry is how often a revision that did not load is tried again; 0 means 30s.
	Retry time.Duration
}

func (o *FollowOptions) withDefaults() {
	if o.Environment == nil {
		o.Environment = os.LookupEnv
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname()
	}
	if o.Poll == 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.Retry == 0 {
		o.Retry = 30 * time.Second
	}
	// Nothing may read a file in place of the store.
	o.Path = ""
}

// Following is what a Follower knows of itself.
type Following struct {
	InForce  int64     // the revision that decides here
	Followed int64     // the newest approved one
	Fault    string    // why InForce is not Followed; empty when it is
	Since    time.Time // since when there is a Fault
}

// Follower keeps a gateway at the newest approved revision of a store. One that
// does not load here is reported, and the one in force stays. Its methods are
// safe for concurrent use.
type Follower struct {
	o       FollowOptions
	gateway *Gateway
	state   atomic.Pointer[Following]

	mu      sync.Mutex // one look at a time
	seen    int64      // the store's counter at the last look
	tried   time.Time  // when Followed was tried last
	missing bool       // the last look could not read the store
}

// Follow serves the newest approved revision of the store, or, when that does
// not load here, the one that a node has loaded before. When it returns, every
// listener takes connections; Run then follows.
func Follow(ctx context.Context, o FollowOptions) (*Follower, error) {
	o.withDefaults()
	f := &Follower{o: o, seen: o.Store.Stats().Revision, tried: time.Now()}
	r, cfg, fault, err := f.first(ctx)
	if err != nil {
		return nil, err
	}
	if o.NewLog != nil {
		f.o.Log = o.NewLog(cfg)
	}
	g := &Gateway{opts: f.o.Options, log: f.o.Log, started: time.Now()}
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if err := g.open(ctx, cfg); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("revision %d: %w", r.Number, err), g.close(end))
	}
	f.gateway = g
	f.state.Store(&Following{InForce: r.Number, Followed: r.Number})
	g.env.Metrics.GaugeFunc("revision_in_force", "The revision of the configuration that decides here.", func() float64 { return float64(f.Status().InForce) })
	g.env.Metrics.GaugeFunc("revision_followed", "The newest approved revision of the configuration.", func() float64 { return float64(f.Status().Followed) })
	f.taken(ctx, &r)
	if fault != nil {
		f.refused(fault.number, fault.err)
	}
	g.follower.Store(f)
	return f, nil
}

// revisionFault is a revision that does not load here.
type revisionFault struct {
	number int64
	err    error
}

// first finds the revision to begin with.
func (f *Follower) first(ctx context.Context) (store.Revision, *config.Config, *revisionFault, error) {
	r, err := f.o.Store.Followed(ctx)
	if errors.Is(err, durward.ErrNotFound) {
		return r, nil, nil, errors.New("the store has no approved revision: make one with durward apply FILE --store URL")
	}
	if err != nil {
		return r, nil, nil, err
	}
	cfg, err := f.load(ctx, &r)
	if err == nil {
		return r, cfg, nil, nil
	}
	fault := &revisionFault{r.Number, err}
	old, e := f.o.Store.ActiveRevision(ctx)
	if e != nil || old.Number == r.Number {
		return r, nil, nil, fmt.Errorf("revision %d: %w", r.Number, err)
	}
	if cfg, e = f.load(ctx, &old); e != nil {
		return r, nil, nil, errors.Join(fmt.Errorf("revision %d: %w", r.Number, err), fmt.Errorf("revision %d: %w", old.Number, e))
	}
	return old, cfg, fault, nil
}

func (f *Follower) load(ctx context.Context, r *store.Revision) (*config.Config, error) {
	b, err := f.o.Store.Bundle(ctx, r.Fingerprint)
	if err != nil {
		return nil, err
	}
	return config.LoadBundle(b.Document, b.Files, config.BundleOptions{Dir: f.o.Dir, Store: f.o.URL, Env: f.o.Environment})
}

// Notes implements console.Notes: what is not as it should be, though the
// gateway serves.
func (g *Gateway) Notes() []string {
	notes := gateNotes(g.env.WAF)
	f := g.follower.Load()
	if f == nil {
		return notes
	}
	if s := f.Status(); s.Fault != "" {
		notes = append(notes, fmt.Sprintf("revision %d is in force: revision %d does not load here since %s: %s",
			s.InForce, s.Followed, s.Since.UTC().Format(time.RFC3339), s.Fault))
	}
	return notes
}

// Gateway is the gateway that follows.
func (f *Follower) Gateway() *Gateway { return f.gateway }

// Status tells what is in force here, and why it is not what is followed.
func (f *Follower) Status() Following { return *f.state.Load() }

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	ticker := time.NewTicker(f.o.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = f.look(ctx, false) // logged and recorded there
		}
	}
}

// Look looks at the store at once, and tries again what did not load. An error
// tells why the followed revision is not in force; it changed nothing.
func (f *Follower) Look(ctx context.Context) error { return f.look(ctx, true) }

func (f *Follower) look(ctx context.Context, now bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	counter := f.o.Store.Stats().Revision // from memory; before the row is read
	behind := f.Status().Fault != ""
	due := f.missing || behind && time.Since(f.tried) >= f.o.Retry
	if !now && !due && counter == f.seen {
		return nil
	}
	r, err := f.o.Store.Followed(ctx)
	if err != nil {
		if !f.missing && ctx.Err() == nil {
			f.gateway.log.Error("revisions cannot be read; the one in force stays", "error", err)
		}
		f.missing = true
		return err
	}
	f.missing, f.seen = false, counter
	state := f.Status()
	if r.Number == state.InForce {
		f.taken(ctx, &r)
		return nil
	}
	if !now && !due && r.Number == state.Followed {
		return nil // another change of the store
	}
	f.tried = time.Now()
	cfg, err := f.load(ctx, &r)
	if err == nil {
		err = f.gateway.take(ctx, cfg, fmt.Sprintf("reloaded to revision %d", r.Number))
	}
	if err != nil {
		f.refused(r.Number, err)
		return err
	}
	f.gateway.log.Info("revision taken", "revision", r.Number, "author", r.Author, "approved_by", r.DecidedBy, "fingerprint", cfg.Fingerprint())
	f.taken(ctx, &r)
	return nil
}

// take puts a loaded configuration into force as Reload does.
func (g *Gateway) take(ctx context.Context, cfg *config.Config, event string) error {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if g.cfg.Load() == nil || g.draining.Load() {
		return errNotServing
	}
	if err := g.sameRoots(cfg); err != nil {
		return err
	}
	return g.apply(ctx, cfg, event)
}

// taken notes, here and in the history, that a revision is in force. The
// history is a courtesy: a store that cannot be written does not stop the node.
func (f *Follower) taken(ctx context.Context, r *store.Revision) {
	f.state.Store(&Following{InForce: r.Number, Followed: r.Number})
	if r.State != store.Approved {
		return
	}
	if err := f.o.Store.Activate(ctx, r.Number, f.o.Node); err != nil && ctx.Err() == nil {
		f.gateway.log.Warn("the store does not know that the revision is in force", "revision", r.Number, "error", err)
		return
	}
	f.gateway.log.Info("revision is active", "revision", r.Number)
}

// refused reports a revision that does not load here: once, and again when the
// reason is another.
func (f *Follower) refused(number int64, err error) {
	old := f.Status()
	next := old
	next.Followed, next.Fault = number, err.Error()
	if old.Fault == "" || old.Followed != number {
		next.Since = time.Now()
	}
	f.state.Store(&next)
	if next.Fault == old.Fault && next.Followed == old.Followed || errors.Is(err, errNotServing) {
		return
	}
	g := f.gateway
	g.env.Metrics.Reloaded(false, time.Now())
	g.log.Error("revision not taken; the one in force stays", "revision", number, "in_force", next.InForce, "error", err)
	// The record is a courtesy here: the old configuration goes on.
	_ = g.env.Audit.System("revision refused", fmt.Sprintf("revision %d: %s", number, firstLine(err)))
}
