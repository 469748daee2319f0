// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// records is a log whose records are there as soon as size says so.
type records struct {
	size *atomic.Int64
	next int64
}

func (r *records) Next() ([]byte, uint64, error) {
	if r.next >= r.size.Load() {
		return nil, 0, io.EOF
	}
	r.next++
	return line(r.next - 1), uint64(r.next), nil
}

func (r *records) Close() error { return nil }

func moment() time.Time { return time.Unix(1_800_000_000, 0) }

type keys struct {
	signer   note.Signer
	public   string
	verifier note.Verifier
}

func newKeys(t testing.TB, name string) keys {
	t.Helper()
	signer, public, err := OpenKey(filepath.Join(t.TempDir(), "key"), name)
	if err != nil {
		t.Fatal(err)
	}
	return keys{signer, public, must(NewVerifier(public))(t)}
}

func witness(t *testing.T, logs ...note.Verifier) (*httptest.Server, note.Verifier) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, _, err := OpenKey(path, "witness.example"); err != nil {
		t.Fatal(err)
	}
	private := strings.Fields(string(must(os.ReadFile(path))(t)))[0]
	signer, public, err := NewWitnessSigner(private, moment)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWitness(t.TempDir(), signer, logs)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return server, must(NewVerifier(public))(t)
}

