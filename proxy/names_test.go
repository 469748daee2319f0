// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

func TestFieldsAreKeptOrDroppedByName(t *testing.T) {
	s := newNameSet([]string{"X-Consumer-Id", "X_Roles"}, []string{"Authorization", "X-Api-Key"}, false)
	for _, tc := range []struct {
		name string
		want fate
	}{
		{"Accept", keep}, {"Content-Type", keep}, {"Cookie", keep}, {"X-Custom", keep}, {"Priority", keep},
		{"X-Forward", keep}, {"Client-Certificates", keep}, {"", drop},
		{"Connection", connects}, {"Te", teFate}, {"Keep-Alive", drop}, {"Transfer-Encoding", drop}, {"Trailer", drop},
		{"Content-Length", drop}, {"Host", drop}, {"Expect", drop}, {"Upgrade", drop}, {"Http2-Settings", drop},
		{"Proxy", drop}, {"Proxy-Authorization", drop}, {"Proxy-Connection", drop}, {"Proxy_auth", drop},
		{"Forwarded", drop}, {"X-Forwarded-For", drop}, {"X_forwarded_for", drop}, {"X.forwarded.for", drop},
		{"X-Forwarded_host", drop}, {"X-Forwarded-Client-Cert", drop}, {"X-Forwarded-Anything", drop},
		{"X-Auth-User", drop}, {"x_auth_user", drop}, {"Ssl-Client-S-Dn", drop}, {"X-Goog-Authenticated-User-Email", drop},
		{"X-Durward-Identity", drop}, {"X_durward_identity", drop},
		{"X-Middleware-Subrequest", drop}, {"Client-Ip", drop}, {"X-Users", keep},
		{"X-Real-Ip", drop}, {"X_real_ip", drop}, {"Client-Cert", drop}, {"Client_cert_chain", drop},
		{"X-Original-Url", drop}, {"X-Rewrite-Url", drop}, {"X-Http-Method-Override", drop}, {"X_http_method_override", drop},
		{"X-Consumer-Id", drop}, {"X_consumer_id", drop}, {"X.consumer.id", drop}, {"X-Roles", drop}, {"X_roles", drop},
		{"Authorization", drop}, {"X-Api-Key", drop}, {"X.api.key", drop},
		{"X-" + strings.Repeat("a", 100), keep}, {"X_forwarded_" + strings.Repeat("a", 100), drop},
		{strings.Repeat("b", 100), keep},
	} {
		if got := s.of(tc.name); got != tc.want {
			t.Errorf("of(%q) = %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestAPassedCredentialIsKeptInItsOwnSpellingOnly(t *testing.T) {
	s := newNameSet(nil, []string{"Authorization", "X-Api-Key"}, true)
	for name, want := range map[string]fate{
		"Authorization": keep, "X-Api-Key": keep, "X_api_key": drop, "X.api.key": drop,
	} {
		if got := s.of(name); got != want {
			t.Errorf("of(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestLookingUpANameAllocatesNothing(t *testing.T) {
	s := newNameSet([]string{"X-Consumer"}, []string{"Authorization"}, false)
	names := []string{"Accept", "X-Custom-Field", "X_forwarded_for", "Content-Type", "Priority", "Authorization"}
	if n := allocs.PerRun(100, func() {
		for _, name := range names {
			s.of(name)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzNameSet compares the fast look-up with the plain rule.
func FuzzNameSet(f *testing.F) {
	for _, s := range []string{"Accept", "X_forwarded_for", "proxy-x", "TE", "x-consumer", "Authorization", "X.API.KEY", "\x98-real-ip"} {
		f.Add(s)
	}
	own, credentials := []string{"X-Consumer"}, []string{"Authorization", "X-Api-Key"}
	s := newNameSet(own, credentials, false)
	f.Fuzz(func(t *testing.T, raw string) {
		name := durward.CanonicalName(raw)
		folded := foldName(name)
		if !isToken(name) {
			return
		}
		want := isDropped(folded) || folded == "x-consumer" || folded == "authorization" || folded == "x-api-key"
		if got := s.of(name) != keep; got != want {
			t.Errorf("of(%q) drops: %v, want %v", name, got, want)
		}
	})
}
