// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"

	"durward"
	"durward/address"
	"durward/authn"
	"durward/authz"
	"durward/config"
	"durward/contract"
	"durward/cors"
	"durward/egress"
	"durward/internal/strictyaml"
	"durward/proxy"
	"durward/ratelimit"
	"durward/route"
	"durward/token"
	"durward/waf"
)

// Compile makes the generation of a loaded configuration. It opens no listener
// and touches no traffic; an error leaves nothing behind.
func Compile(cfg *config.Config, env *Env) (*Generation, error) {
	c := &compiler{cfg: cfg, env: env, g: &Generation{closed: make(chan struct{})}, apis: map[string]*apiParts{}}
	if err := c.compile(); err != nil {
		c.g.Close()
		return nil, err
	}
	return c.g, nil
}

// compiler holds what one call of Compile puts together.
type compiler struct {
	cfg    *config.Config
	env    *Env
	g      *Generation
	apis   map[string]*apiParts
	global durward.Stage
	// They judge addresses by the listener; nil when none has such a list.
	atListener, reportListener durward.Stage
	firewallOf                 map[*durward.Operation]*waf.Demand
	contractOf                 map[*durward.Operation]durward.Stage
	errs                       []error
}

// apiParts is one API on the way to its operations.
type apiParts struct {
	*config.API
	name        string
	contract    *contract.Document
	declared    map[string]*contract.Operation // by id
	methods     *authn.Methods
	rules       *authz.Compiled
	addresses   *address.List
	byClient    durward.Stage
	byPrincipal durward.Stage
	upstreams   map[string]*proxy.Upstream // by operation
	upgrades    map[string]string          // what the contract declares, by operation
	answers     map[string]*contract.Answers
	guard       *egress.Guard // nil when it is off
}

// namedUpstream is an upstream with its API's name.
type namedUpstream struct {
	*proxy.Upstream
	api string
}

func (c *compiler) compile() error {
	configured := map[string]authn.IssuerConfig{}
	for name, issuer := range c.cfg.Issuers {
		configured[name] = *issuer
	}
	issuers, err := c.env.Issuers.With(configured)
	if err != nil {
		return durward.InvalidIn("issuers", err)
	}
	c.g.issuers = issuers
	if c.env.Lockout != nil && c.cfg.Lockout.Mode != durward.Off {
		if c.g.lockout, err = c.env.Lockout.With(c.cfg.Lockout); err != nil {
			return durward.InvalidIn("lockout", err)
		}
	}
	c.global = ratelimit.ByClient(&c.cfg.RateLimit, "gateway", c.env.Counters)
	if err := c.listeners(); err != nil {
		return err
	}
	c.g.Fingerprint = c.cfg.Fingerprint()
	c.g.clients = route.NewClients(c.cfg.TrustedProxies, route.AnyForwarding)
	c.g.maxInFlight = int64(c.cfg.Limits.Requests)
	c.g.maxPerAddress = c.cfg.Limits.RequestsPerAddress
	c.g.problemBase = c.cfg.Problems.TypeBase
	var routed []route.API
	for _, name := range c.cfg.APINames() {
		routed = append(routed, c.api(name))
	}
	table, err := route.Build(routed)
	if err != nil {
		return errors.Join(append(c.errs, durward.InvalidIn("apis", err))...)
	}
	c.g.table = table
	c.firewalls()
	for _, op := range table.Operations() {
		c.operation(op)
	}
	return errors.Join(c.errs...)
}

// api prepares what the operations of an API share.
func (c *compiler) api(name string) route.API {
	a := &apiParts{
		API: c.cfg.APIs[name], name: name, contract: c.cfg.Contract(name),
		declared:  map[string]*contract.Operation{},
		upstreams: map[string]*proxy.Upstream{}, upgrades: map[string]string{}, answers: map[string]*contract.Answers{},
	}
	c.apis[name] = a
	a.methods = c.methods(a)
	rules, err := authz.Compile(&a.Authorize, c.cfg.Rules(name), &authz.Env{Now: c.env.Now, Objects: c.env.Objects})
	if err != nil {
		c.fail(a, "authorize", err)
	} else {
		a.rules = rules
		c.g.rules = append(c.g.rules, rules)
	}
	list, err := address.New(a.Addresses, c.env.Log)
	if err != nil {
		c.fail(a, "addresses", err)
		list = new(address.List)
	}
	a.addresses = list
	c.g.addresses = append(c.g.addresses, list)
	a.byClient = ratelimit.ByClient(&a.RateLimit, name, c.env.Counters)
	a.byPrincipal = ratelimit.ByPrincipal(&a.Quota, name, c.env.Counters)
	id := a.Upstream.Identity
	for _, field := range []string{id.Subject, id.Consumer, id.Roles, id.Scopes, id.Method} {
		if field != "" {
			c.g.limits.Protected = append(c.g.limits.Protected, durward.CanonicalName(field))
		}
	}
	a.guard = egress.Compile(&a.Response.Config, c.cfg.Problems.TypeBase, authn.CredentialHeaders(a.Authenticate)...)
	r := route.API{Name: name, Hosts: a.Hosts, Prefix: a.Prefix, Preflight: a.CORS != nil}
	for _, op := range a.contract.Operations() {
		a.declared[op.ID] = &op
		if op.Upgrade != "" {
			a.upgrades[op.ID] = op.Upgrade
		}
		r.Operations = append(r.Operations, &durward.Operation{ID: op.ID, Method: op.Method, Template: op.Template})
	}
	r.Operations = append(r.Operations, config.ClosedOperations(a.contract)...)
	return r
}

