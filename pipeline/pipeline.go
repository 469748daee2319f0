// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pipeline is the request path: which stages there are, in which order
// they run, and what the runner does around them. This file is the order;
// serve.go is one exchange from start to end. Who knows the two knows the
// product.
//
// Only the runner times, counts, traces, writes the trail, and applies a
// stage's mode and failure policy. A stage that returns nothing refuses; a stage
// that panics is a 500 with an outcome record.
//
// State kept: the current generation and the number of exchanges under way.
package pipeline

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/audit"
	"durward/authn"
	"durward/cors"
	"durward/egress"
	"durward/lockout"
	"durward/observe"
	"durward/proxy"
	"durward/ratelimit"
	"durward/token"
)

// Env is what outlives a reload, made once at the start. It is addressed by
// stable names, so that a reload gives nobody a fresh quota.
type Env struct {
	Log      *slog.Logger
	Now      func() time.Time
	Keys     authn.Keys
	Audit    *audit.Log
	Counters *ratelimit.Counters
	Issuers  *authn.Issuers // the root: each generation takes its own from it
	Tokens   *authn.Cache
	Pools    *proxy.Pools
	Metrics  *observe.Metrics
	Tracer   *observe.Tracer // nil traces nothing

	Consumers authn.Consumers // nil knows none beyond the keys'
	Uses      authn.Uses      // what may be used a limited number of times
	Lockout   *lockout.Guard  // failed attempts to authenticate; nil counts none
	Signer    *token.Keys     // nil: the gateway signs nothing
}

// requestStages is the order of the request path. Configuration sets parameters
// and modes, never the order; a part that is not configured gives a nil stage
// and is left out. Before it, listen has ended TLS, and route has made the
// request canonical and chosen the operation.
func (c *compiler) requestStages(a *apiParts, op *durward.Operation) []requestStep {
	each := a.Operation(op.ID)
	return steps(
		step(c.atListener, durward.Enforce), // whether their address may call through this listener
		step(c.reportListener, durward.Report),
		step(a.addresses.Stage(), a.Addresses.Mode),                       // whether their address may call at all
		step(c.global, c.cfg.RateLimit.Mode),                              // limits of the gateway as a whole
		step(a.byClient, a.RateLimit.Mode),                                // of the API, by client
		step(c.byClient(a, op, each.RateLimit)),                           // of the operation, by client
		step(c.bodyLimit(a, op), durward.Enforce),                         // before a byte of content is read
		step(cors.Request(a.CORS), durward.Enforce),                       // cross-origin calls of browsers
		step(c.authenticate(a, op), durward.Enforce),                      // who calls
		step(c.env.Audit.Stage(), durward.Enforce, c.env.Audit.OnError()), // stored before anything may happen
		step(a.byPrincipal, a.Quota.Mode),                                 // limits of the API, by caller
		step(c.byPrincipal(a, op, each.Quota)),                            // of the operation, by caller
		step(c.authorize(a, op), a.Authorize.Mode),                        // whether they may
		step(c.contract(a, op), a.Validation.Mode, a.Validation.OnError),  // whether it is as the contract says
		step(authn.Restrictions(a.Authenticate), durward.Enforce),         // whether their credential allows it: capabilities
		step(c.upstreamOf(a, op).Outgoing(), durward.Enforce),             // what the upstream gets, and which connections may leave HTTP: stages behind it may change x.Out
		step(authn.HideQuery(a.Authenticate), durward.Enforce),            // a key in the query stays here
		step(c.identity(a), durward.Enforce),                              // who calls, under the gateway's signature
	)
}

// responseStages is the order of the response path, in the order of the
// request's: the runner goes through it from the last to the first.
func (c *compiler) responseStages(a *apiParts) []responseStep {
	return responseSteps(
		responseStep{stage: cors.Response(), mode: durward.Enforce},                                  // CORS is the gateway's to say
		responseStep{stage: egress.New(&a.Response, c.cfg.Problems.TypeBase), mode: a.Response.Mode}, // what of the answer a client may see
	)
}

// missStages is the order for what no operation takes: a path or method that
// is not declared, or a browser's preflight. It is limited like anything else,
// so that scanning costs the scanner.
func (c *compiler) missStages(a *apiParts, op *durward.Operation) []requestStep {
	if a == nil { // no API has this host and prefix
		return steps(step(c.atListener, durward.Enforce), step(c.reportListener, durward.Report), step(c.global, c.cfg.RateLimit.Mode), step(refusal{op}, durward.Enforce))
	}
	return steps(
		step(c.atListener, durward.Enforce),
		step(c.reportListener, durward.Report),
		step(a.addresses.Stage(), a.Addresses.Mode),
		step(c.global, c.cfg.RateLimit.Mode),
		step(a.byClient, a.RateLimit.Mode),
		step(preflight(a, op), durward.Enforce),
		step(refusal{op}, durward.Enforce),
	)
}

// Pipeline serves exchanges through the current generation. It implements
// listen.Handler and is safe for concurrent use.
type Pipeline struct {
	env      *Env
	current  atomic.Pointer[Generation]
	inFlight atomic.Int64
	crowd    crowd
	pool     sync.Pool
}

// New makes a pipeline; nothing is served before the first Swap.
func New(env *Env) *Pipeline {
	return &Pipeline{env: env, pool: sync.Pool{New: func() any { return new(durward.Exchange) }}}
}

// Acquire gives an empty exchange.
func (p *Pipeline) Acquire() *durward.Exchange { return p.pool.Get().(*durward.Exchange) }

func (p *Pipeline) release(x *durward.Exchange) {
	x.Reset()
	p.pool.Put(x)
}

// InFlight counts the exchanges under way.
func (p *Pipeline) InFlight() int64 { return p.inFlight.Load() }

// Fingerprint identifies the configuration in force; "" when there is none.
func (p *Pipeline) Fingerprint() string {
	if g := p.current.Load(); g != nil {
		return g.Fingerprint
	}
	return ""
}

// Upstreams reports the targets of the current generation, by API.
func (p *Pipeline) Upstreams() []UpstreamStatus {
	g := p.hold()
	if g == nil {
		return nil
	}
	defer g.release()
	out := make([]UpstreamStatus, 0, len(g.upstreams))
	for _, u := range g.upstreams {
		out = append(out, UpstreamStatus{API: u.api, Targets: u.Status()})
	}
	return out
}

// Lockout is the state of what counts failed attempts; zero when it is off.
func (p *Pipeline) Lockout() lockout.Stats {
	g := p.hold()
	if g == nil {
		return lockout.Stats{}
	}
	defer g.release()
	return g.lockout.Stats()
}

// UpstreamStatus is the health of one API's targets.
type UpstreamStatus struct {
	API     string
	Targets []proxy.TargetStatus
}
