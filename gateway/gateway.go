// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gateway puts a running Durward together from a configuration file:
// what outlives a reload (gateway.go), the reload itself (reload.go), and the
// way to the end (shutdown.go). It decides nothing about requests.
//
// Failure policy: what cannot be opened fails the start; a reload that finds
// any fault changes nothing at all and says where the fault is.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"durward"
	"durward/audit"
	"durward/authn"
	"durward/authn/uses"
	"durward/config"
	"durward/console"
	"durward/inventory"
	"durward/listen"
	"durward/lockout"
	"durward/observe"
	"durward/pipeline"
	"durward/proxy"
	"durward/ratelimit"
	"durward/replay"
	"durward/store"
	"durward/token"
	"durward/waf"
)

// Options are what a Gateway needs beside its configuration file.
type Options struct {
	// Path is the configuration file.
	Path string
	// Environment looks up ${VAR}s; nil means os.LookupEnv.
	Environment func(string) (string, bool)
	// Log is the operational log; nil discards it.
	Log *slog.Logger
	// Build is what the metric durward_build_info says.
	Build observe.Build
	// Store is used in place of the configuration's when it is not nil; the
	// caller closes it.
	Store *store.Store
}

// Gateway is a running gateway. Its methods are safe for concurrent use.
type Gateway struct {
	opts    Options
	log     *slog.Logger
	started time.Time

	reloading sync.Mutex               // one reload at a time
	follower  atomic.Pointer[Follower] // in store mode only
	cfg       atomic.Pointer[config.Config]

	env      *pipeline.Env
	store    *store.Store
	admin    *adminRecords
	pipeline *pipeline.Pipeline
	listen   *listen.Set
	console  *console.Console
	draining atomic.Bool
	trail    trail
	probes   *probes
	closers  []func(context.Context) error // in the order of opening
}

// Start loads the configuration and serves. When it returns, every listener
// takes connections.
func Start(ctx context.Context, opts Options) (*Gateway, error) {
	if opts.Environment == nil {
		opts.Environment = os.LookupEnv
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	cfg, err := config.Load(opts.Path, opts.Environment)
	if err != nil {
		return nil, err
	}
	g := &Gateway{opts: opts, log: opts.Log, started: time.Now()}
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if err := g.open(ctx, cfg); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return nil, errors.Join(err, g.close(end))
	}
	return g, nil
}

// open makes everything, from what nothing depends on to what depends on all.
func (g *Gateway) open(ctx context.Context, cfg *config.Config) error {
	if err := g.openEnv(ctx, cfg); err != nil {
		return err
	}
	g.pipeline = pipeline.New(g.env)
	g.closers = append(g.closers, g.closePipeline)
	g.listen = listen.NewSet(g.pipeline, g.log)
	g.closers = append(g.closers, g.listen.Shutdown)
	g.registerGauges()
	var err error
	admin := console.Config{Address: cfg.Admin.Address, Socket: cfg.Admin.Socket}
	if g.env.Signer != nil {
		admin.KeySet = g.env.Signer.Handler()
	}
	if g.console, err = console.Start(admin, g,
		promhttp.HandlerFor(g.env.Metrics.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})); err != nil {
		return err
	}
	g.closers = append(g.closers, g.console.Shutdown)
	g.openProbes()
	return g.apply(ctx, cfg, "started")
}

