// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheckFilesFindsWhatOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	k, err := newKey("EdDSA", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.encode()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask says
			t.Fatal(err)
		}
		return path
	}
	good := write("good.pem", text, 0o600)
	folder := func(name string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	torn := folder("torn", 0o700)
	if err := os.WriteFile(filepath.Join(torn, "key-000001.pem"), text[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cfg  Config
		want string // "" is no fault
	}{
		{"a good key", Config{KeyFiles: []string{good}}, ""},
		{"the same key twice", Config{KeyFiles: []string{good, good}}, "key_files: the same key stands in two"},
		{"a torn key", Config{KeyFiles: []string{write("torn.pem", text[:40], 0o600)}}, "key_files: key file torn.pem is not one PEM block"},
		{"a key for all to read", Config{KeyFiles: []string{write("open.pem", text, 0o644)}}, "key_files: key file open.pem has mode 0644"},
		{"a file that is not there is reported elsewhere", Config{KeyFiles: []string{filepath.Join(dir, "none.pem")}}, ""},
		{"a directory that is not there yet", Config{Directory: filepath.Join(dir, "none")}, ""},
		{"an empty directory", Config{Directory: folder("empty", 0o700)}, ""},
		{"a directory for all to write", Config{Directory: folder("shared", 0o777)}, "directory: directory of keys has mode 0777"},
		{"a torn key in the directory", Config{Directory: torn}, "directory: key file key-000001.pem is not one PEM block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.cfg.CheckFiles()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
