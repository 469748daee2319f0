// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/audit"
	"durward/store"
)

// actionsOf gives the targets of the actions that a closed log holds.
func actionsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no log in %s: %v", dir, err)
	}
	var out []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			ev, _, err := audit.Decode([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind == durward.EventAdmin {
				out = append(out, ev.Admin.Targets...)
			}
		}
	}
	return out
}

func openLog(t *testing.T, dir string) *audit.Log {
	t.Helper()
	l, err := audit.Open(audit.Config{Directory: dir, Compress: audit.CompressNone, Checkpoints: audit.Checkpoints{Off: true}}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func openStore(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t *testing.T, s *store.Store, id string) {
	t.Helper()
	if err := s.CreateConsumer(context.Background(), durward.Consumer{ID: id, Name: id}); err != nil {
		t.Fatal(err)
	}
}

func TestChangesOfEveryProcessAreRecordedOnceByTheGatewaysOfAStore(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "durward.db")
	quiet := slog.New(slog.DiscardHandler)
	command := openStore(t, url) // stands for the command line
	create(t, command, "before")
	var logs []*audit.Log
	var ends []func(context.Context) error
	for _, name := range []string{"one", "two"} {
		l := openLog(t, filepath.Join(dir, name))
		_, end := startAdminRecords(openStore(t, url), l, quiet)
		logs, ends = append(logs, l), append(ends, end)
	}
	want := map[string]int{"consumer:before": 1}
	for i := range 30 {
		id := fmt.Sprint("c", i)
		create(t, command, id)
		want["consumer:"+id] = 1
	}
	deadline := time.Now().Add(time.Minute)
	for n := 1; n > 0; {
		n, _ = command.WaitingActions(context.Background())
		if time.Now().After(deadline) {
			t.Fatalf("%d still wait", n)
		}
	}
	create(t, command, "last")
	want["consumer:last"] = 1
	for i, end := range ends {
		if err := end(context.Background()); err != nil {
			t.Error(err)
		}
		logs[i].Close()
	}
	got := map[string]int{}
	for _, name := range []string{"one", "two"} {
		for _, target := range actionsOf(t, filepath.Join(dir, name)) {
			got[target]++
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("recorded %v\nwant %v", got, want)
	}
}

func TestAnActionThatCannotBeRecordedWaitsInTheStore(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, "memory:")
	closed := openLog(t, filepath.Join(dir, "closed"))
	closed.Close()
	r := &adminRecords{store: s, audit: closed, log: slog.New(slog.DiscardHandler), name: "log"}
	create(t, s, "a")
	if r.drain(t.Context()) {
		t.Error("what the log refused counts as recorded")
	}
	if n := r.waiting(); n != 1 || r.recorded.Load() != 0 {
		t.Errorf("%v wait, %d recorded", n, r.recorded.Load())
	}
	good := openLog(t, filepath.Join(dir, "good"))
	r.audit = good
	if !r.drain(t.Context()) || r.waiting() != 0 || r.recorded.Load() != 1 {
		t.Errorf("%v wait, %d recorded", r.waiting(), r.recorded.Load())
	}
	// The process died after the record was stored and before the store knew.
	create(t, s, "b")
	a, err := s.NextAction(t.Context(), "log")
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Admin(a); err != nil {
		t.Fatal(err)
	}
	good.Close()
	r.audit = openLog(t, filepath.Join(dir, "good"))
	if !r.drain(t.Context()) {
		t.Error("nothing was done")
	}
	r.audit.Close()
	if got := fmt.Sprint(actionsOf(t, filepath.Join(dir, "good"))); got != "[consumer:a consumer:b]" {
		t.Errorf("recorded %s", got)
	}
}
