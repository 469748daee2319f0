// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/config"
	"durward/listen"
	"durward/pipeline"
)

func metrics(g *Gateway) string {
	rec := httptest.NewRecorder()
	g.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

func TestAStartThatFailsLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for name, tc := range map[string]struct{ doc, want string }{
		"a fault in the document":   {"nonsense: 1\n", "nonsense"},
		"an address in use":         {strings.Replace(document, "${LISTEN}", busy, 1), "listen[0].address: cannot listen"},
		"an admin address in use":   {document + `admin: {address: "` + busy + `"}` + "\n", "admin.address"},
		"an audit log that is none": {strings.Replace(document, "directory: audit", "directory: notes.yaml", 1), "audit"},
		"a store that is none":      {strings.Replace(document, "memory:", "sqlite:notes.yaml", 1), "store"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, tc.doc, nil)
			if g, err := Start(context.Background(), s.options()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, %v", g, err)
			}
			// What was opened before is free again.
			s.write("durward.yaml", document)
			s.start()
		})
	}
}

// events is an upstream whose streams and WebSockets never end by themselves.
func events(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		c, rw, _ := http.NewResponseController(w).Hijack()
		defer c.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(io.Discard, c)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, "data: 1\n\n")
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestShutdownCutsEndlessStreamsInTime(t *testing.T) {
	s := newSite(t, document, events)
	g := s.start()
	open := func(header string) *bufio.Reader {
		c, err := net.Dial("tcp", address(g))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, "GET /open HTTP/1.1\r\nHost: api.test\r\n"+header+"\r\n")
		return bufio.NewReader(c)
	}
	stream := open("")
	resp, err := http.ReadResponse(stream, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	socket := open("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
	if resp, err := http.ReadResponse(socket, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v, %v", resp, err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := g.Shutdown(ctx, 0); err != nil {
		t.Errorf("to cut endless streams is no error: %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the stream looks whole")
	}
	if _, err := socket.ReadByte(); err == nil {
		t.Error("the WebSocket is open")
	}
	if !strings.Contains(s.log.String(), "cut at the end of the drain time") {
		t.Error("it was not logged")
	}
	var outcomes int
	stopped := false
	for _, line := range records(t, s.dir) {
		if strings.Contains(line, `"kind":"outcome"`) {
			if outcomes++; stopped {
				t.Error("an outcome behind the end")
			}
		}
		stopped = stopped || strings.Contains(line, `"message":"stopped"`)
	}
	if !stopped {
		t.Error("the end is not recorded")
	}
	if outcomes != 2 {
		t.Errorf("%d outcomes; each of the two streams has one", outcomes)
	}
}

func TestReadinessTellsWhyNot(t *testing.T) {
	doc := strings.Replace(document, "upgrades: [websocket]}", "health: {passive: {failures: 1, for: 1m}, active: {interval: 100ms, unhealthy: 1, healthy: 1, path: /open}}}", 1) +
		"admin: {address: \"127.0.0.1:0\"}\n"
	s := newSite(t, doc, nil)
	g := s.start()
	ready := func() (int, string) {
		resp, body := fetch(t, "http://"+g.Admin().String()+"/readyz?verbose")
		return resp.StatusCode, body
	}
	eventually(t, "ready", func() bool { status, _ := ready(); return status == 200 })
	s.upstream.CloseClientConnections()
	s.upstream.Close()
	eventually(t, "without a target", func() bool {
		status, body := ready()
		return status == 503 && strings.Contains(body, "api notes has no healthy target")
	})
	if resp, body := fetch(t, "http://"+address(g)+"/open"); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, body := fetch(t, "http://"+g.Admin().String()+"/readyz"); strings.Contains(body, "notes") {
		t.Errorf("%s %q: details are for those who ask", resp.Status, body)
	}
	g.Audit().Close() // fails like a disk that is gone
	g.Reload(context.Background())
	g.draining.Store(true)
	if status, body := ready(); status != 503 || !strings.Contains(body, "draining") {
		t.Errorf("draining: %d %q", status, body)
	}
	if resp, _ := fetch(t, "http://"+g.Admin().String()+"/healthz"); resp.StatusCode != 200 {
		t.Errorf("alive is not ready: %s", resp.Status)
	}
	g.draining.Store(false)
}

func TestDuringTheGraceRequestsAreStillTaken(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	done := make(chan error)
	go func() { done <- g.Shutdown(context.Background(), 500*time.Millisecond) }()
	eventually(t, "the drain", func() bool { return g.draining.Load() })
	eventually(t, "an answer that asks to leave", func() bool {
		resp, body := fetch(t, "http://"+address(g)+"/open")
		return resp.StatusCode == 200 && body == "fine" && resp.Close
	})
	if g.Ready() == nil {
		t.Error("ready while draining")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestScrapesAreBounded(t *testing.T) {
	s := newSite(t, document+"admin: {address: \"127.0.0.1:0\"}\n", nil)
	g := s.start()
	inside, release := make(chan bool, 100), make(chan bool)
	g.env.Metrics.GaugeFunc("slow", "Takes its time.", func() float64 { inside <- true; <-release; return 1 })
	url := "http://" + g.Admin().String() + "/metrics"
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if resp, body := fetch(t, url); resp.StatusCode != 200 || !strings.Contains(body, "durward_slow 1") {
				t.Errorf("a scrape within the bound: %s", resp.Status)
			}
		})
	}
	for range 4 {
		<-inside
	}
	if resp, _ := fetch(t, url); resp.StatusCode != 503 {
		t.Errorf("the fifth at once: %s", resp.Status)
	}
	if resp, _ := fetch(t, "http://"+g.Admin().String()+"/healthz"); resp.StatusCode != 200 {
		t.Errorf("health meanwhile: %s", resp.Status)
	}
	close(release)
	wg.Wait()
}

// TestBeforeTheFirstConfigurationTheGatewayIsNotReady: the console answers
// while the rest starts.
func TestBeforeTheFirstConfigurationTheGatewayIsNotReady(t *testing.T) {
	s := newSite(t, document, nil)
	g := &Gateway{opts: s.options(), log: s.options().Log}
	cfg, err := config.Load(s.path(), s.lookup)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.openEnv(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	g.pipeline, g.listen = pipeline.New(g.env), listen.NewSet(nil, g.log)
	defer g.close(context.Background())
	defer g.listen.Shutdown(context.Background())
	if err := g.Ready(); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("%v", err)
	}
	if st := g.Status(); st.Fingerprint != "" || len(st.Targets) != 0 {
		t.Errorf("%+v", st)
	}
	if err := g.Reload(context.Background()); err == nil {
		t.Error("reloaded")
	}
}