// openEnv opens what outlives every reload.
func (g *Gateway) openEnv(ctx context.Context, cfg *config.Config) error {
	g.store = g.opts.Store
	if g.store == nil {
		s, err := store.Open(ctx, cfg.Store, store.Options{Log: g.log})
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		g.store = s
		g.closers = append(g.closers, func(context.Context) error { return s.Close() })
	}
	records, err := audit.Open(cfg.Audit, audit.Options{Log: g.log})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	g.closers = append(g.closers, func(context.Context) error { return records.Close() })
	if err := g.openTrail(ctx, &cfg.Audit, records); err != nil {
		return err
	}
	actions, end := startAdminRecords(g.store, records, g.log)
	g.admin = actions
	g.closers = append(g.closers, end)
	tracer, err := observe.NewTracer(ctx, &cfg.Tracing)
	if err != nil {
		return err
	}
	g.closers = append(g.closers, tracer.Close)
	var signer *token.Keys
	if cfg.Token != nil {
		if signer, err = token.Open(*cfg.Token, time.Now, g.log); err != nil {
			return cfg.Locate(durward.InvalidIn("token", err))
		}
		g.closers = append(g.closers, func(context.Context) error { signer.Close(); return nil })
	}
	recorder, err := replay.Open(cfg.Recorder, cfg.CredentialNames(), time.Now, g.log)
	if err != nil {
		return cfg.Locate(durward.InvalidIn("recorder", err))
	}
	g.closers = append(g.closers, func(context.Context) error { return recorder.Close() })
	calls := inventory.Open(cfg.Inventory, g.store, time.Now, g.log)
	g.closers = append(g.closers, calls.Close)
	issuers := authn.NewIssuers(nil, time.Now, g.log)
	g.closers = append(g.closers, func(context.Context) error { issuers.Close(); return nil })
	pools := proxy.NewPools(proxy.Options{Log: g.log})
	g.closers = append(g.closers, func(context.Context) error { pools.Close(); return nil })
	g.env = &pipeline.Env{
		Log: g.log, Now: time.Now, Keys: g.store, Audit: records, Tracer: tracer,
		Counters: ratelimit.NewCounters(cfg.Limits.Counters, time.Now),
		Issuers:  issuers, Tokens: authn.NewCache(0), Pools: pools,
		Metrics:   observe.NewMetrics(g.opts.Build),
		Consumers: g.store, Revocations: g.store, Objects: g.store, Uses: newUses(uses.DefaultMax, time.Now), Signer: signer, Recorder: recorder, Inventory: calls,
		WAF:     waf.NewEngines(time.Now),
		Lockout: lockout.NewGuard(lockout.Options{OnEvent: g.lockedOut}),
	}
	return nil
}

// lockedOut logs a lock that began, and the alarm.
func (g *Gateway) lockedOut(e lockout.Event) {
	if e.Source.IsValid() {
		g.log.Warn("locked out for failed attempts", "kind", e.Kind, "source", e.Source, "for", e.For)
		return
	}
	g.log.Warn("failed attempts to authenticate", "kind", e.Kind, "for", e.For)
}

