// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// substituter replaces ${...} in scalars.
type substituter struct {
	env      func(string) (string, bool)
	readFile func(string, int64) ([]byte, error)
	dir      string
	left     int // bytes that substitutions may still add
	files    []string
}

func newSubstituter(o Options) *substituter {
	s := &substituter{env: o.Env, readFile: o.ReadFile, dir: o.dir(), left: maxExpanded}
	if s.env == nil {
		s.env = func(string) (string, bool) { return "", false }
	}
	if s.readFile == nil {
		s.readFile = readFile
	}
	return s
}

// replaced is one reference of a scalar and what it stood for.
type replaced struct{ reference, value string }

// expand replaces the references in text. An error names what was referred to,
// never a value.
func (s *substituter) expand(text string) (string, []replaced, error) {
	if !strings.Contains(text, "${") {
		return text, nil, nil
	}
	var out strings.Builder
	var all []replaced
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			out.WriteString(text)
			return out.String(), all, nil
		}
		if i > 0 && text[i-1] == '$' { // $${ is an escaped ${
			out.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return "", nil, fmt.Errorf("${ has no closing }; write $${ for the two characters themselves")
		}
		reference := text[i : i+end+1]
		value, err := s.lookup(reference[2 : len(reference)-1])
		if err != nil {
			return "", nil, err
		}
		if s.left -= len(value); s.left < 0 {
			return "", nil, fmt.Errorf("the document's substitutions add up to more than %d bytes", maxExpanded)
		}
		out.WriteString(text[:i] + value)
		if cut := strings.Index(reference, ":-"); cut > 0 {
			reference = reference[:cut] + "}"
		}
		all = append(all, replaced{reference, value})
		text = text[i+end+1:]
	}
}

// lookup resolves what stands between the braces.
func (s *substituter) lookup(ref string) (string, error) {
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		return s.file(path)
	}
	name, fallback, hasDefault := strings.Cut(ref, ":-")
	if !variableName(name) {
		return "", fmt.Errorf("${...} must hold a variable's name, NAME:-default or file:PATH; write $${ for the two characters themselves")
	}
	if value, ok := s.env(name); ok && (value != "" || !hasDefault) {
		return value, nil
	}
	if !hasDefault {
		return "", fmt.Errorf("the environment variable %s is not set; ${%s:-VALUE} gives it a default", name, name)
	}
	return fallback, nil
}

// file reads the content of a file without its last line end.
func (s *substituter) file(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("${file:} names no file")
	}
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(s.dir, full)
	}
	s.files = append(s.files, full)
	data, err := s.readFile(full, MaxSize)
	if err != nil {
		return "", fmt.Errorf("the file of ${file:%s} cannot be read: %w", path, cause(err))
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// cause drops the operation and path from an error of the file system.
func cause(err error) error {
	if pe, ok := err.(*os.PathError); ok {
		return pe.Err
	}
	return err
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	// Stat first: opening a named pipe would wait for its writer.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, nil
}

func variableName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}
