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
	"durward/authz/directory"
	"durward/cors"
	"durward/inventory"
	"durward/lockout"
	"durward/observe"
	"durward/proxy"
	"durward/ratelimit"
	"durward/replay"
	"durward/token"
	"durward/waf"
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

	Consumers   authn.Consumers      // nil knows none beyond the keys'
	Revocations authn.Revocations    // nil: nothing is ever revoked
	Objects     directory.Objects    // of directories in the store; nil: they are away
	Uses        authn.Uses           // what may be used a limited number of times
	Lockout     *lockout.Guard       // failed attempts to authenticate; nil counts none
	Signer      *token.Keys          // nil: the gateway signs nothing
	Recorder    *replay.Recorder     // nil records no exchanges
	Inventory   *inventory.Inventory // nil notes no calls
	WAF         *waf.Engines         // nil keeps no rule engine from one configuration to the next
}

// requestStages is the order of the request path. Configuration sets parameters
// and modes, never the order; a part that is not configured gives a nil stage
// and is left out. Before it, listen has ended TLS, and route has made the
// request canonical and chosen the operation.
func (c *compiler) requestStages(a *apiParts, op *durward.Operation) []requestStep {
	each := a.Operation(op.ID)
	return steps(
		// Whether their address may call: through this listener, and this API.
		step(c.atListener, durward.Enforce).from("listen"),
		step(c.reportListener, durward.Report).from("listen"),
		step(a.addresses.Stage(), a.Addresses.Mode).from(a.at("addresses")),
		// Limits by client: of the gateway as a whole, of the API, of the operation.
		step(c.global, c.cfg.RateLimit.Mode).from("rate_limit"),
		step(a.byClient, a.RateLimit.Mode).from(a.at("rate_limit")),
		step(c.byClient(a, op, each.RateLimit)).from(a.in(op, "rate_limit")),
		// The size of the content, before a byte of it is read.
		step(c.bodyLimit(a, op), durward.Enforce).from(a.at("validation.max_body"), a.in(op, "max_body")),
		// Cross-origin calls of browsers.
		step(cors.Request(a.CORS), durward.Enforce).from(a.at("cors")),
		// Who calls.
		step(c.authenticate(a, op), durward.Enforce).from(a.at("authenticate"), a.at("security"), a.in(op, "security"), a.in(op, "public"), "lockout"),
		// Stored before anything may happen.
		step(c.env.Audit.Stage(a.RecordingOf(op.ID)), durward.Enforce).onError(c.env.Audit.OnErrorOf(a.RecordingOf(op.ID))).
			from("audit", a.at("audit"), a.in(op, "audit")),
		// Limits by caller: of the API, of the operation.
		step(a.byPrincipal, a.Quota.Mode).from(a.at("quota")),
		step(c.byPrincipal(a, op, each.Quota)).from(a.in(op, "quota")),
		// Whether they may.
		step(c.authorize(a, op), a.Authorize.Mode).from(a.at("authorize"), a.in(op, "public")),
		// Whether the request is as the contract says.
		step(c.contract(a, op), a.Validation.Mode).onError(a.Validation.OnError).from(a.at("contract"), a.at("validation")),
		// Whether they may, as far as that depends on the content.
		step(c.authorizeContent(a, op), a.Authorize.Mode).from(a.at("authorize")),
		// Whether their credential allows it: capabilities.
		step(authn.Restrictions(a.Authenticate), durward.Enforce).from(a.at("authenticate")),
		// Whether it is one that the service behind the gateway cannot take.
		step(c.patches(a, op), durward.Enforce).from(a.at("waf"), "waf"),
		// Whether it looks like an attack.
		step(c.firewall(op)).onError(c.firewallOnError(op)).from(a.at("waf"), a.in(op, "waf"), "waf"),
		// What the upstream gets, and which connections may leave HTTP. Stages
		// behind it may change x.Out: a key in the query stays here, and who
		// calls goes along under the gateway's signature.
		step(c.upstreamOf(a, op).Outgoing(), durward.Enforce).from(a.at("upstream"), a.in(op, "upgrades")),
		step(authn.HideQuery(a.Authenticate), durward.Enforce).from(a.at("authenticate")),
		step(c.identity(a), durward.Enforce).from(a.at("identity_token"), "token"),
		// In which forms the upstream may answer, so that the answer can be read.
		step(a.guard.Asks(a.contract.AnswerTypes(op.ID)...), durward.Enforce).from(a.at("response")),
		step(asks(c.answers(a, op)), durward.Enforce).from(a.at("response.contract"), a.in(op, "response.contract")),
	)
}

// responseStages is the order of the response path, in the order of the
// request's: the runner goes through it from the last to the first.
func (c *compiler) responseStages(a *apiParts, o *operation) []responseStep {
	return responseSteps(
		// CORS is the gateway's to say.
		answerStep(cors.Response(), durward.Enforce).from(a.at("cors")),
		// What of the answer a client may see: fields, errors, and what must not be told.
		answerStep(a.guard.Stage(o.ID), a.Response.Mode).from(a.at("response")),
		// Whether the answer is as the contract says.
		answerStep(judges(c.answers(a, o.Operation)), a.AnswersOf(o.ID).Mode).from(a.at("response.contract"), a.in(o.Operation, "response.contract")),
		// Whether it looks like a leak, as the upstream gave it.
		c.firewallAnswers(a, o.Operation),
		// The answer's shape, as the upstream gave it.
		answerStep(o.called.Stage(), durward.Enforce).from("inventory"),
	)
}

// missStages is the order for what no operation takes: a path or method that
// is not declared, or a browser's preflight. It is limited like anything else,
// so that scanning costs the scanner.
func (c *compiler) missStages(a *apiParts, op *durward.Operation) []requestStep {
	if a == nil { // no API has this host and prefix
		return steps(
			step(c.atListener, durward.Enforce).from("listen"),
			step(c.reportListener, durward.Report).from("listen"),
			step(c.global, c.cfg.RateLimit.Mode).from("rate_limit"),
			step(refusal{op}, durward.Enforce).from("apis"),
		)
	}
	return steps(
		step(c.atListener, durward.Enforce).from("listen"),
		step(c.reportListener, durward.Report).from("listen"),
		step(a.addresses.Stage(), a.Addresses.Mode).from(a.at("addresses")),
		step(c.global, c.cfg.RateLimit.Mode).from("rate_limit"),
		step(a.byClient, a.RateLimit.Mode).from(a.at("rate_limit")),
		step(preflight(a, op), durward.Enforce).from(a.at("cors")),
		step(refusal{op}, durward.Enforce).from(a.at("contract")),
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
