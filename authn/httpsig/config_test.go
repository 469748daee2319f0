// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"durward"
)

func pemOf(t *testing.T, kind string, key any) string {
	t.Helper()
	var der []byte
	var err error
	if kind == "PUBLIC KEY" {
		der, err = x509.MarshalPKIXPublicKey(key)
	} else {
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func jwkOf(t *testing.T, key any, use string) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key, Use: use})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newEC(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pssPublicInfo is the public key of the RFC with the OID that only PSS has.
func pssPublicInfo(t *testing.T) string {
	t.Helper()
	block, _ := pem.Decode([]byte(pssPublic))
	// SEQUENCE of the algorithm: rsaEncryption with NULL becomes id-RSASSA-PSS
	// without parameters; the whole is two bytes shorter.
	inner := block.Bytes[len(block.Bytes)-(270+5):]
	alg := []byte{0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}
	content := append(alg, inner...)
	der := append([]byte{0x30, 0x82, byte(len(content) >> 8), byte(len(content))}, content...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestPublicKeysAreReadIfTheyAreOfTheirAlgorithm(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	ec, rsaKey := newEC(t, elliptic.P256()), newRSA(t, 2048)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)}))
	short := newRSA(t, 1024)
	odd := rsa.PublicKey{N: rsaKey.N, E: 3}
	for _, c := range []struct {
		name, alg, text, want string
	}{
		{"Ed25519 in PEM", Ed25519, ed25519Public, ""},
		{"Ed25519 as a JWK", Ed25519, jwkOf(t, ed.Public(), "sig"), ""},
		{"P-256 in PEM", ECDSAP256SHA256, eccPublic, ""},
		{"P-256 as a JWK", ECDSAP256SHA256, jwkOf(t, &ec.PublicKey, ""), ""},
		{"RSA in PEM", RSAPSSSHA512, pssPublic, ""},
		{"RSA in PKCS #1", RSAPSSSHA512, pkcs1, ""},
		{"RSA that is only for PSS", RSAPSSSHA512, pssPublicInfo(t), ""},
		{"RSA as a JWK", RSAPSSSHA512, jwkOf(t, &rsaKey.PublicKey, "sig"), ""},
		{"text before the PEM block", Ed25519, "a comment\n" + ed25519Public, ""},
		{"Ed25519 for another algorithm", ECDSAP256SHA256, ed25519Public, "is not a key of this algorithm"},
		{"RSA for another algorithm", Ed25519, pssPublic, "is not a key of this algorithm"},
		{"P-384", ECDSAP256SHA256, pemOf(t, "PUBLIC KEY", &newEC(t, elliptic.P384()).PublicKey), "another curve"},
		{"RSA of 1024 bits", RSAPSSSHA512, pemOf(t, "PUBLIC KEY", &short.PublicKey), "less than 2048"},
		{"RSA with exponent 3", RSAPSSSHA512, pemOf(t, "PUBLIC KEY", &odd), "exponent"},
		{"a private key in PEM", Ed25519, ed25519Private, "not a public key"},
		{"a private key as a JWK", Ed25519, jwkOf(t, ed, ""), "not a public key"},
		{"a secret as a JWK", HMACSHA256, jwkOf(t, make([]byte, 32), ""), "not a public key"},
		{"a JWK for encryption", Ed25519, jwkOf(t, ed.Public(), "enc"), "not for signatures"},
		{"a JWK that is none", Ed25519, "{}", "not a JWK"},
		{"two keys", Ed25519, ed25519Public + "\n" + ed25519Public, "more than one key"},
		{"a block that is no key", Ed25519, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read"},
		{"nothing", Ed25519, "", "neither PEM nor a JWK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			k := Key{Algorithm: c.alg, PublicKey: path}
			if c.alg == HMACSHA256 {
				k.Algorithm = Ed25519
			}
			_, err := k.load()
			checkFault(t, err, c.want)
		})
	}
}

