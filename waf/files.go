// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
)

// maxFile is the most bytes of one file of rules or data.
const maxFile = 8 << 20

// files is where the engine reads from: the Core Rule Set out of the program,
// and files of the operator's. It keeps what it read, so that a rule set is the
// same however often it is read, and so that a change can be seen.
type files struct {
	mu   sync.Mutex
	read map[string][]byte
}

func newFiles() *files { return &files{read: map[string][]byte{}} }

// embedded are the names of what comes with the program.
func embedded(name string) (string, bool) {
	if i := strings.Index(name, "@"); i >= 0 && (strings.HasPrefix(name[i:], "@owasp_crs/") ||
		strings.HasPrefix(name[i:], "@crs-setup") || strings.HasPrefix(name[i:], "@coraza.conf")) {
		return name[i:], true
	}
	return "", false
}

// ReadFile implements fs.ReadFileFS.
func (f *files) ReadFile(name string) ([]byte, error) {
	if inside, ok := embedded(name); ok {
		return fs.ReadFile(coreruleset.FS, inside)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, ok := f.read[path]; ok {
		return content, nil
	}
	content, err := readBounded(path)
	if err == nil {
		f.read[path] = content
	}
	return content, err
}

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	if inside, ok := embedded(name); ok {
		return coreruleset.FS.Open(inside)
	}
	return os.Open(name)
}

// digest identifies the operator's files that were read, by path and content.
func (f *files) digest() map[string][sha256.Size]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string][sha256.Size]byte, len(f.read))
	for path, content := range f.read {
		out[path] = sha256.Sum256(content)
	}
	return out
}

// unchanged tells whether files on disk are what a digest says.
func unchanged(digest map[string][sha256.Size]byte) bool {
	for path, sum := range digest {
		if content, err := readBounded(path); err != nil || sha256.Sum256(content) != sum {
			return false
		}
	}
	return true
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), maxFile)
	}
	return slices.Clip(content), err
}