// operation compiles the stages of one operation, a pseudo operation included.
func (c *compiler) operation(op *durward.Operation) {
	a := c.apis[op.API]
	o := operation{Operation: op, metrics: c.env.Metrics.Operation(op)}
	if a != nil {
		o.hsts = a.Response.TransportSecurity()
		o.guarded = a.guard != nil && a.Response.Mode == durward.Enforce
	}
	if a != nil {
		o.credentials = authn.CredentialHeaders(a.Authenticate)
	}
	if op.Refusal != "" || op.Preflight {
		o.request = c.missStages(a, op)
	} else {
		names, all := a.contract.QueryNames(op.ID)
		o.called = c.env.Inventory.Declared(op, names, !all)
		o.request = c.requestStages(a, op)
		o.response = c.responseStages(a, &o)
		o.upstream = c.upstreamOf(a, op)
		o.upgradeIdle = o.upstream.UpgradeIdle()
	}
	c.g.operations = append(c.g.operations, o)
}

// fail keeps a fault with the place in the document that it is about.
func (c *compiler) fail(a *apiParts, field string, err error) {
	if err != nil {
		c.errs = append(c.errs, durward.InvalidIn("apis."+a.name+"."+field, err))
	}
}

// origins counts who names consumers, in all APIs.
func (c *compiler) origins() int {
	var all []authn.Config
	for _, api := range c.cfg.APIs {
		all = append(all, api.Authenticate)
	}
	return authn.Origins(len(c.cfg.Issuers), all...)
}

// methods makes the kinds of credential that an API takes.
func (c *compiler) methods(a *apiParts) *authn.Methods {
	env := authn.Env{
		Issuers: c.g.issuers, Keys: c.env.Keys, Consumers: c.env.Consumers, Cache: c.env.Tokens,
		Revocations: c.env.Revocations, Uses: c.env.Uses, Now: c.env.Now, Log: c.env.Log,
	}
	if c.g.lockout != nil {
		env.Attempts = c.g.lockout
	}
	env.Origins = c.origins()
	m, err := authn.New(a.Authenticate, env)
	if err != nil {
		c.fail(a, "authenticate", err)
		return nil
	}
	c.g.methods = append(c.g.methods, m)
	return m
}

func (c *compiler) authenticate(a *apiParts, op *durward.Operation) durward.Stage {
	if a.methods == nil { // reported already
		return nil
	}
	demand, err := a.Demand(a.declared[op.ID], a.contract.SecuritySchemes())
	if err != nil {
		c.fail(a, "security", err)
		return nil
	}
	s, err := a.methods.Stage(demand)
	c.fail(a, "authenticate", err)
	return s
}

// byClient is an operation's own limit by client; nil when it has none.
func (c *compiler) byClient(a *apiParts, op *durward.Operation, cfg *ratelimit.Config) (durward.Stage, durward.Mode) {
	if cfg == nil {
		return nil, durward.Off
	}
	return ratelimit.ByClient(cfg, a.name+"/"+op.ID, c.env.Counters), cfg.Mode
}

// byPrincipal is an operation's own limit by caller; nil when it has none.
func (c *compiler) byPrincipal(a *apiParts, op *durward.Operation, cfg *ratelimit.PrincipalConfig) (durward.Stage, durward.Mode) {
	if cfg == nil {
		return nil, durward.Off
	}
	return ratelimit.ByPrincipal(cfg, a.name+"/"+op.ID, c.env.Counters), cfg.Mode
}

func (c *compiler) authorize(a *apiParts, op *durward.Operation) durward.Stage {
	if a.rules == nil { // reported already
		return nil
	}
	return a.rules.Stage(op.ID)
}

// authorizeContent is the part that reads the content; nil for operations whose
// policies read none.
func (c *compiler) authorizeContent(a *apiParts, op *durward.Operation) durward.Stage {
	if a.rules == nil {
		return nil
	}
	return a.rules.Content(op.ID)
}

// contract is the stage that holds requests against the contract, made once.
func (c *compiler) contract(a *apiParts, op *durward.Operation) durward.Stage {
	if s, ok := c.contractOf[op]; ok {
		return s
	}
	v := a.ValidationOf(op.ID)
	if v.Mode == durward.Off {
		return nil
	}
	s, err := a.contract.Stage(op.ID, &v)
	c.fail(a, "validation", err)
	if c.contractOf == nil {
		c.contractOf = map[*durward.Operation]durward.Stage{}
	}
	c.contractOf[op] = s
	return s
}

