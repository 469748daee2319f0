// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"encoding/json"
	"sync"
)

// Shared makes one Method for equal configurations, so that the operations of
// a generation read the files once and share what was verified. Safe for
// concurrent use.
type Shared struct {
	deps Deps

	mu       sync.Mutex
	byConfig map[string]*Method
}

// NewShared makes an empty Shared, for one generation.
func NewShared(deps Deps) *Shared { return &Shared{deps: deps, byConfig: map[string]*Method{}} }

// Method gives the method of cfg; its errors are those of New.
func (s *Shared) Method(cfg Config) (*Method, error) {
	key, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.byConfig[string(key)]; m != nil {
		return m, nil
	}
	m, err := New(cfg, s.deps)
	if err == nil {
		s.byConfig[string(key)] = m
	}
	return m, err
}
