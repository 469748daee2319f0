// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

const print43 = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

func at(d time.Duration) int64 { return start.Add(d).Unix() }

func TestAnAnswerIsReadAsAPrincipal(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config)
		answer string
		want   Result
	}{
		{"the members of RFC 7662", nil,
			fmt.Sprintf(`{"active":true,"sub":"alice","aud":["other","moot"],"client_id":"shop","scope":"read  write","jti":"j1","exp":%d,"iat":%d,"nbf":%d,"token_type":"bearer","username":"x"}`, at(time.Hour), at(-time.Hour), at(-time.Hour)),
			Result{Principal: durward.Principal{Subject: "alice", Consumer: "shop", Issuer: "corp", Method: "introspection", Credential: "j1",
				Scopes: []string{"read", "write"}, Expires: start.Add(time.Hour)}, Issued: start.Add(-time.Hour)}},
		{"other names", func(c *Config) {
			c.Claims = ClaimNames{Subject: "client_id", Roles: "realm.roles", Scopes: "perms", Consumer: "app"}
		}, `{"active":true,"aud":"moot","client_id":"shop","realm":{"roles":["a","b c"]},"perms":["x"],"app":"y","jti":"j1"}`,
			Result{Principal: durward.Principal{Subject: "shop", Consumer: "y", Issuer: "corp", Method: "introspection", Credential: "j1",
				Roles: []string{"a", "b c"}, Scopes: []string{"x"}}}},
		{"bound to a key and a certificate", nil,
			`{"active":true,"sub":"a","aud":"moot","jti":"j1","token_type":"DPoP","cnf":{"jkt":"` + print43 + `","x5t#S256":"` + print43 + `"}}`,
			Result{JKT: print43, X5T: print43, Principal: durward.Principal{Subject: "a", Issuer: "corp", Method: "introspection", Credential: "j1"}}},
		{"any audience where that is configured", func(c *Config) { c.Audiences, c.AnyAudience = nil, true },
			`{"active":true,"sub":"a","jti":"j1"}`,
			Result{Principal: durward.Principal{Subject: "a", Issuer: "corp", Method: "introspection", Credential: "j1"}}},
		{"a token type of the configuration", func(c *Config) { c.TokenTypes, c.Issuer = []string{"Custom"}, "https://id.test" },
			`{"active":true,"sub":"a","aud":"moot","jti":"j1","token_type":"custom","iss":"https://id.test"}`,
			Result{Principal: durward.Principal{Subject: "a", Issuer: "corp", Method: "introspection", Credential: "j1"}}},
		{"without an id the token's hash names it", nil, `{"active":true,"sub":"a","aud":"moot"}`,
			Result{Principal: durward.Principal{Subject: "a", Issuer: "corp", Method: "introspection", Credential: "sha256:d033e302934d539b"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t)
			c, _ := newClient(t, s, tc.change)
			s.set(tok, tc.answer)
			got := check(t, c, tok, "accepted")
			if string(got.Principal.Claims) != tc.answer || got.Bound() != (tc.want.JKT != "") {
				t.Errorf("claims %s, bound %t", got.Principal.Claims, got.Bound())
			}
			got.Principal.Claims = nil
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestABadTokenIsRejectedAndAnUnclearAnswerDecidesNothing(t *testing.T) {
	with := func(members string) string { return `{"active":true,"sub":"a","aud":"moot",` + members + `}` }
	const unclear = "issuer-unavailable"
	for _, tc := range []struct {
		name, answer, want string
		change             func(*Config)
	}{
		{"not active", `{"active":false}`, "rejected", nil},
		{"not active, whatever else it says", `{"active":false,"sub":"a","aud":"moot","exp":99999999999}`, "rejected", nil},
		{"expired", with(fmt.Sprintf(`"exp":%d`, at(-30*time.Second))), "rejected", nil},
		{"expired within the skew", with(fmt.Sprintf(`"exp":%d`, at(-29*time.Second))), "accepted", nil},
		{"not valid yet", with(fmt.Sprintf(`"nbf":%d`, at(31*time.Second))), "rejected", nil},
		{"issued in the future", with(fmt.Sprintf(`"iat":%d`, at(31*time.Second))), "rejected", nil},
		{"a time that is a string", with(`"exp":"99999999999"`), "rejected", nil},
		{"a time that is negative", with(`"exp":-1`), "rejected", nil},
		{"a time beyond all years", with(`"exp":1e300`), "rejected", nil},
		{"a time with a fraction", with(`"exp":2e10`), "accepted", nil},
		{"another audience", `{"active":true,"sub":"a","aud":"other"}`, "rejected", nil},
		{"no audience", `{"active":true,"sub":"a"}`, "rejected", nil},
		{"an audience that is no name", `{"active":true,"sub":"a","aud":["moot",1]}`, "rejected", nil},
		{"an audience that is an object", `{"active":true,"sub":"a","aud":{"moot":1}}`, "rejected", nil},
		{"no subject", `{"active":true,"aud":"moot"}`, "rejected", nil},
		{"an empty subject", `{"active":true,"aud":"moot","sub":""}`, "rejected", nil},
		{"a subject that is a number", `{"active":true,"aud":"moot","sub":1}`, "rejected", nil},
		{"a subject that is too long", `{"active":true,"aud":"moot","sub":"` + strings.Repeat("a", 257) + `"}`, "rejected", nil},
		{"a scope that is a number", with(`"scope":1`), "rejected", nil},
		{"too many roles", with(`"roles":["` + strings.Repeat(`a","`, 256) + `a"]`), "rejected", nil},
		{"a refresh token", with(`"token_type":"refresh_token"`), "rejected", nil},
		{"a token type that is no string", with(`"token_type":["Bearer"]`), "rejected", nil},
		{"no token type where one is demanded", with(`"x":1`), "rejected", func(c *Config) { c.TokenTypes = []string{"Bearer"} }},
		{"another issuer", with(`"iss":"https://evil.test"`), "rejected", func(c *Config) { c.Issuer = "https://id.test" }},
		{"no issuer where one is demanded", with(`"x":1`), "rejected", func(c *Config) { c.Issuer = "https://id.test" }},
		{"bound in an unknown way", with(`"cnf":{"jwk":{"kty":"oct"}}`), "rejected", nil},
		{"bound in a known and an unknown way", with(`"cnf":{"jkt":"` + print43 + `","kid":"` + print43 + `"}`), "rejected", nil},
		{"bound to nothing", with(`"cnf":{}`), "rejected", nil},
		{"bound to a string", with(`"cnf":"jkt"`), "rejected", nil},
		{"bound to a digest that is none", with(`"cnf":{"jkt":"short"}`), "rejected", nil},
		{"bound to a digest in a second spelling", with(`"cnf":{"jkt":"` + print43[:42] + `J"}`), "rejected", nil},
		{"DPoP without a key", with(`"token_type":"DPoP"`), "rejected", nil},
		{"active is a string", `{"active":"true","sub":"a","aud":"moot"}`, unclear, nil},
		{"active is a number", `{"active":1,"sub":"a","aud":"moot"}`, unclear, nil},
		{"active is missing", `{"sub":"a","aud":"moot"}`, unclear, nil},
		{"Active in other letters", `{"Active":true,"sub":"a","aud":"moot"}`, unclear, nil},
		{"active twice", `{"active":false,"active":true,"sub":"a","aud":"moot"}`, unclear, nil},
		{"active twice, once with an escape", `{"active":false,"act\u0069ve":true,"sub":"a","aud":"moot"}`, unclear, nil},
		{"a member twice, deep inside", with(`"x":[{"y":1,"y":2}]`), unclear, nil},
		{"a list", `[{"active":true}]`, unclear, nil},
		{"a mere true", `true`, unclear, nil},
		{"nothing", ` `, unclear, nil},
		{"cut", `{"active":true,"sub":"a"`, unclear, nil},
		{"more behind it", with(`"x":1`) + `{}`, unclear, nil},
		{"not UTF-8", with("\"x\":\"\xff\""), unclear, nil},
		{"too deep", with(`"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20)), unclear, nil},
		{"too many members", with(`"x":[` + strings.Repeat("1,", 1100) + `1]`), unclear, nil},
		{"too long", with(`"x":"` + strings.Repeat("a", maxAnswer) + `"`), unclear, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t)
			c, _ := newClient(t, s, tc.change)
			s.set(tok, tc.answer)
			check(t, c, tok, tc.want)
		})
	}
}

// FuzzAnswer checks that no answer is accepted that another reader of JSON
// takes for a refusal, or whose members it understands otherwise.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		active, `{"active":false}`, `{"active":true,"active":false}`, `{"active":true,"sub":"a","aud":["moot"],"exp":1e10,"cnf":{"jkt":"` + print43 + `"}}`,
		`{"active":true,"sub":"a","aud":"moot","roles":["x"],"scope":["a","b"],"nbf":0.5}`, "{\"active\":true,\"sub\":\"\\ud800\",\"aud\":\"moot\"}",
	} {
		f.Add([]byte(s))
	}
	c := &Client{config: Config{Audiences: []string{"moot"}}.withDefaults(), name: "corp"}
	var h digest
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := c.read(data, &h, start)
		if err != nil {
			if r != nil {
				t.Fatal("both a result and an error")
			}
			return
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(data, &m) != nil || string(m["active"]) != "true" {
			t.Fatalf("accepted %q", data)
		}
		var sub string
		if json.Unmarshal(m["sub"], &sub) != nil || sub != r.Principal.Subject || sub == "" {
			t.Fatalf("the subject of %q is %q", data, r.Principal.Subject)
		}
		if _, has := m["cnf"]; has && string(m["cnf"]) != "null" && !r.Bound() {
			t.Fatalf("the binding of %q was lost", data)
		}
		if e := r.Principal.Expires; !e.IsZero() && !start.Before(e.Add(30*time.Second)) {
			t.Fatalf("%q has expired", data)
		}
		var twice *malformed
		if _, err := c.read(append([]byte(`{"active":false,`), data[1+strings.Index(string(data), "{"):]...), &h, start); !errors.As(err, &twice) {
			t.Fatalf("active twice is read as %v", err)
		}
	})
}
