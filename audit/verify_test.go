// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"

	"pgregory.net/rapid"
)

// written makes a log of several files and gives its directory.
func written(t testing.TB, requests int) string {
	t.Helper()
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: 4 << 10, Durability: DurabilityBuffered}, Options{})
	for i := range requests {
		x := newExchange("request-" + strings.Repeat("x", i%7))
		exchange(l, x, okEnd)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// load reads a directory's log files; save writes them to another.
func load(t testing.TB, dir string) (names []string, contents [][]byte) {
	t.Helper()
	files, err := listFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range files {
		content, err := os.ReadFile(filePath(dir, first))
		if err != nil {
			t.Fatal(err)
		}
		names, contents = append(names, fileName(first)), append(contents, content)
	}
	return names, contents
}

type failer interface{ Fatal(args ...any) }

func save(t failer, dir string, names []string, contents [][]byte) {
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), contents[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	source := written(t, 30)
	names, pristine := load(t, source)
	if len(names) < 3 {
		t.Fatalf("only %d files", len(names))
	}
	mustVerify(t, source)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		save(t, dir, names, pristine)
		file := rapid.IntRange(0, len(names)-1).Draw(t, "file")
		content := bytes.Clone(pristine[file])
		lines := bytes.SplitAfter(content, []byte("\n"))
		lines = lines[:len(lines)-1]
		line := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		last := file == len(names)-1 && line == len(lines)-1
		kind := rapid.SampledFrom([]string{"flip", "byte", "remove", "swap", "repeat", "cut", "truncate", "insert", "empty", "lose"}).Draw(t, "kind")
		at := rapid.IntRange(0, len(lines[line])-1).Draw(t, "at")
		wantFile := names[file]
		switch kind {
		case "flip":
			lines[line][at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case "byte":
			old := lines[line][at]
			lines[line][at] = rapid.Byte().Filter(func(b byte) bool { return b != old }).Draw(t, "value")
		case "remove":
			if last {
				t.Skip("a cut end cannot be seen")
			}
			lines = append(lines[:line:line], lines[line+1:]...)
			if line == len(lines) { // seen in the file that follows
				wantFile = names[file+1]
			}
		case "swap":
			other := rapid.IntRange(0, len(lines)-1).Filter(func(i int) bool { return i != line }).Draw(t, "other")
			lines[line], lines[other] = lines[other], lines[line]
		case "repeat":
			lines = append(lines[:line+1:line+1], lines[line:]...)
		case "cut":
			if at == 0 {
				t.Skip("nothing is cut from the line")
			}
			lines[line] = append(lines[line][:len(lines[line])-1-at:len(lines[line])-1-at], '\n')
		case "truncate":
			if file == len(names)-1 && at == 0 {
				t.Skip("a cut end cannot be seen")
			}
			lines = append(lines[:line:line], lines[line][:at:at])
			if at == 0 && line > 0 {
				wantFile = names[file+1]
			}
		case "insert":
			lines = append(lines[:line+1:line+1], append([][]byte{[]byte("{}\n")}, lines[line+1:]...)...)
		case "empty":
			lines = nil
		case "lose":
			if file == len(names)-1 {
				t.Skip("a cut end cannot be seen")
			}
			if err := os.Remove(filepath.Join(dir, names[file])); err != nil {
				t.Fatal(err)
			}
			wantFile = names[file+1]
		}
		if kind != "lose" {
			save(t, dir, names[file:file+1], [][]byte{bytes.Join(lines, nil)})
		}
		report, err := Verify(dir)
		var fault *Fault
		if !errors.As(err, &fault) {
			t.Fatalf("%s was not found: %v, %+v", kind, err, report)
		}
		if fault.File != wantFile || fault.Line < 1 || fault.Reason == "" {
			t.Fatalf("%s in %s line %d was found at %v", kind, names[file], line+1, fault)
		}
	})
}

