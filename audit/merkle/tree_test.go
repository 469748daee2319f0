// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func line(n int64) []byte { return fmt.Appendf(nil, `{"seq":%d}`, n+1) }

// reference is the same tree as the library keeps it.
type reference []tlog.Hash

func (r *reference) add(t testing.TB, n int64) {
	t.Helper()
	hashes := must(tlog.StoredHashesForRecordHash(n, tlog.RecordHash(line(n)), r))(t)
	*r = append(*r, hashes...)
}

func (r *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = (*r)[index]
	}
	return out, nil
}

func noLeaf(int64) (tlog.Hash, error) { return tlog.Hash{}, errors.New("asked for a leaf") }

func TestTheTreeIsThatOfRFC6962AtEverySize(t *testing.T) {
	const most = 3*tileWidth + 10
	dir := t.TempDir()
	tree, ref := &Tree{dir: dir}, new(reference)
	for n := range int64(most) {
		tree.Append(tlog.RecordHash(line(n)))
		ref.add(t, n)
		want := must(tlog.TreeHash(n+1, ref))(t)
		if got := must(tree.Root())(t); got != want {
			t.Fatalf("size %d: another root", n+1)
		}
		if n%37 != 0 && (n+1)%tileWidth > 1 {
			continue
		}
		// Written and loaded again, from its partial tiles or from records.
		if err := tree.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := must(must(Load(dir, n+1, noLeaf))(t).Root())(t); got != want {
			t.Fatalf("size %d: another root when loaded", n+1)
		}
		if err := tree.Tidy(); err != nil {
			t.Fatal(err)
		}
	}
	for _, partial := range must(filepath.Glob(filepath.Join(dir, "tile", "0", "*.p", "*")))(t) {
		os.Remove(partial)
	}
	loaded := must(Load(dir, most, func(n int64) (tlog.Hash, error) { return tlog.RecordHash(line(n)), nil }))(t)
	if must(loaded.Root())(t) != must(tree.Root())(t) {
		t.Error("made again from records it is another tree")
	}
}

func TestOnlyThePartialTilesOfTheLastSizeStay(t *testing.T) {
	dir := t.TempDir()
	tree := &Tree{dir: dir}
	for n := range int64(2*tileWidth + 5) {
		tree.Append(tlog.RecordHash(line(n)))
		if err := errors.Join(tree.Flush(), tree.Tidy()); err != nil {
			t.Fatal(err)
		}
	}
	var files []string
	must(0, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))(t)
	if got := strings.Join(files, " "); got != "tile/0/000 tile/0/001 tile/0/002.p/5 tile/1/000.p/2" {
		t.Errorf("files %s", got)
	}
}

func TestTilesLieWhereTheStandardSays(t *testing.T) {
	for _, row := range []struct {
		level int
		index int64
		width int
		want  string
	}{
		{0, 0, 256, "tile/0/000"}, {0, 67, 256, "tile/0/067"}, {0, 1234067, 256, "tile/0/x001/x234/067"},
		{1, 5, 12, "tile/1/005.p/12"}, {0, 1000, 1, "tile/0/x001/000.p/1"},
	} {
		if got := tilePath(row.level, row.index, row.width); got != row.want {
			t.Errorf("%v: %s", row, got)
		}
	}
}

// build makes a log of size records in a directory, with a checkpoint.
func build(t testing.TB, size int64) (dir string, tree *Tree, c *Checkpoint) {
	t.Helper()
	dir = t.TempDir()
	tree = &Tree{dir: dir}
	for n := range size {
		tree.Append(tlog.RecordHash(line(n)))
	}
	if err := errors.Join(tree.Flush(), tree.Sync()); err != nil {
		t.Fatal(err)
	}
	return dir, tree, &Checkpoint{Origin: "test", Size: size, Root: must(tree.Root())(t)}
}

// check is what verify does.
func check(dir string, c *Checkpoint, lines func(n int64) []byte) error {
	k := NewChecker(dir, c)
	if err := k.Tree(); err != nil {
		return err
	}
	for n := range c.Size {
		if err := k.Leaf(n, lines(n)); err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
	}
	return nil
}

func TestEveryChangeOfARecordOrTileIsFound(t *testing.T) {
	for _, size := range []int64{1, 2, 255, 256, 257, 700} {
		dir, _, c := build(t, size)
		if err := check(dir, c, line); err != nil {
			t.Fatalf("size %d: an honest log: %v", size, err)
		}
		for _, changed := range []int64{0, 1, size / 2, size - 1} {
			if changed >= size {
				continue
			}
			err := check(dir, c, func(n int64) []byte {
				if n == changed {
					return []byte("something else")
				}
				return line(n)
			})
			if !errors.Is(err, ErrChanged) {
				t.Errorf("size %d, record %d changed: %v", size, changed+1, err)
			}
		}
		must(0, filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content := must(os.ReadFile(path))(t)
			for _, at := range []int{0, len(content) / 2, len(content) - 1} {
				wrong := bytes.Clone(content)
				wrong[at] ^= 1
				must(0, os.WriteFile(path, wrong, 0o600))(t)
				if check(dir, c, line) == nil {
					t.Errorf("size %d: byte %d of %s changed and nobody saw it", size, at, path)
				}
			}
			must(0, os.WriteFile(path, content[:len(content)-1], 0o600))(t)
			if err := check(dir, c, line); !errors.Is(err, ErrMissing) {
				t.Errorf("size %d: %s cut: %v", size, path, err)
			}
			return os.WriteFile(path, content, 0o600)
		}))(t)
	}
}

