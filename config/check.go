// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"durward"
	"durward/internal/strictyaml"
	"durward/store"
)

// faults collects durward.FieldErrors.
type faults struct{ all []error }

func (f *faults) add(field, format string, args ...any) {
	f.all = append(f.all, durward.Invalid(field, format, args...))
}

// in adds what a domain's Check found below field.
func (f *faults) in(field string, err error) {
	if err != nil {
		f.all = append(f.all, durward.InvalidIn(field, err))
	}
}

// Check holds the whole document against itself, against the files that it
// names and against the contracts. Load and Parse have called it; it is for a
// Config that was put together otherwise. The error is a strictyaml.Errors.
func (c *Config) Check() error {
	f := &faults{}
	c.checkGateway(f)
	c.checkFiles(f)
	c.checkAPIs(f)
	c.checkPatches(f)
	c.checkFirewall(f)
	c.checkInheritance(f)
	return c.locate(errors.Join(f.all...))
}

// locate gives every durward.FieldError in err, which may be joined, its place
// in the document. What is no FieldError is about the document as a whole. The
// result is nil or a strictyaml.Errors, in the document's order.
func (c *Config) locate(err error) error {
	if err == nil {
		return nil
	}
	var out strictyaml.Errors
	seen := map[string]bool{}
	for _, e := range durward.Flatten(err) {
		field, reason := "", e.Error()
		var fe *durward.FieldError
		if errors.As(e, &fe) {
			field, reason = fe.Field, fe.Reason
		}
		reason = c.unpacked.inPlace(reason)
		if key := field + "\x00" + reason; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if c.doc == nil {
			out = append(out, &strictyaml.Error{File: "configuration", Field: field, Reason: reason})
			continue
		}
		out = append(out, c.doc.Fault(field, reason))
	}
	out.Sort()
	return out
}

// checkGateway checks what is not about one API.
func (c *Config) checkGateway(f *faults) {
	c.checkListen(f)
	c.checkAdmin(f)
	if _, err := store.ParseURL(c.Store); err != nil {
		f.add("store", "must be sqlite:PATH, or memory: for tries")
	}
	for i, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			f.add("trusted_proxies["+strconv.Itoa(i)+"]", "would let everybody choose the client's address")
		} else if p != p.Masked() {
			f.add("trusted_proxies["+strconv.Itoa(i)+"]", "has bits set behind the prefix; write %s", p.Masked())
		}
	}
	if w := c.AllowWeaker; len(w) > 500 || strings.ContainsFunc(w, unicode.IsControl) || w != "" && strings.TrimSpace(w) == "" {
		f.add("allow_weaker", "must be a reason in one line of at most 500 bytes")
	}
	f.in("audit", c.Audit.Check())
	if c.Token != nil {
		f.in("token", c.Token.Check())
	}
	f.in("rate_limit", c.RateLimit.Check())
	f.in("lockout", c.Lockout.Check())
	f.in("recorder", c.Recorder.Check())
	f.in("waf", c.WAF.Check())
	f.in("inventory", c.Inventory.Check())
	c.checkProbe(f)
	f.in("tracing", c.Tracing.Check())
	if c.Limits.Requests < 0 || c.Limits.Requests > 1e6 {
		f.add("limits.requests", "must be from 1 to 1000000")
	}
	if c.Limits.RequestsPerAddress < 0 || c.Limits.RequestsPerAddress > 1e6 {
		f.add("limits.requests_per_address", "must be from 1 to 1000000")
	}
	if n := c.Limits.Counters; n != 0 && (n < 1024 || n > 1<<26) {
		f.add("limits.counters", "must be from 1024 to 67108864")
	}
	if base := c.Problems.TypeBase; base != "" {
		if u, err := url.Parse(base); err != nil || !u.IsAbs() || !strings.ContainsAny(base[len(base)-1:], "/#:") {
			f.add("problems.type_base", "must be an absolute URI that ends in /, # or :")
		}
	}
}

// checkProbe looks whether the tests have something to test.
func (c *Config) checkProbe(f *faults) {
	for _, name := range slices.Sorted(maps.Keys(c.Probe)) {
		at, job := strictyaml.Key("probe", name), c.Probe[name]
		if job == nil {
			f.add(at, "says nothing: it needs cron or on_change")
			continue
		}
		f.in(at, job.Check())
		api := c.APIs[job.API]
		if job.API == "" && len(c.APIs) == 1 {
			api = c.APIs[c.APINames()[0]]
		}
		switch {
		case job.API != "" && api == nil:
			f.add(at+".api", "no API is named %q; known are: %s", job.API, strings.Join(c.APINames(), ", "))
		case job.API == "" && len(c.APIs) > 1:
			f.add(at+".api", "must be one of %s", strings.Join(c.APINames(), ", "))
		}
		switch {
		case job.URL != "" || len(c.Listen) == 0:
		case c.Listen[0].TLS != nil:
			f.add(at+".url", "must be given: the first listener speaks TLS, and its certificate is for a host's name")
		case c.Listen[0].ProxyProtocol:
			f.add(at+".url", "must be given: the first listener takes connections of proxies only")
		case api != nil && len(api.Hosts) > 0:
			f.add(at+".url", "must be given: the API answers for some hosts only")
		}
	}
	if len(c.Probe) > maxProbes {
		f.add("probe", "has more than %d entries", maxProbes)
	}
}

// maxProbes bounds the jobs: they run one after the other.
const maxProbes = 100

func (c *Config) checkListen(f *faults) {
	if len(c.Listen) == 0 {
		f.add("listen", "is required: name at least one address")
	}
	seen := map[string]int{}
	for i := range c.Listen {
		l := &c.Listen[i]
		at := "listen[" + strconv.Itoa(i) + "]"
		f.in(at, l.Check())
		f.in(at+".addresses", l.Addresses.Check())
		if first, again := seen[l.Address]; again && !anyPort(l.Address) {
			f.add(at+".address", "is that of listen[%d] too", first)
		} else {
			seen[l.Address] = i
		}
		if l.ProxyProtocol && len(c.TrustedProxies) == 0 {
			f.add(at+".proxy_protocol", "needs trusted_proxies: without them every connection would be closed")
		}
	}
}

func (c *Config) checkAdmin(f *faults) {
	if c.Admin.Address != "" {
		if _, port, err := net.SplitHostPort(c.Admin.Address); err != nil {
			f.add("admin.address", "must be host:port")
		} else if n, err := strconv.ParseUint(port, 10, 16); err != nil {
			f.add("admin.address", "the port must be a number from 0 to 65535")
		} else if n != 0 {
			for i := range c.Listen {
				if c.Listen[i].Address == c.Admin.Address {
					f.add("admin.address", "is that of listen[%d] too: operators need an address of their own", i)
				}
			}
		}
	}
	// The kernel's limit on the path of a Unix socket, its final NUL included.
	if len(c.Admin.Socket) > 107 {
		f.add("admin.socket", "the absolute path is longer than 107 bytes")
	}
}

func anyPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && strings.Trim(port, "0") == ""
}
