// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"durward/audit"
	"durward/audit/seal"
)

// hostile is a value that a terminal must not get as it is.
const hostile = "/a\x1b[2J\r\n\x07\x9b31m\u202eb\u2028"

// TestNoCommandGivesATerminalWhatARecordSays prints records with hostile values,
// as Durward writes them and as somebody may have put them into a copy, through
// every command that shows records, sealed and in the clear.
func TestNoCommandGivesATerminalWhatARecordSays(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "audit")
		cfg := audit.Config{Directory: dir, Compress: audit.CompressNone}
		if sealed {
			cfg.Seal = seal.Config{MasterKey: strings.Repeat("0123456789abcdef", 4)}
		}
		l, err := audit.Open(cfg, audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.System(hostile, hostile); err != nil {
			t.Fatal(err)
		}
		l.Close()
		files, _ := filepath.Glob(dir + "/audit-*.jsonl")
		content, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		// A copy that somebody changed: the escapes became what they stand for.
		changed := bytes.ReplaceAll(content, []byte(`"kind":"system"`), []byte("\"kind\":\"sys\x1b[2J\u202etem\""))
		copied := filepath.Join(t.TempDir(), "copy")
		os.MkdirAll(copied, 0o700)
		if err := os.WriteFile(filepath.Join(copied, filepath.Base(files[0])), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{dir, copied} {
			flags := auditFlags{Directory: from}
			for name, run := range map[string]func(s streams) error{
				"search": func(s streams) error { return (&auditSearchCmd{auditFlags: flags, Limit: 10}).Run(t.Context(), s) },
				"search json": func(s streams) error {
					return (&auditSearchCmd{auditFlags: flags, Limit: 10, JSON: true}).Run(t.Context(), s)
				},
				"tail": func(s streams) error { return (&auditTailCmd{auditFlags: flags, Lines: 10}).Run(t.Context(), s) },
				"tail json": func(s streams) error {
					return (&auditTailCmd{auditFlags: flags, Lines: 10, JSON: true}).Run(t.Context(), s)
				},
				"show": func(s streams) error { return (&auditShowCmd{auditFlags: flags, Seq: 3}).Run(t.Context(), s) },
				"show json": func(s streams) error {
					return (&auditShowCmd{auditFlags: flags, Seq: 3, JSON: true}).Run(t.Context(), s)
				},
				"verify": func(s streams) error { return (&auditVerifyCmd{Directory: from}).Run(context.Background(), s) },
			} {
				var out, stderr bytes.Buffer
				err := run(streams{&out, &stderr})
				text := out.String() + stderr.String()
				if err != nil {
					text += err.Error()
				}
				if out.Len() == 0 && name != "verify" {
					t.Errorf("%s of %s prints nothing: %v", name, filepath.Base(from), err)
				}
				for _, r := range text {
					if r != '\n' && !unicode.IsPrint(r) {
						t.Errorf("%s of %s prints %U: %q", name, filepath.Base(from), r, text)
						break
					}
				}
			}
		}
	}
}
