// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/internal/units"
)

// level is a scalar that reads itself.
type level int

func (l *level) UnmarshalText(b []byte) error {
	switch string(b) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("%q is neither low nor high", b)
	}
	return nil
}

// endpoint may be written as text or as a mapping.
type endpoint struct {
	URL    string `yaml:"url"`
	Weight int    `yaml:"weight"`
}

func (e *endpoint) UnmarshalText(b []byte) error { e.URL = string(b); return nil }

type Common struct {
	Name string `yaml:"name"`
}

type more struct {
	Note string `yaml:"note"`
}

type inner struct {
	Host string `yaml:"host"`
	Port uint16 `yaml:"port"`
}

type sample struct {
	Common
	Extra    more              `yaml:",inline,omitempty"`
	On       bool              `yaml:"on"`
	Count    int               `yaml:"count"`
	Ratio    float64           `yaml:"ratio"`
	Text     string            `yaml:"text"`
	Level    level             `yaml:"level"`
	Wait     units.Duration    `yaml:"wait"`
	Networks []netip.Prefix    `yaml:"networks"`
	Inner    inner             `yaml:"inner"`
	Maybe    *inner            `yaml:"maybe"`
	Servers  []inner           `yaml:"servers"`
	Targets  []endpoint        `yaml:"targets"`
	ByName   map[string]*inner `yaml:"by_name"`
	Labels   map[string]string `yaml:"labels"`
	File     string            `yaml:"file" path:"true"`
	Files    []string          `yaml:"files" path:"true"`
	Password string            `yaml:"password" secret:"true"`
	PIN      level             `yaml:"pin" secret:"true"`
	Kind     string            `yaml:"kind" enum:"plain,fancy,odd"`
	Kinds    []string          `yaml:"kinds" enum:"plain,fancy"`
	Hidden   string            `yaml:"-"`
	Untagged string
}

func decode(t *testing.T, doc string) (sample, *Document, error) {
	t.Helper()
	var s sample
	d, err := Decode([]byte(doc), &s, Options{
		Name: "/etc/d/doc.yaml",
		Env: func(name string) (string, bool) {
			v, ok := map[string]string{
				"NAME": "ann", "EMPTY": "", "NUMBER": "12", "TRICK": "a: b\n- c", "TOKEN": "tok-s3cret", "WAIT": "not-a-wait-7",
			}[name]
			return v, ok
		},
		ReadFile: func(path string, limit int64) ([]byte, error) {
			return fs.ReadFile(fstest.MapFS{
				"etc/d/secret.txt": {Data: []byte("from file\n")},
				"abs/key":          {Data: []byte("k\r\n")},
			}, strings.TrimPrefix(path, "/"))
		},
	})
	return s, d, err
}

