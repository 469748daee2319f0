// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward"
)

const suiteDir = "../../shared/vectors/json-schema/tests/"

// suiteExceptions are the parts of the JSON Schema test suite that this package
// does not follow, and why: a file, "file: group" or "file: group: test".
var suiteExceptions = map[string]string{
	"refRemote.json":  "remote schemas are never fetched",
	"vocabulary.json": "its metaschemas are remote",
	"defs.json":       "refers to the metaschema by URL",
	"format.json":     "expects formats to be hints; they are asserted",
	"content.json":    "content keywords are hints, and pass",

	"dynamicRef.json: strict-tree schema, guards against misspelled properties":       "remote",
	"dynamicRef.json: tests for implementation dynamic anchor and reference link":     "remote",
	"dynamicRef.json: $ref and $dynamicAnchor are independent of order - $defs first": "remote",
	"dynamicRef.json: $ref and $dynamicAnchor are independent of order - $ref first":  "remote",
	"dynamicRef.json: $ref to $dynamicRef finds detached $dynamicAnchor":              "remote",
	"optional/cross-draft.json":      "remote",
	"optional/format-assertion.json": "remote metaschemas",

	"optional/format/idn-hostname.json":                                          "a hint: IDNA tables are not consulted",
	"optional/format/uri-template.json":                                          "a hint: no parameter of an HTTP API is one",
	"optional/format/hostname.json: validation of A-label (punycode) host names": "punycode is not decoded",

	"optional/format/ecmascript-regex.json: global inline flag groups are not valid ECMA 262":                                              "(?i) is taken as its authors mean it",
	"optional/format/ecmascript-regex.json: ECMA 262 named groups and backreferences are valid: an ECMA 262 named backreference \\k<name>": "cannot run in linear time",
	"optional/format/ecmascript-regex.json: ECMA 262 lookbehind is valid, including variable width":                                        "cannot run in linear time",
	"optional/format/ecmascript-regex.json: ECMA 262 character classes and escapes: an empty character class is valid ECMA 262":            "[] opens a class in other dialects, so it is refused",
}

type suiteGroup struct {
	Description string
	Schema      any
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// compileStandalone compiles a plain JSON Schema the way that a document's are.
func compileStandalone(source any) (*standalone, error) { return compileAs(source, false) }

// compileAs compiles a plain schema, of OpenAPI 3.0's dialect where old.
func compileAs(source any, old bool) (*standalone, error) {
	src := &sources{byRel: map[string]int{}, refs: map[string]place{}}
	src.files = append(src.files, &file{name: "schema", root: source})
	sc := newSchemas(src, old, variant{takeReadOnly: true})
	sc.keepIDs = !old
	sc.prepare(place{}, position{child: true})
	s, err := sc.compile(place{})
	if err != nil {
		return nil, err
	}
	lib, err := sc.library(place{})
	return &standalone{s, sc.planOf(s), lib != nil && s.foreign == nil, &schema{foreign: lib}}, err
}

type standalone struct {
	s      *schema
	plan   *plan
	direct bool // no part of it is left to the library as a whole
	slow   *schema
}

// inOnePass tells whether the plan takes data, and whether it should have been
// able to tell: it leaves the whole to the tree where the root needs that.
func (s *standalone) inOnePass(data string) (ok, able bool) {
	var tr tree
	lim := (&Config{MaxDepth: 200}).limits()
	var p pass
	ok = p.takes(s.plan, data, &checker{t: &tr, in: "body", lim: &lim})
	return ok, s.plan.tree&kindOf(strings.TrimLeft(data, " \t\r\n")[0]) == 0
}

func judge(t *testing.T, s *schema, data string) (bool, durward.Violations) {
	t.Helper()
	var tr tree
	var d decoder
	lim := (&Config{MaxDepth: 200}).limits()
	if f := d.decode(data, &tr, &lim); f != nil {
		t.Fatalf("%s: %v", data, f)
	}
	var out durward.Violations
	c := checker{t: &tr, in: "body", out: &out}
	ok := c.run(s, 0)
	if ok != (len(out) == 0) {
		t.Errorf("verdict %v with violations %v", ok, out)
	}
	return ok, out
}

func TestJSONSchemaSuite(t *testing.T) {
	runSuite(t, "draft2020-12", false, suiteExceptions, 1800)
}

// runSuite holds both ways of checking, and the library, against the suite of
// one draft, of which at least the given number of tests must pass.
func runSuite(t *testing.T, draft string, old bool, exceptions map[string]string, least int) {
	dir := suiteDir + draft
	files, _ := filepath.Glob(dir + "/*.json")
	optional, _ := filepath.Glob(dir + "/optional/*.json")
	formats, _ := filepath.Glob(dir + "/optional/format/*.json")
	if len(files) == 0 {
		t.Skip("the JSON Schema test suite is not beside this repository")
	}
	passed, skipped, direct, inOnePass := 0, 0, 0, 0
	used := map[string]bool{}
	excepted := func(name string) bool {
		used[name] = used[name] || exceptions[name] != ""
		return exceptions[name] != ""
	}
	for _, name := range append(append(files, optional...), formats...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := readJSON(string(data))
		if err != nil {
			t.Fatal(err)
		}
		var groups []suiteGroup
		if err := json.Unmarshal(data, &groups); err != nil {
			t.Fatal(err)
		}
		rel := strings.TrimPrefix(name, dir+"/")
		for i, g := range groups {
			where := rel + ": " + g.Description
			if excepted(rel) || excepted(where) {
				skipped += len(g.Tests)
				continue
			}
			s, err := compileAs(root.([]any)[i].(map[string]any)["schema"], old)
			if err != nil {
				t.Errorf("%s: %v", where, err)
				continue
			}
			if s.direct {
				direct += len(g.Tests)
			}
			for _, test := range g.Tests {
				if excepted(where + ": " + test.Description) {
					skipped++
					continue
				}
				byLibrary, _ := judge(t, s.slow, string(test.Data))
				byTree, _ := judge(t, s.s, string(test.Data))
				once, able := s.inOnePass(string(test.Data))
				if byLibrary != test.Valid || byTree != test.Valid || able && once != test.Valid || once && !able {
					t.Errorf("%s: %s: want %v; the library says %v, the tree %v, one pass %v (able: %v)",
						where, test.Description, test.Valid, byLibrary, byTree, once, able)
					continue
				}
				if able {
					inOnePass++
				}
				passed++
			}
		}
	}
	for name := range exceptions {
		if !used[name] {
			t.Errorf("the exception %q is about nothing", name)
		}
	}
	t.Logf("%s: %d passed (%d by the direct validator, %d in one pass), %d excepted", draft, passed, direct, inOnePass, skipped)
	if passed < least {
		t.Errorf("only %d tests ran", passed)
	}
}
