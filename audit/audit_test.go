// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	clientAddress = netip.MustParseAddr("203.0.113.9")
	operation     = &durward.Operation{API: "moot", ID: "postMessage", Method: "POST", Template: "/spaces/{space}/messages"}
)

// newExchange makes an authenticated request as the pipeline hands it over.
func newExchange(id string) *durward.Exchange {
	x := &durward.Exchange{ID: id, Started: time.Date(2026, 11, 21, 10, 11, 12, 345678000, time.UTC), Operation: operation}
	x.In.Method, x.In.Host, x.In.Path, x.In.Proto = "POST", "api.example.com", "/moot/spaces/7/messages", "HTTP/1.1"
	x.In.RawQuery = "token=query-secret"
	x.In.Peer = netip.MustParseAddrPort("10.0.0.1:4711")
	x.In.Header.Add("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	x.In.Header.Add("Authorization", "Bearer header-secret")
	x.Client.Address = clientAddress
	x.Principal = durward.Principal{Subject: "ann", Consumer: "acme", Issuer: "corp", Method: "jwt", Credential: "jti-1"}
	x.Params = []durward.Param{{Name: "space", Value: "7"}}
	x.Trace = durward.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	return x
}

func open(t testing.TB, cfg Config, opts Options) *Log {
	t.Helper()
	if cfg.Directory == "" {
		cfg.Directory = t.TempDir()
	}
	if cfg.Compress == "" {
		cfg.Compress = CompressNone // most tests look into the files
	}
	if cfg.Checkpoints.Interval == 0 {
		cfg.Checkpoints.Off = true // most tests are about the chain alone
	}
	l, err := Open(cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// exchange stores the attempt and the outcome of one request.
func exchange(l *Log, x *durward.Exchange, end End) durward.Decision {
	d := l.Stage("").Request(context.Background(), x)
	x.Trail = append(x.Trail[:0], durward.Step{Stage: StageName, Verdict: d.Verdict, Code: d.Code, Err: d.Err, Took: 17 * time.Microsecond})
	l.Outcome(x, end)
	return d
}

var okEnd = End{Status: 201, BytesIn: 12, BytesOut: 340, Took: 1500 * time.Microsecond, Routed: 40 * time.Microsecond, Sent: 9 * time.Microsecond}

// readLines gives all lines of a directory's files, in order.
func readLines(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	files, err := listFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range files {
		content, err := os.ReadFile(filePath(dir, first))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")...)
	}
	return out
}

// readEvents decodes all records of a directory.
func readEvents(t testing.TB, dir string) []durward.Event {
	t.Helper()
	var out []durward.Event
	for i, line := range readLines(t, dir) {
		ev, seq, err := Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && seq == 0 {
			t.Fatalf("line without number: %s", line)
		}
		out = append(out, ev)
	}
	return out
}

func ofKind(events []durward.Event, kind durward.EventKind) []durward.Event {
	var out []durward.Event
	for _, ev := range events {
		if ev.Kind == kind {
			out = append(out, ev)
		}
	}
	return out
}

func mustVerify(t testing.TB, dir string) Report {
	t.Helper()
	r, err := Verify(dir)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return r
}

func TestAnAttemptIsOnTheDiskBeforeTheStageLetsTheRequestGoOn(t *testing.T) {
	for _, durability := range []string{DurabilityGroup, DurabilityBuffered} {
		t.Run(durability, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Config{Directory: dir, Durability: durability}, Options{})
			for i := range 3 {
				x := newExchange("r" + strconv.Itoa(i))
				if d := l.Stage("").Request(context.Background(), x); d.Verdict != durward.Allow {
					t.Fatalf("decision %+v", d)
				}
				attempts := ofKind(readEvents(t, dir), durward.EventAttempt)
				if len(attempts) != i+1 || attempts[i].RequestID != x.ID {
					t.Fatalf("after attempt %d the file holds %d attempts", i, len(attempts))
				}
			}
		})
	}
}

func TestAttemptAndOutcomeTellWhoDidWhatAndHowItEnded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	x := newExchange("r1")
	x.Upstream = durward.UpstreamFacts{Target: "https://10.0.3.7:9443", Attempts: 2, Took: time.Millisecond, BytesIn: 340, BytesOut: 12}
	exchange(l, x, okEnd)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, dir)
	const attempt = `"time":"2026-11-21T10:11:12.345678Z","kind":"attempt","request_id":"r1","trace_id":"0af7651916cd43dd8448eb211c80319c","client":"203.0.113.9","peer":"10.0.0.1:4711",` +
		`"subject":"ann","consumer":"acme","issuer":"corp","method":"jwt","credential":"jti-1","api":"moot","operation":"postMessage",` +
		`"verb":"POST","host":"api.example.com","path":"/moot/spaces/7/messages","object":{"space":"7"},"proto":"HTTP/1.1",` +
		`"user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0","hash":"`
	const outcome = `"time":"2026-11-21T10:11:12.347178Z","kind":"outcome","request_id":"r1","trace_id":"0af7651916cd43dd8448eb211c80319c","client":"203.0.113.9","subject":"ann","consumer":"acme",` +
		`"credential":"jti-1","api":"moot","operation":"postMessage","verb":"POST","path":"/moot/spaces/7/messages","object":{"space":"7"},"status":201,` +
		`"upstream":{"attempts":2,"target":"https://10.0.3.7:9443","took_us":1000,"bytes_out":12,"bytes_in":340},"took_us":1500,"bytes_in":12,"bytes_out":340,"stages":{"route":40,"audit":17,"send":9},"hash":"`
	if !strings.Contains(lines[2], attempt) {
		t.Errorf("attempt\n%s\nwants\n%s", lines[2], attempt)
	}
	if !strings.Contains(lines[3], outcome) {
		t.Errorf("outcome\n%s\nwants\n%s", lines[3], outcome)
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, "secret") {
		t.Error("a secret was recorded")
	}
	mustVerify(t, dir)
}

