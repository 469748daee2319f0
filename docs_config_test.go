// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/config"
)

// loads is a configuration that a document promises to load.
var loads = regexp.MustCompile("(?s)<!-- loads -->\n```yaml\n(.*?)\n```")

func TestTheConfigurationsOfTheDocumentsLoad(t *testing.T) {
	dir := t.TempDir()
	contract, err := os.ReadFile("examples/moot/moot.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "moot.openapi.yaml", contract)
	writeCertificate(t, dir)
	write(t, dir, "users.yaml", []byte("auth: []\n"))
	write(t, dir, "accepted.yaml", []byte("accepted: []\n"))
	name := filepath.Join(dir, "durward.yaml")
	found := 0
	for _, doc := range documents(t) {
		text := page(t, doc)
		blocks := loads.FindAllStringSubmatch(text, -1)
		if n := strings.Count(text, "<!-- loads -->"); n != len(blocks) {
			t.Errorf("%s has %d marks and %d blocks behind them", doc, n, len(blocks))
		}
		found += len(blocks)
		for _, b := range blocks {
			if _, err := config.Parse(name, []byte(b[1]+"\n"), nil); err != nil {
				t.Errorf("a configuration of %s does not load:\n%v", doc, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d configurations were found", found)
	}
	pages, err := filepath.Glob("docs/features/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		switch filepath.Base(p) {
		case "README.md", "cli.md", "demo.md", "init.md", "probe.md", "probe-checks.md": // about no field
			continue
		}
		if !strings.Contains(page(t, p), "<!-- loads -->") {
			t.Errorf("%s shows no configuration", p)
		}
	}
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate writes one self-signed pair under the names that the
// documents use.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "documents"}, DNSNames: []string{"api.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tls.crt", "client.crt", "ca.pem"} {
		write(t, dir, name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	for _, name := range []string{"tls.key", "client.key"} {
		write(t, dir, name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	}
}
