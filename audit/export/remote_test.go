// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"durward/audit"
	"durward/internal/loopback"
)

// collector is an HTTP server that takes what it is sent, when it does.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // the statuses of the first answers; then 200
	heads   []http.Header
	bodies  [][]byte
}

func newCollector(t testing.TB, secure bool, answers ...int) *collector {
	t.Helper()
	c := &collector{answers: answers}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heads, c.bodies = append(c.heads, r.Header.Clone()), append(c.bodies, body)
		status := http.StatusOK
		if len(c.answers) > 0 {
			status, c.answers = c.answers[0], c.answers[1:]
		}
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		io.WriteString(w, `{}`)
	})
	if secure {
		c.Server = httptest.NewTLSServer(handler)
	} else {
		c.Server = httptest.NewServer(handler)
	}
	t.Cleanup(c.Close)
	return c
}

// authority writes the certificate of a TLS server of httptest.
func authority(t testing.TB, s *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a key of this test, and no other"))

func TestAWebhookIsSignedAndHasTheSameIDWhenItIsSentAgain(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, audit.Config{Directory: dir}, 12)
	c := newCollector(t, true, 500, 429)
	s := start(t, dir, audit.Export{Name: "hook", Type: "webhook", URL: c.URL, CA: authority(t, c.Server), Secret: webhookSecret}, Options{})
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bodies) < 3 {
		t.Fatalf("%d requests", len(c.bodies))
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, "whsec_"))
	for i, body := range c.bodies {
		h := c.heads[i]
		id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
		if want := "v1," + sign(key, id, at, body); h.Get("Webhook-Signature") != want {
			t.Errorf("signature %q, want %q", h.Get("Webhook-Signature"), want)
		}
		if i < 3 && id != c.heads[0].Get("Webhook-Id") {
			t.Errorf("try %d has the id %q", i, id)
		}
		if _, err := strconv.ParseInt(at, 10, 64); err != nil {
			t.Errorf("timestamp %q", at)
		}
	}
	var got struct {
		Type string
		Data struct {
			Export      string
			First, Last uint64
			Records     []struct{ Seq uint64 }
		}
	}
	if err := json.Unmarshal(c.bodies[2], &got); err != nil || got.Type != "durward.audit.records" || got.Data.Export != "hook" ||
		got.Data.First != 1 || got.Data.Records[0].Seq != 1 || got.Data.Last != got.Data.Records[len(got.Data.Records)-1].Seq {
		t.Errorf("%v: %+v", err, got)
	}
}

// The example of the Standard Webhooks reference libraries.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	cfg := audit.Export{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
	key, ok := cfg.WebhookKey()
	if !ok {
		t.Fatal("the secret is refused")
	}
	if got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)); got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature %s", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	newLog(t, audit.Config{Directory: dir}, 1)
	c := newCollector(t, false, 307, 302)
	s := start(t, dir, audit.Export{Name: "hook", Type: "webhook", URL: c.URL, Secret: webhookSecret}, Options{})
	until(t, "it fails", func() bool { return s.Stats()[0].Failing })
	s.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bodies) != 1 || s.Stats()[0].Last != 0 {
		t.Errorf("%d requests, %d told", len(c.bodies), s.Stats()[0].Last)
	}
}

func TestAServerThatNobodyVouchesForGetsNothing(t *testing.T) {
	dir := t.TempDir()
	newLog(t, audit.Config{Directory: dir}, 1)
	c := newCollector(t, true)
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	s := start(t, dir, audit.Export{Name: "hook", Type: "otlp", URL: c.URL}, Options{})
	until(t, "it fails", func() bool { return s.Stats()[0].Failing })
	s.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bodies) != 0 {
		t.Error("it was told")
	}
}

