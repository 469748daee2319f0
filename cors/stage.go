// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"durward"
)

var (
	errOriginRefused  = errors.New("origin is not one that may call this API")
	errNoPreflight    = errors.New("not a preflight: Origin or Access-Control-Request-Method is missing")
	errMethodRefused  = errors.New("preflight asks for a method that the path does not have")
	errHeadersRefused = errors.New("preflight asks for a field that is not allowed")
)

// policy is a compiled Config.
type policy struct {
	any         bool
	exact       map[string]bool
	patterns    []pattern // with a wildcard
	credentials bool
	expose      string
}

func compile(cfg *Config) policy {
	p := policy{exact: map[string]bool{}, credentials: cfg.Credentials, expose: strings.Join(cfg.Expose, ", ")}
	for _, o := range cfg.Origins {
		switch one, err := parsePattern(o); {
		case o == "*":
			p.any = !cfg.Credentials
		case err != nil: // Check has refused it; allow nothing for it
		case one.suffix == "":
			p.exact[o] = true
		default:
			p.patterns = append(p.patterns, one)
		}
	}
	return p
}

// allows judges the value of an Origin field. "null" stands for many origins,
// sandboxed pages of attackers among them, and is nobody.
func (p *policy) allows(origin string) bool {
	if origin == "" || origin == "null" {
		return false
	}
	if p.any || p.exact[origin] {
		return true
	}
	for i := range p.patterns {
		if p.patterns[i].matches(origin) {
			return true
		}
	}
	return false
}

// grant adds the fields that let the origin read the answer. The answer
// depends on the origin, which a cache must know (RFC 9110 section 12.5.5).
func (p *policy) grant(x *durward.Exchange, origin string) {
	if p.any {
		x.Extra.Add("Access-Control-Allow-Origin", "*")
		return
	}
	x.Extra.Add("Access-Control-Allow-Origin", origin)
	if p.credentials {
		x.Extra.Add("Access-Control-Allow-Credentials", "true")
	}
}

// vary says that the answer depends on Origin, also when it has none or one
// that is not allowed: else a cache would give that answer to an allowed one.
func (p *policy) vary(x *durward.Exchange) {
	if !p.any {
		x.Extra.Add("Vary", "Origin")
	}
}

// preflight answers the preflights of one path.
type preflight struct {
	policy
	methods   string
	methodSet map[string]bool
	headers   string
	headerSet map[string]bool // in lower case
	maxAge    string
}

// Preflight makes the stage "cors" that answers preflights of a path whose
// methods are allowedMethods ("GET, POST"). cfg must have passed Check; nil
// gives nil. It answers 204 to an allowed origin that asks for an allowed
// method and allowed fields, and refuses all else with CodeOriginRefused.
func Preflight(cfg *Config, allowedMethods string) durward.Stage {
	if cfg == nil {
		return nil
	}
	s := &preflight{policy: compile(cfg), methods: allowedMethods, methodSet: map[string]bool{}, headerSet: map[string]bool{}}
	for m := range strings.SplitSeq(allowedMethods, ",") {
		s.methodSet[strings.TrimSpace(m)] = true
	}
	s.headers = strings.Join(cfg.Headers, ", ")
	// The CORS-safelisted names may be asked for when their value is not.
	for _, h := range append([]string{"accept", "accept-language", "content-language", "range"}, cfg.Headers...) {
		s.headerSet[strings.ToLower(h)] = true
	}
	if cfg.MaxAge > 0 {
		s.maxAge = strconv.FormatInt(int64(cfg.MaxAge.Std()/time.Second), 10)
	}
	return s
}

// Name is "cors".
func (s *preflight) Name() string { return "cors" }

