// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"durward"
)

var errKind = errors.New("the operation takes no credential of this kind any more")

// Again judges a caller who was authenticated before, when the credential is
// not at hand any more: whether a stage of this package takes credentials of
// that kind, and what its consumer's rules say of the caller today. It is for
// trials of recorded requests.
func Again(s durward.Stage, x *durward.Exchange, p durward.Principal) durward.Decision {
	one, ok := s.(*stage)
	if !ok {
		return durward.Refuse(durward.CodeUnauthenticated, errKind)
	}
	methods := strings.Split(p.Method, "+")
	slices.Sort(methods)
	takes := slices.ContainsFunc(one.alternatives, func(a alternative) bool {
		var kinds []string
		issued := false
		for _, e := range a.entries {
			kinds = append(kinds, e.kind)
			issued = issued || e.issuer == "" || e.issuer == p.Issuer
		}
		slices.Sort(kinds)
		return issued && slices.Equal(kinds, methods)
	})
	if !takes {
		return durward.Refuse(durward.CodeUnauthenticated, errKind)
	}
	return one.again(x, p, x.Client.Address)
}

func (s *stage) again(x *durward.Exchange, p durward.Principal, from netip.Addr) durward.Decision {
	if _, err := s.admit(&p, from); err != nil {
		return s.fail(x, durward.Attempt{}, -1, err)
	}
	x.Principal = p
	return durward.Proceed()
}
