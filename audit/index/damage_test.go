// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"durward/audit"
	"durward/audit/line"
	"durward/internal/units"
)

func TestAnIndexOfNoUseIsMadeAnew(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, x *Index, path string){
		"a file that is no database": func(t *testing.T, x *Index, path string) {
			x.Close()
			if err := errors.Join(Remove(path), os.WriteFile(path, []byte(strings.Repeat("nonsense ", 1000)), 0o600)); err != nil {
				t.Fatal(err)
			}
		},
		"another version":  execute("PRAGMA user_version = 99"),
		"another log":      execute("UPDATE progress SET mark = 'x'"),
		"a lost column":    execute("DELETE FROM columns"),
		"a damaged column": execute("UPDATE columns SET data = x'00'"),
		"an absurd block":  execute("UPDATE blocks SET n = 1000000"),
		"a lost block":     execute("DELETE FROM blocks"),
		"a lost mark":      execute("DELETE FROM progress"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			newWriter(t, audit.Config{Directory: dir}).requests(50)
			x := openIndex(t, dir, Options{})
			catchUp(t, x)
			spoil(t, x, Default(dir))
			again := openIndex(t, dir, Options{})
			catchUp(t, again)
			equal(t, Query{}, search(t, again, Query{}, 1<<30), scan(t, dir, Query{}, 1<<30))
		})
	}
}

func execute(sql string) func(*testing.T, *Index, string) {
	return func(t *testing.T, x *Index, _ string) {
		if _, err := x.db.db.Exec(sql); err != nil {
			t.Fatal(err)
		}
		x.Close()
	}
}

func TestADatabaseOfAnotherApplicationIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	newWriter(t, audit.Config{Directory: dir}).requests(5)
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	execute("PRAGMA application_id = 7")(t, x, "")
	before, _ := os.ReadFile(Default(dir))
	if _, err := Open(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "another application") {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(Default(dir)); string(before) != string(after) {
		t.Error("it was changed")
	}
}

func TestADatabaseThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	newWriter(t, audit.Config{Directory: dir}).requests(5)
	if err := os.WriteFile(Default(dir), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("error %v", err)
	}
}

func TestTheIndexHoldsNoTextOfARecordAndIsItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	newWriter(t, audit.Config{Directory: dir}).requests(50)
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	files, _ := filepath.Glob(Default(dir) + "*")
	if len(files) < 2 {
		t.Fatal("no files", files)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "user-") || strings.Contains(string(content), "spaces") {
			t.Errorf("%s tells who did what", filepath.Base(f))
		}
		if info, _ := os.Stat(f); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(f), info.Mode())
		}
	}
}

// What the index says of a record counts for nothing against the log.
func TestARecordThatTheIndexSaysFitsIsHeldAgainstTheLog(t *testing.T) {
	dir := t.TempDir()
	newWriter(t, audit.Config{Directory: dir}).requests(30)
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	b := x.state.block
	for i := range b.hashes[colSubject] {
		b.hashes[colSubject][i] = hash([]byte("user-7"))
	}
	q := Query{Subject: "user-7"}
	equal(t, q, search(t, x, q, 1<<30), scan(t, dir, q, 1<<30))
	b.offsets[3]++
	err := x.Search(context.Background(), &Query{}, func([]byte, *line.Record) bool { return true })
	if !errors.Is(err, ErrStale) {
		t.Errorf("a place that is wrong: %v", err)
	}
}

// keyed stands for the hash of a sealed log.
type keyed struct{}

func (keyed) Hash(kind, value string) string { return kind + "#" + value }