func start(t *testing.T, dir string, k keys, size *atomic.Int64, publish ...Publisher) *Maker {
	t.Helper()
	m, err := Start(Options{
		Dir: dir, Signer: k.signer, Public: k.public, Interval: time.Hour, Publish: publish, Now: moment, Log: slog.New(slog.DiscardHandler),
		Read: func(from uint64) Source { return &records{size, int64(from) - 1} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCheckpointsAreMadeCosignedAndGoneOnFrom(t *testing.T) {
	k := newKeys(t, "gate")
	server, w := witness(t, k.verifier)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	var size atomic.Int64
	for round, records := range []int64{3, 700, 700, 100_000} {
		size.Store(records)
		// Each round is a process of its own.
		m := start(t, dir, k, &size, FileWitness{file}, &HTTPWitness{URL: server.URL, Key: w, Client: server.Client()})
		if err := m.Now(context.Background()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		s := m.Stats()
		if s.Size != records || s.Published["witness.example"] != records || s.Published[file] != records || s.Failing != "" {
			t.Errorf("round %d: %+v", round, s)
		}
		if err := m.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		signed := must(os.ReadFile(filepath.Join(dir, CheckpointFile)))(t)
		c, _, err := Open(signed, k.verifier)
		if err != nil || c.Size != records {
			t.Fatalf("%+v, %v", c, err)
		}
		if at, ok := CosignedAt(signed, w); !ok || !at.Equal(moment()) {
			t.Errorf("cosigned at %v, %v", at, ok)
		}
		if err := check(dir, c, line); err != nil {
			t.Error(err)
		}
		if m.Committed() != uint64(records) {
			t.Errorf("committed to %d", m.Committed())
		}
	}
	olds := must(ReadCheckpoints(file))(t)
	if len(olds) != 4 {
		t.Errorf("%d checkpoints in the file", len(olds))
	}
}

func TestAWitnessSignsOneHistoryOnly(t *testing.T) {
	k := newKeys(t, "gate")
	server, w := witness(t, k.verifier)
	var size atomic.Int64
	size.Store(300)
	m := start(t, t.TempDir(), k, &size, &HTTPWitness{URL: server.URL, Key: w, Client: server.Client()})
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The same key, and another history: shorter, as long, longer.
	for _, forked := range []int64{200, 300, 400} {
		tree := &Tree{dir: t.TempDir()}
		for n := range forked {
			tree.Append(tlog.RecordHash(append(line(n), '!')))
		}
		c := &Checkpoint{Origin: "gate", Size: forked, Root: must(tree.Root())(t)}
		h := &HTTPWitness{URL: server.URL, Key: w, Client: server.Client()}
		_, err := h.Publish(context.Background(), c, must(c.Sign(k.signer))(t), func(old int64) (tlog.TreeProof, error) {
			if old == 0 || old >= forked {
				return nil, nil
			}
			return tlog.ProveTree(forked, old, tree)
		})
		if !errors.Is(err, ErrWitness) {
			t.Errorf("%d records: %v", forked, err)
		}
	}
	answer := must(http.Get(server.URL + "/checkpoint?origin=gate"))(t)
	text := must(io.ReadAll(answer.Body))(t)
	answer.Body.Close()
	if c, _, err := Open(text, k.verifier); err != nil || c.Size != 300 {
		t.Errorf("the witness has %+v, %v", c, err)
	}
}

func TestAWitnessRefusesWhatItDoesNotKnow(t *testing.T) {
	k, stranger := newKeys(t, "gate"), newKeys(t, "gate")
	server, _ := witness(t, k.verifier)
	tree := &Tree{dir: t.TempDir()}
	tree.Append(tlog.RecordHash(line(0)))
	c := &Checkpoint{Origin: "gate", Size: 1, Root: must(tree.Root())(t)}
	unknown := &Checkpoint{Origin: "nobody", Size: 1, Root: c.Root}
	good := must(c.Sign(k.signer))(t)
	for name, row := range map[string]struct {
		body   []byte
		status int
	}{
		"signed by somebody":      {formatAdd(1, nil, must(c.Sign(stranger.signer))(t)), 403},
		"of an unknown log":       {formatAdd(0, nil, must(unknown.Sign(newKeys(t, "nobody").signer))(t)), 404},
		"older than it says":      {formatAdd(2, nil, good), 400},
		"not a request":           {[]byte("hello"), 400},
		"without a checkpoint":    {[]byte("old 0\n\n"), 404},
		"a proof that is no hash": {append([]byte("old 0\nxx\n\n"), good...), 400},
		"too long":                {[]byte(strings.Repeat("x", maxNote+1)), 400},
	} {
		t.Run(name, func(t *testing.T) {
			answer := must(http.Post(server.URL+"/add-checkpoint", "text/plain", strings.NewReader(string(row.body))))(t)
			answer.Body.Close()
			if answer.StatusCode != row.status {
				t.Errorf("status %d, want %d", answer.StatusCode, row.status)
			}
		})
	}
}

func TestAMakerSignsNothingOnTopOfAChangedTree(t *testing.T) {
	k := newKeys(t, "gate")
	dir := t.TempDir()
	var size atomic.Int64
	size.Store(600)
	m := start(t, dir, k, &size)
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tile/0/000")
	content := must(os.ReadFile(path))(t)
	content[5] ^= 1
	must(0, os.WriteFile(path, content, 0o600))(t)
	_, err := Start(Options{Dir: dir, Signer: k.signer, Public: k.public, Interval: time.Hour, Now: moment, Log: slog.New(slog.DiscardHandler),
		Read: func(from uint64) Source { return &records{&size, int64(from) - 1} }})
	if !errors.Is(err, ErrForked) {
		t.Errorf("%v", err)
	}
}

func TestAWitnessThatIsAwayIsToldLater(t *testing.T) {
	k := newKeys(t, "gate")
	server, w := witness(t, k.verifier)
	var size atomic.Int64
	size.Store(10)
	away := &HTTPWitness{URL: "http://127.0.0.1:1", Key: w, Client: server.Client()}
	m := start(t, t.TempDir(), k, &size, away)
	defer m.Close(context.Background())
	if err := m.Now(context.Background()); err == nil || m.Stats().Failing == "" {
		t.Errorf("%v, %+v", err, m.Stats())
	}
	m.mu.Lock()
	away.URL = server.URL
	m.mu.Unlock()
	if err := m.Now(context.Background()); err != nil || m.Stats().Published["witness.example"] != 10 || m.Stats().Failing != "" {
		t.Errorf("%v, %+v", err, m.Stats())
	}
}

func FuzzCheckpoint(f *testing.F) {
	k := newKeys(f, "gate")
	c := &Checkpoint{Origin: "gate", Size: 7}
	f.Add(string(must(c.Sign(k.signer))(f)))
	f.Add("gate\n7\n\n")
	f.Add("old 3\n\ngate\n1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parse(text); err == nil && c.text() != text {
			t.Errorf("%q is read as %q", text, c.text())
		}
		if old, proof, checkpoint, err := parseAdd([]byte(text)); err == nil && string(formatAdd(old, proof, checkpoint)) != text {
			t.Errorf("%q is read as another request", text)
		}
		if got, _, err := Open([]byte(text), k.verifier); err == nil && *got != *c {
			t.Errorf("a forged checkpoint: %+v", got)
		}
	})
}
