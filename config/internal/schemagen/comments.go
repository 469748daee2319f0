// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// comments gives the doc comments of our own packages' types and fields.
type comments struct {
	root   string
	fields map[string]string // by "package.Type" and "package.Type.Field"
	parsed map[string]bool
}

func newComments(root string) *comments {
	return &comments{root: root, fields: map[string]string{}, parsed: map[string]bool{}}
}

// ofType gives a type's doc comment, "" for types of other modules.
func (c *comments) ofType(t reflect.Type) (string, error) {
	if err := c.parse(t.PkgPath()); err != nil {
		return "", err
	}
	return c.fields[t.PkgPath()+"."+t.Name()], nil
}

// ofField gives the doc comment of a struct's field. To have none is an error:
// the comment is what users read.
func (c *comments) ofField(owner reflect.Type, name string) (string, error) {
	if err := c.parse(owner.PkgPath()); err != nil {
		return "", err
	}
	key := owner.PkgPath() + "." + owner.Name() + "." + name
	doc := c.fields[key]
	if doc == "" {
		return "", fmt.Errorf("%s has no doc comment", key)
	}
	return doc, nil
}

func (c *comments) parse(pkg string) error {
	dir, ours := strings.CutPrefix(pkg, "durward")
	if c.parsed[pkg] || !ours {
		return nil
	}
	c.parsed[pkg] = true
	entries, err := os.ReadDir(filepath.Join(c.root, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(c.root, dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
				c.types(pkg, gen)
			}
		}
	}
	return nil
}

func (c *comments) types(pkg string, gen *ast.GenDecl) {
	for _, spec := range gen.Specs {
		ts := spec.(*ast.TypeSpec)
		doc := ts.Doc
		if doc == nil {
			doc = gen.Doc
		}
		c.fields[pkg+"."+ts.Name.Name] = oneLine(doc.Text())
		st, ok := ts.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range st.Fields.List {
			text := f.Doc.Text()
			if text == "" {
				text = f.Comment.Text()
			}
			for _, name := range f.Names {
				c.fields[pkg+"."+ts.Name.Name+"."+name.Name] = oneLine(text)
			}
		}
	}
}

var blanks = regexp.MustCompile(`[ \t\n]+`)

func oneLine(text string) string { return strings.TrimSpace(blanks.ReplaceAllString(text, " ")) }

// plain takes the Go name off the start of a doc comment: "MaxBody bounds ..."
// becomes "Bounds ...", as users of the document know another name.
func plain(doc, goName string) string {
	rest, ok := strings.CutPrefix(doc, goName+" ")
	if !ok {
		return doc
	}
	for _, verb := range []string{"is ", "are "} {
		if r, ok := strings.CutPrefix(rest, verb); ok {
			rest = r
			break
		}
	}
	if rest == "" {
		return doc
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

var (
	// sentence is what a comment says after "Default".
	sentence = regexp.MustCompile(`(?:^|[.;] )[Dd]efault(?:: | )(.+?)(?:\.(?: |$)|; |: |$)`)
	word     = regexp.MustCompile("^[`\"]?[A-Za-z0-9/][^ `\"]*[`\"]?$")
	// marked is a word that a comment marks as the default.
	marked = regexp.MustCompile("[`\"]?([A-Za-z0-9.+_-]+)[`\"]?(?: \\((?:[^()]*, )?(?:the )?default\\)| by default\\b)")
)

// defaultOf finds the default value that a doc comment names, "" when none or
// when it is described rather than named ("the target's host").
func defaultOf(doc string) string {
	if m := sentence.FindStringSubmatch(doc); m != nil {
		var values []string
		for _, w := range strings.Split(m[1], ", ") {
			if !word.MatchString(w) {
				break
			}
			values = append(values, strings.Trim(w, "`\""))
		}
		return strings.Join(values, ", ")
	}
	if m := marked.FindStringSubmatch(doc); m != nil {
		return m[1]
	}
	return ""
}
