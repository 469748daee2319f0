// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var sharedMaterial = sync.OnceValues(func() (*material, error) {
	dir, err := os.MkdirTemp("", "bench-material-")
	if err != nil {
		return nil, err
	}
	return newMaterial(dir)
})

// testMaterial is made once for all tests: RSA keys take their time.
func testMaterial(t *testing.T) *material {
	t.Helper()
	m, err := sharedMaterial()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// selfVariable makes the test's program play the bench's own, so that the parts
// that are processes can be tested.
const selfVariable = "BENCH_TEST_SELF"

func TestMain(m *testing.M) {
	if os.Getenv(selfVariable) != "" {
		main()
		return
	}
	code := m.Run()
	if made, err := sharedMaterial(); err == nil {
		os.RemoveAll(made.dir)
	}
	os.Exit(code)
}

func TestTokensVerifyWithTheKeysThatGatewaysGet(t *testing.T) {
	m := testMaterial(t)
	text, err := os.ReadFile(m.path("jwks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	for _, alg := range algorithms {
		text, err := os.ReadFile(m.path(tokensFile(alg, false)))
		if err != nil {
			t.Fatal(err)
		}
		tokens := strings.Fields(string(text))
		if len(tokens) != clients {
			t.Errorf("%s: %d tokens, want %d", alg, len(tokens), clients)
		}
		block, err := os.ReadFile(m.path(string(alg) + ".pub.pem"))
		if err != nil {
			t.Fatal(err)
		}
		decoded, _ := pem.Decode(block)
		public, err := x509.ParsePKIXPublicKey(decoded.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		subjects := map[string]bool{}
		for _, one := range tokens {
			token, err := jwt.ParseSigned(one, algorithms)
			if err != nil {
				t.Fatal(err)
			}
			var claims jwt.Claims
			if err := token.Claims(public, &claims); err != nil {
				t.Fatalf("%s: HAProxy's key: %v", alg, err)
			}
			if err := token.Claims(set, &claims); err != nil {
				t.Fatalf("%s: Durward's key set: %v", alg, err)
			}
			if claims.Issuer != tokenIssuer || !claims.Audience.Contains(tokenAudience) {
				t.Errorf("%s: claims %+v", alg, claims)
			}
			subjects[claims.Subject] = true
		}
		if len(subjects) != clients {
			t.Errorf("%s: %d subjects, want %d", alg, len(subjects), clients)
		}
		forged, err := jwt.ParseSigned(forge(tokens[0]), algorithms)
		if err == nil {
			err = forged.Claims(public, &jwt.Claims{})
		}
		if err == nil {
			t.Errorf("%s: the forged token of the probes verifies", alg)
		}
	}
}

func TestFreshTokensAreAllDifferent(t *testing.T) {
	m := testMaterial(t)
	if err := m.writeTokens("some.txt", jose.ES256, 300); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(m.path("some.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, token := range strings.Fields(string(text)) {
		payload := strings.Split(token, ".")[1] // signatures of ECDSA differ anyway
		seen[payload] = true
	}
	if len(seen) != 300 {
		t.Errorf("%d different tokens of 300", len(seen))
	}
}

func TestTheItemIsOneKilobyteOfJSON(t *testing.T) {
	text, err := testdata.ReadFile("testdata/item.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(text) != 1024 || !json.Valid(text) {
		t.Errorf("%d bytes, JSON %v", len(text), json.Valid(text))
	}
}

func TestSecretsAreForTheOwnerOnly(t *testing.T) {
	m := testMaterial(t)
	for _, name := range []string{"server.key", "server.pem", tokensFile(jose.RS256, false)} {
		info, err := os.Stat(m.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode().Perm())
		}
	}
}
