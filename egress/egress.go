// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package egress is the response guard: it decides what of the upstream's
// answer a client may see. Fields that tell which software runs behind the
// gateway are removed, the body of a server error is replaced by a problem
// document (OWASP API8:2023, verbose errors), and the security header fields
// that a browser looks at are set.
//
// Failure policy: it looks nothing up, so it cannot fail. It keeps no state.
package egress

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/egress/leak"
)

// revealing are the fields that name the upstream's software.
var revealing = []string{
	"Server", "X-Powered-By", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Runtime",
	"X-Generator", "X-Backend-Server", "X-Served-By", "X-Debug-Token", "X-Debug-Token-Link",
}

// Guard is the response guard of one API. It is immutable and safe for
// concurrent use.
type Guard struct {
	cfg         *Config
	remove      []string
	set         []durward.Field // replaces the upstream's
	fill        []durward.Field // only where the upstream has none
	hsts        string
	vary        string // names the fields that credentials come in
	mask        bool
	report      bool
	problemBase string
	limit       int64
	scan        *leak.Set     // nil when nothing is looked for
	normal      []leak.Action // by detector, in answers below 400 and in fields
	failed      []leak.Action // in errors
}

// Compile makes the guard of an API. problemBase is the base of problem types,
// as for durward.NewProblem; credentials are the names of the fields that
// callers show who they are with. It gives nil when the mode is off. cfg must
// have passed its Check.
func Compile(cfg *Config, problemBase string, credentials ...string) *Guard {
	if cfg.Mode == durward.Off {
		return nil
	}
	g := &Guard{
		cfg: cfg, mask: cfg.Errors != "pass", report: cfg.Mode == durward.Report,
		problemBase: problemBase, remove: slices.Clone(revealing),
	}
	for _, name := range cfg.RemoveHeaders {
		g.remove = append(g.remove, durward.CanonicalName(name))
	}
	for name, value := range cfg.SetHeaders {
		g.set = append(g.set, durward.Field{Name: durward.CanonicalName(name), Value: value})
	}
	slices.SortFunc(g.set, func(a, b durward.Field) int { return strings.Compare(a.Name, b.Name) })
	if cfg.BrowserHeaders != "off" {
		g.fill = append(g.fill, durward.Field{Name: "X-Content-Type-Options", Value: "nosniff"})
	}
	if cfg.BrowserHeaders == "strict" {
		g.fill = append(g.fill,
			durward.Field{Name: "Content-Security-Policy", Value: "default-src 'none'; frame-ancestors 'none'"},
			durward.Field{Name: "Referrer-Policy", Value: "no-referrer"},
			durward.Field{Name: "Cross-Origin-Resource-Policy", Value: "same-origin"})
	}
	g.hsts = cfg.TransportSecurity()
	g.vary = strings.Join(credentials, ", ")
	if g.limit = int64(cfg.MaxBody); g.limit == 0 {
		g.limit = defaultBody
	}
	g.compileLeaks()
	return g
}

// New makes the response stage of an API whose operations are all alike.
func New(cfg *Config, problemBase string) durward.ResponseStage {
	return Compile(cfg, problemBase).Stage("")
}

// TransportSecurity is the value of Strict-Transport-Security, "" when none is
// sent. The gateway's own refusals carry it as well: the first answer that a
// browser gets is often a 401.
func (c *Config) TransportSecurity() string {
	if c.HSTS == 0 || c.Mode != durward.Enforce {
		return ""
	}
	return "max-age=" + strconv.FormatInt(int64(c.HSTS.Std().Seconds()), 10) + "; includeSubDomains"
}

// Stage gives the stage of one operation; nil for a guard that is nil.
func (g *Guard) Stage(operation string) durward.ResponseStage {
	if g == nil {
		return nil
	}
	s := &stage{Guard: g}
	if allowed := g.cfg.Leaks.Allow[operation]; len(allowed) > 0 {
		own := *g
		own.normal, own.failed = slices.Clone(g.normal), slices.Clone(g.failed)
		for i, d := range g.detectors() {
			if slices.Contains(allowed, d.ID) {
				own.normal[i], own.failed[i] = leak.Pass, leak.Pass
			}
		}
		s.Guard = &own
	}
	return s
}

func (g *Guard) detectors() []leak.Detector {
	if g.scan == nil {
		return nil
	}
	return g.scan.Detectors
}

type stage struct{ *Guard }

func (*stage) Name() string { return "egress" }

var errMasked = errors.New("the body of an upstream server error was replaced")

// Response changes the answer in place. Masking an error is an Answer verdict
// with the upstream's own status kept, so that it is recorded and counted as
// what it is, while a client still tells a 503 from a 500.
func (s *stage) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	r := x.Response
	d := durward.Proceed()
	if s.mask && r.Status >= 500 {
		d = durward.Decision{Verdict: durward.Answer, Code: durward.CodeUpstreamError, Err: errMasked}
	} else if s.scan != nil {
		d = s.guard(x)
	}
	if s.report {
		switch d.Verdict {
		case durward.Answer:
			d.Verdict = durward.Deny
		case durward.Allow:
			d.Err = errors.Join(d.Err, s.wouldChange(x))
		}
		return d
	}
	if d.Verdict == durward.Deny {
		return d // nothing of the answer is sent
	}
	r.Header.Filter(func(f durward.Field) bool { return !slices.Contains(s.remove, f.Name) })
	if d.Verdict == durward.Answer {
		s.replace(x)
	}
	if r.Trailer != nil {
		r.Trailer = s.trailer(x, r.Trailer)
	}
	s.cache(x)
	for _, f := range s.set {
		r.Header.Set(f.Name, f.Value)
	}
	for _, f := range s.fill {
		if !r.Header.Has(f.Name) {
			r.Header.Add(f.Name, f.Value)
		}
	}
	if s.hsts != "" && x.Client.Scheme == "https" {
		r.Header.Set("Strict-Transport-Security", s.hsts)
	}
	return d
}

// replace puts a problem document in place of the upstream's body. Only
// Retry-After survives of its header, and what a 401, 405 and 426 must have: it
// says nothing but when to come back, and how.
func (s *stage) replace(x *durward.Exchange) {
	r := x.Response
	kind := *durward.Lookup(durward.CodeUpstreamError)
	kind.Status = r.Status
	p := durward.NewProblem(s.problemBase, &durward.Decision{Code: durward.CodeUpstreamError}, x)
	p.Kind = &kind
	r.Header.Filter(func(f durward.Field) bool {
		return f.Name == "Retry-After" || r.Status < 500 && (f.Name == "Www-Authenticate" || f.Name == "Allow")
	})
	r.Header.Add("Content-Type", "application/problem+json")
	r.Header.Add("Cache-Control", "no-store")
	r.Replace(p.AppendJSON(nil))
	if x.In.Method == "HEAD" {
		r.Body = nil
	}
}
