// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"io"
	"log/slog"
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
	"durward/audit"
	"durward/authn"
	"durward/authn/uses"
	"durward/config"
	"durward/observe"
	"durward/proxy"
	"durward/ratelimit"
	"durward/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const contractText = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /open:
    get: {operationId: open, responses: {"200": {description: ok}}}
    post:
      operationId: write
      requestBody: {content: {text/plain: {schema: {type: string}}}}
      responses: {"200": {description: ok}}
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
`

// smallest is a configuration with nothing that can be left out.
const smallest = `
listen: [{address: "127.0.0.1:0"}]
audit: {directory: audit, durability: buffered}
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["${UPSTREAM}"]}
    authenticate: [{api_key: {}}]
    authorize: {authenticated: ["*"]}
    operations: {open: {public: true}, write: {public: true}}
`

// bench is a pipeline on a loopback upstream.
type bench struct {
	*Pipeline
	t        testing.TB
	dir      string
	upstream *httptest.Server
	follower *audit.Follower
	log      *lines
}

// newBench compiles a configuration and puts it into force. The upstream
// answers "fine" where handler is nil.
func newBench(t testing.TB, document string, handler http.HandlerFunc) *bench {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "fine")
		}
	}
	b := &bench{t: t, dir: t.TempDir(), upstream: httptest.NewServer(handler), log: &lines{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	cfg := b.load(document)
	records, err := audit.Open(cfg.Audit, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.Open(context.Background(), "memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	issuers, pools := authn.NewIssuers(nil, time.Now, log), proxy.NewPools(proxy.Options{Log: log})
	b.Pipeline = New(&Env{
		Log: log, Now: time.Now, Keys: keys, Audit: records, Counters: ratelimit.NewCounters(0, time.Now),
		Issuers: issuers, Tokens: authn.NewCache(0), Pools: pools, Metrics: observe.NewMetrics(observe.Build{}),
		Consumers: keys, Uses: uses.New(0, time.Now),
	})
	b.follower = records.Follow(4096)
	b.Swap(b.compile(document))
	t.Cleanup(func() {
		if closed := b.Close(); closed != nil {
			<-closed
		}
		pools.Close()
		issuers.Close()
		records.Close()
		keys.Close()
		b.upstream.CloseClientConnections()
		b.upstream.Close()
	})
	return b
}

func (b *bench) load(document string) *config.Config {
	b.t.Helper()
	for name, text := range map[string]string{"notes.yaml": contractText, "durward.yaml": document} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(b.dir, "durward.yaml"), func(name string) (string, bool) { return b.upstream.URL, name == "UPSTREAM" })
	if err != nil {
		b.t.Fatal(err)
	}
	return cfg
}

func (b *bench) compile(document string) *Generation {
	b.t.Helper()
	g, err := Compile(b.load(document), b.env)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

// operation finds an operation of the current generation.
func (b *bench) operation(id string) *operation {
	b.t.Helper()
	for i := range b.current.Load().operations {
		if op := &b.current.Load().operations[i]; op.ID == id {
			return op
		}
	}
	b.t.Fatalf("no operation %q", id)
	return nil
}

// sent is what the client got.
type sent struct {
	status  int
	header  durward.Header
	body    string
	aborted bool
	interim []int
	hints   durward.Header // of the interim answers
}

// recorder is a Responder that keeps the answer.
type recorder struct {
	sent
	respond func() error // stands in for the client's connection
}

func (o *recorder) Inform(status int, h durward.Header) error {
	o.interim, o.hints = append(o.interim, status), append(o.hints, h...)
	return nil
}

func (o *recorder) Respond(r *durward.Response, extra durward.Header) (int64, error) {
	o.status, o.header = r.Status, append(append(durward.Header{}, r.Header...), extra...)
	if o.respond != nil {
		if err := o.respond(); err != nil {
			return 0, err
		}
	}
	if r.Body == nil {
		return 0, nil
	}
	content, err := io.ReadAll(r.Body)
	o.body = string(content)
	return int64(len(content)), err
}

func (o *recorder) Upgrade(context.Context, *durward.Response, durward.Header, time.Duration) (int64, int64, error) {
	o.status = 101
	return 3, 5, nil
}

func (o *recorder) Abort() { o.aborted = true }

// request fills an exchange as the listener does.
func (b *bench) request(method, target string, header ...string) *durward.Exchange {
	x := b.Acquire()
	x.Started = time.Now()
	in := &x.In
	in.Method, in.Proto, in.Scheme, in.Host = method, "HTTP/1.1", "http", "api.test"
	in.RawPath, in.RawQuery, _ = strings.Cut(target, "?")
	in.Peer, in.Local = netip.MustParseAddrPort("192.0.2.9:5000"), netip.MustParseAddrPort("192.0.2.1:443")
	for i := 0; i < len(header); i += 2 {
		in.Header.Add(header[i], header[i+1])
	}
	in.Body.Init(nil, 0)
	return x
}

// serve runs one exchange and gives the answer and its outcome.
func (b *bench) serve(ctx context.Context, x *durward.Exchange) (sent, durward.Event) {
	b.t.Helper()
	var o recorder
	b.Serve(ctx, x, &o)
	return o.sent, b.outcome()
}

func (b *bench) get(target string, header ...string) (sent, durward.Event) {
	b.t.Helper()
	return b.serve(context.Background(), b.request("GET", target, header...))
}

// outcome waits for the next outcome record.
func (b *bench) outcome() durward.Event {
	b.t.Helper()
	for {
		select {
		case ev := <-b.follower.C:
			if ev.Kind == durward.EventOutcome {
				return ev
			}
		case <-time.After(time.Minute):
			b.t.Fatal("no outcome was recorded")
		}
	}
}

// stageFunc is a stage for tests.
type stageFunc func(ctx context.Context, x *durward.Exchange) durward.Decision

func (stageFunc) Name() string { return "test" }
func (f stageFunc) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	return f(ctx, x)
}
func (f stageFunc) Response(ctx context.Context, x *durward.Exchange) durward.Decision {
	return f(ctx, x)
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
