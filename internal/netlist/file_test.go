// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package netlist

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestListsAreReadAsTheirMakersWriteThem(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a FireHOL netset", "#\n# firehol_level1\n#\n192.0.2.0/24\n198.51.100.7\n", []string{"192.0.2.0/24", "198.51.100.7/32"}},
		{"a Spamhaus DROP list", "; Spamhaus DROP List\n; Last-Modified: today\n192.0.2.0/24 ; SBL123456\n", []string{"192.0.2.0/24"}},
		{"a Spamhaus DROPv6 list", "2001:db8::/32 ; SBL1\n", []string{"2001:db8::/32"}},
		{"a comment behind an entry", "192.0.2.0/24 # office\n", []string{"192.0.2.0/24"}},
		{"lines that end as in Windows", "192.0.2.0/24\r\n2001:db8::1\r\n", []string{"192.0.2.0/24", "2001:db8::1/128"}},
		{"a byte order mark", "\xef\xbb\xbf192.0.2.1\n", []string{"192.0.2.1/32"}},
		{"no line feed at the end", "192.0.2.1", []string{"192.0.2.1/32"}},
		{"blanks and tabs", " \t192.0.2.1\t \n\n  \n", []string{"192.0.2.1/32"}},
		{"an IPv4-mapped address", "::ffff:192.0.2.1\n", []string{"192.0.2.1/32"}},
		{"an IPv4-mapped range", "::ffff:192.0.2.0/120\n", []string{"192.0.2.0/24"}},
		{"an address with a zone", "fe80::1%eth0\n", []string{"fe80::1/128"}},
		{"only comments", "# nobody\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text), NotAll)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, prefixes(t, tt.want...)) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestALineThatCannotBeUsedIsNamedAndNotQuoted(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       error
	}{
		{"a name", "secret.example", ErrInvalid},
		{"a range by its ends", "192.0.2.1-192.0.2.9", ErrInvalid},
		{"two on a line", "192.0.2.1 192.0.2.2", ErrInvalid},
		{"a length out of bounds", "192.0.2.0/33", ErrInvalid},
		{"a length with a leading zero", "192.0.2.0/024", ErrInvalid},
		{"octal", "192.0.02.1", ErrInvalid},
		{"a short address", "192.0.2", ErrInvalid},
		{"a range with a zone", "fe80::%eth0/64", ErrInvalid},
		{"host bits", "192.0.2.1/24", ErrHostBits},
		{"everything", "0.0.0.0/0", ErrAll},
		{"everything of IPv6", "::/0", ErrAll},
		{"a long line", strings.Repeat("1", 1<<10), ErrInvalid},
		{"a zero byte", "192.0.2.1\x00", ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte("# list\n192.0.2.0/24\n"+tt.line+"\n"), NotAll)
			line, ok := errors.AsType[*LineError](err)
			if !ok || line.Line != 3 || !errors.Is(err, tt.want) || got != nil {
				t.Fatalf("got %v, %v; want %v in line 3", got, err, tt.want)
			}
			if strings.Contains(err.Error(), tt.line) {
				t.Errorf("the error quotes the line: %v", err)
			}
		})
	}
}

func TestAFileIsBounded(t *testing.T) {
	if _, err := Parse(bytes.Repeat([]byte("\n"), MaxLines+1), NotAll); !errors.Is(err, errLines) {
		t.Errorf("too many lines: %v", err)
	}
	if _, err := Parse(bytes.Repeat([]byte("\n"), MaxLines), NotAll); err != nil {
		t.Errorf("as many lines as are taken: %v", err)
	}
	if _, err := Parse(bytes.Repeat([]byte(" "), MaxFile+1), NotAll); !errors.Is(err, errTooLarge) {
		t.Errorf("too many bytes: %v", err)
	}
	_, err := Parse(bytes.Repeat([]byte("bad\n"), 1000), NotAll)
	if n := strings.Count(err.Error(), "line "); n != maxFaults {
		t.Errorf("the error lists %d lines, want %d", n, maxFaults)
	}
}

func TestFilesAreReadOrRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "192.0.2.0/24\n")
	f, err := ReadFile(good, NotAll)
	if err != nil {
		t.Fatal(err)
	}
	if f.Set.Len() != 1 || !f.Set.Contains(netip.MustParseAddr("192.0.2.9")) {
		t.Error("the file's range is not in the set")
	}
	other, err := ReadFile(write("other", "192.0.2.0/25\n"), NotAll)
	if err != nil || other.Sum == f.Sum {
		t.Errorf("two contents have one sum (%v)", err)
	}
	for _, tt := range []struct {
		name, path string
		want       error
	}{
		{"missing", filepath.Join(dir, "none"), os.ErrNotExist},
		{"a folder", dir, errRegular},
		{"no bytes", write("empty", ""), errEmpty},
		{"too large", write("large", strings.Repeat(" ", MaxFile+1)), errTooLarge},
		{"a bad line", write("bad", "x\n"), ErrInvalid},
	} {
		if _, err := ReadFile(tt.path, NotAll); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