func TestALogThatGrowsWhileItIsCheckedIsNoForkedOne(t *testing.T) {
	for _, size := range []int64{5, 255, 256, 300, 600} {
		dir, tree, c := build(t, size)
		for n := size; n < size+400; n++ { // the next checkpoint, and its tidying
			tree.Append(tlog.RecordHash(line(n)))
			if n%150 == 0 {
				must(0, errors.Join(tree.Flush(), tree.Tidy()))(t)
			}
		}
		must(0, errors.Join(tree.Flush(), tree.Tidy()))(t)
		if err := check(dir, c, line); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func TestAnOldCheckpointShowsAForkAndACut(t *testing.T) {
	dir, _, now := build(t, 600)
	k := NewChecker(dir, now)
	for _, size := range []int64{1, 100, 255, 256, 257, 599, 600} {
		_, _, old := build(t, size)
		if err := k.Old(old); err != nil {
			t.Errorf("size %d: an honest history: %v", size, err)
		}
		old.Root[3] ^= 1
		if err := k.Old(old); !errors.Is(err, ErrForked) {
			t.Errorf("size %d: another history: %v", size, err)
		}
	}
	_, _, longer := build(t, 601)
	if err := k.Old(longer); !errors.Is(err, ErrForked) {
		t.Errorf("a log that was cut: %v", err)
	}
	if err := k.Old(&Checkpoint{Origin: "other", Size: 1}); err == nil {
		t.Error("a checkpoint of another log is taken")
	}
}

func TestProofsOfEveryRecordAndSize(t *testing.T) {
	signer, public, err := OpenKey(filepath.Join(t.TempDir(), "key"), "test")
	if err != nil {
		t.Fatal(err)
	}
	verifier := must(NewVerifier(public))(t)
	for _, size := range []int64{1, 2, 3, 255, 256, 257, 520} {
		dir, _, c := build(t, size)
		signed := must(c.Sign(signer))(t)
		for _, n := range []int64{0, size / 3, size - 1} {
			p := must(Prove(line(n), n, size, NewChecker(dir, c), signed))(t)
			read := must(ParseProof(p.Format()))(t)
			if !bytes.Equal(read.Record, line(n)) || read.Index != n {
				t.Fatalf("read back %+v", read)
			}
			if _, err := read.Check(line(n), verifier); err != nil {
				t.Errorf("size %d, record %d: %v", size, n+1, err)
			}
			if _, err := read.Check([]byte("else"), verifier); !errors.Is(err, ErrProof) {
				t.Errorf("another record: %v", err)
			}
			for i := range read.Hashes {
				read.Hashes[i][0] ^= 1
				if _, err := read.Check(line(n), verifier); !errors.Is(err, ErrProof) {
					t.Errorf("hash %d changed: %v", i, err)
				}
				read.Hashes[i][0] ^= 1
			}
			read.Index++
			if _, err := read.Check(line(n), verifier); err == nil {
				t.Error("another index is taken")
			}
		}
	}
	_, other, err := OpenKey(filepath.Join(t.TempDir(), "key"), "test")
	if err != nil {
		t.Fatal(err)
	}
	dir, _, c := build(t, 3)
	p := must(Prove(line(1), 1, 3, NewChecker(dir, c), must(c.Sign(signer))(t)))(t)
	if _, err := p.Check(line(1), must(NewVerifier(other))(t)); !errors.Is(err, ErrSignature) {
		t.Errorf("another key of the same name: %v", err)
	}
}

func TestKeysAreTheirOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "key")
	signer, public, err := OpenKey(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if info := must(os.Stat(path))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, same, err := OpenKey(path, "another")
	if err != nil || same != public || again.Name() != signer.Name() || !strings.HasPrefix(signer.Name(), "durward/") {
		t.Errorf("%v, %s, %s", err, same, public)
	}
	must(0, os.Chmod(path, 0o644))(t)
	if _, _, err := OpenKey(path, ""); err == nil {
		t.Error("a key that others can read is taken")
	}
	must(0, os.WriteFile(path, []byte("PRIVATE+KEY+secret"), 0o600))(t)
	must(0, os.Chmod(path, 0o600))(t)
	if _, _, err := OpenKey(path, ""); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func FuzzParseProof(f *testing.F) {
	dir, _, c := build(f, 5)
	signer, public, err := OpenKey(filepath.Join(f.TempDir(), "key"), "test")
	if err != nil {
		f.Fatal(err)
	}
	verifier := must(NewVerifier(public))(f)
	good := must(Prove(line(2), 2, 5, NewChecker(dir, c), must(c.Sign(signer))(f)))(f).Format()
	f.Add(good)
	f.Add([]byte(proofHeader + "\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if again, err := ParseProof(p.Format()); err != nil || !bytes.Equal(again.Format(), p.Format()) {
			t.Errorf("printed and read again: %v", err)
		}
		if _, err := p.Check(p.Record, verifier); err == nil && !bytes.Equal(p.Record, line(p.Index)) {
			t.Errorf("a proof of %q", p.Record)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	tree := &Tree{dir: b.TempDir()}
	content := bytes.Repeat([]byte("x"), 500)
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		content[r.IntN(len(content))]++
		tree.Append(tlog.RecordHash(content))
		if len(tree.pending) > 64 {
			if err := tree.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
