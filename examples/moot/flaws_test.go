// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	_ "embed"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

//go:embed FLAWS.md
var flawsDocument string

// verdict is what the last request of an example gets.
type verdict struct {
	status int
	has    bool
	text   string
}

// example is one section of FLAWS.md.
type example struct {
	name, class  string
	requests     []string
	closed, open verdict
}

var verdictForm = regexp.MustCompile(`(\d{3}) (has|lacks) "(.*)"$`)

func readVerdict(t *testing.T, s string) verdict {
	t.Helper()
	m := verdictForm.FindStringSubmatch(s)
	if m == nil {
		t.Fatalf("FLAWS.md: not a verdict: %s", s)
	}
	status, _ := strconv.Atoi(m[1])
	return verdict{status, m[2] == "has", m[3]}
}

func examples(t *testing.T) []example {
	t.Helper()
	var all []example
	for _, section := range strings.Split(flawsDocument, "\n## ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		parts := strings.Split(rest, "```")
		if len(parts) != 3 {
			t.Fatalf("FLAWS.md: %s needs one block", name)
		}
		class, _, _ := strings.Cut(strings.TrimSpace(parts[0]), " ")
		steps := strings.Split(strings.TrimSpace(parts[1]), "\n\n")
		last := steps[len(steps)-1]
		closed, open, ok := strings.Cut(strings.TrimPrefix(last, "closed "), "; open ")
		if !ok {
			t.Fatalf("FLAWS.md: %s has no last line", name)
		}
		all = append(all, example{name, class, steps[:len(steps)-1], readVerdict(t, closed), readVerdict(t, open)})
	}
	return all
}

// run sends an example's requests over the network, and gives the status and
// the head and body of the last answer.
func (e example) run(t *testing.T, flaws ...string) (int, string) {
	t.Helper()
	x := newTester(t, flaws...)
	server := httptest.NewServer(x.api.Handler())
	defer server.Close()
	var status int
	var text string
	for _, step := range e.requests {
		line, rest, _ := strings.Cut(step, "\n")
		user, line, _ := strings.Cut(line, "> ")
		method, target, _ := strings.Cut(line, " ")
		fields := http.Header{UserField: {user}, "Content-Type": {"application/json"}}
		for strings.HasPrefix(rest, "  ") {
			field, more, _ := strings.Cut(rest[2:], "\n")
			name, value, _ := strings.Cut(field, ": ")
			fields.Set(name, value)
			rest = more
		}
		r, err := http.NewRequest(method, server.URL+target, strings.NewReader(rest))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = fields
		status, text = exchange(t, server.Client(), r)
	}
	return status, text
}

func exchange(t *testing.T, client *http.Client, r *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var b strings.Builder
	if err := response.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		if _, err := io.Copy(&b, response.Body); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, b.String()
}

func (v verdict) check(t *testing.T, status int, text string) {
	t.Helper()
	if status != v.status || strings.Contains(text, v.text) != v.has {
		t.Errorf("answer %d, want %d; has %q: want %v:\n%s", status, v.status, v.text, v.has, text)
	}
}

func TestEachFlawIsClosedByDefaultAndOpenByItsSwitch(t *testing.T) {
	var others []string
	for _, f := range Flaws {
		others = append(others, f.Name)
	}
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			status, text := e.run(t)
			e.closed.check(t, status, text)
			status, text = e.run(t, e.name)
			e.open.check(t, status, text)
		})
		t.Run(e.name+" is the only switch that opens it", func(t *testing.T) {
			rest := slices.DeleteFunc(slices.Clone(others), func(name string) bool {
				// These three give or hide what another's example looks at.
				return name == e.name || name == authQueryUser || name == verboseErrors || name == bolaReadMessage
			})
			status, text := e.run(t, rest...)
			e.closed.check(t, status, text)
		})
	}
}

func TestFLAWSmdAndTheListAreTheSame(t *testing.T) {
	var documented, listed []string
	for _, e := range examples(t) {
		documented = append(documented, e.class+" "+e.name)
	}
	for _, f := range Flaws {
		listed = append(listed, f.Class+" "+f.Name)
		if f.Does == "" {
			t.Errorf("%s does not say what it does", f.Name)
		}
	}
	if !slices.Equal(documented, listed) {
		t.Errorf("documented %q\nlisted %q", documented, listed)
	}
}

func TestUnknownFlawsAreAnErrorAndAllIsEveryOne(t *testing.T) {
	for _, names := range [][]string{{"nothing"}, {""}, {"bola-read-message", "ALL"}} {
		if _, err := New(Options{Flaws: names}); err == nil {
			t.Errorf("%q was taken", names)
		}
	}
	set, err := flawSet([]string{"all"})
	if err != nil || len(set) != len(Flaws) {
		t.Errorf("all is %d of %d, %v", len(set), len(Flaws), err)
	}
	if set, _ := flawSet(nil); len(set) != 0 {
		t.Error("a flaw is on without being named")
	}
}

func TestTheInjectableFilterNeverPanics(t *testing.T) {
	m := &Message{Space: "lobby", Author: "cy", Text: "hello"}
	for query, want := range map[string]bool{
		"text LIKE '%hell%'":                         true,
		"text LIKE '%x%' OR 1=1":                     true,
		"text LIKE '%x%' OR 1=1 AND space='council'": false,
		"author='cy' -- and the rest":                true,
		"''=''":                                      true,
	} {
		match, err := compileFilter(query)
		if err != nil || match(m) != want {
			t.Errorf("%s: error %v, want match %v", query, err, want)
		}
	}
	for _, query := range []string{"", "'", "text", "text LIKE", "text LIKE 'a", "a b c", "1=1 OR", "1=1 1=1", "= = =", "--"} {
		if _, err := compileFilter(query); err == nil {
			t.Errorf("%q was taken", query)
		}
	}
}

func FuzzCompileFilter(f *testing.F) {
	for _, seed := range []string{"text LIKE '%a%'", "1=1 OR ''='", "space = 'x' AND author = 'y' --", "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if match, err := compileFilter(query); err == nil {
			match(&Message{Text: "hello"})
		}
	})
}
