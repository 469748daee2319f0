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
	"io"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/internal/units"
)

// Config is the `response:` part of an API.
type Config struct {
	// Mode is enforce, report (record what would be changed) or off.
	Mode durward.Mode `yaml:"mode"`
	// RemoveHeaders are names of answer fields to remove, beside those that
	// are always removed because they name the upstream's software: Server,
	// X-Powered-By, X-AspNet-Version, X-AspNetMvc-Version, X-Runtime,
	// X-Generator, X-Backend-Server, X-Served-By, X-Debug-Token and
	// X-Debug-Token-Link.
	RemoveHeaders []string `yaml:"remove_headers"`
	// SetHeaders are fields that every answer of the upstream gets, in place
	// of the upstream's own.
	SetHeaders map[string]string `yaml:"set_headers"`
	// Errors says what happens to the body of a 5xx answer: mask (the default)
	// replaces it by a problem document of the same status, pass lets it through.
	Errors string `yaml:"errors" enum:"mask,pass"`
	// HSTS is the max-age of Strict-Transport-Security (RFC 6797) on answers
	// to requests that came over TLS; 0 sends none.
	HSTS units.Duration `yaml:"hsts"`
	// BrowserHeaders says whether fields that only browsers look at are set
	// where the upstream has none: nosniff (the default) sets
	// X-Content-Type-Options; strict adds a Content-Security-Policy that
	// allows nothing, Referrer-Policy and Cross-Origin-Resource-Policy, for
	// APIs that serve no pages; off sets none.
	BrowserHeaders string `yaml:"browser_headers" enum:"nosniff,strict,off"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var errs []error
	if !slices.Contains([]string{"", "mask", "pass"}, c.Errors) {
		errs = append(errs, durward.Invalid("errors", "must be mask or pass"))
	}
	if !slices.Contains([]string{"", "nosniff", "strict", "off"}, c.BrowserHeaders) {
		errs = append(errs, durward.Invalid("browser_headers", "must be nosniff, strict or off"))
	}
	for i, name := range c.RemoveHeaders {
		if fault := fieldFault(name); fault != "" {
			errs = append(errs, durward.Invalid("remove_headers["+strconv.Itoa(i)+"]", "%s", fault))
		}
	}
	for name, value := range c.SetHeaders {
		if fault := fieldFault(name); fault != "" {
			errs = append(errs, durward.Invalid("set_headers."+name, "%s", fault))
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
			errs = append(errs, durward.Invalid("set_headers."+name, "the value holds a control character"))
		}
	}
	if c.HSTS.Std()%1e9 != 0 {
		errs = append(errs, durward.Invalid("hsts", "must be whole seconds"))
	}
	return errors.Join(errs...)
}

// framing are the fields that say where an answer ends; nobody but the
// listener may set or remove them.
var framing = []string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Keep-Alive", "Te"}

func fieldFault(name string) string {
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }):
		return "is not a field name"
	case slices.Contains(framing, durward.CanonicalName(name)):
		return "frames the message and cannot be changed"
	}
	return ""
}

// isToken tells whether r may stand in a token (RFC 9110, section 5.6.2).
func isToken(r rune) bool {
	return r < 0x7f && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}

// revealing are the fields that name the upstream's software.
var revealing = []string{
	"Server", "X-Powered-By", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Runtime",
	"X-Generator", "X-Backend-Server", "X-Served-By", "X-Debug-Token", "X-Debug-Token-Link",
}

type stage struct {
	remove      []string
	set         []durward.Field // replaces the upstream's
	fill        []durward.Field // only where the upstream has none
	hsts        string
	mask        bool
	report      bool
	problemBase string
}

// New makes the response stage of an API. problemBase is the base of problem
// types, as for durward.NewProblem. It gives nil when the mode is off.
func New(cfg *Config, problemBase string) durward.ResponseStage {
	if cfg.Mode == durward.Off {
		return nil
	}
	s := &stage{
		mask: cfg.Errors != "pass", report: cfg.Mode == durward.Report,
		problemBase: problemBase, remove: slices.Clone(revealing),
	}
	for _, name := range cfg.RemoveHeaders {
		s.remove = append(s.remove, durward.CanonicalName(name))
	}
	for name, value := range cfg.SetHeaders {
		s.set = append(s.set, durward.Field{Name: durward.CanonicalName(name), Value: value})
	}
	slices.SortFunc(s.set, func(a, b durward.Field) int { return strings.Compare(a.Name, b.Name) })
	if cfg.BrowserHeaders != "off" {
		s.fill = append(s.fill, durward.Field{Name: "X-Content-Type-Options", Value: "nosniff"})
	}
	if cfg.BrowserHeaders == "strict" {
		s.fill = append(s.fill,
			durward.Field{Name: "Content-Security-Policy", Value: "default-src 'none'; frame-ancestors 'none'"},
			durward.Field{Name: "Referrer-Policy", Value: "no-referrer"},
			durward.Field{Name: "Cross-Origin-Resource-Policy", Value: "same-origin"})
	}
	s.hsts = cfg.TransportSecurity()
	return s
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

func (s *stage) Name() string { return "egress" }

var errMasked = errors.New("the body of an upstream server error was replaced")

// Response changes the answer in place. Masking an error is a Deny verdict
// with the upstream's own status kept, so that it is recorded and counted as
// what it is, while a client still tells a 503 from a 500.
func (s *stage) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	r := x.Response
	masked := s.mask && r.Status >= 500
	if s.report {
		if masked {
			return durward.Refuse(durward.CodeUpstreamError, errMasked)
		}
		return durward.Proceed()
	}
	r.Header.Filter(func(f durward.Field) bool { return !slices.Contains(s.remove, f.Name) })
	if masked {
		s.replace(x)
	}
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
	if masked {
		return durward.Decision{Verdict: durward.Answer, Code: durward.CodeUpstreamError, Err: errMasked}
	}
	return durward.Proceed()
}

// replace puts a problem document in place of the upstream's body. Only
// Retry-After survives of its header: it says nothing but when to come back.
func (s *stage) replace(x *durward.Exchange) {
	r := x.Response
	if r.Body != nil {
		r.Body.Close()
	}
	kind := *durward.Lookup(durward.CodeUpstreamError)
	kind.Status = r.Status
	p := durward.NewProblem(s.problemBase, &durward.Decision{Code: durward.CodeUpstreamError}, x)
	p.Kind = &kind
	body := string(p.AppendJSON(nil))
	r.Header.Filter(func(f durward.Field) bool { return f.Name == "Retry-After" })
	r.Header.Add("Content-Type", "application/problem+json")
	r.Header.Add("Cache-Control", "no-store")
	r.Length, r.Stream, r.Trailer = int64(len(body)), false, nil
	if x.In.Method == "HEAD" {
		r.Body = nil
		return
	}
	r.Body = io.NopCloser(strings.NewReader(body))
}