func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestSigningKeysAreRead(t *testing.T) {
	ec, rsaKey := newEC(t, elliptic.P256()), newRSA(t, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	secret := strings.Repeat("s", 32)
	for _, c := range []struct{ name, alg, text, is, want string }{
		{"Ed25519", "", ed25519Private, Ed25519, ""},
		{"P-256 in SEC 1", "", eccPrivate, ECDSAP256SHA256, ""},
		{"P-256 in SEC 1 with its parameters", "", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + eccPrivate, ECDSAP256SHA256, ""},
		{"P-256 in PKCS #8", "", pemOf(t, "PRIVATE KEY", ec), ECDSAP256SHA256, ""},
		{"RSA that is only for PSS", RSAPSSSHA512, pssPrivate, RSAPSSSHA512, ""},
		{"RSA in PKCS #8", "", pemOf(t, "PRIVATE KEY", rsaKey), RSAPSSSHA512, ""},
		{"RSA in PKCS #1", "", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})), RSAPSSSHA512, ""},
		{"a JWK", "", jwkOf(t, ed, ""), Ed25519, ""},
		{"a secret as a JWK", "", jwkOf(t, []byte(secret), ""), HMACSHA256, ""},
		{"a secret as text", HMACSHA256, secret + "\n", HMACSHA256, ""},
		{"a secret in base64", "", "base64:" + sharedSecret + "\r\n", HMACSHA256, ""},
		{"a secret in what is no base64", "", "base64:???", "", "not base64"},
		{"a short secret", "", "short", "", "less than 32 bytes"},
		{"a public key", "", ed25519Public, "", "private key"},
		{"a public JWK", "", jwkOf(t, ed.Public(), ""), "", "cannot sign"},
		{"a JWK that is none", "", "{", "", "not a JWK"},
		{"P-384", "", pemOf(t, "PRIVATE KEY", newEC(t, elliptic.P384())), "", "another curve"},
		{"another algorithm", HMACSHA256, ed25519Private, "", "is for ed25519"},
		{"a block that is no key", "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "", "cannot be read"},
		{"a broken block", "", "-----BEGIN PRIVATE KEY-----\n", "", "neither PEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := NewSigningKey("id", c.alg, []byte(c.text))
			checkFault(t, err, c.want)
			if err == nil && k.Algorithm() != c.is {
				t.Errorf("is for %s, want %s", k.Algorithm(), c.is)
			}
			if err != nil && (strings.Contains(err.Error(), "short") && c.text == "short" || strings.Contains(err.Error(), "???")) {
				t.Errorf("the error has the key: %v", err)
			}
		})
	}
	if _, err := NewSigningKey("", "", []byte(ed25519Private)); err == nil {
		t.Error("a key without id was taken")
	}
}

