// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"durward"
	"durward/address"
	"durward/authn"
	"durward/authz"
	"durward/inventory"
	"durward/lockout"
	"durward/observe"
	"durward/proxy"
	"durward/route"
	"durward/waf"
)

// Generation is one configuration, compiled. A request keeps the generation
// that it began with; the last one out closes it. It is immutable but for its
// count.
type Generation struct {
	// Fingerprint identifies the effective configuration.
	Fingerprint string

	table       *route.Table
	clients     *route.Clients
	limits      route.Limits
	maxInFlight int64
	// maxPerAddress bounds the requests in flight of one client.
	maxPerAddress int
	problemBase   string
	operations    []operation // by durward.Operation.Index
	upstreams     []namedUpstream
	issuers       *authn.Issuers
	methods       []*authn.Methods
	rules         []*authz.Compiled
	lockout       *lockout.View // nil counts nothing
	addresses     []*address.List
	firewall      *waf.Set           // nil where no operation has one
	watching      context.CancelFunc // ends the looks at address files

	refs   atomic.Int64 // requests in it, and one for being current
	closed chan struct{}
}

// operation is what an operation's requests run through.
type operation struct {
	*durward.Operation
	request     []requestStep
	response    []responseStep
	upstream    *proxy.Upstream // nil for pseudo operations
	upgradeIdle time.Duration
	guarded     bool   // answers lose what they should not tell
	hsts        string // Strict-Transport-Security of refusals, "" for none
	metrics     *observe.Operation
	called      *inventory.Operation // nil notes nothing
	credentials []string             // fields that carry credentials, of the API
}

type requestStep struct {
	name    string
	stage   durward.Stage
	mode    durward.Mode
	failure durward.OnError
	fields  []string // of the document that it is made from
}

type responseStep struct {
	name   string
	stage  durward.ResponseStage
	mode   durward.Mode
	fields []string // of the document that it is made from
}

// hold takes the current generation, so that it is not closed before release.
// It is nil before the first Swap and after Close.
func (p *Pipeline) hold() *Generation {
	for {
		g := p.current.Load()
		if g == nil {
			return nil
		}
		for n := g.refs.Load(); n > 0; n = g.refs.Load() {
			if g.refs.CompareAndSwap(n, n+1) {
				return g
			}
		}
		// It was swapped out and left by its last request between Load and
		// here; the next one is current by now.
	}
}

// enter takes the current generation for one request; nil when there is none.
func (p *Pipeline) enter() *Generation {
	g := p.hold()
	if g != nil {
		p.inFlight.Add(1)
		p.env.Metrics.Begin()
	}
	return g
}

// leave gives it back.
func (p *Pipeline) leave(g *Generation) {
	p.inFlight.Add(-1)
	g.release()
}

func (g *Generation) release() {
	if g.refs.Add(-1) == 0 {
		g.Close()
	}
}

// Close releases what the generation holds. Only for one that was compiled and
// never swapped in; Swap looks after the others.
func (g *Generation) Close() {
	for _, u := range g.upstreams {
		u.Close()
	}
	if g.watching != nil {
		g.watching()
	}
	for _, r := range g.rules {
		_ = r.Close()
	}
	for _, m := range g.methods {
		m.Close()
	}
	if g.firewall != nil {
		_ = g.firewall.Close()
	}
	if g.issuers != nil {
		g.issuers.Close()
	}
	close(g.closed)
}

// addressFiles is how often files of addresses are looked at.
const addressFiles = 2 * time.Second

// Swap makes next the current generation. Requests under way end in the one
// that they began with. The channel is closed when the last of them has left
// and the old generation is closed; it is nil when there was none.
func (p *Pipeline) Swap(next *Generation) <-chan struct{} {
	next.refs.Store(1)
	next.issuers.Start()
	var watched context.Context
	watched, next.watching = context.WithCancel(context.Background())
	for _, l := range next.addresses {
		go l.Watch(watched, addressFiles)
	}
	for _, u := range next.upstreams {
		u.Start()
	}
	old := p.current.Swap(next)
	if old == nil {
		return nil
	}
	old.release()
	return old.closed
}

// Close ends the current generation, after the last listener has ended. The
// channel is closed when its last request has left; it is nil when there was
// no generation. A request that still comes is cut.
func (p *Pipeline) Close() <-chan struct{} {
	g := p.current.Swap(nil)
	if g == nil {
		return nil
	}
	g.release()
	return g.closed
}
