// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"slices"
	"strings"

	"durward"
)

// wouldChange says which fields of the answer the guard would remove or set, by
// their names, for the record of report mode; nil for none.
func (s *stage) wouldChange(x *durward.Exchange) error {
	old := x.Response.Header
	var removed, set []string
	for _, f := range old {
		if slices.Contains(s.remove, f.Name) && !slices.Contains(removed, f.Name) {
			removed = append(removed, f.Name)
		}
	}
	kept := &durward.Exchange{Response: &durward.Response{Header: slices.Clone(old)}, Principal: x.Principal}
	s.cache(kept)
	for _, f := range old {
		if !kept.Response.Header.Has(f.Name) && !slices.Contains(removed, f.Name) {
			removed = append(removed, f.Name)
		}
	}
	for _, name := range []string{"Cache-Control", "Vary"} {
		if kept.Response.Header.Get(name) != old.Get(name) {
			set = append(set, name)
		}
	}
	for _, f := range s.set {
		if old.Get(f.Name) != f.Value && !slices.Contains(set, f.Name) {
			set = append(set, f.Name)
		}
	}
	for _, f := range s.fill {
		if !old.Has(f.Name) && !slices.Contains(set, f.Name) {
			set = append(set, f.Name)
		}
	}
	if s.cfg.HSTS != 0 && x.Client.Scheme == "https" {
		set = append(set, "Strict-Transport-Security")
	}
	switch {
	case len(removed) > 0 && len(set) > 0:
		return errors.New("would remove " + strings.Join(removed, ", ") + "; would set " + strings.Join(set, ", "))
	case len(removed) > 0:
		return errors.New("would remove " + strings.Join(removed, ", "))
	case len(set) > 0:
		return errors.New("would set " + strings.Join(set, ", "))
	}
	return nil
}
