// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// tlsServer serves with the bench's certificate and counts its connections.
func tlsServer(t *testing.T, status int) (address string, connections *atomic.Int64) {
	t.Helper()
	m := testMaterial(t)
	pair, err := tls.LoadX509KeyPair(m.path("server.crt"), m.path("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume || r.Header.Get("User-Agent") == "" || !r.Close {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), connections
}

func TestEachHandshakeIsAConnectionOfItsOwn(t *testing.T) {
	address, connections := tlsServer(t, 200)
	found, err := runHandshakes(t.Context(), "https://localhost:"+portOf(address)+"/items/42", testMaterial(t).dir, 4, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if found.requests == 0 || found.requests != connections.Load() {
		t.Errorf("%d requests over %d connections", found.requests, connections.Load())
	}
	if found.refused != 0 || found.broken != 0 || found.p50 <= 0 || found.p99 < found.p50 {
		t.Errorf("%+v", found)
	}
}

func TestHandshakesCountWhatIsRefusedAndWhatFails(t *testing.T) {
	address, _ := tlsServer(t, 429)
	material := testMaterial(t).dir
	found, err := runHandshakes(t.Context(), "https://localhost:"+portOf(address)+"/", material, 1, 50*time.Millisecond)
	if err != nil || found.requests == 0 || found.refused != found.requests {
		t.Errorf("refused: %+v, %v", found, err)
	}
	closed, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	found, err = runHandshakes(t.Context(), "https://"+closed+"/", material, 1, 10*time.Millisecond)
	if err != nil || found.requests != 0 || found.broken == 0 {
		t.Errorf("nobody listens: %+v, %v", found, err)
	}
	if _, err := runHandshakes(t.Context(), "https://localhost/", t.TempDir(), 1, 0); err == nil {
		t.Error("it runs without its files")
	}
}

func TestHandshakesDoNotTrustAnotherCertificate(t *testing.T) {
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	other.Config.ErrorLog = nil
	u, err := url.Parse(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	request, config, err := handshakeRequest(u, testMaterial(t).dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oneHandshake(t.Context(), u.Host, config, request); err == nil {
		t.Error("a certificate of somebody else was taken")
	}
}

func TestIdleConnectionsAreAskedOnceAndHeld(t *testing.T) {
	address := testUpstream(t)
	var out bytes.Buffer
	if err := holdIdle(t.Context(), "http://"+address+"/items/42", testMaterial(t).dir, 40, &out, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	found, err := parseOutcome(out.String())
	if err != nil || found.requests != 40 || found.refused != 0 || found.broken != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if !strings.HasSuffix(out.String(), "OPEN 40\n") {
		t.Errorf("got %q", out.String())
	}
}

func TestConnectionsThatTheGatewayClosedAreNotOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func() (client, server net.Conn) {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if server, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close(); server.Close() })
		return client, server
	}
	kept, _ := pair()
	gone, server := pair()
	server.Close()
	// Reading waits until the close has arrived.
	if _, err := gone.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	if got := stillOpen([]net.Conn{kept, gone}); got != 1 {
		t.Errorf("%d of 2 are open, want 1", got)
	}
}

func TestReadAnswerWantsAWholeAnswer(t *testing.T) {
	for text, want := range map[string]int{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":  200,
		"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n":  429,
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok": 0,
		"HTTP/1.1 200 OK\r\n":                             0,
		"":                                                0,
	} {
		got, err := readAnswer(bufio.NewReader(strings.NewReader(text)))
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// The whole of job F, with the upstream in a gateway's place.
func TestIdleSampleMeasuresAProcess(t *testing.T) {
	program := self(t)
	raiseFileLimit()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < idleConnections+200 {
		t.Skipf("%d open files are too few, %v", limit.Cur, err)
	}
	b, s := testBench(t, program), scenario{job: "F", load: idleLoad}
	c := &contestant{gateway: upstreamAsGateway(program), dir: filepath.Join(b.out, "f")}
	defer c.halt()
	if err := b.launch(t.Context(), s, c); err != nil {
		t.Fatal(err)
	}
	got, err := b.idleSample(t.Context(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	// The upstream keeps a buffer of 16 KiB for each connection.
	if got.perConnection < 1<<10 || got.perConnection > 200<<10 || got.cpu <= 0 || got.peak <= 0 {
		t.Errorf("%+v", got)
	}
}
