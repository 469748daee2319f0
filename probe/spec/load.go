// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

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
)

// Limits of one load.
const (
	maxFile     = 64 << 20  // bytes of one file
	maxTotal    = 128 << 20 // bytes of all of them
	maxFiles    = 1000
	maxRefs     = 32 // references that lead to references
	maxSchemas  = 500_000
	maxDeep     = 10_000 // schemas below schemas, references followed
	maxWarnings = 200
)

// loader reads one API. It is used once, by one goroutine.
type loader struct {
	root     *os.Root // nil where there are no files but the first
	files    map[string]*file
	total    int
	old      bool // Swagger 2.0
	three    bool // OpenAPI 3.0
	schemas  map[*node]*Schema
	depth    int
	warnings []string
	warned   map[string]bool
}

// file is one that was read.
type file struct {
	name    string // relative to the first file's folder, with slashes
	top     *node
	anchors map[string]place // of JSON Schema's $anchor, nil until asked for
}

// place is a node, and where it stands.
type place struct {
	file *file
	node *node
	at   string // JSON pointer
}

func (p place) get(key string) place {
	return place{p.file, p.node.get(key), p.at + "/" + escape(key)}
}

func (p place) item(i int) place {
	return place{p.file, p.node.items[i], p.at + "/" + strconv.Itoa(i)}
}

// list gives the items of a list; of anything else none.
func (p place) list() []place {
	if p.node == nil || p.node.kind != listNode {
		return nil
	}
	all := make([]place, len(p.node.items))
	for i := range all {
		all[i] = p.item(i)
	}
	return all
}

// members gives the keys of a map, but those of null.
func (p place) members() []string {
	if p.node == nil || p.node.kind != mapNode {
		return nil
	}
	var keys []string
	for _, k := range p.node.keys {
		if p.node.get(k) != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

func escape(key string) string { return pointerEscaper.Replace(key) }

func (l *loader) warn(p place, format string, args ...any) {
	where := "#" + p.at
	if p.file != nil {
		where = p.file.name + where
	}
	w := where + ": " + fmt.Sprintf(format, args...)
	if l.warned[w] || len(l.warnings) > maxWarnings {
		return
	}
	l.warned[w] = true
	if len(l.warnings) == maxWarnings {
		w = "further warnings are left out"
	}
	l.warnings = append(l.warnings, w)
}

// open reads a file beside or below the first one, once.
func (l *loader) open(name string) (*file, error) {
	if f := l.files[name]; f != nil {
		if f.top == nil {
			return nil, errors.New("could not be read")
		}
		return f, nil
	}
	if l.root == nil {
		return nil, errors.New("is another file")
	}
	if len(l.files) >= maxFiles {
		return nil, fmt.Errorf("is one more than %d files", maxFiles)
	}
	f := &file{name: name}
	l.files[name] = f
	opened, err := l.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, err
	}
	return f, l.take(f, data)
}

func (l *loader) take(f *file, data []byte) error {
	if l.total += len(data); len(data) > maxFile || l.total > maxTotal {
		return fmt.Errorf("has more than %d MiB, or all files more than %d MiB", maxFile>>20, maxTotal>>20)
	}
	top, err := read(data)
	if err != nil {
		return err
	}
	f.top = top
	return nil
}

// deref follows the references of a place until there is something else. The
// name is the last component's that was named. It says false where a reference
// leads nowhere, after a warning.
func (l *loader) deref(p place) (target place, name string, ok bool) {
	from := p
	for range maxRefs {
		if p.node == nil {
			return p, name, false
		}
		ref := p.node.get("$ref")
		if ref == nil || ref.kind != stringNode {
			return p, name, true
		}
		next, err := l.resolve(p.file, ref.text)
		if err != nil {
			l.warn(p, "reference %q: %v", ref.text, err)
			return p, name, false
		}
		if n := componentName(next); n != "" {
			name = n
		}
		p = next
	}
	l.warn(from, "more than %d references lead to each other", maxRefs)
	return p, name, false
}

// resolve finds what a reference names.
func (l *loader) resolve(from *file, ref string) (place, error) {
	name, fragment, _ := strings.Cut(ref, "#")
	f := from
	if name != "" {
		if strings.Contains(name, "://") {
			return place{}, errors.New("other hosts are not asked")
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		opened, err := l.open(path.Join(path.Dir(from.name), name))
		if err != nil {
			// The oldest documents write a schema's name alone.
			if old := from.top.get("definitions").get(ref); old != nil {
				return place{from, old, "/definitions/" + escape(ref)}, nil
			}
			return place{}, err
		}
		f = opened
	}
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	if fragment != "" && fragment[0] != '/' {
		if p, ok := l.anchor(f, fragment); ok {
			return p, nil
		}
		fragment = "/" + fragment
	}
	return lookup(f, fragment)
}

func lookup(f *file, pointer string) (place, error) {
	p := place{f, f.top, pointer}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" || pointer == "/" {
			break
		}
		step = pointerUnescaper.Replace(step)
		n := p.node.get(step)
		if n == nil && p.node.kind == listNode {
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(p.node.items) {
				n = p.node.items[i]
			}
		}
		if n == nil {
			return p, errors.New("leads nowhere")
		}
		p.node = n
	}
	return p, nil
}

// componentName is the name of a component, by where it stands, or of a file
// that is one schema.
func componentName(p place) string {
	if p.at == "" || p.at == "/" {
		base := path.Base(p.file.name)
		return strings.TrimSuffix(base, path.Ext(base))
	}
	cut := strings.LastIndexByte(p.at, '/')
	parent, name := p.at[:cut], pointerUnescaper.Replace(p.at[cut+1:])
	switch {
	case strings.Contains(parent, "/paths/"), strings.HasSuffix(parent, "/properties"),
		strings.HasSuffix(parent, "Of"), name == "items", name == "schema":
		return ""
	}
	return name
}

// anchor finds a schema that calls itself so by $anchor.
func (l *loader) anchor(f *file, name string) (place, bool) {
	if f.anchors == nil {
		f.anchors = map[string]place{}
		seen := map[*node]bool{}
		var walk func(p place)
		walk = func(p place) {
			if p.node == nil || seen[p.node] {
				return
			}
			seen[p.node] = true
			if a := p.node.get("$anchor"); a != nil && a.kind == stringNode {
				f.anchors[a.text] = p
			}
			for _, item := range p.list() {
				walk(item)
			}
			for _, k := range p.members() {
				walk(p.get(k))
			}
		}
		walk(place{file: f, node: f.top})
	}
	p, ok := f.anchors[name]
	return p, ok
}