func TestConfigurationsReportEveryFault(t *testing.T) {
	good := func() Config {
		return Config{Keys: map[string]Key{"k": {Algorithm: HMACSHA256, Secret: strings.Repeat("s", 32)}}}
	}
	key := func(k Key) func(*Config) { return func(c *Config) { c.Keys["k"] = k } }
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"a good one", func(*Config) {}, nil},
		{"a public key", key(Key{Algorithm: Ed25519, PublicKey: "a.pem", Consumer: "acme", Roles: []string{"x"}}), nil},
		{"all its options", func(c *Config) {
			c.Components, c.Tag, c.Label = []string{"@method", "content-type", `@query-param;name="id"`}, "app", "sig1"
			c.MaxAge, c.ClockSkew, c.NonceOptional = 60e9, 1e9, true
		}, nil},
		{"no keys", func(c *Config) { c.Keys = nil }, []string{"keys: is empty"}},
		{"an empty id", func(c *Config) { c.Keys[""] = Key{} }, []string{"keys: has an id"}},
		{"an id with a line feed", func(c *Config) { c.Keys["a\nb"] = Key{} }, []string{"keys: has an id"}},
		{"no algorithm", key(Key{}), []string{"keys.k.algorithm: must be"}},
		{"RSA of PKCS #1 v1.5", key(Key{Algorithm: "rsa-v1_5-sha256", PublicKey: "a"}), []string{"keys.k.algorithm: must be"}},
		{"a short secret", key(Key{Algorithm: HMACSHA256, Secret: "hush"}), []string{"keys.k.secret: must have at least 32"}},
		{"a secret in what is no base64", key(Key{Algorithm: HMACSHA256, Secret: "base64:hush?"}), []string{"keys.k.secret: is not base64"}},
		{"a secret and a file", key(Key{Algorithm: HMACSHA256, Secret: strings.Repeat("s", 32), PublicKey: "a"}), []string{"keys.k.public_key: is not for"}},
		{"no file", key(Key{Algorithm: Ed25519}), []string{"keys.k.public_key: names no file"}},
		{"a secret for a public key", key(Key{Algorithm: Ed25519, PublicKey: "a", Secret: "hush"}), []string{"keys.k.secret: is only for"}},
		{"an empty role", key(Key{Algorithm: Ed25519, PublicKey: "a", Roles: []string{""}}), []string{"keys.k.roles: has an empty"}},
		{"an unknown component", func(c *Config) { c.Components = []string{"@status"} }, []string{`components: has "@status", which is not`}},
		{"a component twice", func(c *Config) { c.Components = []string{"@path", `"@path"`} }, []string{"components: has \"\\\"@path\\\"\" twice"}},
		{"too many components", func(c *Config) { c.Components = make([]string, maxComponents+1) }, []string{"components: are more"}},
		{"a great age", func(c *Config) { c.MaxAge = 25 * 3600e9 }, []string{"max_age: is more than 1d"}},
		{"a great skew", func(c *Config) { c.ClockSkew = 11 * 60e9 }, []string{"clock_skew: is more than 10m"}},
		{"a tag with a control", func(c *Config) { c.Tag = "a\tb" }, []string{"tag: "}},
		{"an upper-case label", func(c *Config) { c.Label = "Sig" }, []string{"label: "}},
		{"several at once", func(c *Config) {
			c.Keys["k"], c.Label, c.MaxAge = Key{Algorithm: HMACSHA256, Secret: "hush"}, " ", 25*3600e9
		},
			[]string{"keys.k.secret: ", "max_age: ", "label: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good()
			c.change(&cfg)
			faults := durward.Flatten(cfg.Check())
			if len(faults) != len(c.want) {
				t.Fatalf("%d faults, want %d: %v", len(faults), len(c.want), faults)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(faults[i].Error(), want) {
					t.Errorf("got %q, want %q", faults[i], want)
				}
				if strings.Contains(faults[i].Error(), "hush") {
					t.Error("the fault has the secret")
				}
			}
		})
	}
}

func TestNewReportsWhatOnlyFilesAndTheGatewayTell(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(big, make([]byte, maxKeyFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Keys: map[string]Key{
		"a": {Algorithm: Ed25519, PublicKey: empty},
		"b": {Algorithm: Ed25519, PublicKey: filepath.Join(t.TempDir(), "none")},
		"c": {Algorithm: Ed25519, PublicKey: files(t)[Ed25519], Consumer: "acme"},
		"d": {Algorithm: Ed25519, PublicKey: big},
	}}
	_, err := New(cfg, Deps{Uses: &memoryUses{}})
	faults := durward.Flatten(err)
	want := []string{"keys.a.public_key: is neither", "keys.b.public_key: ", "keys.c.consumer: needs a store", "keys.d.public_key: is larger"}
	if len(faults) != len(want) {
		t.Fatalf("got %v", faults)
	}
	for i := range want {
		if !strings.HasPrefix(faults[i].Error(), want[i]) {
			t.Errorf("got %q, want %q", faults[i], want[i])
		}
	}
	if _, err := New(Config{}, Deps{Uses: &memoryUses{}}); err == nil {
		t.Error("a configuration with faults was taken")
	}
	if _, err := New(Config{Keys: rfcKeys(t)}, Deps{}); err == nil {
		t.Error("a method that remembers no use was made")
	}
}
