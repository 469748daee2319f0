// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/audit"
	"durward/authn"
	"durward/authn/uses"
	"durward/authz"
	"durward/config"
	"durward/observe"
	"durward/pipeline"
	"durward/proxy"
	"durward/ratelimit"
	"durward/store"
	"durward/token"
)

// Explainer holds a configuration as it would be in force. It is safe for
// concurrent use. Close it.
type Explainer struct {
	cfg     *config.Config
	store   *store.Store
	pipe    *pipeline.Pipeline
	closers []func()
}

// New compiles a configuration that was loaded. Consumers and keys are those
// of st, which stays the caller's.
func New(cfg *config.Config, st *store.Store) (_ *Explainer, err error) {
	e := &Explainer{cfg: cfg, store: st}
	defer func() {
		if err != nil {
			e.Close()
		}
	}()
	log := slog.New(slog.DiscardHandler)
	signer, err := e.signer(log)
	if err != nil {
		return nil, err
	}
	issuers, pools := authn.NewIssuers(nil, time.Now, log), proxy.NewPools(proxy.Options{Log: log})
	e.closers = append(e.closers, issuers.Close, pools.Close)
	env := &pipeline.Env{
		Log: log, Now: time.Now, Keys: untouched{st}, Consumers: st, Revocations: st, Objects: st, Counters: ratelimit.NewCounters(0, time.Now),
		Issuers: issuers, Tokens: authn.NewCache(0), Pools: pools, Metrics: observe.NewMetrics(observe.Build{}),
		Uses: uses.New(0, time.Now), Signer: signer,
	}
	generation, err := pipeline.Compile(cfg, env)
	if err != nil {
		return nil, cfg.Locate(err)
	}
	e.pipe = pipeline.New(env)
	e.pipe.Swap(generation)
	return e, nil
}

// signer makes keys of its own: what they sign goes nowhere, and the gateway's
// are none of our business.
func (e *Explainer) signer(log *slog.Logger) (*token.Keys, error) {
	if e.cfg.Token == nil {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "durward-explain-")
	if err != nil {
		return nil, err
	}
	e.closers = append(e.closers, func() { os.RemoveAll(dir) })
	keys, err := token.Open(token.Config{Issuer: e.cfg.Token.Issuer, Directory: dir}, time.Now, log)
	if err != nil {
		return nil, err
	}
	e.closers = append(e.closers, keys.Close)
	return keys, nil
}

// Close lets go of everything but the store.
func (e *Explainer) Close() {
	if e.pipe != nil {
		if closed := e.pipe.Close(); closed != nil {
			<-closed
		}
	}
	for i := len(e.closers) - 1; i >= 0; i-- {
		e.closers[i]()
	}
}

// Request is a request to ask about.
type Request struct {
	Method string
	// Target is a path with its query, or a whole URL.
	Target string
	Host   string // "" is that of Target, else "localhost"
	Header durward.Header
	Body   []byte     // nil for none
	From   netip.Addr // the client; invalid is 127.0.0.1
	HTTPS  bool       // over TLS; a URL says so itself
	// Listener is the configured address of the listener; "" is the first.
	Listener string
}

// exchange makes the request as a listener reads it.
func (e *Explainer) exchange(q *Request) *durward.Exchange {
	x := &durward.Exchange{Started: time.Now()}
	in := &x.In
	in.Method, in.Scheme, in.Host, in.Proto = q.Method, "http", q.Host, "HTTP/1.1"
	target := q.Target
	for _, scheme := range []string{"http", "https"} {
		rest, ok := strings.CutPrefix(target, scheme+"://")
		if !ok {
			continue
		}
		in.Scheme = scheme
		host, path := rest, ""
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			host, path = rest[:i], rest[i:]
		}
		if in.Host == "" {
			in.Host = host
		}
		if target = path; !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		break
	}
	if q.HTTPS {
		in.Scheme = "https"
	}
	if in.Host == "" {
		in.Host = "localhost"
	}
	in.RawPath, in.RawQuery, _ = strings.Cut(target, "?")
	from := q.From
	if !from.IsValid() {
		from = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	in.Peer = netip.AddrPortFrom(from, 1)
	in.Listener = q.Listener
	if in.Listener == "" && len(e.cfg.Listen) > 0 {
		in.Listener = e.cfg.Listen[0].Address
	}
	in.Header = slices.Clone(q.Header) // without Host, which listeners keep to themselves
	if q.Body != nil {
		in.Body.Init(strings.NewReader(string(q.Body)), int64(len(q.Body)))
		if !in.Header.Has("Content-Length") {
			in.Header.Add("Content-Length", itoa(len(q.Body)))
		}
	} else {
		in.Body.Init(nil, 0)
	}
	return x
}

