// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward/probe/client"
	"durward/probe/spec"
)

// desk serves logins, and gives the one user of a file.
func desk(t *testing.T, file string, h http.HandlerFunc) (*Desk, *Identity) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	f, err := Parse("users.yaml", []byte(strings.ReplaceAll(file, "ORIGIN", s.URL)), none)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := f.Identities(&spec.API{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Origin: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &Desk{Client: c, Base: "/api"}, ids[0]
}

func claims(s string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(s)) + ".c2lnbmF0dXJl"
}

func TestLogins(t *testing.T) {
	jwt := claims(`{"sub":"u-7","role":"admin","scope":"a b"}`)
	for _, test := range []struct {
		name, login string
		answer      http.HandlerFunc
		want        string // the header field of a request then
		fails       string
	}{
		{"a token by its pointer", `{endpoint: /login, payloadRaw: '{"u":1}', token: {extractFrom: body, extractSelector: /a/0/t, sendIn: header, sendName: X-Auth, sendTemplate: "T {token}!"}}`,
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"a":[{"t":"tok-123"}]}`) }, "X-Auth: T tok-123!", ""},
		{"a token in a field", `{endpoint: /login, token: {extractFrom: header, extractSelector: Authorization}}`,
			func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Authorization", "Bearer tok-123") }, "Authorization: Bearer tok-123", ""},
		{"cookies", `{endpoint: /login, expectCookies: true}`,
			func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "gone", Value: "x", MaxAge: -1})
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: "abcdef"})
				w.WriteHeader(302)
			}, "Cookie: sid=abcdef", ""},
		{"a form", `{endpoint: /login, contentType: application/x-www-form-urlencoded, payloadUserPwd: {username: 'a b', password: 'p&', usernameField: u, passwordField: p}}`,
			func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				fmt.Fprintf(w, `{"access_token":"tok-of-%s"}`, strings.ReplaceAll(string(b), `"`, ""))
			}, "Authorization: Bearer tok-of-u=a+b&p=p%26", ""},
		{"a token that nobody described", `{endpoint: /login}`,
			func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"status":"ok","data":{"refresh_token":"no-not-this","auth_token":%q}}`, jwt)
			}, "Authorization: Bearer " + jwt, ""},
		{"a login with a field", `{endpoint: /login, verb: GET, headers: [{name: X-Pin, value: "4711"}]}`,
			func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `"token-for-%s-0123"`, r.Header.Get("X-Pin"))
			}, "Authorization: Bearer token-for-4711-0123", ""},
		{"below the base path", `{endpoint: /v1/login}`,
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v1/login" {
					w.WriteHeader(500)
				}
				fmt.Fprint(w, `{"token":"tok-12345"}`)
			}, "Authorization: Bearer tok-12345", ""},
		{"not below the base path", `{endpoint: /v1/login}`,
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v1/login" {
					w.WriteHeader(404)
					return
				}
				fmt.Fprint(w, `{"token":"tok-12345"}`)
			}, "Authorization: Bearer tok-12345", ""},
		{"by a full URL", `{externalEndpointURL: "ORIGIN/else/login?x=1"}`,
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"token":"tok%s"}`, r.URL) }, "Authorization: Bearer tok/else/login?x=1", ""},
		{"a refusal", `{endpoint: /login, payloadRaw: 'pass-w0rd'}`,
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, "wrong", http.StatusForbidden) }, "", "user ann cannot log in: the login was answered 403"},
		{"nothing there", `{endpoint: /login, token: {extractSelector: /t}}`,
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"x":1}`) }, "", "has no token at /t"},
		{"no credentials at all", `{endpoint: /login}`,
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"x":1}`) }, "", "gave no token and no cookie"},
		{"another server that nobody allowed", `{externalEndpointURL: "https://id.example/login"}`,
			func(w http.ResponseWriter, r *http.Request) {}, "", "logins at id.example are not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, ann := desk(t, "auth:\n  - name: ann\n    loginEndpointAuth: "+test.login+"\n", test.answer)
			err := d.Login(t.Context(), ann)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "pass-w0rd") {
					t.Fatalf("got %v, want %s", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := &client.Request{Target: "/"}
			ann.Apply(r)
			if len(r.Header) != 1 || r.Header[0].Name+": "+r.Header[0].Value != test.want {
				t.Errorf("sent %v, want %s", r.Header, test.want)
			}
		})
	}
}

