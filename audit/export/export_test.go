// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward/audit"
	"durward/internal/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newLog makes a log of n records beside those that it writes itself.
func newLog(t testing.TB, cfg audit.Config, n int) *audit.Log {
	t.Helper()
	l, err := audit.Open(cfg, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	write(t, l, n)
	return l
}

func write(t testing.TB, l *audit.Log, n int) {
	t.Helper()
	for range n {
		if err := l.System("tick", strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}
}

func start(t testing.TB, dir string, cfg audit.Export, opts Options) *Set {
	t.Helper()
	s, err := Start(dir, []audit.Export{cfg}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// until waits for what other goroutines do.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(end) {
			t.Fatal("it never came to be that ", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func told(s *Set, last uint64) func() bool {
	return func() bool { return s.Stats()[0].Last >= last }
}

// sequences gives the numbers of JSON lines, as often as they are there.
func sequences(t testing.TB, text []byte) []uint64 {
	t.Helper()
	var all []uint64
	for l := range bytes.Lines(text) {
		var r struct{ Seq uint64 }
		if err := json.Unmarshal(l, &r); err != nil {
			t.Fatalf("%v: %q", err, l)
		}
		all = append(all, r.Seq)
	}
	return all
}

// wantAll checks that the numbers from 1 to last are there, in their order; a
// batch may be there again.
func wantAll(t testing.TB, got []uint64, last uint64) {
	t.Helper()
	next := uint64(1)
	for _, n := range got {
		if n > next {
			t.Fatalf("record %d comes where %d should", n, next)
		}
		next = max(next, n+1)
	}
	if next != last+1 {
		t.Fatalf("the last one is %d, want %d", next-1, last)
	}
}

func TestAFileGetsEachRecordAndIsPutAsideWhenItIsFull(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "out.jsonl")
	l := newLog(t, audit.Config{Directory: dir}, 300)
	s := start(t, dir, audit.Export{Name: "file", Type: "jsonl", Path: path, MaxFile: units.Bytes(20 << 10), KeepFiles: 50}, Options{})
	last := l.Stats().Sequence
	until(t, "all is told", told(s, last))
	write(t, l, 700) // while it runs
	last = l.Stats().Sequence
	until(t, "all is told", told(s, last))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) < 3 {
		t.Fatalf("files %v", files)
	}
	var all []byte
	for i := len(files) - 1; i >= 0; i-- {
		name := path
		if i > 0 {
			name = fmt.Sprintf("%s.%d", path, i)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	got := sequences(t, all)
	wantAll(t, got, last)
	if len(got) != int(last) {
		t.Errorf("%d records for %d", len(got), last)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestAfterARestartAnExportGoesOnWhereItWas(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "out.jsonl")
	l := newLog(t, audit.Config{Directory: dir}, 20)
	cfg := audit.Export{Name: "file", Type: "jsonl", Path: path}
	for range 4 {
		s := start(t, dir, cfg, Options{})
		until(t, "all is told", told(s, l.Stats().Sequence))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, l, 10)
	}
	// A crash within a write leaves a part of a line; it is not built upon.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"seq":99,"ti`)
	f.Close()
	s := start(t, dir, cfg, Options{})
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := sequences(t, content)
	wantAll(t, got, l.Stats().Sequence)
	if len(got) != int(l.Stats().Sequence) {
		t.Errorf("%d records for %d: some were told again without need", len(got), l.Stats().Sequence)
	}
}

func TestACursorThatIsOfNoUseBeginsAnew(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"cut":               func(s string) string { return s[:30] },
		"empty":             func(string) string { return "" },
		"words":             func(s string) string { return strings.Repeat("x", len(s)) },
		"of another log":    func(s string) string { return strings.Replace(s, s[30:34], "beef", 1) },
		"ahead of the log":  func(s string) string { return "00000000000000009999" + s[20:] },
		"longer than it is": func(s string) string { return s + "more" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := newLog(t, audit.Config{Directory: dir}, 5)
			cfg := audit.Export{Name: "a", Type: "jsonl"}
			s := start(t, dir, cfg, Options{Stdout: new(safeBuffer)})
			until(t, "all is told", told(s, l.Stats().Sequence))
			s.Close()
			path := filepath.Join(dir, "export-a.cursor")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(spoil(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			out := new(safeBuffer)
			s = start(t, dir, cfg, Options{Stdout: out})
			until(t, "all is told", told(s, l.Stats().Sequence))
			s.Close()
			wantAll(t, sequences(t, out.Bytes()), l.Stats().Sequence)
		})
	}
}

// safeBuffer can be written and read at the same time.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.b.Bytes())
}

func TestWhatExpiredBeforeItWasToldIsCountedAndRecorded(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, audit.Config{Directory: dir, MaxFile: units.Bytes(4 << 10), KeepFiles: 2, Compress: audit.CompressNone}, 100)
	files, err := audit.Files(dir)
	if err != nil || files[0] < 2 {
		t.Fatal("nothing expired", files, err)
	}
	out := new(safeBuffer)
	recorded := make(chan string, 1)
	s := start(t, dir, audit.Export{Name: "late", Type: "jsonl"}, Options{Stdout: out, Record: func(message, detail string) error {
		recorded <- message + ": " + detail
		return nil
	}})
	until(t, "all is told", told(s, l.Stats().Sequence))
	if got := s.Stats()[0].Lost; got != files[0]-1 {
		t.Errorf("%d lost, want %d", got, files[0]-1)
	}
	want := fmt.Sprintf("audit records not exported: export late: records 1 to %d expired before they were told", files[0]-1)
	if got := <-recorded; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	got := sequences(t, out.Bytes())
	if got[0] != files[0] || got[len(got)-1] != l.Stats().Sequence || len(got) != int(l.Stats().Sequence-files[0]+1) {
		t.Errorf("told %v", got)
	}
}

// failing is a target that takes nothing until it is told to.
type failing struct {
	mu   sync.Mutex
	good bool
	sent [][]uint64
}

func (f *failing) send(_ context.Context, b *batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, []uint64{b.first, b.last})
	if !f.good {
		return errors.New("not now")
	}
	return nil
}

func (f *failing) close() error { return nil }

func (f *failing) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

func TestABatchThatFailsIsSentAgainAsItWas(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, audit.Config{Directory: dir}, 10)
	s := start(t, dir, audit.Export{Name: "a", Type: "jsonl"}, Options{Stdout: new(safeBuffer)})
	until(t, "all is told", told(s, l.Stats().Sequence))
	s.Close()
	to := &failing{}
	e, err := newExporter(dir, &audit.Export{Name: "b", Type: "jsonl"}, Options{Log: s.all[0].opts.Log, Stdout: new(safeBuffer)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	e.to = to
	for range 3 {
		if _, err := e.step(t.Context()); err == nil {
			t.Fatal("it is told that all is well")
		}
		write(t, l, 3) // it does not grow meanwhile
	}
	to.good = true
	for _, want := range []int{0, 1} {
		n, err := e.step(t.Context())
		if err != nil || (n == 0) != (want == 2) {
			t.Fatal(n, err)
		}
	}
	for _, b := range to.sent[:4] {
		if b[0] != 1 || b[1] != to.sent[0][1] {
			t.Errorf("batches %v", to.sent)
		}
	}
	if last := to.sent[4]; last[0] != to.sent[0][1]+1 || last[1] != l.Stats().Sequence {
		t.Errorf("the batch after is %v", last)
	}
	if to.tries() != 5 {
		t.Errorf("%d tries", to.tries())
	}
}

func TestPausesGrowToAMinuteAndFollowTheServersWord(t *testing.T) {
	e := &exporter{log: Options{}.logger()}
	pause, last := time.Duration(0), time.Duration(0)
	for range 12 {
		pause = e.failed(pause, errors.New("down"))
		if pause < last || pause > lastRetry {
			t.Fatalf("%v after %v", pause, last)
		}
		last = pause
	}
	if last != lastRetry || !e.failing.Load() {
		t.Errorf("the longest pause is %v", last)
	}
	if got := e.failed(0, fmt.Errorf("x: %w", &retryLater{429, 7 * time.Second})); got != 7*time.Second {
		t.Errorf("Retry-After 7 is a pause of %v", got)
	}
	if got := e.failed(0, &retryLater{429, time.Hour}); got != lastRetry {
		t.Errorf("Retry-After 3600 is a pause of %v", got)
	}
}

func TestABatchIsBounded(t *testing.T) {
	var b batch
	for i := uint64(1); !b.full(); i++ {
		b.add(i, bytes.Repeat([]byte("x"), 10_000))
	}
	if len(b.text) > maxBatchBytes+10_000 {
		t.Errorf("%d bytes", len(b.text))
	}
	b.reset()
	for i := uint64(1); !b.full(); i++ {
		b.add(i, []byte("{}"))
	}
	if len(b.lines) != maxBatchRecords || b.first != 1 || b.last != maxBatchRecords {
		t.Errorf("%d lines from %d to %d", len(b.lines), b.first, b.last)
	}
	for _, l := range b.lines {
		if string(l) != "{}" {
			t.Fatalf("a line is %q", l)
		}
	}
}
