// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"strings"
	"testing"

	"durward/probe/client"
	"durward/probe/spec"
)

func none(string) (string, bool) { return "", false }

func TestFaultsOfAUsersFileAreToldWithTheirLine(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"no users", "auth: []\n", "users.yaml:1:1: auth: has no users"},
		{"a user without a name", "auth:\n  - bearer: x\n", "users.yaml:2:5: auth[0].name: every user has a name"},
		{"two of one name", "auth:\n  - {name: a, bearer: x}\n  - {name: a, bearer: y}\n", "users.yaml:3:12: auth[1].name: is the name of two users"},
		{"no credentials", "auth:\n  - name: a\n", "says of no credentials"},
		{"an unknown field", "auth:\n  - {name: a, bearr: x}\n", `auth[0].bearr: unknown field; did you mean bearer?`},
		{"a login at nowhere", "auth:\n  - name: a\n    loginEndpointAuth: {verb: POST}\n", "loginEndpointAuth.endpoint: is needed, or externalEndpointURL"},
		{"a login at two places", "auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /l, externalEndpointURL: 'https://b.example/l'}\n", "cannot stand beside endpoint"},
		{"a login with a relative path", "auth:\n  - name: a\n    loginEndpointAuth: {endpoint: l}\n", "must start with /"},
		{"two payloads", "auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /l, payloadRaw: x, payloadUserPwd: {username: u, password: p, usernameField: u, passwordField: p}}\n", "cannot stand beside payloadUserPwd"},
		{"a token at nowhere", "auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /l, token: {sendIn: header}}\n", "token.extractSelector: is needed"},
		{"a place that is none", "auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /l, token: {extractSelector: /t, sendIn: body}}\n", "must be header, query or cookie"},
		{"a template with a name", "auth:\n  - {name: a, bearer: x}\nauthTemplate: {name: b}\n", "a template has no name"},
		{"no client", "auth:\n  - name: a\n    oauth2: {tokenUrl: /t}\n", "oauth2.clientId: is needed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("users.yaml", []byte(test.file), none)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestSecretsFromOutsideAreInNoError(t *testing.T) {
	env := func(name string) (string, bool) { return "v3ry-secret", name == "PW" }
	_, err := Parse("users.yaml", []byte("auth:\n  - {name: a, bearer: '${PW}', roles: '${PW}', expires: '${PW}'}\n"), env)
	if err == nil || strings.Contains(err.Error(), "v3ry") {
		t.Error(err)
	}
}

func TestATemplateFillsWhatUsersDoNotSay(t *testing.T) {
	f, err := Parse("users.yaml", []byte(`
schemaVersion: "0.2.0"
configs: {blackBox: "true"}
auth:
  - name: foo
    loginEndpointAuth:
      payloadRaw: '{"username": "foo", "password": "123"}'
  - name: bar
    loginEndpointAuth:
      verb: PUT
      payloadUserPwd: {username: bar, password: "456"}
authTemplate:
  requireMockHandling: false
  roles: [user]
  loginEndpointAuth:
    endpoint: /login
    verb: POST
    contentType: application/json
    payloadUserPwd: {usernameField: username, passwordField: password}
    token: {extractFromField: /token/authToken, httpHeaderName: Authorization, headerPrefix: "JWT "}
`), none)
	if err == nil {
		t.Fatal("foo has two payloads now, and was taken")
	}
	_ = f
	f, err = Parse("users.yaml", []byte(`
auth:
  - name: foo
    loginEndpointAuth: {payloadUserPwd: {username: foo, password: "123"}}
  - name: bar
    loginEndpointAuth: {verb: PUT, payloadUserPwd: {username: bar, password: "456"}}
authTemplate:
  roles: [user]
  loginEndpointAuth:
    endpoint: /login
    verb: POST
    payloadUserPwd: {usernameField: username, passwordField: password}
    token: {extractFromField: /token/authToken, httpHeaderName: Authorization, headerPrefix: "JWT "}
`), none)
	if err != nil {
		t.Fatal(err)
	}
	foo, bar := f.Auth[0].LoginEndpointAuth, f.Auth[1].LoginEndpointAuth
	if foo.Verb != "POST" || bar.Verb != "PUT" || foo.Endpoint != "/login" || f.Auth[1].Roles[0] != "user" {
		t.Errorf("%+v %+v", foo, bar)
	}
	body, kind := bar.payload()
	if body != `{"password":"456","username":"bar"}` || kind != "application/json" {
		t.Errorf("%s as %s", body, kind)
	}
	if c := foo.Token.credential("x.y"); c.Prefix != "JWT " || c.Secret != "x.y" || c.Name != "Authorization" {
		t.Errorf("%+v", c)
	}
}

