// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/internal/strictyaml"
	"durward/internal/units"
)

var update = flag.Bool("update", false, "write the expected errors anew")

// certificates makes a certificate, its key, another key and a key set.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) {
		data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"server", "other"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name + ".example"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".crt", "CERTIFICATE", der)
		write(name+".key", "PRIVATE KEY", pkcs8)
	}
	if err := os.WriteFile(filepath.Join(dir, "jwks.json"), []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func environment(certs string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := map[string]string{"CERTS": certs, "LONG_SECRET": "s3cr3t-value", "BAD_TARGET": "ftp://s3cr3t-value"}[name]
		return v, ok
	}
}

func load(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path, environment(certificates(t)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// base is a document that loads; tests change a part of it.
const base = `listen:
  - address: 127.0.0.1:8080
apis:
  notes:
    contract: notes.openapi.yaml
    upstream: {targets: ["http://127.0.0.1:9000"]}
    authenticate: [{api_key: {}}]
    authorize:
      authenticated: ["*"]
`

// parse reads base with parts replaced, old and new in turn.
func parse(t *testing.T, replace ...string) (*Config, error) {
	t.Helper()
	doc := base
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(doc, replace[i]) {
			t.Fatalf("%q is not in the document", replace[i])
		}
		doc = strings.Replace(doc, replace[i], replace[i+1], 1)
	}
	return Parse("testdata/t.yaml", []byte(doc), nil)
}

func TestGoodDocumentsLoad(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := load(t, file)
			for _, name := range c.APINames() {
				if c.Contract(name) == nil {
					t.Errorf("API %s has no contract", name)
				}
			}
		})
	}
}

// TestBadDocuments holds every fault in testdata/bad against the error text
// beside it. -update writes them anew: read the difference before committing.
func TestBadDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	certs := certificates(t)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, environment(certs))
			if err == nil {
				t.Fatal("loads")
			}
			if strings.Contains(err.Error(), "s3cr3t-value") {
				t.Error("quotes a value from outside")
			}
			got := strings.NewReplacer(certs, "CERTS", here, "HERE").Replace(err.Error()) + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".err"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadFillsInDefaultsAndPaths(t *testing.T) {
	dir, err := filepath.Abs("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	small := load(t, "testdata/good/small.yaml")
	for what, pair := range map[string][2]any{
		"store":                       {small.Store, "sqlite:" + dir + "/durward.db"},
		"audit.directory":             {small.Audit.Directory, dir + "/audit"},
		"limits.requests":             {small.Limits.Requests, 10000},
		"limits.requests_per_address": {small.Limits.RequestsPerAddress, 500},
		"limits.drain":                {small.Limits.Drain, units.Duration(30 * time.Second)},
		"log.level":                   {small.Log.Level, "info"},
		"log.format":                  {small.Log.Format, "text"},
		"admin.address":               {small.Admin.Address, ""},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
	full := load(t, "testdata/good/full.yaml")
	for what, pair := range map[string][2]any{
		"store":           {full.Store, "sqlite:" + dir + "/data/durward.db"},
		"audit.directory": {full.Audit.Directory, dir + "/log"},
		"admin.socket":    {full.Admin.Socket, dir + "/durward.sock"},
		"hosts":           {full.APIs["notes"].Hosts[0], "api.example.com"},
		"log.level":       {full.Log.Level, "warn"},
		"min_version":     {full.Listen[0].TLS.MinVersion, "1.3"},
		"contract":        {full.APIs["notes"].Contract, filepath.Join(dir, "../notes.openapi.yaml")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
}

func TestOperationsRefineTheirAPI(t *testing.T) {
	api := load(t, "testdata/good/full.yaml").APIs["notes"]
	if !api.Public("health") || api.Public("listNotes") || api.Public("nowhere") {
		t.Error("only health is public")
	}
	if got := api.UpstreamOf("createNote").Timeout.Std(); got != 30*time.Second {
		t.Errorf("createNote's timeout is %v", got)
	}
	if got := api.UpstreamOf("listNotes").Timeout.Std(); got != 10*time.Second {
		t.Errorf("listNotes' timeout is %v", got)
	}
	create, list := api.ValidationOf("createNote"), api.ValidationOf("listNotes")
	if create.BodyLimit() != 1<<20 || list.BodyLimit() != 64<<10 {
		t.Errorf("body limits are %d and %d", create.BodyLimit(), list.BodyLimit())
	}
}

func TestErrorsAreStrictyamlErrorsWithAPlace(t *testing.T) {
	_, err := parse(t, `["*"]`, `["*", nowhere]`)
	var e *strictyaml.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v", err)
	}
	if e.File != "testdata/t.yaml" || e.Line != 9 || e.Column != 28 || e.Field != "apis.notes.authorize.authenticated[1]" {
		t.Errorf("%+v", e)
	}
}

func TestCheckReportsWithoutADocument(t *testing.T) {
	err := (&Config{}).Check()
	if err == nil || !strings.Contains(err.Error(), "configuration: listen: is required") {
		t.Errorf("%v", err)
	}
}

func TestPositionTellsWhereAFieldStands(t *testing.T) {
	c, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	if line, column := c.Position("apis.notes.upstream.targets[0]"); line != 6 || column != 26 {
		t.Errorf("%d:%d", line, column)
	}
	if line, _ := (&Config{}).Position("apis"); line != 0 {
		t.Error("a Config without a document knows a line")
	}
}

func TestLoadReportsAFileThatCannotBeRead(t *testing.T) {
	_, err := Load("testdata/none.yaml", nil)
	if err == nil || err.Error() != "testdata/none.yaml: cannot be read: no such file or directory" {
		t.Errorf("%v", err)
	}
	if _, err := Load("testdata", nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}