// Route makes the exchange of a request and finds its operation, nil where
// there is none; d then says why.
func (e *Explainer) Route(q *Request) (x *durward.Exchange, op *durward.Operation, d durward.Decision) {
	x = e.exchange(q)
	op, _, d = e.pipe.Route(x)
	return x, op, d
}

// Explain tells what acts on a request, and what would become of it.
func (e *Explainer) Explain(ctx context.Context, q *Request) *Report {
	x := e.exchange(q)
	r := &Report{Method: q.Method, Target: redactQuery(q.Target)}
	op, stages, d := e.pipe.Route(x)
	if op == nil {
		r.Verdict = verdict(d, x)
		return r
	}
	r.API, r.Operation, r.Template = op.API, op.ID, op.Prefix+op.Template
	r.Record = e.record(op)
	x = e.exchange(q)
	d = e.pipe.Try(ctx, pipeline.Trial{Exchange: x})
	r.Verdict = verdict(d, x)
	if p := &x.Principal; p.Known() {
		r.Caller = &Caller{Subject: p.Subject, Consumer: p.Consumer, Method: p.Method, Roles: p.Roles, Scopes: p.Scopes, Plan: p.Plan, Bound: p.Bound}
	}
	if doc := e.cfg.Contract(op.API); doc != nil {
		r.Unguarded = doc.Unguarded(op.ID)
	}
	trail := x.Trail
	for _, s := range stages {
		one := Stage{Name: s.Name, Mode: s.Mode.String(), OnError: s.OnError.String(), Settings: e.settings(s.Fields, op)}
		if strings.HasPrefix(s.Name, authzStage) {
			one.Settings = append(one.Settings, e.policies(op, s.Name != authzStage)...)
		}
		if s.Answer {
			one.Answer = true
		} else if len(trail) > 0 && trail[0].Stage == s.Name {
			one.Verdict = trail[0].Verdict.String()
			if trail[0].Err != nil {
				one.Reason = trail[0].Err.Error()
			}
			trail = trail[1:]
		}
		r.Stages = append(r.Stages, one)
	}
	return r
}

// record tells how the attempts of an operation are recorded; nil for what is
// refused before there is one.
func (e *Explainer) record(op *durward.Operation) *Record {
	api := e.cfg.APIs[op.API]
	if api == nil || op.Refusal != "" || op.Preflight {
		return nil
	}
	own, log := api.RecordingOf(op.ID), &e.cfg.Audit
	recording := log.Recording(own, "")
	return &Record{Audit: recording, Lost: audit.Window(recording), Refused: own == audit.Required || log.OnError == durward.DenyOnError}
}

func verdict(d durward.Decision, x *durward.Exchange) Verdict {
	v := Verdict{Allowed: d.Verdict == durward.Allow || d.Verdict == durward.Answer}
	if d.Verdict == durward.Answer {
		v.Answered = true
	}
	if v.Allowed {
		return v
	}
	k := durward.Lookup(d.Code)
	v.Status, v.Code = k.Status, string(k.Code)
	if len(x.Trail) > 0 {
		v.Stage = x.Trail[len(x.Trail)-1].Stage
	}
	if d.Err != nil {
		v.Reason = d.Err.Error()
	}
	return v
}

// redactQuery leaves the names of a query's parameters: a value may be a
// credential.
func redactQuery(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, has := strings.Cut(pair, "=")
		if has {
			name += "=..."
		}
		kept = append(kept, name)
	}
	return path + "?" + strings.Join(kept, "&")
}

// policies lists those that can decide on an operation, where policies are
// written: the short forms alone are in the settings. late ones read the
// content.
func (e *Explainer) policies(op *durward.Operation, late bool) []Setting {
	a := &e.cfg.APIs[op.API].Authorize
	if len(a.Policies) == 0 {
		return nil
	}
	rules, err := authz.Compile(a, e.cfg.Rules(op.API), nil)
	if err != nil {
		return nil // it was compiled before
	}
	defer rules.Close()
	var out []Setting
	for _, r := range rules.Rules(op.ID) {
		if r.Late != late {
			continue
		}
		one := Setting{Field: "permit", Value: r.Label}
		if r.Forbid {
			one.Field = "forbid"
		}
		if r.Report {
			one.Field += " (report)"
		}
		out = append(out, one)
	}
	return out
}

// untouched is a store in which a question leaves no use of a key.
type untouched struct{ *store.Store }

func (untouched) Touch(string, time.Time) {}
