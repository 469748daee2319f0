// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestACrashAtAnyByteOfTheLastLinesIsRepaired(t *testing.T) {
	names, contents := load(t, written(t, 2))
	content := contents[0]
	lines := bytes.SplitAfter(content, []byte("\n"))
	for size := range content {
		if size%7 != 0 && size > len(lines[0])+1 && content[size-1] != '\n' && content[size] != '\n' {
			continue // every byte of the first line, the borders and some of the rest
		}
		dir := t.TempDir()
		save(t, dir, names[:1], [][]byte{content[:size]})
		l, err := Open(Config{Directory: dir, Durability: DurabilityBuffered}, Options{files: &faults{lazy: true}})
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
		l.Close()
		mustVerify(t, dir)
		whole := bytes.LastIndexByte(content[:size], '\n') + 1
		got := strings.Join(messages(readEvents(t, dir)), "\n")
		if torn := size - whole; torn > 0 && !strings.Contains(got, strconv.Itoa(torn)+" bytes of an incomplete record were cut off") {
			t.Errorf("cut to %d bytes: system records\n%s", size, got)
		}
		if whole > 0 && !strings.Contains(got, "audit log opened: after a crash") {
			t.Errorf("cut to %d bytes: the crash is not told:\n%s", size, got)
		}
	}
}

func TestZerosThatACrashLeftAreCutOff(t *testing.T) {
	dir := t.TempDir()
	open(t, Config{Directory: dir}, Options{}).Close()
	content, _ := os.ReadFile(filePath(dir, 1))
	os.WriteFile(filePath(dir, 1), append(content, make([]byte, 2*maxLine)...), 0o600)
	if _, err := Verify(dir); err == nil {
		t.Error("Verify took them")
	}
	open(t, Config{Directory: dir}, Options{}).Close()
	mustVerify(t, dir)
}

func TestAnOrderlyEndIsToldFromACrash(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := open(t, Config{Directory: dir}, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := messages(readEvents(t, dir))
	want := []string{
		"audit file begun: ", "audit log opened: new log", "audit log closed: ",
		"audit log opened: after an orderly end", "audit log closed: ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
}

func TestALogThatWasTamperedWithIsNotContinued(t *testing.T) {
	for name, change := range map[string]func(content []byte) []byte{
		"a byte": func(c []byte) []byte { return bytes.Replace(c, []byte("ann"), []byte("bob"), 1) },
		"a line removed": func(c []byte) []byte {
			i := bytes.IndexByte(c, '\n') + 1
			return append(c[:i:i], c[i+bytes.IndexByte(c[i:], '\n')+1:]...)
		},
		"the first line":    func(c []byte) []byte { return c[bytes.IndexByte(c, '\n')+1:] },
		"zeros in the file": func(c []byte) []byte { return append(bytes.Clone(c), "\x00\x00\x00\n"...) },
		"an endless line": func(c []byte) []byte {
			return append(append(bytes.Clone(c), bytes.Repeat([]byte("x"), maxLine)...), '\n')
		},
	} {
		dir := t.TempDir()
		l := open(t, Config{Directory: dir}, Options{})
		exchange(l, newExchange("r1"), okEnd)
		l.Close()
		content, _ := os.ReadFile(filePath(dir, 1))
		os.WriteFile(filePath(dir, 1), change(content), 0o600)
		_, err := Open(Config{Directory: dir}, Options{})
		var fault *Fault
		if !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALogGoesOnAfterAReopen(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		l := open(t, Config{Directory: dir, MaxFile: 4 << 10}, Options{})
		for range 3 {
			exchange(l, newExchange("r"+strconv.Itoa(i)), okEnd)
		}
		l.Close()
	}
	r := mustVerify(t, dir)
	if r.Files < 2 || r.First != 1 || r.Records != r.Last {
		t.Errorf("report %+v", r)
	}
	// What is not a log file is left alone.
	if err := os.WriteFile(dir+"/audit-1.jsonl", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
}
