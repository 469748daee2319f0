// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"durward/internal/pkitest"
)

// everyMethod takes every kind of credential, and lists of addresses in files.
const everyMethod = `listen: [{address: "${LISTEN}", addresses: {deny_files: [denied.txt]}}]
store: "memory:"
audit: {directory: audit, durability: buffered}
issuers:
  corp: {issuer: "https://id.example.com", jwks_file: keys.json, audiences: [notes]}
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["${UPSTREAM}"]}
    addresses: {deny_files: [denied.txt]}
    authenticate:
      - api_key: {}
      - jwt: {issuer: corp, dpop: {require_nonce: true}}
      - introspection: {url: "http://127.0.0.1:9/", client_id: gate, client_secret: not-a-secret, any_audience: true}
      - client_certificate: {ca: ca.pem, map: [{common_name: "{consumer}"}]}
      - signature: {keys: {a: {algorithm: hmac-sha256, secret: "0123456789abcdef0123456789abcdef"}}}
      - capability: {keys: [{id: a, secret: "0123456789abcdef0123456789abcdef"}]}
    authorize: {authenticated: ["*"]}
    operations: {open: {public: true}, write: {public: true}}
`

// What each kind of credential keeps for a generation ends with the generation.
func TestReloadsOfEveryKindOfCredentialLeaveNothingBehind(t *testing.T) {
	s := newSite(t, everyMethod, nil)
	s.write("denied.txt", "198.51.100.0/24\n")
	s.write("keys.json", `{"keys":[]}`)
	pem, err := os.ReadFile(pkitest.File(t, pkitest.Certificates(pkitest.Root(t, "root"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "ca.pem"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
	g := s.start()
	reload := func(times int) {
		for range times {
			if err := g.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, field := range []string{"", "X-Api-Key: x", "Authorization: Bearer x", "Authorization: Capability x", "Signature: a=:AA==:"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address(g)+"/notes", nil)
				if err != nil {
					t.Fatal(err)
				}
				if name, value, ok := strings.Cut(field, ": "); ok {
					r.Header.Set(name, value)
				}
				answer, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}
	}
	used := func() (goroutines int, heap uint64) {
		var m runtime.MemStats
		for range 20 { // closed generations end their goroutines by themselves
			runtime.GC()
			<-time.After(10 * time.Millisecond)
		}
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	reload(20)
	goroutines, heap := used()
	const times = 200
	reload(times)
	after, heapAfter := used()
	t.Logf("%d reloads: %d goroutines, then %d; %d KiB, then %d", times, goroutines, after, heap>>10, heapAfter>>10)
	if after > goroutines+10 {
		t.Errorf("%d goroutines more", after-goroutines)
	}
	// A generation of this configuration is some hundred KiB.
	if heapAfter > heap+8<<20 {
		t.Errorf("%d KiB more after %d reloads", (heapAfter-heap)>>10, times)
	}
}
