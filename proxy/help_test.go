// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward"
	"durward/internal/loopback"
	"durward/internal/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func duration(d time.Duration) units.Duration { return units.Duration(d) }

func number(n int) *int { return &n }

// targets are the plain targets of URLs.
func targets(urls ...string) (list []Target) {
	for _, u := range urls {
		list = append(list, Target{URL: u})
	}
	return list
}

// newPools makes pools that end with the test.
func newPools(t testing.TB, now func() time.Time) *Pools {
	t.Helper()
	p := NewPools(Options{Now: now})
	t.Cleanup(p.Close)
	return p
}

// newUpstream makes an upstream that ends with the test.
func newUpstream(t testing.TB, c Config, p *Pools, credentials ...string) *Upstream {
	t.Helper()
	if p == nil {
		p = newPools(t, nil)
	}
	u, err := New(&c, p, credentials)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(u.Close)
	return u
}

// newExchange makes a canonical request without content.
func newExchange(method, path string) *durward.Exchange {
	x := &durward.Exchange{
		ID:        "req-1",
		In:        durward.Request{Method: method, Scheme: "https", Host: "api.example.com", Path: path, Proto: "HTTP/1.1"},
		Client:    durward.Client{Address: netip.MustParseAddr("203.0.113.9"), Scheme: "https"},
		Operation: &durward.Operation{API: "moot", ID: "op", Method: method, Template: path},
	}
	x.In.Body.Init(nil, 0)
	return x
}

// withBody gives the request content that streams.
func withBody(x *durward.Exchange, src io.Reader, length int64) *durward.Exchange {
	x.In.Body.Init(src, length)
	if err := x.In.Body.SetLimit(1 << 20); err != nil {
		panic(err)
	}
	return x
}

// call runs the outgoing stage and Do.
func call(t testing.TB, u *Upstream, x *durward.Exchange) durward.Decision {
	t.Helper()
	return callWith(t.Context(), t, u, x, nil)
}

func callWith(ctx context.Context, t testing.TB, u *Upstream, x *durward.Exchange, inform func(int, durward.Header) error) durward.Decision {
	t.Helper()
	if d := u.Outgoing().Request(ctx, x); d.Verdict != durward.Allow {
		return d
	}
	return u.Do(ctx, x, inform)
}

// content reads an answer to its end and closes it.
func content(t testing.TB, x *durward.Exchange) string {
	t.Helper()
	if x.Response == nil {
		t.Fatal("there is no response")
	}
	if x.Response.Body == nil {
		return ""
	}
	b, err := io.ReadAll(x.Response.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	if err := x.Response.Body.Close(); err != nil {
		t.Fatalf("closing the answer: %v", err)
	}
	return string(b)
}

// mustAllow fails the test unless the decision is to go on.
func mustAllow(t testing.TB, d durward.Decision) {
	t.Helper()
	if d.Verdict != durward.Allow {
		t.Fatalf("decision %v %q (%v), want allow", d.Verdict, d.Code, d.Err)
	}
}

// mustRefuse fails the test unless the decision is to refuse with the code.
func mustRefuse(t testing.TB, x *durward.Exchange, d durward.Decision, code durward.Code) {
	t.Helper()
	if d.Verdict != durward.Deny || d.Code != code || d.Err == nil {
		t.Fatalf("decision %v %q (%v), want deny %q with its reason", d.Verdict, d.Code, d.Err, code)
	}
	if x.Response != nil {
		t.Fatal("a refusal left a response")
	}
}

// serve starts an HTTP/1.1 target.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// named answers every request with a name.
func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }
}

// raw starts a target that talks TCP by hand: one call of talk for each
// connection, with what was read of the request up to the end of its head.
func raw(t testing.TB, talk func(c net.Conn, head string)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				var head []byte
				buf := make([]byte, 4096)
				for !bytes.Contains(head, []byte("\r\n\r\n")) {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					head = append(head, buf[:n]...)
				}
				talk(c, string(head))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

// dead gives the URL of a port where nobody listens.
func dead(t testing.TB) string { return "http://" + loopback.Free(t) }

// authority is a certificate authority made for one test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string // file
	next int64
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), next: 2}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue writes a certificate for a name and its key, for server and client.
func (a *authority) issue(file, name string) (cert, key string) {
	a.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	a.next++
	if ip := net.ParseIP(name); ip != nil {
		tpl.IPAddresses = []net.IP{ip}
	} else {
		tpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(file+".pem", "CERTIFICATE", der), a.write(file+".key", "PRIVATE KEY", kder)
}

// serveTLS starts an https target with a certificate of a for name. With
// http2 it offers h2; with clients it asks for a certificate of that authority.
func (a *authority) serveTLS(name string, http2 bool, clients *authority, h http.HandlerFunc) *httptest.Server {
	a.t.Helper()
	certFile, keyFile := a.issue("server-"+strings.ReplaceAll(name, ".", "-"), name)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		a.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != nil {
		s.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		s.TLS.ClientCAs = x509.NewCertPool()
		s.TLS.ClientCAs.AddCert(clients.cert)
	}
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

// serveH2C starts a target that speaks HTTP/2 with prior knowledge only.
func serveH2C(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ErrorLog = discardLog()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
