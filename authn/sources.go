// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/x509"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"durward"
)

// sources are the key sources that are in use, by what they are fetched from.
type sources struct {
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu   sync.Mutex
	used map[sourceID]*source
	last map[string]*issuer // newest by name: an unchanged entry stays the same object
}

// sourceID tells two key sources apart. The name is part of it, so that two
// issuers never share keys by accident of configuration; ca is a hash of the
// certificates, so that renewed ones take effect with the next reload.
type sourceID struct {
	name, issuer, discovery, url, file, ca string
	refresh, min, stale                    time.Duration
}

// acquire gives the issuer of a checked entry, and counts it as a user of its
// source.
func (s *sources) acquire(name string, c IssuerConfig) (*issuer, error) {
	id := sourceID{
		name: name, issuer: c.Issuer, discovery: c.Discovery, url: c.JWKSURL, file: c.JWKSFile, ca: c.CA,
		refresh: c.RefreshInterval.Std(), min: c.MinRefresh.Std(), stale: c.StaleFor.Std(),
	}
	var pool *x509.CertPool
	if c.CA != "" {
		var err error
		if pool, id.ca, err = readPool(c.CA); err != nil {
			return nil, durward.Invalid("ca", "%v", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	src, ok := s.used[id]
	if !ok {
		if pool == nil {
			src = newSource(id, s.client, s.now, s.log)
		} else {
			own := newClient(pool)
			src = newSource(id, own, s.now, s.log)
			src.own = own
		}
		s.used[id] = src
	}
	src.users++
	if old := s.last[name]; old != nil && old.source == src && reflect.DeepEqual(old.config, c) {
		return old, nil
	}
	return &issuer{name: name, config: c, source: src}, nil
}

// remember makes these the newest issuers, once all of them are good.
func (s *sources) remember(newest map[string]*issuer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.last, newest)
}

// release takes a user off src, and stops it after the last.
func (s *sources) release(src *source) {
	s.mu.Lock()
	src.users--
	idle := src.users == 0
	if idle {
		delete(s.used, src.id)
		if last := s.last[src.id.name]; last != nil && last.source == src {
			delete(s.last, src.id.name)
		}
	}
	s.mu.Unlock()
	if idle {
		src.stop()
	}
}

func (s *sources) stopAll() {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.used))
	s.mu.Unlock()
	for _, src := range all {
		src.stop()
	}
	s.client.CloseIdleConnections()
}
