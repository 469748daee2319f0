// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/audit/merkle"
	"durward/audit/seal"
)

var masterKey = strings.Repeat("0123456789abcdef", 4)

func sealedLog(t testing.TB, cfg Config, opts Options) (*Log, Config) {
	t.Helper()
	if cfg.Directory == "" {
		cfg.Directory = filepath.Join(t.TempDir(), "audit")
	}
	cfg.Seal.MasterKey = masterKey
	return open(t, cfg, opts), cfg
}

func exchangeOf(id, subject string) *durward.Exchange {
	x := newExchange(id)
	x.Principal.Subject = subject
	return x
}

// everything reads all files below the log's directory.
func everything(t testing.TB, dir string) string {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestASealedLogTellsNobodyWho(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	exchange(l, exchangeOf("r1", "ann@example.com"), okEnd)
	nobody := newExchange("r2")
	nobody.Principal = durward.Principal{}
	for range 3 { // and a flood
		l.Outcome(nobody, End{Status: 429, Code: durward.CodeRateLimited, Stage: "ratelimit", Reason: "per_address"})
	}
	l.Close()
	mustVerify(t, cfg.Directory)
	text := everything(t, cfg.Directory)
	for _, personal := range []string{"ann@example.com", "203.0.113.9", "10.0.0.1", "Mozilla", "/spaces/7"} {
		if strings.Contains(text, personal) {
			t.Errorf("the log says %q", personal)
		}
	}
	o, err := seal.OpenKeys(t.Context(), cfg.WithKeys())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	kinds := map[durward.EventKind]int{}
	for _, ev := range readEvents(t, cfg.Directory) {
		if err := o.Open(t.Context(), &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Kind == durward.EventSystem {
			continue
		}
		kinds[ev.Kind]++
		if ev.Client != clientAddress || ev.Kind != durward.EventFlood && ev.Path != "/moot/spaces/7/messages" || ev.RequestID == "r1" && ev.Subject != "ann@example.com" {
			t.Errorf("opened %+v", ev)
		}
	}
	if kinds[durward.EventAttempt] != 1 || kinds[durward.EventOutcome] != 2 || kinds[durward.EventFlood] != 1 {
		t.Errorf("%v", kinds)
	}
}

// TestWhoIsErasedIsUnreadableAndTheLogStillVerifies holds the log against a
// checkpoint and a proof from before.
func TestWhoIsErasedIsUnreadableAndTheLogStillVerifies(t *testing.T) {
	l, cfg := sealedLog(t, Config{Checkpoints: Checkpoints{Interval: 3600e9}}, Options{})
	exchange(l, exchangeOf("of-ann", "ann"), okEnd)
	exchange(l, exchangeOf("of-bob", "bob"), okEnd)
	if err := l.System("script", "looked"); err != nil { // all before it is stored
		t.Fatal(err)
	}
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(cfg.Directory, merkle.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := Prove(cfg.Directory, "of-ann")
	if err != nil {
		t.Fatal(err)
	}
	o, err := seal.OpenKeys(t.Context(), cfg.WithKeys())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	tag, err := o.Erase(t.Context(), seal.KindSubject, "ann")
	if err != nil || tag == "" {
		t.Fatal(tag, err)
	}
	until(t, func() bool {
		return strings.Contains(everything(t, cfg.Directory), messageErased+`","detail":"subject `+tag)
	})
	exchange(l, exchangeOf("of-ann-again", "ann"), okEnd)
	l.Close()
	if r, err := VerifyAgainst(cfg.Directory, Expect{Checkpoints: [][]byte{kept}}); err != nil || r.Older != 1 {
		t.Errorf("%+v %v", r, err)
	}
	public, _ := os.ReadFile(filepath.Join(cfg.Directory, PublicFile))
	verifier, err := merkle.NewVerifier(string(public))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Check(proof.Record, verifier); err != nil {
		t.Errorf("the proof from before: %v", err)
	}
	again, err := Prove(cfg.Directory, "of-ann")
	if err != nil || !bytes.Equal(again.Record, proof.Record) {
		t.Errorf("a proof from after: %v", err)
	}
	for _, ev := range readEvents(t, cfg.Directory) {
		err := o.Open(t.Context(), &ev)
		switch ev.RequestID {
		case "of-ann":
			if !errors.Is(err, seal.ErrErased) || ev.Who != tag {
				t.Errorf("ann: %v %+v", err, ev)
			}
		case "of-bob", "of-ann-again":
			if err != nil || ev.Subject != strings.TrimSuffix(strings.TrimPrefix(ev.RequestID, "of-"), "-again") {
				t.Errorf("%s: %v %+v", ev.RequestID, err, ev)
			}
		}
	}
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAnErasureWhileNoGatewayRunsIsRecordedByTheNext(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	exchange(l, exchangeOf("r1", "ann"), okEnd)
	l.Close()
	o, err := seal.OpenKeys(t.Context(), cfg.WithKeys())
	if err != nil {
		t.Fatal(err)
	}
	tag, err := o.Erase(t.Context(), seal.KindSubject, "ann")
	if o.Close(); err != nil || tag == "" {
		t.Fatal(tag, err)
	}
	for range 2 {
		l, _ = sealedLog(t, cfg, Options{})
		until(t, func() bool { return strings.Contains(everything(t, cfg.Directory), messageErased) })
		l.Close()
	}
	if n := strings.Count(everything(t, cfg.Directory), messageErased); n != 1 {
		t.Errorf("it is recorded %d times", n)
	}
}

func TestNoRecordIsWrittenBeforeItsKey(t *testing.T) {
	fs := &faults{}
	l, cfg := sealedLog(t, Config{}, Options{files: fs})
	exchange(l, exchangeOf("r1", "ann"), okEnd)
	db := cfg.WithKeys().Keys
	x := exchangeOf("r2", "bob")
	if d := l.Stage("").Request(context.Background(), x); d.Verdict != durward.Allow {
		t.Fatal(d.Err)
	}
	// What a crash leaves now: a copy of the files as they are. Every record that
	// was answered can be read with the keys in it.
	after := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(db + suffix)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(after+"/keys"+suffix, content, 0o600)
	}
	copied := cfg.WithKeys()
	copied.Keys = after + "/keys"
	o, err := seal.OpenKeys(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, ev := range readEvents(t, cfg.Directory) {
		if err := o.Open(t.Context(), &ev); err != nil {
			t.Errorf("%s of %s: %v", ev.Kind, ev.RequestID, err)
		}
	}
}

func TestKeysThatCannotBeStoredRefuseAttemptsAndLoseNoOutcome(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	x := exchangeOf("r1", "ann")
	exchange(l, x, okEnd)
	unlock := lockKeys(t, cfg)
	if d := l.Stage("").Request(t.Context(), exchangeOf("r2", "bob")); d.Verdict != durward.Fail || d.Code != durward.CodeAuditUnavailable {
		t.Errorf("a new subject's attempt: %+v", d)
	}
	if l.Health() == nil {
		t.Error("the log is well")
	}
	unlock()
	until(t, func() bool { return l.Health() == nil })
	if d := exchange(l, exchangeOf("r3", "bob"), okEnd); d.Verdict != durward.Allow {
		t.Errorf("afterwards: %+v", d)
	}
	l.Close()
	mustVerify(t, cfg.Directory)
}

func TestFollowersGetWhatIsPersonal(t *testing.T) {
	l, _ := sealedLog(t, Config{}, Options{})
	f := l.Follow(4)
	defer f.Stop()
	exchange(l, exchangeOf("r1", "ann"), okEnd)
	if ev := <-f.C; ev.Subject != "ann" || ev.Client != clientAddress || ev.Sealed != "" {
		t.Errorf("a follower got %+v", ev)
	}
}

// lockKeys keeps everybody else from writing the keys file.
func lockKeys(t *testing.T, cfg Config) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", cfg.WithKeys().Keys+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		conn.ExecContext(t.Context(), "ROLLBACK")
		conn.Close()
		db.Close()
	}
}

// BenchmarkExchangeSealed is BenchmarkExchange with what is personal sealed.
func BenchmarkExchangeSealed(b *testing.B) {
	l, _ := sealedLog(b, Config{Durability: DurabilityBuffered}, Options{})
	before := cpuTime()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for c := range 64 {
		wg.Go(func() {
			x := exchangeOf("01890a5d-ac96-774b-bcce-b302099a8057", "subject-"+strconv.Itoa(c))
			for range (b.N + 63 - c) / 64 {
				exchange(l, x, okEnd)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-us/op")
}