func TestSealedFieldsAreFoundByTheirKeyedHash(t *testing.T) {
	dir := t.TempDir()
	lines := `{"seq":1,"time":"2026-11-21T10:00:00Z","kind":"system","prev":"0","hash":"` + strings.Repeat("0", 64) + `"}
{"seq":2,"time":"2026-11-21T10:00:01Z","kind":"attempt","request_id":"A","client":"client#203.0.113.9","who":"subject#ann","hash":"` + strings.Repeat("1", 64) + `"}
{"seq":3,"time":"2026-11-21T10:00:02Z","kind":"attempt","request_id":"B","client":"client#203.0.113.8","who":"subject#bob","hash":"` + strings.Repeat("2", 64) + `"}
`
	if err := os.WriteFile(filepath.Join(dir, "audit-00000000000000000001.jsonl"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	address, err := ParseAddress("203.0.113.8")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		hasher Hasher
		q      Query
		want   []uint64
	}{
		{keyed{}, Query{Subject: "ann"}, []uint64{2}},
		{keyed{}, Query{Address: address}, []uint64{3}},
		{nil, Query{Subject: "ann"}, nil},
		{nil, Query{Subject: "subject#ann"}, []uint64{2}}, // as the record shows it
		{nil, Query{Address: address}, nil},
	} {
		x := openIndex(t, dir, Options{Hasher: test.hasher})
		catchUp(t, x)
		equal(t, test.q, search(t, x, test.q, 10), test.want)
		x.Close()
	}
}

func TestFollowGoesOnAfterAFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	synctest.Test(t, func(t *testing.T) {
		x := openIndex(t, dir, Options{Memory: true})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { x.Follow(ctx); close(done) }()
		synctest.Wait()
		if !x.Stats().Failing {
			t.Error("there is no log, and it does not say so")
		}
		newWriter(t, audit.Config{Directory: dir, Compress: audit.CompressNone}).requests(10)
		time.Sleep(2 * lookEvery) // of the bubble's clock
		synctest.Wait()
		if s := x.Stats(); s.Failing || s.Last < 20 {
			t.Errorf("%+v", s)
		}
		stop()
		<-done
	})
}

func FuzzColumn(f *testing.F) {
	f.Add(byte(colObject), byte(2), []byte{1, 0, 0, 0, 1, 0, 7, 0, 0, 0})
	f.Add(byte(colSubject), byte(1), []byte{1, 2, 3, 4})
	f.Add(byte(colTime), byte(1), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, c, n byte, data []byte) {
		at := column(c) % numColumns
		if at >= numHashes && at < colKind {
			return
		}
		b := &block{head: head{first: 1, n: int(n)}}
		if b.decode(at, data) != nil {
			return
		}
		if again := b.encode(nil, at); string(again) != string(data) {
			t.Fatalf("column %d: %x is read and written as %x", at, data, again)
		}
		if at == colTime || at == colOffset {
			return
		}
		(&test{column: at, hashes: []uint32{7}}).mark(b, make([]bool, n))
	})
}

func TestABlockThatIsNotFullIsSavedNowAndThenAndAtTheEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(t, audit.Config{Directory: dir, Compress: audit.CompressNone})
		w.requests(10)
		x := openIndex(t, dir, Options{Memory: true, Stored: w.log.Stored})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { x.Follow(ctx); close(done) }()
		time.Sleep(2 * lookEvery) // of the bubble's clock
		synctest.Wait()
		if s := x.Stats(); s.Last < 20 || s.Records != 0 {
			t.Errorf("it has them in memory alone: %+v", s)
		}
		equal(t, Query{}, search(t, x, Query{}, 9), scan(t, dir, Query{}, 9))
		time.Sleep(saveEvery)
		synctest.Wait()
		saved := x.Stats().Records
		if saved < 20 {
			t.Errorf("%d records were saved", saved)
		}
		w.requests(10)
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		stop()
		<-done
		if got := x.Stats().Records; got < saved+20 {
			t.Errorf("at the end %d records were saved, %d before", got, saved)
		}
	})
}

func TestFollowTakesInMoreThanOneStepAndManyBlocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	w := newWriter(t, audit.Config{Directory: dir, MaxFile: units.Bytes(1 << 20)})
	w.requests(6000)
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	x := openIndex(t, dir, Options{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { x.Follow(ctx); close(done) }()
	for x.Stats().Last < w.log.Stats().Sequence {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	again := openIndex(t, dir, Options{ReadOnly: true})
	if got, want := again.Stats().Last, w.log.Stats().Sequence; got != want {
		t.Errorf("the database ends with record %d, the log with %d", got, want)
	}
	catchUp(t, again)
	if got, want := search(t, again, Query{}, 1<<30), scan(t, dir, Query{}, 1<<30); !slices.Equal(got, want) {
		t.Errorf("%d records are found of %d", len(got), len(want))
	}
}
