// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	maxFiles     = 1000
	maxAllFiles  = 64 << 20
	maxReference = 32 // references that lead to references
)

// A LoadError says where a document cannot be used. Line is 0 where it is not
// known (a document in JSON).
type LoadError struct {
	File    string
	Line    int
	Pointer string // JSON pointer into File
	Reason  string
}

func (e *LoadError) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	if e.Pointer != "" {
		at += ": " + e.Pointer
	}
	return at + ": " + e.Reason
}

// file is a document that was read, or one that it refers to.
type file struct {
	name  string // as the operator knows it
	rel   string // below the folder of the first file, with slashes
	root  any
	lines *yaml.Node
}

// sources are the files of one document. Files other than the first are read
// when a reference needs them, from the first one's folder or below it.
type sources struct {
	folder *os.Root // nil: no other file may be read
	files  []*file
	byRel  map[string]int
	total  int
	refs   map[string]place // by file and text of the reference
	gaps   gaps
}

// place is where a value stands.
type place struct {
	file    int
	pointer string
}

func (p place) child(names ...string) place {
	for _, name := range names {
		p.pointer += "/" + escapePointer(name)
	}
	return p
}

func (p place) item(i int) place { return p.child(strconv.Itoa(i)) }

func (s *sources) fail(at place, format string, args ...any) error {
	f := s.files[at.file]
	return &LoadError{File: f.name, Line: lineOf(f.lines, at.pointer), Pointer: at.pointer, Reason: fmt.Sprintf(format, args...)}
}

func (s *sources) add(name, rel string, data []byte) (int, error) {
	if len(s.files) >= maxFiles {
		return 0, fmt.Errorf("%s: the document has more than %d files", name, maxFiles)
	}
	if s.total += len(data); s.total > maxAllFiles {
		return 0, fmt.Errorf("%s: the document's files are larger than %d MiB", name, maxAllFiles>>20)
	}
	root, lines, err := readTree(data)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	s.files = append(s.files, &file{name: name, rel: rel, root: root, lines: lines})
	s.byRel[rel] = len(s.files) - 1
	return len(s.files) - 1, nil
}

// target finds the place that a reference in file from names. It does not look
// whether something stands there.
func (s *sources) target(from int, ref string) (place, error) {
	key := strconv.Itoa(from) + " " + ref
	if p, ok := s.refs[key]; ok {
		return p, nil
	}
	name, fragment, _ := strings.Cut(ref, "#")
	pointer, err := url.PathUnescape(fragment)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return place{}, errors.New("a reference must end in a JSON pointer (#/...)")
	}
	p := place{file: from, pointer: pointer}
	if name != "" {
		if p.file, err = s.open(from, name); err != nil {
			return place{}, err
		}
	}
	s.refs[key] = p
	return p, nil
}

// open reads the file that name, relative to file from, means.
func (s *sources) open(from int, name string) (int, error) {
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" || strings.HasPrefix(u.Path, "/") || strings.Contains(u.Path, `\`) {
		return 0, errors.New("a reference may name only files beside or below the document, never a URL or an absolute path")
	}
	rel := path.Join(path.Dir(s.files[from].rel), u.Path)
	if i, ok := s.byRel[rel]; ok {
		return i, nil
	}
	if s.folder == nil || !filepath.IsLocal(filepath.FromSlash(rel)) {
		return 0, errors.New("a reference may name only files beside or below the document")
	}
	// os.Root holds against symbolic links that lead out of the folder.
	f, err := s.folder.Open(filepath.FromSlash(rel))
	if err != nil {
		return 0, fmt.Errorf("the file that the reference names cannot be read: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, errors.New("the reference does not name a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return 0, fmt.Errorf("the file that the reference names cannot be read: %w", err)
	}
	shown := filepath.Join(filepath.Dir(s.files[0].name), filepath.FromSlash(rel))
	return s.add(shown, rel, data)
}

// lookup finds the value at a JSON pointer.
func lookup(root any, pointer string) (any, bool) {
	if pointer == "" {
		return root, true
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch v := root.(type) {
		case map[string]any:
			next, ok := v[unescapePointer(token)]
			if !ok {
				return nil, false
			}
			root = next
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != token {
				return nil, false
			}
			root = v[i]
		default:
			return nil, false
		}
	}
	return root, true
}