func TestVerifyNamesTheFirstLineThatIsWrong(t *testing.T) {
	dir := written(t, 3)
	content, _ := os.ReadFile(filePath(dir, 1))
	changed := bytes.Replace(content, []byte(`"subject":"ann"`), []byte(`"subject":"bob"`), 1)
	line := 1 + bytes.Count(changed[:bytes.Index(changed, []byte("bob"))], []byte("\n"))
	os.WriteFile(filePath(dir, 1), changed, 0o600)
	report, err := Verify(dir)
	var fault *Fault
	if !errors.As(err, &fault) || fault.Line != line || report.Last != uint64(line-1) {
		t.Errorf("fault %v, report %+v, want line %d", err, report, line)
	}
	if _, err := Verify(t.TempDir()); err == nil {
		t.Error("an empty directory verified")
	}
	if _, err := Verify(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that does not exist: %v", err)
	}
}

// This states the limit that the package comment names.
func TestWholeRecordsCutFromTheVeryEndAreOnlySeenInTheReport(t *testing.T) {
	dir := written(t, 3)
	before := mustVerify(t, dir)
	files, _ := listFiles(dir)
	path := filePath(dir, files[len(files)-1])
	content, _ := os.ReadFile(path)
	content = content[:bytes.LastIndexByte(content[:len(content)-1], '\n')+1]
	os.WriteFile(path, content, 0o600)
	after := mustVerify(t, dir)
	if after.Last != before.Last-1 || after.Hash == before.Hash {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("audit-00000000000000000001.jsonl")
	f.Add("audit-+0000000000000000001.jsonl")
	f.Add("audit-00000000000000000000.jsonl.gz")
	f.Fuzz(func(t *testing.T, name string) {
		if first, ok := parseFileName(name); ok && (first == 0 || fileName(first) != name) {
			t.Fatalf("%q is %d", name, first)
		}
	})
}

func TestOldFilesAreRemovedOnRecordOnly(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, MaxFile: 4 << 10, KeepFiles: 3, Durability: DurabilityBuffered}, Options{})
	for range 60 {
		exchange(l, newExchange("r"), okEnd)
	}
	l.Close()
	files, _ := listFiles(dir)
	if len(files) != 3 {
		t.Fatalf("%d files are kept", len(files))
	}
	r := mustVerify(t, dir)
	if r.First != files[0] || r.First == 1 || r.Records != r.Last-r.First+1 {
		t.Errorf("report %+v", r)
	}
	if got := strings.Join(messages(readEvents(t, dir)), "\n"); !strings.Contains(got, messageRemoved+": audit-0") {
		t.Errorf("no record of it:\n%s", got)
	}
	// One more that goes without a record is a fault.
	os.Remove(filePath(dir, files[0]))
	var fault *Fault
	if _, err := Verify(dir); !errors.As(err, &fault) || !strings.Contains(fault.Reason, "no record says") {
		t.Errorf("Verify: %v", err)
	}
	// The log goes on from its last file all the same.
	l = open(t, Config{Directory: dir}, Options{})
	wantStored(t, attempt(l, "again"))
}

func TestFilesAreKeptForATime(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for day := range 6 {
		l := open(t, Config{Directory: dir, MaxFile: 4 << 10, KeepFor: units.Duration(48 * time.Hour)},
			Options{Now: func() time.Time { return now.AddDate(0, 0, day) }})
		for range 6 { // more than one file's worth
			exchange(l, newExchange("r"), okEnd)
		}
		l.Close()
	}
	mustVerify(t, dir)
	events := readEvents(t, dir)
	oldest := events[0].Time
	if oldest.After(now.AddDate(0, 0, 3)) || oldest.Before(now.AddDate(0, 0, 1)) {
		t.Errorf("the oldest file begins at %v", oldest)
	}
	if ofKind(events, durward.EventSystem)[0].Message != messageFile {
		t.Error("the first record is not a file's first")
	}
}
