// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// What the tokens say and the gateways ask for.
const (
	tokenIssuer   = "https://issuer.bench.test"
	tokenAudience = "bench"
	clients       = 100 // the subjects that take turns
)

// algorithms are the signatures of job B.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// material are the keys, certificates and request files of one run of the
// bench. All of it is made anew each time and worth nothing afterwards.
type material struct {
	dir     string
	signers map[jose.SignatureAlgorithm]jose.Signer
}

func (m *material) path(name string) string { return filepath.Join(m.dir, name) }

func (m *material) write(name string, content []byte) error {
	return os.WriteFile(m.path(name), content, 0o600)
}

// newMaterial writes everything that the gateways and wrk read into dir.
func newMaterial(dir string) (*material, error) {
	m := &material{dir: dir, signers: map[jose.SignatureAlgorithm]jose.Signer{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"request.lua", "headers.txt", "item.json", "bench.openapi.yaml"} {
		content, err := testdata.ReadFile("testdata/" + name)
		if err != nil {
			return nil, err
		}
		if err := m.write(name, content); err != nil {
			return nil, err
		}
	}
	if err := m.writeBatch(); err != nil {
		return nil, err
	}
	if err := m.writeCertificate(); err != nil {
		return nil, err
	}
	if err := m.writeKeys(); err != nil {
		return nil, err
	}
	for _, alg := range algorithms {
		if err := m.writeTokens(tokensFile(alg, false), alg, clients); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// writeBatch writes a list of as many items as 16 KB hold, each with a text of
// its own, so that nobody can spare equal ones.
func (m *material) writeBatch() error {
	item, err := testdata.ReadFile("testdata/item.json")
	if err != nil {
		return err
	}
	var list []string
	for i := range (16 << 10) / len(item) {
		list = append(list, strings.Replace(string(bytes.TrimSpace(item)), `"title":"`, fmt.Sprintf(`"title":"%d. `, i+1), 1))
	}
	return m.write("batch.json", []byte("["+strings.Join(list, ",")+"]"))
}

// writeCertificate makes a self-signed certificate for localhost with a P-256
// key, the usual kind today.
func (m *material) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	for name, content := range map[string][]byte{
		"server.crt": cert, "server.key": private, "server.pem": append(bytes.Clone(cert), private...),
	} {
		if err := m.write(name, content); err != nil {
			return err
		}
	}
	return nil
}

// writeKeys makes the issuer's keys: a key set for Durward, a PEM file of each
// public key for HAProxy.
func (m *material) writeKeys() error {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	var set jose.JSONWebKeySet
	for alg, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: rsaKey, jose.ES256: ecKey} {
		id := "bench-" + string(alg)
		m.signers[alg], err = jose.NewSigner(
			jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: id}},
			(&jose.SignerOptions{}).WithType("JWT"))
		if err != nil {
			return err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: id, Algorithm: string(alg), Use: "sig"})
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return err
		}
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		if err := m.write(string(alg)+".pub.pem", public); err != nil {
			return err
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		return err
	}
	return m.write("jwks.json", text)
}

// tokensFile names the file of an algorithm's tokens: one for each client, or
// so many that no token is seen twice within what a cache holds.
func tokensFile(alg jose.SignatureAlgorithm, fresh bool) string {
	if fresh {
		return "tokens-" + string(alg) + "-fresh.txt"
	}
	return "tokens-" + string(alg) + ".txt"
}

// writeTokens mints n tokens, all different, of the clients in turn.
func (m *material) writeTokens(name string, alg jose.SignatureAlgorithm, n int) error {
	var lines bytes.Buffer
	now := time.Now()
	for i := range n {
		token, err := jwt.Signed(m.signers[alg]).Claims(map[string]any{
			"iss": tokenIssuer, "aud": tokenAudience,
			"sub":       fmt.Sprintf("client-%03d", i%clients),
			"client_id": "bench-app",
			"scope":     "items.read items.write",
			"jti":       strconv.Itoa(i),
			"iat":       now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
		}).Serialize()
		if err != nil {
			return err
		}
		lines.WriteString(token)
		lines.WriteByte('\n')
	}
	return m.write(name, lines.Bytes())
}