func TestALoginTellsWhoTheUserIs(t *testing.T) {
	d, ann := desk(t, `auth: [{name: ann, loginEndpointAuth: {endpoint: /l, payloadUserPwd: {username: ann@a.example, password: pw, usernameField: mail, passwordField: p}}}]`,
		func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"token":%q,"user":{"id":7,"username":"ann"}}`, claims(`{"sub":"u-7","role":"clerk","scope":"a b"}`))
		})
	if err := d.Login(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"email": "ann@a.example", "user_id": json.Number("7"), "userId": json.Number("7"), "sub": "u-7", "username": "ann"} {
		if got, ok := ann.Knows(name); !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if len(ann.Scopes) != 2 || len(ann.Roles) != 1 || ann.Roles[0] != "clerk" || !ann.Is("7") || ann.Is("8") || ann.Password() != "pw" {
		t.Errorf("%v %v", ann.Scopes, ann.Roles)
	}
}

func TestARegistrationComesBeforeTheFirstLoginOnly(t *testing.T) {
	var mu sync.Mutex
	var paths []string
	d, ann := desk(t, `auth: [{name: ann, register: {endpoint: /join, payloadRaw: '{}'}, loginEndpointAuth: {endpoint: /l}}]`,
		func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			paths = append(paths, r.URL.Path)
			n := len(paths)
			mu.Unlock()
			if r.URL.Path == "/api/join" {
				w.WriteHeader(409) // there already
				return
			}
			fmt.Fprintf(w, `{"token":"tok-12345-%d"}`, n)
		})
	for range 2 {
		if err := d.Renew(t.Context(), ann, ann.Turn()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(paths, " "); got != "/api/join /api/l /api/l" {
		t.Error(got)
	}
}

func TestManyThatFindTheCredentialsExpiredRenewThemOnce(t *testing.T) {
	var logins atomic.Int32
	d, ann := desk(t, `auth: [{name: ann, loginEndpointAuth: {endpoint: /l}}]`, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"token":"token-no-%d"}`, logins.Add(1))
	})
	if err := d.Login(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	turn := ann.Turn()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := d.Renew(context.Background(), ann, turn); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := logins.Load(); n != 2 || ann.Credentials()[0].Secret != "token-no-2" {
		t.Errorf("%d logins, %v", n, ann.Credentials())
	}
}

func TestALoginThatGivesTheRefusedTokenIsMadeAgainALittleLater(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tokens []string // by login; the last one stays
		renew  int
		want   string
		logins int32
	}{
		{"a token of the same second", []string{"token-no-1", "token-no-1", "token-no-2"}, 1, "token-no-2", 3},
		{"another token at once", []string{"token-no-1", "token-no-2"}, 1, "token-no-2", 2},
		{"the same token for good is not waited for again and again", []string{"token-no-1"}, 6, "token-no-1", 1 + 6 + maxWaits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logins atomic.Int32
			d, ann := desk(t, `auth: [{name: ann, loginEndpointAuth: {endpoint: /l}}]`, func(w http.ResponseWriter, _ *http.Request) {
				n := int(logins.Add(1))
				fmt.Fprintf(w, `{"token":%q}`, tt.tokens[min(n, len(tt.tokens))-1])
			})
			for range 1 + tt.renew {
				if err := d.Renew(t.Context(), ann, ann.Turn()); err != nil {
					t.Fatal(err)
				}
			}
			if got := ann.Credentials()[0].Secret; got != tt.want || logins.Load() != tt.logins {
				t.Errorf("%s after %d logins, want %s after %d", got, logins.Load(), tt.want, tt.logins)
			}
		})
	}
}

func TestALoginThatFailsIsNotTriedAgain(t *testing.T) {
	var logins atomic.Int32
	d, ann := desk(t, `auth: [{name: ann, loginEndpointAuth: {endpoint: /l}}]`, func(w http.ResponseWriter, r *http.Request) {
		logins.Add(1)
		w.WriteHeader(429)
	})
	for range 3 {
		if err := d.Login(t.Context(), ann); err == nil {
			t.Fatal("it worked")
		}
	}
	if logins.Load() != 1 {
		t.Errorf("%d logins: an account may be locked by them", logins.Load())
	}
}

func TestTokensOfOAuth(t *testing.T) {
	for _, test := range []struct{ name, oauth, form, auth string }{
		{"client credentials", `{tokenUrl: /token, clientId: 'a:b', clientSecret: s, scopes: [x, y], audience: z}`,
			"audience=z&grant_type=client_credentials&scope=x+y", "Basic " + base64.StdEncoding.EncodeToString([]byte("a%3Ab:s"))},
		{"in the body", `{tokenUrl: "ORIGIN/api/token", clientId: a, clientSecret: s, inBody: true}`, "client_id=a&client_secret=s&grant_type=client_credentials", ""},
		{"a refresh token", `{tokenUrl: /token, refreshToken: r-1}`, "grant_type=refresh_token&refresh_token=r-1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var form, auth string
			n := 0
			d, ann := desk(t, "auth:\n  - name: ann\n    oauth2: "+test.oauth+"\n", func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if n++; n == 1 {
					form, auth = string(b), r.Header.Get("Authorization")
				} else if strings.HasPrefix(test.name, "a refresh") && !strings.Contains(string(b), "r-2") {
					t.Errorf("the second request has %s, not the new refresh token", b)
				}
				fmt.Fprintf(w, `{"access_token":"at-%d-long","refresh_token":"r-%d","scope":"x"}`, n, n+1)
			})
			for range 2 {
				if err := d.Renew(t.Context(), ann, ann.Turn()); err != nil {
					t.Fatal(err)
				}
			}
			if form != test.form || auth != test.auth {
				t.Errorf("sent %s with %s, want %s with %s", form, auth, test.form, test.auth)
			}
			if c := ann.Credentials(); len(c) != 1 || c[0].Secret != "at-2-long" || len(ann.Scopes) != 1 {
				t.Errorf("%v %v", c, ann.Scopes)
			}
		})
	}
}
