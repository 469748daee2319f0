// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckFilesFindsWhatNewRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, kind string, der []byte, err error) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	good := write("good", "PUBLIC KEY", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(private)
	secret := write("secret", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(large.Public())
	curve := write("curve", "PUBLIC KEY", der, err)

	for _, c := range []struct {
		name string
		key  Key
		want string // "" is no fault
	}{
		{"a good key", Key{Algorithm: Ed25519, PublicKey: good}, ""},
		{"a private key", Key{Algorithm: Ed25519, PublicKey: secret}, "keys.k.public_key: is not a public key"},
		{"another curve", Key{Algorithm: ECDSAP256SHA256, PublicKey: curve}, "keys.k.public_key: is on another curve"},
		{"another algorithm", Key{Algorithm: ECDSAP256SHA256, PublicKey: good}, "keys.k.public_key: is not a key of this algorithm"},
		{"a file that is not there is reported elsewhere", Key{Algorithm: Ed25519, PublicKey: filepath.Join(dir, "none")}, ""},
		{"what Check reports is not reported again", Key{Algorithm: "none", PublicKey: secret}, ""},
		{"a secret has no file", Key{Algorithm: HMACSHA256, Secret: strings.Repeat("s", 32)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Keys: map[string]Key{"k": c.key}}
			err := cfg.CheckFiles()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
