// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bufio"
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
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward"
	"durward/internal/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serveFunc is a Handler for tests.
type serveFunc func(ctx context.Context, x *durward.Exchange, out durward.Responder)

func (serveFunc) Acquire() *durward.Exchange { return new(durward.Exchange) }

func (f serveFunc) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	if x.In.Fault != "" { // as the pipeline does
		status := durward.Lookup(x.In.Fault).Status
		out.Respond(text(status, x.In.FaultErr.Error()), nil)
		return
	}
	x.In.Body.SetLimit(64 << 20)
	f(ctx, x, out)
}

// text is an answer with content of a known length.
func text(status int, content string) *durward.Response {
	return &durward.Response{Status: status, Body: io.NopCloser(strings.NewReader(content)), Length: int64(len(content))}
}

// says answers everything with the same content.
func says(content string) serveFunc {
	return func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
		out.Respond(text(200, content), nil)
	}
}

// echo reads the content and answers with it, or with the error's problem.
func echo(_ context.Context, x *durward.Exchange, out durward.Responder) {
	content, err := x.In.Body.Bytes()
	switch err {
	case nil:
		out.Respond(text(200, string(content)), nil)
	case durward.ErrBodyTimeout:
		out.Respond(text(408, "slow"), nil)
	case durward.ErrBodyMalformed:
		out.Respond(text(400, "malformed"), nil)
	default:
		out.Respond(text(400, "aborted"), nil)
	}
}

// start serves on a free port until the test ends, and gives the address.
func start(t testing.TB, h Handler, cfg Config, trusted ...netip.Prefix) (*Set, string) {
	t.Helper()
	cfg.Address = "127.0.0.1:0"
	s := NewSet(h, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	change(t, s, []Config{cfg}, trusted...)
	return s, s.Addresses()[cfg.Address].String()
}

func change(t testing.TB, s *Set, listeners []Config, trusted ...netip.Prefix) {
	t.Helper()
	ch, err := s.Prepare(context.Background(), listeners, trusted, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ch.Commit()
}

// client is a connection that is written to and read from by hand.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { c.Close() })
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer to a request with the method.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s, then: %v", resp.Status, err)
	}
	return resp, string(body)
}

// ended waits for the end of the connection and gives what came before it.
func (c *client) ended() (string, error) {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Fatalf("the connection is still open after %q", rest)
	}
	return string(rest), err
}

// milliseconds keeps tests of limits short.
func milliseconds(n int) units.Duration { return units.Duration(time.Duration(n) * time.Millisecond) }

// authority makes certificates and writes them to files.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, dir: t.TempDir(), key: key, pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// issue writes name.crt and name.key, valid for the hosts until the time.
func (a *authority) issue(name string, until time.Time, hosts ...string) Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	c := Certificate{Cert: filepath.Join(a.dir, name+".crt"), Key: filepath.Join(a.dir, name+".key")}
	a.write(c.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write(c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return c
}

func (a *authority) write(path string, content []byte) {
	a.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// secure is a listener with one certificate for example.test.
func (a *authority) secure() Config {
	return Config{TLS: &TLS{Certificates: []Certificate{a.issue("example", time.Now().Add(time.Hour), "example.test")}}}
}

// transport makes an HTTP client's transport that ends with the test.
func transport(t testing.TB, address string, client *tls.Config, set func(*http.Protocols)) *http.Client {
	tr := &http.Transport{
		Protocols: new(http.Protocols), TLSClientConfig: client,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}
	set(tr.Protocols)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

// get fetches and reads one answer.
func get(t testing.TB, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp, b.String()
}
