// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"

	"github.com/google/go-cmp/cmp"
)

func TestCheckReportsEveryFault(t *testing.T) {
	d := func(d time.Duration) units.Duration { return units.Duration(d) }
	for _, row := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"the zero value", Config{}, nil},
		{"everything set", Config{Algorithms: []string{"ES256", "Ed25519"}, MaxAge: d(10 * time.Minute), Skew: d(time.Minute), BaseURL: "https://a.example/b",
			RequireNonce: true, NonceLifetime: d(10 * time.Second), NonceKey: testNonceKey}, nil},
		{"algorithms that are not taken", Config{Algorithms: []string{"none", "HS256", "es256", "", "ES256"}}, []string{"algorithms", "algorithms", "algorithms", "algorithms"}},
		{"an algorithm twice", Config{Algorithms: []string{"ES256", "ES256"}}, []string{"algorithms"}},
		{"times that are too short", Config{MaxAge: d(time.Millisecond), RequireNonce: true, NonceLifetime: d(time.Second)}, []string{"max_age", "nonce_lifetime"}},
		{"times that are too long", Config{MaxAge: d(11 * time.Minute), Skew: d(2 * time.Minute), RequireNonce: true, NonceLifetime: d(25 * time.Hour)}, []string{"max_age", "skew", "nonce_lifetime"}},
		{"a short key", Config{RequireNonce: true, NonceKey: "hunter2"}, []string{"nonce_key"}},
		{"a key for nothing", Config{NonceKey: testNonceKey}, []string{"require_nonce"}},
		{"a base without scheme", Config{BaseURL: "api.example.com"}, []string{"base_url"}},
		{"a base of another scheme", Config{BaseURL: "ftp://api.example.com"}, []string{"base_url"}},
		{"a base with a query", Config{BaseURL: "https://api.example.com/?a"}, []string{"base_url"}},
		{"a base with a user", Config{BaseURL: "https://hunter2@api.example.com"}, []string{"base_url"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.cfg.Check()
			var got []string
			for _, e := range durward.Flatten(err) {
				got = append(got, e.(*durward.FieldError).Field)
				if strings.Contains(e.Error(), "hunter2") {
					t.Error("the fault quotes a secret")
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
			if v, err := New(row.cfg, noUse(t), nil); (err == nil) != (row.want == nil) || (v == nil) != (err != nil) {
				t.Errorf("New: %v", err)
			}
		})
	}
	if _, err := New(Config{}, nil, nil); err == nil {
		t.Error("a verifier that remembers nothing was made")
	}
}