// Request answers the preflight, or refuses it.
func (s *preflight) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	s.vary(x)
	origin := x.In.Header.Get("Origin")
	method := x.In.Header.Get("Access-Control-Request-Method")
	switch {
	case origin == "" || method == "":
		return durward.Refuse(durward.CodeOriginRefused, errNoPreflight)
	case !s.allows(origin):
		return durward.Refuse(durward.CodeOriginRefused, errOriginRefused)
	case !s.methodSet[method]:
		return durward.Refuse(durward.CodeOriginRefused, errMethodRefused)
	case !s.allowsHeaders(x.In.Header):
		return durward.Refuse(durward.CodeOriginRefused, errHeadersRefused)
	}
	s.grant(x, origin)
	x.Extra.Add("Access-Control-Allow-Methods", s.methods)
	if s.headers != "" {
		x.Extra.Add("Access-Control-Allow-Headers", s.headers)
	}
	if s.maxAge != "" {
		x.Extra.Add("Access-Control-Max-Age", s.maxAge)
	}
	x.Response = &durward.Response{Status: 204}
	return durward.Answered()
}

// allowsHeaders checks every field that the page wants to set.
func (s *preflight) allowsHeaders(h durward.Header) bool {
	for i := range h {
		if h[i].Name != "Access-Control-Request-Headers" || h[i].Value == "" {
			continue
		}
		for name := range strings.SplitSeq(h[i].Value, ",") {
			if !s.headerSet[strings.ToLower(strings.Trim(name, " \t"))] {
				return false
			}
		}
	}
	return true
}

// handshake refuses what leaves HTTP for a page of another host. It is all
// there is where CORS is not configured, because a browser applies no CORS to
// a WebSocket: it sends the visitor's cookies along and lets the page read.
type handshake struct{}

// Name is "cors".
func (handshake) Name() string { return "cors" }

// Request refuses an upgrade of another origin than the API's own.
func (handshake) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	if x.In.Upgrade == "" || !x.In.Header.Has("Origin") {
		return durward.Proceed()
	}
	scheme, host, _ := strings.Cut(x.In.Header.Get("Origin"), "://")
	if host == "" || host != x.In.Host || scheme != "https" && scheme != "http" || scheme == "http" && x.Client.Scheme == "https" {
		return durward.Refuse(durward.CodeOriginRefused, errOriginRefused)
	}
	return durward.Proceed()
}

// request lets allowed origins read answers.
type request struct{ policy }

// Request makes the stage "cors" of an operation. cfg must have passed Check;
// nil allows no origin. An allowed origin gets the fields that let its page read the
// answer, whatever the answer is. Any other gets none, so that a browser keeps
// the answer from the page; the request itself is decided on like every other.
// A WebSocket handshake of another origin is refused, since a browser would
// not; pages of the API's own host may always begin one.
func Request(cfg *Config) durward.Stage {
	if cfg == nil {
		return handshake{}
	}
	return &request{compile(cfg)}
}

// Name is "cors".
func (s *request) Name() string { return "cors" }

// Request adds the fields, or refuses the handshake.
func (s *request) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	s.vary(x)
	if !x.In.Header.Has("Origin") {
		return durward.Proceed() // not a page of another origin
	}
	origin := x.In.Header.Get("Origin")
	if !s.allows(origin) {
		return handshake{}.Request(ctx, x)
	}
	s.grant(x, origin)
	if s.expose != "" {
		x.Extra.Add("Access-Control-Expose-Headers", s.expose)
	}
	return durward.Proceed()
}

// response takes CORS fields out of upstream answers.
type response struct{}

// Response makes the stage "cors" for answers. It is the same with and without
// a configuration, and never nil: it removes the upstream's Access-Control-*
// fields, so that an upstream cannot open what the gateway keeps closed, and a
// browser never sees two answers to one question.
func Response() durward.ResponseStage { return response{} }

// Name is "cors".
func (response) Name() string { return "cors" }

// Response removes the fields.
func (response) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	if x.Response == nil {
		return durward.Proceed()
	}
	h := x.Response.Header
	for i := range h {
		if isCORS(h[i].Name) {
			x.Response.Header.Filter(func(f durward.Field) bool { return !isCORS(f.Name) })
			break
		}
	}
	return durward.Proceed()
}

const prefix = "Access-Control-"

func isCORS(name string) bool {
	return len(name) > len(prefix) && name[0]|0x20 == 'a' && strings.EqualFold(name[:len(prefix)], prefix)
}
