// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"durward/internal/units"
)

// untilCompressed waits until every file but the last is compressed. The
// compressor looks at the directory on its own time.
func untilCompressed(t *testing.T, dir string) {
	t.Helper()
	for {
		plain, _ := filepath.Glob(filepath.Join(dir, "audit-*.jsonl"))
		left, _ := filepath.Glob(filepath.Join(dir, "*"+partSuffix))
		if len(plain) == 1 && len(left) == 0 {
			return
		}
	}
}

// readAll reads what there is now.
func readAll(t *testing.T, r *Reader) (texts []string) {
	t.Helper()
	for {
		line, sequence, err := r.Next()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(line), fmt.Sprintf(`{"seq":%d,`, sequence)) {
			t.Fatalf("record %d is %s", sequence, line)
		}
		texts = append(texts, string(line))
	}
}

func TestAReaderGivesEveryRecordOnceAcrossFilesInBothForms(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: units.Bytes(4 << 10), Compress: CompressZstd}, Options{})
	r := NewReader(dir, 1)
	defer r.Close()
	var got []string
	for range 20 {
		for range 8 {
			if err := l.System("message", strings.Repeat("x", 100)); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, readAll(t, r)...) // while it is written
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got = append(got, readAll(t, r)...)
	report := mustVerify(t, dir)
	if uint64(len(got)) != report.Records || report.Files < 5 {
		t.Errorf("read %d of %d records in %d files", len(got), report.Records, report.Files)
	}
	for from := uint64(1); from <= report.Last+1; from += 7 {
		later := readAll(t, NewReader(dir, from))
		if len(later) != len(got)-int(from)+1 || len(later) > 0 && later[0] != got[from-1] {
			t.Fatalf("from %d: %d records", from, len(later))
		}
	}
	if _, _, err := NewReader(dir, report.Last+100).Next(); !errors.Is(err, io.EOF) {
		t.Errorf("a record that does not exist yet: %v", err)
	}
}

func TestEndedFilesAreCompressedAndStillVerify(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: units.Bytes(4 << 10), Compress: CompressZstd}, Options{})
	for range 100 {
		if err := l.System("message", strings.Repeat("y", 100)); err != nil {
			t.Fatal(err)
		}
	}
	untilCompressed(t, dir)
	before := mustVerify(t, dir)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// The next process goes on from what is there.
	l = open(t, Config{Directory: dir, Compress: CompressZstd}, Options{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if after := mustVerify(t, dir); after.Records != before.Records+3 {
		t.Errorf("%d records, then %d", before.Records, after.Records)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.zst"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	info, err := os.Stat(names[0])
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 2<<10 {
		t.Errorf("%v, %v", info, err)
	}
	// A changed byte of a compressed file is found.
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(names[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(dir); err == nil {
		t.Error("a changed compressed file verifies")
	}
}

func TestWhatACrashLeavesOfCompressingIsDoneAgain(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: units.Bytes(4 << 10)}, Options{})
	for range 60 {
		if err := l.System("message", strings.Repeat("z", 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := mustVerify(t, dir)
	first := filePath(dir, 1)
	for path, content := range map[string]string{first + compressedSuffix: "half of", first + compressedSuffix + partSuffix: "half of"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustVerify(t, dir); got != want {
		t.Errorf("with half a compressed file beside the plain one: %+v, want %+v", got, want)
	}
	l = open(t, Config{Directory: dir, Compress: CompressZstd}, Options{})
	untilCompressed(t, dir)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mustVerify(t, dir); got.Records != want.Records+2 {
		t.Errorf("%+v", got)
	}
}

func TestRecordsThatWereRemovedAreSaidToBe(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: units.Bytes(4 << 10), KeepFiles: 2, Compress: CompressZstd}, Options{})
	r := NewReader(dir, 1)
	defer r.Close()
	if _, _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	for range 200 {
		if err := l.System("message", strings.Repeat("w", 100)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := r.Next()
	var gone *RemovedError
	if !errors.As(err, &gone) || gone.Wanted != 2 || gone.First < 3 {
		t.Fatalf("%v", err)
	}
	if _, sequence, err := r.Next(); err != nil || sequence != gone.First {
		t.Errorf("went on with %d, %v; want %d", sequence, err, gone.First)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
	if files, _ := listFiles(dir); len(files) > 2 {
		t.Errorf("%d files are kept", len(files))
	}
}

func TestManyReadersWhileTheLogIsWritten(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: units.Bytes(4 << 10), Compress: CompressZstd, Durability: DurabilityBuffered}, Options{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			r := NewReader(dir, 1)
			defer r.Close()
			for want := uint64(1); ; {
				_, sequence, err := r.Next()
				switch {
				case errors.Is(err, io.EOF):
					select {
					case <-stop:
						return
					default:
					}
				case err != nil || sequence != want:
					t.Errorf("record %d, %v; want %d", sequence, err, want)
					return
				default:
					want++
				}
			}
		})
	}
	for range 300 {
		if err := l.System("message", strings.Repeat("v", 100)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}
