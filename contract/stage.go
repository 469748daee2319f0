// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"durward"
)

// stage checks the requests of one operation. It is immutable.
type stage struct {
	rules        *rules
	lim          limits
	unknownQuery bool // undeclared query parameters are taken
	gzip         bool
	accept       bool // an Accept field must name a type of the answers

	// What is proven of a request without content that was checked, and of one
	// whose content fits a rule. nil: nobody asked.
	proven   *durward.Proven
	provenOf map[checked]*durward.Proven
}

func newStage(r *rules, cfg *Config) *stage {
	s := &stage{rules: r, lim: cfg.limits(), unknownQuery: cfg.UnknownQuery == Allow, accept: cfg.Accept == Refuse}
	for _, coding := range cfg.ContentEncodings {
		s.gzip = s.gzip || coding == "gzip"
	}
	return s
}

// Name is the stage's name in the trail.
func (s *stage) Name() string { return "contract" }

// work is what one check needs; it is used again.
type work struct {
	t      tree
	c      checker
	p      pass
	fits   checked // the content, as it was sent
	pairs  []pair
	values []string
	out    durward.Violations
}

var works = sync.Pool{New: func() any { return new(work) }}

// release gives the buffers back, without the request's strings in them.
func (w *work) release() {
	w.t.reset()
	clear(w.pairs)
	clear(w.values)
	if cap(w.pairs) > 256 {
		w.pairs = nil
	}
	w.c.dec.s, w.c.dec.path, w.c.name = "", w.c.dec.path[:0], ""
	w.c.dec.fault, w.fits = nil, checked{}
	w.p.release()
	works.Put(w)
}

var errPanic = errors.New("contract: the validator panicked")

// Request checks the parameters, and then the content, which is read only when
// they are right.
func (s *stage) Request(_ context.Context, x *durward.Exchange) (d durward.Decision) {
	w := works.Get().(*work)
	w.out = nil // it leaves with the decision
	w.c.t, w.c.out, w.c.lim = &w.t, &w.out, &s.lim
	w.c.quiet, w.c.steps = 0, 0
	defer func() {
		if r := recover(); r != nil {
			// What the panic holds may quote the request, so only its type is
			// kept; the buffers are left to the collector.
			d = durward.Failed(durward.CodeInternal, fmt.Errorf("%w: %T", errPanic, r))
			return
		}
		w.release()
	}()
	s.parameters(w, x)
	if len(w.out) > 0 {
		return durward.Refuse(durward.CodeParameterInvalid, w.out)
	}
	if s.accept && !acceptable(x.In.Header, s.rules.offers) {
		return durward.Refuse(durward.CodeNotAcceptable, durward.Violations{{In: "header", Name: "Accept", Reason: reasonAccept}})
	}
	w.fits = checked{}
	if d = s.content(w, x); d.Verdict == durward.Allow && d.Err == nil {
		x.Proven = s.proof(w.fits)
	}
	return d
}

func (s *stage) parameters(w *work, x *durward.Exchange) {
	for _, r := range s.rules.path {
		w.c.in, w.c.name = "path", r.name
		w.c.value(r, x.Param(r.name), plain)
	}
	if x.In.RawQuery != "" || len(s.rules.query) > 0 {
		w.query(s.rules, x.In.RawQuery, s.unknownQuery)
	}
	for _, r := range s.rules.header {
		w.c.in, w.c.name = "header", r.name
		w.header(r, x.In.Header)
	}
	if len(s.rules.cookie) > 0 || len(s.rules.cookieKeys) > 0 {
		w.c.in = "cookie"
		w.cookies(s.rules, x.In.Header)
	}
}

// refuse is the decision about what is wrong with the content as a whole.
func refuse(code durward.Code, reason string) durward.Decision {
	return durward.Refuse(code, durward.Violations{{In: "body", Reason: reason}})
}

// bodyDecision maps the errors of reading a body.
func bodyDecision(err error) durward.Decision {
	if code := durward.BodyFault(err); code != "" {
		return durward.Refuse(code, err)
	}
	return durward.Failed(durward.CodeInternal, err)
}