// answers is what holds an operation's answers against its contract; nil when
// nothing does.
func (c *compiler) answers(a *apiParts, op *durward.Operation) *contract.Answers {
	if s, ok := a.answers[op.ID]; ok {
		return s
	}
	cfg := a.AnswersOf(op.ID)
	s, err := a.contract.Response(op.ID, &cfg, contract.ResponseOptions{
		ProblemBase:  c.cfg.Problems.TypeBase,
		ErrorsMasked: a.Response.Mode == durward.Enforce && a.Response.Errors != "pass",
	})
	c.fail(a, "response.contract", err)
	a.answers[op.ID] = s
	return s
}

// asks and judges are the two stages of answers; no stage when there are none.
func asks(s *contract.Answers) durward.Stage {
	if s == nil || !s.Asks() {
		return nil
	}
	return s
}

func judges(s *contract.Answers) durward.ResponseStage {
	if s == nil {
		return nil
	}
	return s
}

// upstreamOf makes the upstream of an operation; operations that refine
// nothing share one.
func (c *compiler) upstreamOf(a *apiParts, op *durward.Operation) *proxy.Upstream {
	key := ""
	declared := a.upgrades[op.ID]
	if a.Operations[op.ID] != nil || declared != "" {
		key = op.ID
	}
	if u := a.upstreams[key]; u != nil {
		return u
	}
	cfg := a.UpstreamOf(op.ID)
	if cfg.Upgrades == nil && declared != "" {
		cfg.Upgrades = []string{declared}
	}
	var own []string // fields that only the gateway writes
	if a.IdentityToken != nil {
		own = append(own, a.IdentityToken.Field())
	}
	u, err := proxy.New(&cfg, c.env.Pools, authn.CredentialHeaders(a.Authenticate), own...)
	if err != nil {
		c.fail(a, "upstream", err)
		return new(proxy.Upstream)
	}
	a.upstreams[key] = u
	c.g.upstreams = append(c.g.upstreams, namedUpstream{u, a.name})
	return u
}

// identity is the stage that tells the upstream who calls; nil when the API
// has none.
func (c *compiler) identity(a *apiParts) durward.Stage {
	if a.IdentityToken == nil {
		return nil
	}
	s, err := token.Identity(*a.IdentityToken, c.env.Signer)
	c.fail(a, "identity_token", err)
	return s
}

// bodyLimit bounds what is taken of a request's content.
func (c *compiler) bodyLimit(a *apiParts, op *durward.Operation) durward.Stage {
	v := a.ValidationOf(op.ID)
	return bodyLimit(v.BodyLimit())
}

type bodyLimit int64

func (bodyLimit) Name() string { return "limits" }

// Request refuses a content whose declared length is too large, before a byte
// of it is read; one that turns out too large is refused where it is read.
func (l bodyLimit) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	if err := x.In.Body.SetLimit(int64(l)); err != nil {
		return durward.Refuse(durward.CodeBodyTooLarge, err)
	}
	return durward.Proceed()
}

// refusal answers what no operation takes.
type refusal struct{ op *durward.Operation }

func (refusal) Name() string { return "route" }

func (r refusal) Request(context.Context, *durward.Exchange) durward.Decision {
	return durward.Refuse(r.op.Refusal, errMiss)
}

var errMiss = errors.New("no declared operation takes the request")

func preflight(a *apiParts, op *durward.Operation) durward.Stage {
	if !op.Preflight {
		return nil
	}
	return cors.Preflight(a.CORS, op.Allowed)
}

// The makers of steps. A nil stage is left out.

// step makes one. A stage that fails denies, unless onError says otherwise.
func step(s durward.Stage, m durward.Mode) requestStep { return requestStep{stage: s, mode: m} }

func (s requestStep) onError(e durward.OnError) requestStep { s.failure = e; return s }

// from names the fields of the document that the stage is made from, for who
// asks what acts on a request.
func (s requestStep) from(fields ...string) requestStep { s.fields = fields; return s }

// at is the place of an API's field in the document, in of an operation's.
func (a *apiParts) at(field string) string { return strictyaml.Key("apis", a.name) + "." + field }

func (a *apiParts) in(op *durward.Operation, field string) string {
	return strictyaml.Key(a.at("operations"), op.ID) + "." + field
}

func steps(all ...requestStep) []requestStep {
	var out []requestStep
	for _, s := range all {
		if s.stage != nil && s.mode != durward.Off {
			s.name = s.stage.Name()
			out = append(out, s)
		}
	}
	return out
}

// answerStep makes one of the response path.
func answerStep(s durward.ResponseStage, m durward.Mode) responseStep {
	return responseStep{stage: s, mode: m}
}

func (s responseStep) from(fields ...string) responseStep { s.fields = fields; return s }

func responseSteps(all ...responseStep) []responseStep {
	var out []responseStep
	for _, s := range all {
		if s.stage != nil && s.mode != durward.Off {
			s.name = s.stage.Name()
			out = append(out, s)
		}
	}
	return out
}
