// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
	"durward/probe/world"
)

// Config is what a run tests, as whom, and how far it may go. The zero value of
// a bound is its default.
type Config struct {
	// URL is the API's address. A path in it is what the operations are below;
	// without one, the document's first server says that.
	URL string
	// API is the document.
	API *spec.API
	// Document names it, in reports and in the state.
	Document string
	// Users are those of a users' file; Extra are made by hand.
	Users *identity.File
	Extra []*identity.Identity
	// Pairs are users whose login is found out.
	Pairs []Pair
	// Register lets the run register users of its own when it is given none.
	Register bool
	// Seed repeats a run.
	Seed uint64
	// Only and Skip name checks; Operations are patterns, in which * stands for
	// anything, of operation ids, paths, or "METHOD /path".
	Only, Skip, Operations []string
	// ReadOnly sends only GET, HEAD and OPTIONS. Logins are sent all the same.
	ReadOnly bool
	// Destructive lets tests run that may harm the service.
	Destructive bool
	// MaxRequests bounds the requests, 200,000 when zero; Rate how many may start
	// in a second; Timeout one exchange, Time the run; Concurrency how many are
	// under way.
	MaxRequests int
	Rate        float64
	Timeout     time.Duration
	Time        time.Duration
	Concurrency int
	TLS         *tls.Config
	// Expect says what a policy promises; nil for none.
	Expect check.Expectation
	// Listener takes requests that the service was made to send; nil for none.
	Listener check.Listener
	// State is a file that an interrupted run goes on from; empty for none.
	State string
	// Version is the program's, for reports.
	Version string
	// Progress is told where the run is; may be nil.
	Progress func(Progress)
	// Trace is told of each exchange as a line without secrets; may be nil.
	Trace func(line string)
	// Checks replaces the list of all tests, for tests of the run itself.
	Checks []check.Check
}

// Progress is where a run is.
type Progress struct {
	// Phase is "log in", "reach", "check", "clean up".
	Phase string
	// What is the check or operation under way.
	What        string
	Done, Total int
	Requests    int
	Findings    int
}

// defaultRequests bounds a run that was given no budget.
const defaultRequests = 200_000

// where gives the origin and the base path.
func (c *Config) where() (origin, base string, err error) {
	u, err := url.Parse(c.URL)
	if strings.Contains(c.URL, "@") {
		return "", "", errors.New("the address must not hold a user or password; use --user")
	}
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("%q is no address of an API: give http://host:port or https://host", c.URL)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", "", errors.New("the address must have no query and no fragment")
	}
	origin = u.Scheme + "://" + u.Host
	base = strings.TrimSuffix(u.EscapedPath(), "/")
	if base != "" || len(c.API.Servers) == 0 {
		return origin, base, nil
	}
	// Only the path of a server is used: its host is never spoken to. The server
	// of that very host goes before the first.
	of := c.API.Servers[0]
	for _, other := range c.API.Servers {
		if o, err := url.Parse(other); err == nil && o.Host == u.Host {
			of = other
			break
		}
	}
	s, err := url.Parse(of)
	if err != nil || strings.ContainsAny(s.EscapedPath(), "{}") {
		return origin, "", nil //nolint:nilerr // a server that cannot be read says nothing
	}
	p := s.EscapedPath()
	if p != "" && p[0] != '/' {
		p = "/" + p
	}
	return origin, strings.TrimSuffix(path.Clean("/"+p), "/"), nil
}

// pick gives the checks that run.
func (c *Config) pick() ([]check.Check, error) {
	all := c.Checks
	if all == nil {
		all = Checks()
	}
	names := make([]string, 0, len(all))
	for _, k := range all {
		names = append(names, k.Name)
	}
	for _, want := range slices.Concat(c.Only, c.Skip) {
		if !slices.Contains(names, want) {
			return nil, fmt.Errorf("there is no check %q; there are: %s", want, strings.Join(names, ", "))
		}
	}
	var out []check.Check
	for _, k := range all {
		if (len(c.Only) == 0 || slices.Contains(c.Only, k.Name)) && !slices.Contains(c.Skip, k.Name) {
			out = append(out, k)
		}
	}
	return out, nil
}

// operations gives those that are tested, in the order of the test.
func (c *Config) operations() ([]*spec.Operation, error) {
	var out []*spec.Operation
	for _, op := range world.Order(c.API) {
		if len(c.Operations) == 0 || slices.ContainsFunc(c.Operations, func(p string) bool {
			return glob(p, op.ID) || glob(p, op.Path) || glob(p, op.Method+" "+op.Path) || glob(p, op.Template()) || glob(p, op.Method+" "+op.Template())
		}) {
			out = append(out, op)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no operation of the document is to be tested")
	}
	return out, nil
}

// glob matches a pattern, in which * stands for any text.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// limits is the client's configuration.
func (c *Config) limits(origin string, now time.Time) client.Config {
	l := client.Config{Origin: origin, Timeout: c.Timeout, MaxRequests: c.MaxRequests, Rate: c.Rate, Concurrency: c.Concurrency,
		TLS: c.TLS, Agent: "durward-probe/" + c.Version}
	if l.MaxRequests == 0 {
		l.MaxRequests = defaultRequests
	}
	if c.Time > 0 {
		l.Deadline = now.Add(c.Time)
	}
	return l
}