func TestDecodeReads(t *testing.T) {
	for name, tc := range map[string]struct {
		doc  string
		want sample
	}{
		"scalars": {"on: true\ncount: -3\nratio: 0.5\ntext: yes\nlevel: high\nwait: 10s\n",
			sample{On: true, Count: -3, Ratio: 0.5, Text: "yes", Level: 2, Wait: units.Duration(10 * time.Second)}},
		"embedded structs as fields of their own level": {"name: x\nnote: y\n", sample{Common: Common{Name: "x"}, Extra: more{Note: "y"}}},
		"text that looks like another type":             {"text: 1.10\n", sample{Text: "1.10"}},
		"text that looks like a date":                   {"text: 2026-01-02\n", sample{Text: "2026-01-02"}},
		"block text":                                    {"text: |\n  a\n  b\n", sample{Text: "a\nb\n"}},
		"lists of text types":                           {"networks: [10.0.0.0/8, '::1/128']\n", sample{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}},
		"nested structs":                                {"inner: {host: h, port: 65535}\nmaybe: {}\n", sample{Inner: inner{"h", 65535}, Maybe: &inner{}}},
		"lists of structs":                              {"servers:\n  - host: a\n  - port: 1\n", sample{Servers: []inner{{Host: "a"}, {Port: 1}}}},
		"a struct as text or as a mapping":              {"targets: [u1, {url: u2, weight: 3}]\n", sample{Targets: []endpoint{{URL: "u1"}, {URL: "u2", Weight: 3}}}},
		"maps":                                          {"by_name: {a: {host: x}, 'GET /b': {port: 2}}\nlabels: {1: one}\n", sample{ByName: map[string]*inner{"a": {Host: "x"}, "GET /b": {Port: 2}}, Labels: map[string]string{"1": "one"}}},
		"paths relative to the document":                {"file: a/b\nfiles: [../c, /d]\n", sample{File: "/etc/d/a/b", Files: []string{"/etc/c", "/d"}}},
		"variables":                                     {"text: hello ${NAME}, ${EMPTY}${NO:-none}${EMPTY:-was empty}\n", sample{Text: "hello ann, nonewas empty"}},
		"variables in numbers":                          {"count: ${NUMBER}\ninner: {port: \"${NUMBER}\"}\n", sample{Count: 12, Inner: inner{Port: 12}}},
		"variables in paths":                            {"file: ${NAME}.pem\n", sample{File: "/etc/d/ann.pem"}},
		"files":                                         {"text: ${file:secret.txt}\npassword: ${file:/abs/key}\n", sample{Text: "from file", Password: "k"}},
		"escaped references":                            {"text: $${NAME} $x $$\n", sample{Text: "${NAME} $x $$"}},
		"substituted values without giving them structure": {"text: ${TRICK}\n", sample{Text: "a: b\n- c"}},
		"substituted values without substituting again":    {"text: ${NO:-$}{NAME}\n", sample{Text: "${NAME}"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := decode(t, tc.doc)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ doc, want string }{
		"an empty document":              {"# nothing\n", "1:1: the document is empty"},
		"an empty document with ---":     {"---\n...\n", "1:1: the document is empty"},
		"a list as document":             {"- a\n", "1:1: expected a mapping, found a list"},
		"broken YAML":                    {"text: a: b\n", "1:8: not valid YAML: mapping values are not allowed in this context"},
		"an unquoted reference in []":    {"files: [${NAME}]\n", "1:10: not valid YAML: did not find expected ',' or ']'; inside [ ] or { } write \"${NAME}\" in quotes"},
		"a second document":              {"text: a\n---\ntext: b\n", "2:1: a second document starts here: one file holds one document"},
		"text that is not UTF-8":         {"text: \xff\n", "1:1: the document is not UTF-8 text"},
		"deep nesting":                   {"labels: " + strings.Repeat("[", 80), "1:73: not valid YAML: nested deeper than 64 levels"},
		"an unknown field":               {"inner:\n  hots: x\n", "2:3: inner.hots: unknown field; did you mean host?"},
		"a field in kebab case":          {"by-name: {}\n", "1:1: by-name: unknown field; did you mean by_name?"},
		"a field like no other":          {"inner: {zzzzz: 1}\n", "1:9: inner.zzzzz: unknown field; known here: host, port"},
		"a field that is left out":       {"untagged: x\nUntagged: y\n-: z\n", "1:1: untagged: unknown field\n/etc/d/doc.yaml:2:1: Untagged: unknown field\n/etc/d/doc.yaml:3:1: -: unknown field"},
		"a field given twice":            {"text: a\ncount: 1\ntext: b\n", "3:1: text: is given twice, first in line 1"},
		"a map key given twice":          {"labels:\n  a: b\n  a: c\n", "3:3: labels.a: is given twice, first in line 2"},
		"an anchor":                      {"text: &a b\n", "1:7: anchors (&name) are not taken"},
		"an alias":                       {"text: &a b\nfile: *a\n", "1:7: anchors (&name) are not taken\n/etc/d/doc.yaml:2:7: aliases (*name) are not taken: write the value again"},
		"a merge key":                    {"inner:\n  <<: {host: a}\n", "2:3: merge keys (<<) are not taken"},
		"a standard tag":                 {"text: !!str 1\n", "1:7: tags (!name) are not taken"},
		"a tag of its own":               {"text: !env NAME\n", "1:7: tags (!name) are not taken"},
		"an empty value":                 {"inner:\ntext: a\n", "1:7: inner: has no value: give it one, or leave the line out"},
		"a null":                         {"text: ~\n", "1:7: text: has no value: give it one, or leave the line out"},
		"a mapping for a list":           {"servers: {host: a}\n", "1:1: servers: expected a list, found a mapping"},
		"a list for a mapping":           {"inner:\n  - host: a\n", "1:1: inner: expected a mapping, found a list"},
		"text for a list":                {"files: a\n", "1:8: files: expected a list, found text"},
		"a list for text":                {"text: [a]\n", "1:1: text: expected text, found a list"},
		"a mapping for a text type":      {"wait: {a: 1}\n", "1:1: wait: expected a duration, found a mapping"},
		"a list for text or mapping":     {"targets: [[a]]\n", "1:11: targets[0]: expected an endpoint or a mapping, found a list"},
		"a word for a truth value":       {"on: yes\n", "1:5: on: expected true or false, found text"},
		"a quoted truth value":           {"on: 'true'\n", "1:5: on: expected true or false, found text"},
		"text for a number":              {"count: many\n", "1:8: count: expected a whole number, found text"},
		"a quoted number":                {"count: '1'\n", "1:8: count: expected a whole number, found text"},
		"a fraction for a number":        {"count: 1.5\n", "1:8: count: expected a whole number, found a number"},
		"an octal number":                {"count: 010\n", "1:8: count: expected a whole number, found a number"},
		"a number with a plus":           {"count: +1\n", "1:8: count: expected a whole number, found a number"},
		"a number that is too large":     {"inner: {port: 65536}\n", "1:15: inner.port: the number must lie between 0 and 65535"},
		"a negative number":              {"inner: {port: -1}\n", "1:15: inner.port: the number must lie between 0 and 65535"},
		"a huge number":                  {"count: 99999999999999999999\n", "1:8: count: the number is too large"},
		"infinity":                       {"ratio: .inf\n", "1:8: ratio: expected a number, found a number"},
		"a value that a type refuses":    {"level: odd\n", `1:8: level: "odd" is neither low nor high`},
		"an item that a type refuses":    {"networks:\n  - 10.0.0.0/8\n  - 10.0.0.0/99\n", `3:5: networks[1]: netip.ParsePrefix("10.0.0.0/99"): prefix length out of range`},
		"a key that is a list":           {"? [a]\n: b\n", "1:3: a key must be text"},
		"an empty map key":               {"labels: {'': a}\n", "1:10: labels: a key must not be empty"},
		"a NUL":                          {`text: "a\0b"` + "\n", "1:7: text: holds a NUL character"},
		"an unset variable":              {"text: ${NO}\n", "1:7: text: the environment variable NO is not set; ${NO:-VALUE} gives it a default"},
		"an open reference":              {"text: ${NAME\n", "1:7: text: ${ has no closing }; write $${ for the two characters themselves"},
		"a reference without a name":     {"text: ${}\n", "1:7: text: ${...} must hold a variable's name, NAME:-default or file:PATH; write $${ for the two characters themselves"},
		"a bad variable name":            {"text: ${1A}\n", "1:7: text: ${...} must hold a variable's name, NAME:-default or file:PATH; write $${ for the two characters themselves"},
		"a missing file":                 {"text: ${file:no.txt}\n", "1:7: text: the file of ${file:no.txt} cannot be read: file does not exist"},
		"a file without a name":          {"text: ${file:}\n", "1:7: text: ${file:} names no file"},
		"a substituted bad value":        {"wait: ${WAIT}\n", "1:7: wait: ${WAIT} does not stand for a duration"},
		"a secret bad value":             {"pin: hush-hush\n", "1:6: pin: expected a level"},
		"a word that is not in the list": {"kind: round\n", "1:7: kind: must be plain, fancy or odd"},
		"a misspelt word of the list":    {"kinds: [plain, fanci]\n", "1:16: kinds[1]: must be plain or fancy; did you mean fancy?"},
		"a substituted word":             {"kind: ${NAME}\n", "1:7: kind: must be plain, fancy or odd"},
		"several faults at once": {"count: x\nzzzz: 1\nlevel: y\n",
			"1:8: count: expected a whole number, found text\n/etc/d/doc.yaml:2:1: zzzz: unknown field\n/etc/d/doc.yaml:3:8: level: \"y\" is neither low nor high"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode(t, tc.doc)
			if err == nil {
				t.Fatal("was read without an error")
			}
			if diff := cmp.Diff("/etc/d/doc.yaml:"+tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 {
				t.Errorf("no *Error with a line in %v", err)
			}
		})
	}
}

func TestDecodeBoundsTheDocument(t *testing.T) {
	if _, _, err := decode(t, "text: "+strings.Repeat("a", MaxSize)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge document gave %v", err)
	}
	_, _, err := decode(t, strings.Repeat("x: 1\n", 1000))
	var all Errors
	if !errors.As(err, &all) || len(all) != MaxErrors {
		t.Errorf("%d errors, want %d", len(all), MaxErrors)
	}
}

func TestDecodeBoundsWhatSubstitutionsAddUpTo(t *testing.T) {
	var s sample
	big := strings.Repeat("x", 1<<20)
	_, err := Decode([]byte("text: "+strings.Repeat("${A}", 9)), &s, Options{Env: func(string) (string, bool) { return big, true }})
	if err == nil || !strings.Contains(err.Error(), "add up to more than") {
		t.Errorf("got %.200v", err)
	}
}

func TestReadFileTakesOnlyBoundedRegularFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(file, 5); err != nil || string(got) != "12345" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := readFile(file, 4); err == nil || err.Error() != "larger than 4 bytes" {
		t.Errorf("too large: %v", err)
	}
	if _, err := readFile(dir, 4); err == nil || err.Error() != "not a regular file" {
		t.Errorf("a folder: %v", err)
	}
}

func TestFilesListsWhatTheDocumentTookIn(t *testing.T) {
	_, d, err := decode(t, "text: ${file:secret.txt}\npassword: ${file:/abs/key}\nfile: other.pem\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/etc/d/secret.txt", "/abs/key"}, d.Files()); diff != "" {
		t.Error(diff)
	}
}

// A secret that is pasted into the line of a time must not end up in the log.
func TestAFaultOfATimeDoesNotQuoteIt(t *testing.T) {
	var c struct {
		NotAfter time.Time `yaml:"not_after"`
	}
	for _, text := range []string{"not_after: hunter2-0123456789", `not_after: "hunter2 2027"`, "not_after: 2027-13-01T00:00:00Z"} {
		_, err := Decode([]byte(text), &c, Options{Name: "a.yaml"})
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "2027-13") ||
			!strings.Contains(err.Error(), "not_after: expected a time such as 2027-01-31T00:00:00Z") {
			t.Errorf("%v", err)
		}
	}
	if _, err := Decode([]byte("not_after: 2027-01-31T00:00:00Z"), &c, Options{Name: "a.yaml"}); err != nil || c.NotAfter.Year() != 2027 {
		t.Errorf("%v", err)
	}
}