func TestACollectorGetsLogsInTheJSONOfOTLP(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, audit.Config{Directory: dir}, 600)
	c := newCollector(t, false)
	s := start(t, dir, audit.Export{Name: "otlp", Type: "otlp", URL: c.URL + "/v1/logs", Authorization: "Bearer token-of-test"}, Options{})
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []uint64
	for i, body := range c.bodies {
		if c.heads[i].Get("Authorization") != "Bearer token-of-test" || c.heads[i].Get("Content-Type") != "application/json" {
			t.Errorf("header %v", c.heads[i])
		}
		var got struct {
			ResourceLogs []struct {
				ScopeLogs []struct {
					LogRecords []struct {
						TimeUnixNano   string
						SeverityNumber int
						Body           struct{ StringValue string }
						Attributes     []struct {
							Key   string
							Value struct{ StringValue, IntValue string }
						}
					}
				}
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		for _, r := range got.ResourceLogs[0].ScopeLogs[0].LogRecords {
			var inner struct{ Seq uint64 }
			if err := json.Unmarshal([]byte(r.Body.StringValue), &inner); err != nil {
				t.Fatal(err)
			}
			if r.Attributes[0].Key != "durward.audit.seq" || r.Attributes[0].Value.IntValue != strconv.FormatUint(inner.Seq, 10) {
				t.Errorf("%+v", r.Attributes)
			}
			if len(r.TimeUnixNano) != 19 || r.SeverityNumber != 9 {
				t.Errorf("time %q, severity %d", r.TimeUnixNano, r.SeverityNumber)
			}
			all = append(all, inner.Seq)
		}
	}
	wantAll(t, all, l.Stats().Sequence)
}

// receiver is a syslog server: octet-counted frames over TCP or TLS.
type receiver struct {
	net.Listener
	mu     sync.Mutex
	frames []string
	cut    int // ends the connection after so many bytes, once
	wait   sync.WaitGroup
}

func newReceiver(t testing.TB, config *tls.Config, cut int) *receiver {
	t.Helper()
	address := "127.0.0.1:0" // what certificates are for
	if config == nil {
		address = loopback.Free(t) // some come back to it later
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	r := &receiver{Listener: l, cut: cut}
	r.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.wait.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); r.wait.Wait() })
	return r
}

func (r *receiver) serve(conn net.Conn) {
	defer conn.Close()
	from := io.Reader(conn)
	r.mu.Lock()
	if r.cut > 0 {
		from, r.cut = io.LimitReader(conn, int64(r.cut)), 0
	}
	r.mu.Unlock()
	in := bufio.NewReader(from)
	for {
		size, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, " "))
		if err != nil {
			panic(fmt.Sprintf("no length: %q", size))
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		r.mu.Lock()
		r.frames = append(r.frames, string(frame))
		r.mu.Unlock()
	}
}

// records gives the lines in the messages so far.
func (r *receiver) records(t testing.TB) []uint64 {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var text bytes.Buffer
	for _, f := range r.frames {
		text.WriteString(f[strings.Index(f, "] {")+2:] + "\n")
	}
	return sequences(t, text.Bytes())
}

var message = regexp.MustCompile(`^<(110|108|107)>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z \S{1,255} durward [0-9]+ (system|attempt|outcome|flood|admin) \[audit@32473 seq="[0-9]+"( [a-z_]+="([^"\\\]]|\\["\\\]])*")*\] \{`)

func TestSyslogMessagesAreFramedAndNoneIsLostWhenTheConnectionIs(t *testing.T) {
	for name, secure := range map[string]bool{"over TCP": false, "over TLS": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := newLog(t, audit.Config{Directory: dir}, 700)
			cfg := audit.Export{Name: "siem", Type: "syslog", Plaintext: !secure}
			var config *tls.Config
			if secure {
				s := httptest.NewTLSServer(nil) // for its certificate
				defer s.Close()
				config, cfg.CA = &tls.Config{Certificates: s.TLS.Certificates}, authority(t, s)
			}
			r := newReceiver(t, config, 30_000)
			cfg.Address = r.Addr().String()
			s := start(t, dir, cfg, Options{})
			until(t, "all is told", told(s, l.Stats().Sequence))
			write(t, l, 5) // over the connection that there is
			until(t, "all is told", told(s, l.Stats().Sequence))
			s.Close()
			until(t, "all is there", func() bool { got := r.records(t); return got[len(got)-1] == l.Stats().Sequence })
			wantAll(t, r.records(t), l.Stats().Sequence)
			for _, f := range r.frames {
				if !message.MatchString(f) {
					t.Fatalf("not a message: %s", f)
				}
			}
		})
	}
}

func TestASyslogServerThatGoesAndComesBackGetsAll(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, audit.Config{Directory: dir}, 5)
	first := newReceiver(t, nil, 0)
	address := first.Addr().String()
	s := start(t, dir, audit.Export{Name: "siem", Type: "syslog", Address: address, Plaintext: true}, Options{})
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close() // so that the port can be taken again
	first.Close()
	first.wait.Wait()
	s = start(t, dir, audit.Export{Name: "siem", Type: "syslog", Address: address, Plaintext: true}, Options{})
	write(t, l, 5)
	until(t, "it fails", func() bool { return s.Stats()[0].Failing })
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	second := &receiver{Listener: listener}
	second.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			second.wait.Go(func() { second.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); second.wait.Wait() })
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close()
	until(t, "all is there", func() bool { return len(first.records(t))+len(second.records(t)) >= int(l.Stats().Sequence) })
	wantAll(t, append(first.records(t), second.records(t)...), l.Stats().Sequence)
	if s.Stats()[0].Failing {
		t.Error("it still says that it fails")
	}
}
