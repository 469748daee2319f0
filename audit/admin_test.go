// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"durward"
)

func act(id string) *durward.AdminAction {
	a := &durward.AdminAction{ID: id, At: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Action: "key.revoke",
		Actor: durward.Actor{User: "root", Login: "ann", Host: "gate-1", PID: 77, Command: "key revoke"}}
	a.Target("key", "abc")
	a.Change("revoked", "", "2026-11-21T09:00:00Z")
	return a
}

func TestAnActionIsRecordedWithWhoDidItAndWhatChanged(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, Durability: DurabilityBuffered}, Options{})
	if err := l.Admin(act("one")); err != nil {
		t.Fatal(err)
	}
	const want = `"time":"2026-11-21T09:00:00.000000Z","kind":"admin","actor":{"uid":0,"user":"root","login":"ann","host":"gate-1","pid":77,"command":"key revoke"},` +
		`"action":"key.revoke","action_id":"one","targets":["key:abc"],"count":1,"changes":[{"field":"revoked","after":"2026-11-21T09:00:00Z"}],"hash":"`
	if got := readLines(t, dir)[2]; !strings.Contains(got, want) {
		t.Errorf("%s\nwants\n%s", got, want)
	}
	if err := l.Admin(&durward.AdminAction{Action: "x"}); err == nil {
		t.Error("an action without an id was taken")
	}
}

func TestAnActionIsRecordedOnceWhoeverDied(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Directory: dir, MaxFile: 4 << 10}
	record := func(l *Log, id string) {
		t.Helper()
		for range 2 { // the store was not told that it is recorded
			if err := l.Admin(act(id)); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := open(t, cfg, Options{})
	record(l, "one")
	l.Close()
	l = open(t, cfg, Options{})
	record(l, "one")
	for i := range 60 { // files without an action follow
		exchange(l, newExchange(fmt.Sprint("r", i)), okEnd)
	}
	l.Close()
	if files, err := listFiles(dir); err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	l = open(t, cfg, Options{})
	record(l, "one")
	record(l, "two")
	l.Close()
	var got []string
	for _, ev := range ofKind(readEvents(t, dir), durward.EventAdmin) {
		got = append(got, ev.Admin.ID)
	}
	if strings.Join(got, " ") != "one two" {
		t.Errorf("recorded %q", got)
	}
	mustVerify(t, dir)
}

func TestWhatLooksLikeAnActionInAValueIsNone(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	x := newExchange(`","kind":"admin","action_id":"two","last_action":"two`)
	x.In.Path = `","kind":"admin","action_id":"two"`
	exchange(l, x, okEnd)
	if err := l.System(`"kind":"admin",`, `,"last_action":"two"`); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = open(t, Config{Directory: dir}, Options{})
	if last := l.lastAction.Load(); last != nil {
		t.Errorf("the log believes that it has recorded %q", *last)
	}
}

func TestWhoAskedForASystemRecordStandsInIt(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	if err := l.SystemBy(&durward.Actor{User: "ann", UID: 1000, PID: 4}, "reloaded", "configuration x"); err != nil {
		t.Fatal(err)
	}
	if got := readLines(t, dir)[2]; !strings.Contains(got, `"actor":{"uid":1000,"user":"ann","pid":4}`) || strings.Contains(got, "action") {
		t.Error(got)
	}
}
