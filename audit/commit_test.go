// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"durward/audit/merkle"
	"durward/internal/units"
)

// committed is a configuration whose checkpoints are made when a test says so.
func committed(dir string) Config {
	return Config{Directory: dir, Durability: DurabilityBuffered, Checkpoints: Checkpoints{
		Interval: units.Duration(time.Hour), Key: dir + ".key", Witnesses: []Witness{{File: dir + ".witness"}},
	}}
}

// history makes a log of some records, with a checkpoint of all.
func history(t *testing.T, records int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, committed(dir), Options{})
	for i := range records {
		if err := l.System("message", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rewrite is what somebody does who can write to the directory and reads our
// source: the records are changed, and the chain is computed anew.
func rewrite(t *testing.T, dir string, change func(bodies []string) []string) {
	t.Helper()
	path := filePath(dir, 1)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		_, covered, _, ok := splitLine([]byte(line))
		if !ok {
			t.Fatalf("no record: %s", line)
		}
		_, body, _ := strings.Cut(string(covered), ",")
		bodies = append(bodies, ","+body)
	}
	c, out := newChain(position{}), []byte(nil)
	for _, body := range change(bodies) {
		out = c.seal(out, []byte(body))
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatSomebodyChangesWithTheChainComputedAnewIsFound(t *testing.T) {
	const records = 600
	for name, change := range map[string]func(b []string, at int) []string{
		"changed":   func(b []string, at int) []string { b[at] = strings.Replace(b[at], "20", "21", 1); return b },
		"removed":   func(b []string, at int) []string { return slices.Delete(b, at, at+1) },
		"inserted":  func(b []string, at int) []string { return slices.Insert(b, at, b[0]) },
		"reordered": func(b []string, at int) []string { b[at], b[at-1] = b[at-1], b[at]; return b },
		"cut":       func(b []string, at int) []string { return b[:at] },
	} {
		for where, at := range map[string]int{"near the beginning": 2, "in the middle": 300, "before a tile's border": 255, "behind a tile's border": 256, "at the end": records + 2} {
			t.Run(name+" "+where, func(t *testing.T) {
				dir := history(t, records)
				if r, err := Verify(dir); err != nil || r.Committed != r.Last || r.Last != records+3 {
					t.Fatalf("an honest log: %+v, %v", r, err)
				}
				rewrite(t, dir, func(b []string) []string { return change(b, at) })
				if r, err := Verify(dir); err == nil {
					t.Errorf("not found: %+v", r)
				}
			})
		}
	}
}

func TestALogThatIsReplacedAsAWholeShowsAgainstAnOldCheckpoint(t *testing.T) {
	dir := history(t, 300)
	kept, err := merkle.ReadCheckpoints(dir + ".witness")
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(dir + ".key.pub")
	if err != nil {
		t.Fatal(err)
	}
	expect := Expect{Key: string(public), Checkpoints: kept}
	if r, err := VerifyAgainst(dir, expect); err != nil || !r.Trusted || r.Older != len(kept) {
		t.Fatalf("%+v, %v", r, err)
	}
	// The administrator has the key: everything is made anew, tiles included.
	for _, name := range []string{"tile", merkle.CheckpointFile} {
		os.RemoveAll(filepath.Join(dir, name))
	}
	rewrite(t, dir, func(b []string) []string { return slices.Delete(b, 100, 101) })
	l := open(t, committed(dir), Options{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(dir); err != nil {
		t.Fatalf("what the log alone says: %v", err)
	}
	if r, err := VerifyAgainst(dir, expect); err == nil {
		t.Errorf("the fork is not found: %+v", r)
	}
	// Without its checkpoint, or with another key, it does not pass either.
	os.Remove(filepath.Join(dir, merkle.CheckpointFile))
	if _, err := VerifyAgainst(dir, expect); err == nil {
		t.Error("a log without its checkpoint passes")
	}
}

func TestACrashLosesNoCommitment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, committed(dir), Options{})
	for i := range 700 {
		if err := l.System("message", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if i == 300 {
			if err := l.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	// As a killed process leaves it: what was written is there, no checkpoint of
	// the end is.
	copied := filepath.Join(t.TempDir(), "audit")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{".key", ".key.pub"} {
		content, err := os.ReadFile(dir + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := mustVerify(t, copied); r.Committed == 0 || r.Committed >= r.Last {
		t.Fatalf("%+v", r)
	}
	// A tile that was written behind the last checkpoint, and torn.
	if err := os.WriteFile(filepath.Join(copied, "tile/0/001"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, committed(copied), Options{})
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, copied); r.Committed != r.Last {
		t.Errorf("%+v", r)
	}
}

func TestALogThatWasChangedIsNotGoneOnWith(t *testing.T) {
	dir := history(t, 600)
	rewrite(t, dir, func(b []string) []string { return b[:200] })
	if _, err := Open(committed(dir), Options{}); err == nil {
		t.Error("a log that was cut before its checkpoint is gone on with")
	}
}

func TestFilesThatExpireStayUnderTheTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	cfg := committed(dir)
	cfg.MaxFile, cfg.KeepFiles = 4<<10, 3
	l := open(t, cfg, Options{})
	for i := range 1500 {
		if err := l.System("message", strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if err := l.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustVerify(t, dir)
	if r.First == 1 || r.Committed != r.Last {
		t.Fatalf("nothing expired, or not all is committed to: %+v", r)
	}
	p, err := Prove(dir, fmt.Sprint(r.Last))
	if err != nil {
		t.Fatal(err)
	}
	public, _ := os.ReadFile(dir + ".key.pub")
	verifier, err := merkle.NewVerifier(string(public))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(p.Record, verifier); err != nil {
		t.Error(err)
	}
	if _, err := Prove(dir, "1"); err == nil {
		t.Error("a record that expired is proven")
	}
}

func TestAProofIsFoundByNumberAndByRequest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, committed(dir), Options{})
	x := newExchange("req-1")
	exchange(l, x, End{Status: 200})
	if err := l.System("the outcome is stored before this", ""); err != nil {
		t.Fatal(err)
	}
	if err := l.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	p, err := Prove(dir, x.ID)
	if err != nil || !bytes.Contains(p.Record, []byte(`"kind":"outcome"`)) {
		t.Errorf("%s, %v", p.Record, err)
	}
	q, err := Prove(dir, fmt.Sprint(p.Index+1))
	if err != nil || !bytes.Equal(q.Format(), p.Format()) {
		t.Errorf("by its number: %v", err)
	}
	for _, id := range []string{"nothing", "999"} {
		if _, err := Prove(dir, id); err == nil {
			t.Errorf("%s is proven", id)
		}
	}
	if err := l.System("later", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(dir, fmt.Sprint(l.Stats().Sequence)); err == nil || !strings.Contains(err.Error(), "yet") {
		t.Errorf("behind the checkpoint: %v", err)
	}
}

func TestCheckpointSettingsAreChecked(t *testing.T) {
	cfg := Config{Checkpoints: Checkpoints{Interval: units.Duration(time.Millisecond), Origin: "a b", Witnesses: []Witness{
		{}, {File: "x", URL: "https://x"}, {URL: "http://example.com", Key: "no"}, {File: "/fine"},
	}}}
	err := cfg.Check()
	for _, field := range []string{"checkpoints.interval", "checkpoints.origin", "checkpoints.witnesses[0].url", "checkpoints.witnesses[1].url", "checkpoints.witnesses[2].url", "checkpoints.witnesses[2].key"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "witnesses[3]") {
		t.Error(err)
	}
}

func TestARecordThatIsChangedBeforeItsFirstCheckpointIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, committed(dir), Options{})
	for range 20 {
		if err := l.System("message", "one"); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody is quicker than the interval, and computes the chain anew.
	rewrite(t, dir, func(b []string) []string {
		b[7] = strings.Replace(b[7], "one", "two", 1)
		return b
	})
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := readCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := merkle.Load(dir, c.Size, func(int64) (tlog.Hash, error) { return tlog.Hash{}, errors.New("asked for a record") })
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(dir, 8)
	defer r.Close()
	line, _, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := tree.ReadHashes([]int64{tlog.StoredHashIndex(0, 7)})
	if err != nil {
		t.Fatal(err)
	}
	if leaf[0] == tlog.RecordHash(line) {
		t.Error("the checkpoint commits to what was put in its place")
	}
}
