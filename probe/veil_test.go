// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

func TestAnswersAreShownWithoutTheSecretsInThem(t *testing.T) {
	for in, want := range map[string]string{
		`{"access_token":"opaque-text-1","type":"bearer"}`:        `{"access_token":"…","type":"bearer"}`,
		`{"data":{"authToken" : "opaque-text-1"}}`:                `{"data":{"authToken" : "…"}}`,
		`[{"name":"bob","password":"B0b!\"pass","role":"user"}]`:  `[{"name":"bob","password":"…","role":"user"}]`,
		`{"passwordHash":"$2a$10$abc","apiKey":"k","api_key":""}`: `{"passwordHash":"…","apiKey":"…","api_key":""}`,
		`{"token":"cut in the mid`:                                `{"token":"…`,
		`{"name":"token","text":"the password is told"}`:          `{"name":"token","text":"the password is told"}`,
		`{"password":null,"tokens":3}`:                            `{"password":null,"tokens":3}`,
		`plain text`:                                              `plain text`,
	} {
		if got := veil(in); got != want {
			t.Errorf("%s\nis shown as %s\nwant        %s", in, got, want)
		}
	}
}

func TestEvidenceHasNeitherTheUsersSecretsNorThoseOfTheAnswer(t *testing.T) {
	r, err := newRun(Config{URL: "http://127.0.0.1:1", API: &spec.API{Operations: []*spec.Operation{{ID: "a", Method: "GET", Path: "/a"}}}, Extra: []*identity.Identity{identity.Static("ann", identity.Bearer("users-own-secret"))}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.client.Close()
	q := &client.Request{Method: "POST", Target: "/login"}
	r.users[0].Apply(q)
	s := r.step("control", &check.Exchange{As: r.users[0], Request: q, Answer: &client.Answer{Status: 200,
		Body: []byte(`{"you_sent":"users-own-secret","session_token":"a-new-secret","password":"` + strings.Repeat("x", 5000) + `"}`)}})
	for _, secret := range []string{"users-own-secret", "a-new-secret", "xxxx"} {
		if strings.Contains(s.Curl+s.Excerpt, secret) {
			t.Errorf("%q is shown: %s\n%s", secret, s.Curl, s.Excerpt)
		}
	}
	if !strings.Contains(s.Curl, "$TOKEN_ANN") || !strings.Contains(s.Excerpt, "session_token") || s.Method != "POST" || s.Status != 200 {
		t.Errorf("%+v", s)
	}
}
