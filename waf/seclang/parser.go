// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxIncludes bounds the Include directives of one Parser, as in Coraza, so
// that a file that includes itself ends.
const maxIncludes = 100

// inlineFile is the File of rules that came as text.
const inlineFile = "_inline_"

// Parse reads directives as text; Include and the files of operators are looked
// up in root.
func Parse(root fs.FS, directives string) (*Set, error) {
	p := NewParser(root)
	if err := p.FromString(directives); err != nil {
		return nil, err
	}
	return p.Set(), nil
}

// Parser reads directives from several texts and files, in the order of the
// calls. After an error it must not be used again. It is for one goroutine.
type Parser struct {
	root     fs.FS
	items    []Item
	settings Settings

	file, dir string
	line      int // of the end of the directive being read
	includes  int

	datasets map[string][]string
	defaults map[int][]ruleAction // by phase; nil when a SecDefaultAction is new
}

// NewParser returns a parser that looks up files in root.
func NewParser(root fs.FS) *Parser {
	return &Parser{root: root, file: inlineFile, datasets: map[string][]string{}}
}

// Set returns what was read up to now.
func (p *Parser) Set() *Set { return &Set{Items: slices.Clone(p.items), Settings: p.settings} }

// FromString reads directives. Relative names of files are looked up in the
// root itself.
func (p *Parser) FromString(text string) error {
	outerFile, outerLine := p.file, p.line
	p.file, p.line = inlineFile, 0
	err := p.read(text)
	p.file, p.line = outerFile, outerLine
	return err
}

// FromFile reads a file, or all files that match a pattern with a * in the
// order of their names; a pattern that matches nothing is no error.
func (p *Parser) FromFile(name string) error {
	names := []string{strings.TrimSpace(name)}
	if strings.Contains(name, "*") {
		var err error
		if names, err = fs.Glob(p.root, name); err != nil {
			return p.fault(fmt.Errorf("the pattern %q: %w", name, err))
		}
	} else if !strings.HasPrefix(names[0], "/") {
		names[0] = path.Join(p.dir, names[0])
	}
	for _, name := range names {
		if err := p.readFile(name); err != nil {
			return err
		}
	}
	return nil
}

func (p *Parser) readFile(name string) error {
	text, err := fs.ReadFile(p.root, name)
	if err != nil {
		return p.fault(err)
	}
	file, dir, line := p.file, p.dir, p.line
	p.file, p.dir, p.line = name, path.Dir(name), 0
	if err := p.read(string(text)); err != nil {
		return err
	}
	p.file, p.dir, p.line = file, dir, line
	return nil
}

// fault puts the place before an error; an error of an included file already
// has one.
func (p *Parser) fault(err error) error {
	var placed *placedError
	if errors.As(err, &placed) {
		return err
	}
	return &placedError{p.file, p.line, err}
}

type placedError struct {
	file string
	line int
	err  error
}

func (e *placedError) Error() string { return fmt.Sprintf("%s:%d: %v", e.file, e.line, e.err) }
func (e *placedError) Unwrap() error { return e.err }

// read splits a text into directives. A line that ends in a backslash is
// continued by the next; a line that ends in a backtick begins a block that
// lasts to a line that begins with one. Comments are skipped also inside both.
func (p *Parser) read(text string) error {
	var directive strings.Builder
	block := false
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		p.line++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if block {
			block = line[0] != '`'
		} else {
			block = line[len(line)-1] == '`'
		}
		if block {
			directive.WriteString(line + "\n")
			continue
		}
		part, continued := strings.CutSuffix(line, `\`)
		directive.WriteString(part)
		if continued {
			continue
		}
		if err := p.directive(directive.String()); err != nil {
			return p.fault(err)
		}
		directive.Reset()
	}
	switch {
	case lines.Err() != nil:
		p.line++
		return p.fault(errors.New("a line of 64 KiB or more"))
	case block:
		return p.fault(errors.New("a block in backticks is not closed"))
	case directive.Len() > 0:
		return p.fault(errors.New("the last line ends in a backslash, and nothing follows"))
	}
	return nil
}

// directive carries out one directive, whose lines are joined.
func (p *Parser) directive(text string) error {
	name, options, _ := strings.Cut(text, " ")
	if len(options) >= 3 && options[0] == '"' && options[len(options)-1] == '"' {
		options = strings.Trim(options, `"`)
	}
	key := strings.ToLower(name)
	if key == "include" {
		if p.includes++; p.includes > maxIncludes {
			return fmt.Errorf("more than %d Include directives", maxIncludes)
		}
		return p.FromFile(options)
	}
	run, ok := directives[key]
	if !ok {
		return fmt.Errorf("the directive %q is not known", name)
	}
	if err := run(p, key, options); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
