// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn_test

import (
	"net/http"
	"strings"
	"testing"

	"durward/probe/check/checktest"
)

const document = `
openapi: 3.0.3
info: {title: Things, version: "1"}
SECURITY
paths:
  /me: {get: {operationId: me, responses: {"200": {description: me}}}}
  /logout: {post: {operationId: logout, responses: {"204": {description: out}}}}
  /news: {get: {operationId: news, security: [], responses: {"200": {description: for all}}}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

// service answers /me; who tells who calls.
func service(who func(r *http.Request) string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		user := who(r)
		if user == "" {
			checktest.Write(w, http.StatusUnauthorized, map[string]any{"error": "log in first"})
			return
		}
		checktest.Write(w, http.StatusOK, map[string]any{"username": user, "motto": "the motto of " + user})
	})
	mux.HandleFunc("GET /news", func(w http.ResponseWriter, _ *http.Request) {
		checktest.Write(w, http.StatusOK, map[string]any{"news": []string{"nothing new"}})
	})
	return mux
}

func TestCredentials(t *testing.T) {
	const said = "security: [{bearer: []}]"
	any := func(user string) func(*http.Request) string {
		return func(r *http.Request) string {
			if u := checktest.Who(r); u != "" {
				return u
			}
			return user
		}
	}
	tests := []struct {
		name, security string
		who            func(*http.Request) string
		want           []string
	}{
		{"tokens are looked up", said, checktest.Who, nil},
		{"tokens are looked up, and the document says nothing", "", checktest.Who, nil},
		{"nobody is a guest, and the document says nothing", "", any("guest"), nil},

		{"nobody is a guest", said, any("guest"), []string{"auth-missing GET /me"}},
		{"any text is a token", said, func(r *http.Request) string {
			if u := checktest.Who(r); u != "" {
				return u
			}
			if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
				return "alice"
			}
			return ""
		}, []string{"auth-malformed-accepted GET /me credential"}},
		{"half a token is enough", said, func(r *http.Request) string {
			text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			for token, user := range checktest.Tokens {
				if len(text) >= len(token)/2 && strings.HasPrefix(token, text) {
					return user
				}
			}
			return ""
		}, []string{"auth-credential-partial GET /me credential"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := strings.Replace(document, "SECURITY", tt.security, 1)
			checktest.Expect(t, doc, service(tt.who), "authentication", tt.want...)
		})
	}
}

func TestOtherWaysToSayWhoOneIs(t *testing.T) {
	named := func(name func(r *http.Request) string) func(r *http.Request) string {
		return func(r *http.Request) string {
			u := checktest.Who(r)
			if n := name(r); u != "" && n != "" {
				return n
			}
			return u
		}
	}
	tests := []struct {
		name string
		who  func(*http.Request) string
		want string
	}{
		{"the token alone", checktest.Who, ""},
		{"a parameter that must be the user", func(r *http.Request) string {
			if n := r.URL.Query().Get("user"); n != "" && n != checktest.Who(r) {
				return ""
			}
			return checktest.Who(r)
		}, ""},
		{"a parameter", named(func(r *http.Request) string { return r.URL.Query().Get("user") }), "identity-override GET /me query.user"},
		{"a field", named(func(r *http.Request) string { return r.Header.Get("X-Forwarded-User") }), "identity-override GET /me header.X-Forwarded-User"},
		{"an address", func(r *http.Request) string {
			if r.Header.Get("X-Real-IP") == "127.0.0.1" {
				return "alice"
			}
			return checktest.Who(r)
		}, "address-header-trusted GET /me header.X-Real-IP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			checktest.Expect(t, strings.Replace(document, "SECURITY", "security: [{bearer: []}]", 1), service(tt.who), "identity-override", want...)
		})
	}
}

// Logouts need users who can log in again: probe/score tests them.
func TestTokensInTheQuery(t *testing.T) {
	for name, taken := range map[string]bool{"a token is taken from its field only": false, "a token is taken from the query": true} {
		t.Run(name, func(t *testing.T) {
			who := func(r *http.Request) string {
				if u := checktest.Tokens[r.URL.Query().Get("access_token")]; taken && u != "" {
					return u
				}
				return checktest.Who(r)
			}
			var want []string
			if taken {
				want = []string{"auth-token-in-query GET /me query.access_token"}
			}
			checktest.Expect(t, strings.Replace(document, "SECURITY", "security: [{bearer: []}]", 1), service(who), "sessions", want...)
		})
	}
}