func TestCredentialsArePutOnRequests(t *testing.T) {
	for _, test := range []struct {
		name   string
		creds  []Credential
		target string
		header []client.Field
		want   client.Request
	}{
		{"a bearer token in place of another", []Credential{Bearer("t0ken-a")}, "/a", []client.Field{{Name: "authorization", Value: "old"}},
			client.Request{Target: "/a", Header: []client.Field{{Name: "Authorization", Value: "Bearer t0ken-a"}}}},
		{"a key in the query", []Credential{{In: "query", Name: "api_key", Secret: "a b&c=d"}}, "/a?x=%2f&api_key=old", nil,
			client.Request{Target: "/a?x=%2f&api_key=a+b%26c%3Dd"}},
		{"cookies beside others", []Credential{{In: "cookie", Name: "sid", Secret: "111111"}, {In: "cookie", Name: "x", Secret: "2"}}, "/a", []client.Field{{Name: "Cookie", Value: "theme=dark"}},
			client.Request{Target: "/a", Header: []client.Field{{Name: "Cookie", Value: "theme=dark; sid=111111; x=2"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &client.Request{Target: test.target, Header: test.header}
			Static("Ann Lee", test.creds...).Apply(r)
			if r.Target != test.want.Target || len(r.Header) != len(test.want.Header) || len(r.Header) > 0 && r.Header[0] != test.want.Header[0] {
				t.Errorf("got %+v", r)
			}
			if r.As != "Ann Lee" || r.Secrets["TOKEN_ANN_LEE"] == "" {
				t.Errorf("as %q, secrets %v", r.As, r.Secrets)
			}
		})
	}
	var nobody *Identity
	r := &client.Request{Target: "/"}
	nobody.Apply(r)
	if len(r.Header) != 0 || r.As != "" || nobody.Credentials() != nil || nobody.Renews() {
		t.Error("nobody has credentials")
	}
}

func TestKeysGoWhereTheDocumentSays(t *testing.T) {
	api := &spec.API{Schemes: map[string]*spec.Scheme{
		"k": {Name: "k", Type: "apiKey", In: "query", Param: "key"},
		"b": {Name: "b", Type: "http", HTTPScheme: "bearer"},
		"u": {Name: "u", Type: "http", HTTPScheme: "basic"},
	}}
	f, err := Parse("u", []byte("auth:\n  - {name: a, apiKeys: {k: K, b: B, u: U}}\n"), none)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := f.Identities(api)
	if err != nil {
		t.Fatal(err)
	}
	got := ids[0].Credentials()
	want := []Credential{{"b", "header", "Authorization", "Bearer ", "B"}, {"k", "query", "key", "", "K"}, {"u", "header", "Authorization", "Basic ", "U"}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: %+v, want %+v", i, got[i], want[i])
		}
	}
	f, _ = Parse("u", []byte("auth:\n  - {name: a, apiKeys: {nope: K}}\n"), none)
	if _, err := f.Identities(api); err == nil || !strings.Contains(err.Error(), `no security scheme "nope"`) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("auth:\n  - {name: a, bearer: x}\n"))
	f.Add([]byte("auth:\n  - name: a\n    loginEndpointAuth: {endpoint: /l, payloadRaw: '{}'}\nauthTemplate: {loginEndpointAuth: {verb: POST}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data, none)
		if err != nil {
			return
		}
		ids, err := file.Identities(&spec.API{})
		if err != nil {
			return
		}
		for _, i := range ids {
			i.Apply(&client.Request{Target: "/"})
		}
	})
}
