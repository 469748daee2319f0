// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"durward/internal/units"
)

// place is what a reader says of one record.
type place struct {
	sequence, first uint64
	offset          int64
	line            string
}

func places(t *testing.T, dir string) []place {
	t.Helper()
	r := NewReader(dir, 1)
	defer r.Close()
	var all []place
	for {
		line, sequence, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		first, offset := r.Place()
		all = append(all, place{sequence, first, offset, string(line)})
	}
}

// logOf makes a log of some files, with lines that are long now and then.
func logOf(t *testing.T, dir string, requests int) {
	t.Helper()
	l := open(t, Config{Directory: dir, MaxFile: 64 << 10, Durability: DurabilityBuffered}, Options{})
	for i := range requests {
		x := newExchange("r")
		x.In.Path = "/" + strings.Repeat("a", i*37%1900)
		exchange(l, x, okEnd)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRecordIsReadFromItsPlace(t *testing.T) {
	dir := t.TempDir()
	logOf(t, dir, 300)
	all := places(t, dir)
	files, _ := listFiles(dir)
	if len(files) < 3 {
		t.Fatalf("%d files", len(files))
	}
	look := func(t *testing.T) {
		l := NewLookup(dir)
		defer l.Close()
		for i := range all {
			p := all[(i*7919)%len(all)] // in no order
			line, err := l.Line(p.sequence, p.first, p.offset)
			if err != nil || string(line) != p.line {
				t.Fatalf("record %d: %v\n%s\n%s", p.sequence, err, line, p.line)
			}
		}
	}
	t.Run("of plain files", look)
	c := &compressor{dir: dir}
	for _, first := range files[:len(files)-1] {
		if err := c.compress(context.Background(), filePath(dir, first)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("of compressed files", look)
	t.Run("of a compressed file without a table", func(t *testing.T) {
		path := filePath(dir, files[0]) + compressedSuffix
		packed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dec, _ := zstd.NewReader(nil)
		defer dec.Close()
		text, err := dec.DecodeAll(packed, nil) // as other programs read it
		if err != nil {
			t.Fatal(err)
		}
		enc, _ := zstd.NewWriter(nil)
		defer enc.Close()
		if err := os.WriteFile(path, enc.EncodeAll(text, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		look(t)
	})
}

func TestALineAcrossFramesIsReadWhole(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir, Durability: DurabilityBuffered, MaxFile: units.Bytes(4 << 20)}, Options{})
	for range 1500 {
		x := newExchange("r")
		x.In.Path = "/" + strings.Repeat("b", 1500)
		exchange(l, x, okEnd)
	}
	l.Close()
	all := places(t, dir)
	path := filePath(dir, 1)
	if err := (&compressor{dir: dir}).compress(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	look := NewLookup(dir)
	defer look.Close()
	across := 0
	for _, p := range all {
		if p.offset/frameSize == (p.offset+int64(len(p.line)))/frameSize || p.first != 1 {
			continue
		}
		across++
		if line, err := look.Line(p.sequence, p.first, p.offset); err != nil || string(line) != p.line {
			t.Fatalf("record %d: %v", p.sequence, err)
		}
	}
	if across < 3 {
		t.Fatalf("%d lines lie across frames", across)
	}
}

func TestARecordThatIsNotThereIsNotMadeUp(t *testing.T) {
	dir := t.TempDir()
	logOf(t, dir, 20)
	all := places(t, dir)
	l := NewLookup(dir)
	defer l.Close()
	p := all[5]
	for name, err := range map[string]error{
		"another number": second(l.Line(p.sequence+1, p.first, p.offset)),
		"mid-line":       second(l.Line(p.sequence, p.first, p.offset+1)),
		"beyond the end": second(l.Line(p.sequence, p.first, 1<<40)),
	} {
		if !errors.Is(err, ErrNotThere) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var removed *RemovedError
	if err := second(l.Line(99, 98, 0)); !errors.As(err, &removed) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func second(_ []byte, err error) error { return err }

func FuzzSeekTable(f *testing.F) {
	f.Add(seekTable([]byte{0, 0, 0, 0, 9, 0, 0, 0}))
	f.Add(seekTable(nil))
	f.Add([]byte("no table at all, but long enough"))
	f.Fuzz(func(t *testing.T, file []byte) {
		frames, err := readSeekTable(strings.NewReader(string(file)), int64(len(file)))
		if err != nil {
			return
		}
		for _, at := range frames {
			if at.size > maxFrame || at.long > maxFrame || at.file+at.size > int64(len(file)) {
				t.Fatalf("a frame outside the file: %+v", at)
			}
		}
	})
}
