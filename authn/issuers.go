// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"durward"
)

// Issuers are the issuers of one generation of the configuration, above key
// sets that all generations share. A reload makes the next generation's with
// With, and closes the old one's when its last request has gone; a source that
// both use is neither fetched again nor loses its keys. Safe for concurrent
// use.
type Issuers struct {
	shared *sources
	byName map[string]*issuer
	root   bool
	closed sync.Once
}

// issuer is one compiled entry of the configuration.
type issuer struct {
	name   string
	config IssuerConfig // with defaults
	source *source
}

// NewIssuers makes the root, which knows no issuer yet. A nil client is one
// with short timeouts and TLS 1.2 or later; client is not used for issuers with
// their own CA. Redirects are never followed. nil now and log are the usual ones.
func NewIssuers(client *http.Client, now func() time.Time, log *slog.Logger) *Issuers {
	if client == nil {
		client = newClient(nil)
	}
	plain := *client
	plain.CheckRedirect = noRedirect
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Issuers{root: true, shared: &sources{
		client: &plain, now: now, log: log,
		used: map[sourceID]*source{}, last: map[string]*issuer{},
	}}
}

// With makes the issuers of another configuration on top of the same sources.
// It fetches nothing, and an error changes nothing. The result must be closed.
func (s *Issuers) With(configs map[string]IssuerConfig) (*Issuers, error) {
	next := &Issuers{shared: s.shared, byName: make(map[string]*issuer, len(configs))}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		c := configs[name]
		err := c.Check()
		if err == nil {
			next.byName[name], err = s.shared.acquire(name, c.withDefaults())
		}
		if err != nil {
			delete(next.byName, name)
			errs = append(errs, durward.InvalidIn(name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		next.Close()
		return nil, err
	}
	s.shared.remember(next.byName)
	return next, nil
}

// Start begins to keep the key sets fresh, each in a goroutine of its own that
// ends with the last Issuers that uses it. Before, or without it, keys are
// fetched when a token needs them.
func (s *Issuers) Start() {
	for _, i := range s.byName {
		i.source.start()
	}
}

// Close lets go of the sources and stops those that nothing else uses. Of the
// root it stops all. It waits for what it stops.
func (s *Issuers) Close() {
	s.closed.Do(func() {
		if s.root {
			s.shared.stopAll()
			return
		}
		for _, i := range s.byName {
			s.shared.release(i.source)
		}
	})
}

// Names lists the issuers.
func (s *Issuers) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Status is what an operator wants to know of an issuer.
type Status struct {
	Name    string
	Issuer  string
	Keys    int
	Checked time.Time // when the issuer last confirmed the keys; zero: never
	Err     error     // of the last attempt; nil when it succeeded
}

// Status reports on all issuers, in the order of their names.
func (s *Issuers) Status() []Status {
	out := make([]Status, 0, len(s.byName))
	for _, name := range s.Names() {
		i := s.byName[name]
		st := i.source.status()
		st.Name, st.Issuer = name, i.config.Issuer
		out = append(out, st)
	}
	return out
}

// Refresh fetches the key sets of all issuers now and gives what failed.
func (s *Issuers) Refresh(ctx context.Context) error {
	var errs []error
	for _, name := range s.Names() {
		if err := s.byName[name].source.refresh(ctx); err != nil {
			errs = append(errs, fmt.Errorf("issuer %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