func (g *Gateway) registerGauges() {
	m, records, set := g.env.Metrics, g.env.Audit, g.listen
	m.GaugeFunc("connections", "Client connections open now.", func() float64 { return float64(set.Stats().Open) })
	m.CounterFunc("connections_refused_total", "Client connections closed because a limit was reached.", func() float64 { return float64(set.Stats().Refused) })
	m.GaugeFunc("audit_healthy", "Whether audit records can be stored: 1 or 0.", func() float64 { return boolean(records.Health() == nil) })
	m.CounterFunc("audit_records_total", "Audit records stored.", func() float64 { return float64(records.Stats().Records) })
	m.CounterFunc("audit_lost_total", "Outcomes that could not be stored.", func() float64 { return float64(records.Stats().OutcomesLost) })
	m.CounterFunc("audit_keys_made_total", "Keys made for subjects and addresses of sealed audit records.", func() float64 { s, _ := records.Sealing(); return float64(s.Made) })
	m.CounterFunc("audit_keys_erased_total", "Keys of sealed audit records that were erased while the gateway ran.", func() float64 { s, _ := records.Sealing(); return float64(s.Erased) })
	m.CounterFunc("audit_withheld_total", "Audit records stored without personal fields, because these could not be sealed.", func() float64 { s, _ := records.Sealing(); return float64(s.Withheld) })
	m.GaugeFunc("audit_records_committed", "Audit records under a signed checkpoint; 0 when there are none.", func() float64 { s, _ := records.Checkpoints(); return float64(s.Size) })
	m.GaugeFunc("audit_checkpoints_healthy", "Whether the last checkpoint was made and published to every witness: 1 or 0.", func() float64 { s, ok := records.Checkpoints(); return boolean(ok && s.Failing == "") })
	m.GaugeFunc("admin_actions_waiting", "Changes by administrators that are not in the audit log yet; -1 when the store does not say.", g.admin.waiting)
	m.CounterFunc("admin_actions_recorded_total", "Changes by administrators that went into the audit log.", func() float64 { return float64(g.admin.recorded.Load()) })
	m.GaugeFunc("store_healthy", "Whether the store answers: 1 or 0.", func() float64 { return boolean(g.store.Health() == nil) })
	g.trail.register(m, records)
	for kind := range set.Stats().HTTP2.Cut { // every kind is there
		m.LabelledCounterFunc("http2_connections_cut_total", "HTTP/2 connections ended for a flood, by its kind.", "kind", kind,
			func() float64 { return float64(set.Stats().HTTP2.Cut[kind]) })
	}
	m.CounterFunc("http2_streams_refused_total", "HTTP/2 requests that were refused before any record of theirs.", func() float64 { return float64(set.Stats().HTTP2.Refused) })
	m.GaugeFunc("contract_gaps", "Parts of the contracts that are not applied, as validation.gaps accepts.", func() float64 { return float64(g.cfg.Load().Gaps()) })
	lockouts := func() lockout.Stats { return g.pipeline.Lockout() }
	m.CounterFunc("authentication_failures_total", "Failed attempts to authenticate, the same one again not counted.", func() float64 { return float64(lockouts().Failures) })
	m.CounterFunc("authentication_blocked_total", "Attempts to authenticate that had to wait, unjudged.", func() float64 { return float64(lockouts().Refused) })
	m.CounterFunc("authentication_would_block_total", "Attempts to authenticate that would have had to wait, in report mode.", func() float64 { return float64(lockouts().WouldRefuse) })
	m.GaugeFunc("authentication_alarm", "Whether failed attempts are so many in all that somebody is at it: 1 or 0.", func() float64 { return boolean(lockouts().Alarm) })
	m.CounterFunc("recorder_records_total", "Exchanges that the recorder wrote.", func() float64 { n, _ := g.env.Recorder.Stats(); return float64(n) })
	m.CounterFunc("recorder_dropped_total", "Exchanges that the recorder could not write in time, or at all.", func() float64 { _, n := g.env.Recorder.Stats(); return float64(n) })
	m.GaugeFunc("inventory_healthy", "Whether what was called could be stored the last time: 1 or 0.", func() float64 { return boolean(g.env.Inventory.Healthy()) })
	m.CounterFunc("quota_unknown_plans_total", "Requests of callers whose rate plan the API does not have.", func() float64 { return float64(g.env.Counters.UnknownPlans()) })
	registerFirewall(m, g.env.WAF)
	m.GaugeFunc("certificate_not_after_seconds", "When the first of the served certificates expires, in Unix time; 0 without TLS.", func() float64 {
		var first float64
		for _, e := range set.Certificates() {
			if t := float64(e.NotAfter.Unix()); first == 0 || t < first {
				first = t
			}
		}
		return first
	})
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Store is where consumers and keys live.
func (g *Gateway) Store() *store.Store { return g.store }

// Audit is the audit log.
func (g *Gateway) Audit() *audit.Log { return g.env.Audit }

// Addresses gives where clients reach the gateway, by configured address.
func (g *Gateway) Addresses() map[string]net.Addr { return g.listen.Addresses() }

// Admin is where health and metrics are served; nil when they are not.
func (g *Gateway) Admin() net.Addr { return g.console.Address() }

// Handler serves metrics and health without a listener, for tests.
func (g *Gateway) Handler() http.Handler {
	return console.Health(g, promhttp.HandlerFor(g.env.Metrics.Registry, promhttp.HandlerOpts{}))
}

// Ready implements console.Gateway.
func (g *Gateway) Ready() error {
	var errs []error
	if g.cfg.Load() == nil {
		errs = append(errs, errors.New("the gateway is starting"))
	}
	if g.draining.Load() {
		errs = append(errs, errors.New("the gateway is draining"))
	}
	if err := g.env.Audit.Health(); err != nil {
		errs = append(errs, fmt.Errorf("audit: %w", err))
	}
	for _, u := range g.pipeline.Upstreams() {
		healthy := len(u.Targets) == 0
		for _, t := range u.Targets {
			healthy = healthy || t.Healthy
		}
		if !healthy {
			errs = append(errs, fmt.Errorf("api %s has no healthy target", u.API))
		}
	}
	return errors.Join(errs...)
}

// Status implements console.Gateway.
func (g *Gateway) Status() console.Status {
	s := console.Status{
		Version: g.opts.Build.Version, Fingerprint: g.pipeline.Fingerprint(), Started: g.started.UTC(),
		InFlight: g.pipeline.InFlight(), Connections: g.listen.Stats().Open,
		Listeners: map[string]string{}, Targets: map[string]string{},
	}
	for configured, bound := range g.Addresses() {
		s.Listeners[configured] = bound.String()
	}
	for _, u := range g.pipeline.Upstreams() {
		for _, t := range u.Targets {
			state := "down"
			if t.Healthy {
				state = "up"
			}
			s.Targets[u.API+" "+t.Target] = state
		}
	}
	return s
}
