// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// faultFields lists the fields that an error is about, and fails the test when
// it quotes the secret.
func faultFields(t *testing.T, err error) (fields []string) {
	t.Helper()
	for _, one := range durward.Flatten(err) {
		fe, ok := errors.AsType[*durward.FieldError](one)
		if !ok {
			t.Fatalf("%v is not a FieldError", one)
		}
		if strings.Contains(one.Error(), "hunter2") {
			t.Errorf("%v quotes the secret", one)
		}
		fields = append(fields, fe.Field)
	}
	return fields
}

func TestTheUpstreamGetsTheStoredCredentialAndNeverTheClients(t *testing.T) {
	spellings := fields("Authorization", "Bearer mine", "X-Api-Key", "k", "X-Backend-Key", "mine", "X_backend_key", "mine", "X.Backend.Key", "mine")
	for _, tc := range []struct {
		name   string
		stored UpstreamCredential
		in     durward.Header
		want   durward.Header
	}{
		{"a whole Authorization field", UpstreamCredential{Authorization: "Bearer hunter2"}, fields("Authorization", "Bearer mine", "X-Api-Key", "k"),
			fields("X-Request-Id", "req-1", "Authorization", "Bearer hunter2")},
		{"HTTP Basic", UpstreamCredential{Username: "Aladdin", Password: "open sesame"}, fields("Authorization", "Basic eDp5"),
			fields("X-Request-Id", "req-1", "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")},
		{"a field of its own, in any spelling of the client's", UpstreamCredential{Header: "x-backend-key", Value: "hunter2"}, spellings,
			fields("X-Request-Id", "req-1", "X-Backend-Key", "hunter2")},
		{"also when the client names it in Connection", UpstreamCredential{Header: "X-Backend-Key", Value: "hunter2"},
			fields("Connection", "close, X-Backend-Key, X-Request-Id", "X-Backend-Key", "mine"),
			fields("X-Request-Id", "req-1", "X-Backend-Key", "hunter2")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newExchange("GET", "/a")
			x.In.Header = tc.in
			s := stage(t, Config{Forward: "off", Credential: "replace", UpstreamCredential: &tc.stored}, "Authorization", "X-Api-Key")
			mustAllow(t, s.Request(t.Context(), x))
			if diff := cmp.Diff(tc.want, x.Out.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStoredAuthorizationHidesOneThatIsNoCredentialHere(t *testing.T) {
	// The API takes keys in X-Api-Key only; without a rule of its own the
	// client's Authorization would pass, and stand before the gateway's.
	x := newExchange("GET", "/a")
	x.In.Header = fields("Authorization", "Bearer mine", "Authorization", "Bearer other")
	s := stage(t, Config{Forward: "off", Credential: "replace", UpstreamCredential: &UpstreamCredential{Authorization: "Bearer hunter2"}}, "X-Api-Key")
	mustAllow(t, s.Request(t.Context(), x))
	if diff := cmp.Diff(fields("X-Request-Id", "req-1", "Authorization", "Bearer hunter2"), x.Out.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestTheStoredCredentialIsNoTrailer(t *testing.T) {
	u := newUpstream(t, Config{Targets: targets("http://127.0.0.1:1"), Credential: "replace",
		UpstreamCredential: &UpstreamCredential{Header: "X-Backend-Key", Value: "hunter2"}}, nil)
	x := newExchange("POST", "/a")
	x.In.Trailer = func() durward.Header { return fields("X-Backend-Key", "mine", "X_backend_key", "mine", "X-Sum", "1") }
	if diff := cmp.Diff(fields("X-Sum", "1"), u.outgoing.trailer(x)()); diff != "" {
		t.Errorf("trailer (-want +got):\n%s", diff)
	}
}

func TestAStoredCredentialThatCannotBeSentIsRefused(t *testing.T) {
	replace := func(c UpstreamCredential) Config { return Config{Credential: "replace", UpstreamCredential: &c} }
	for _, tc := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"a bearer token", replace(UpstreamCredential{Authorization: "Bearer hunter2"}), nil},
		{"a field of another gateway's", replace(UpstreamCredential{Header: "X-Consumer-Id", Value: "hunter2"}), nil},
		{"replace without a credential", Config{Credential: "replace"}, []string{"upstream_credential"}},
		{"a credential that is never sent", Config{UpstreamCredential: &UpstreamCredential{Authorization: "hunter2"}}, []string{"upstream_credential"}},
		{"nothing in it", replace(UpstreamCredential{}), []string{"upstream_credential"}},
		{"two kinds", replace(UpstreamCredential{Authorization: "hunter2", Header: "X-A", Value: "hunter2"}), []string{"upstream_credential"}},
		{"a user without password", replace(UpstreamCredential{Username: "u"}), []string{"upstream_credential.password"}},
		{"a colon in the user", replace(UpstreamCredential{Username: "u:hunter2", Password: "p"}), []string{"upstream_credential.username"}},
		{"a field without value", replace(UpstreamCredential{Header: "X-A"}), []string{"upstream_credential.value"}},
		{"a line end", replace(UpstreamCredential{Authorization: "hunter2\r\nX-Admin: 1"}), []string{"upstream_credential.authorization"}},
		{"a line end left by a file", replace(UpstreamCredential{Header: "X-A", Value: "hunter2\n"}), []string{"upstream_credential.value"}},
		{"space at its end", replace(UpstreamCredential{Header: "X-A", Value: "hunter2 "}), []string{"upstream_credential.value"}},
		{"more than a header takes", replace(UpstreamCredential{Authorization: strings.Repeat("a", maxCredential+1)}), []string{"upstream_credential.authorization"}},
		{"no field name", replace(UpstreamCredential{Header: "X A", Value: "hunter2"}), []string{"upstream_credential.header"}},
		{"a field that is the gateway's", replace(UpstreamCredential{Header: "X_Forwarded_For", Value: "hunter2"}), []string{"upstream_credential.header"}},
		{"cookies", replace(UpstreamCredential{Header: "Cookie", Value: "hunter2"}), []string{"upstream_credential.header"}},
		{"Authorization by name", replace(UpstreamCredential{Header: "authorization", Value: "hunter2"}), []string{"upstream_credential.header"}},
		{"the name of an identity field", Config{Credential: "replace", Identity: Identity{Subject: "X-User"},
			UpstreamCredential: &UpstreamCredential{Header: "x_user", Value: "hunter2"}}, []string{"upstream_credential.header"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.config.Targets = targets("https://a")
			if diff := cmp.Diff(tc.want, faultFields(t, tc.config.Check())); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFieldsOfLaterStagesAreTheirsAlone(t *testing.T) {
	c := Config{Targets: targets("http://127.0.0.1:1"), Forward: "off"}
	u, err := New(&c, newPools(t, nil), []string{"Authorization"}, "X-Durward-Identity")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	x := newExchange("GET", "/a")
	x.In.Header = fields("X-Durward-Identity", "mine", "X_durward.identity", "mine", "Authorization", "Bearer t")
	mustAllow(t, u.Outgoing().Request(t.Context(), x))
	if diff := cmp.Diff(fields("X-Request-Id", "req-1"), x.Out.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestFieldsOfLaterStagesMayNotClash(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config Config
		own    string
		want   []string
	}{
		{"the caller's credential is passed in it", Config{Credential: "pass"}, "Authorization", []string{"credential"}},
		{"the caller's credential is stripped", Config{}, "Authorization", nil},
		{"another field carries the caller's credential", Config{Credential: "pass"}, "X-Durward-Identity", nil},
		{"an identity field has it", Config{Identity: Identity{Roles: "X-Id"}}, "x_id", []string{""}},
		{"the stored credential has it", Config{Credential: "replace", UpstreamCredential: &UpstreamCredential{Authorization: "Bearer hunter2"}},
			"Authorization", []string{""}},
		{"it is no name", Config{}, "a b", []string{""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.config.Targets = targets("http://127.0.0.1:1")
			u, err := New(&tc.config, newPools(t, nil), []string{"Authorization"}, tc.own)
			if err == nil {
				u.Close()
			}
			if diff := cmp.Diff(tc.want, faultFields(t, err)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}