func TestARefusalBeforeTheAttemptIsRecordedWhole(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	x := newExchange("r1")
	x.Principal = durward.Principal{}
	x.Trail = []durward.Step{
		{Stage: "waf", Verdict: durward.Deny, Mode: durward.Report, Code: durward.CodeForbidden, Err: errors.New("rule 942100")},
		{Stage: "cors", Verdict: durward.Allow},
		{Stage: "quota", Verdict: durward.Fail, OnError: durward.ProceedOnError, Code: durward.CodeStoreUnavailable, Err: errors.New("no counters")},
		{Stage: "authn", Verdict: durward.Deny, Code: durward.CodeUnauthenticated, Err: errors.New("no credential")},
	}
	l.Outcome(x, End{Status: 401, Code: durward.CodeUnauthenticated, Stage: "authn", Reason: "no credential"})
	l.Close()
	outcomes := ofKind(readEvents(t, dir), durward.EventOutcome)
	if len(outcomes) != 1 {
		t.Fatalf("%d outcomes", len(outcomes))
	}
	ev := outcomes[0]
	if ev.Host != "api.example.com" || ev.UserAgent == "" || !ev.Peer.IsValid() || ev.Proto == "" {
		t.Errorf("who and what are missing: %+v", ev)
	}
	if ev.Status != 401 || ev.Code != durward.CodeUnauthenticated || ev.Stage != "authn" || ev.Reason != "no credential" {
		t.Errorf("end: %+v", ev)
	}
	if len(ev.Steps) != 2 || ev.Steps[0].Stage != "waf" || ev.Steps[0].Mode != durward.Report || ev.Steps[0].Err.Error() != "rule 942100" ||
		ev.Steps[1].Verdict != durward.Fail || ev.Steps[1].OnError != durward.ProceedOnError {
		t.Errorf("steps: %+v", ev.Steps)
	}
}

func TestManyCallersShareGroupsAndTheChainHolds(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: 64 << 10}, Options{})
	var wg sync.WaitGroup
	const callers, each = 32, 30
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				x := newExchange("r" + strconv.Itoa(c) + "-" + strconv.Itoa(i))
				if d := exchange(l, x, okEnd); d.Verdict != durward.Allow {
					t.Errorf("decision %+v", d)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustVerify(t, dir)
	events := readEvents(t, dir)
	if n := len(ofKind(events, durward.EventAttempt)); n != callers*each {
		t.Errorf("%d attempts", n)
	}
	if n := len(ofKind(events, durward.EventOutcome)); n != callers*each {
		t.Errorf("%d outcomes", n)
	}
	if r.Files < 2 || r.Records != uint64(len(events)) {
		t.Errorf("report %+v for %d events", r, len(events))
	}
	if s := l.Stats(); s.Groups >= s.Records || s.Sequence != r.Last {
		t.Errorf("no groups: %+v", s)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	if _, err := Open(Config{Directory: dir}, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Directory: dir}, Options{})
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "audit")
	open(t, Config{Directory: dir}, Options{})
	for path, want := range map[string]os.FileMode{dir: 0o700, filePath(dir, 1): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", path, got, want)
		}
	}
}

func TestAClosedLogRefusesAndSaysSo(t *testing.T) {
	l := open(t, Config{}, Options{})
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	d := l.Stage("").Request(context.Background(), newExchange("r1"))
	if d.Verdict != durward.Fail || d.Code != durward.CodeAuditUnavailable || !errors.Is(d.Err, ErrClosed) {
		t.Errorf("decision %+v", d)
	}
	l.Outcome(newExchange("r1"), okEnd)
	if s := l.Stats(); s.OutcomesLost != 1 || s.AttemptsRefused != 1 {
		t.Errorf("stats %+v", s)
	}
	if err := l.System("late", ""); !errors.Is(err, ErrClosed) {
		t.Errorf("System: %v", err)
	}
}

func TestConfigReportsEveryFault(t *testing.T) {
	c := Config{Durability: "none", MaxFile: 1, KeepFiles: 1, MaxQueue: 2, FloodWindow: 1}
	err := c.Check()
	for _, field := range []string{"durability", "max_file", "keep_files", "max_queue", "flood_window"} {
		if err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("no fault about %s in %v", field, err)
		}
	}
	if err := (&Config{}).Check(); err != nil {
		t.Errorf("zero Config: %v", err)
	}
	if _, err := Open(c, Options{}); err == nil {
		t.Error("Open took it")
	}
}
