// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v4"

	"durward/probe"
	"durward/probe/identity"
	"durward/probe/spec"
	warehouse "durward/probe/testdata/injection"
)

// valueOf takes a sample's value out of a request.
func valueOf(in, name string, r *http.Request) (string, bool) {
	switch in {
	case "query":
		return r.URL.Query().Get(name), r.URL.Query().Has(name)
	case "path":
		s, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/thing/"))
		return s, err == nil
	case "body":
		var m map[string]any
		if json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&m) != nil {
			return "", false
		}
		s, ok := m[name].(string)
		return s, ok
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	return string(data), err == nil
}

func say(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

var product = regexp.MustCompile(`^\s*(\d+)\s*\*\s*(\d+)\s*$`)

// honest are services that do strange things and take nobody's input for more
// than it is.
var honest = []sample{
	{"text is given back as JSON", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		say(w, 200, map[string]any{"you_said": v})
	}, nil},
	{"text is given back escaped in a page", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<p>%s</p>", html.EscapeString(v))
	}, nil},
	{"text is given back as plain text", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, v)
	}, nil},
	{"markup in JSON is no page", "POST", "body q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(map[string]string{"html": v})
	}, nil},
	{"a calculator computes", "GET", "query q", "3*4", func(v string, w http.ResponseWriter, _ *http.Request) {
		m := product.FindStringSubmatch(v)
		if m == nil {
			say(w, 400, map[string]any{"error": "syntax error"})
			return
		}
		a, _ := strconv.Atoi(m[1])
		b, _ := strconv.Atoi(m[2])
		say(w, 200, map[string]any{"result": a * b})
	}, nil},
	{"a calculator takes what stands in braces as well", "GET", "query q", "3*4", func(v string, w http.ResponseWriter, _ *http.Request) {
		m := product.FindStringSubmatch(strings.Trim(v, "{}$#%<=> "))
		if m == nil {
			say(w, 400, map[string]any{"error": "syntax error"})
			return
		}
		a, _ := strconv.Atoi(m[1])
		b, _ := strconv.Atoi(m[2])
		say(w, 200, map[string]any{"result": a * b})
	}, nil},
	{"quotes that do not pair are the caller's mistake", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		if strings.Count(v, "'")%2 == 1 {
			say(w, 400, map[string]any{"error": `syntax error near "'": unterminated string`})
			return
		}
		say(w, 200, map[string]any{"ok": true})
	}, nil},
	{"every answer is an error", "GET", "query q", "word", func(_ string, w http.ResponseWriter, _ *http.Request) {
		say(w, 500, map[string]any{"error": "internal error"})
	}, nil},
	{"every answer tells of an engine", "GET", "query q", "word", func(_ string, w http.ResponseWriter, _ *http.Request) {
		say(w, 200, map[string]any{"help": "SQL logic error: unrecognized token is what SQLite says"})
	}, nil},
	{"answers by chance", "GET", "query q", "word", byChance(), nil},
	{"errors by chance", "GET", "query q", "word", errorsByChance(), nil},
	{"search for a part of a text", "GET", "query q", "am", func(v string, w http.ResponseWriter, _ *http.Request) {
		out := []string{}
		for _, s := range []string{"hammer", "lamp", "o'clock", "50% off"} {
			if strings.Contains(s, v) {
				out = append(out, s)
			}
		}
		say(w, 200, map[string]any{"query": v, "found": out, "count": len(out)})
	}, nil},
	{"an address is kept and never asked", "POST", "body callback_url", `"https://hooks.example/x"`, func(v string, w http.ResponseWriter, _ *http.Request) {
		say(w, 201, map[string]any{"callback_url": v})
	}, nil},
	{"a redirect to a part of the service", "GET", "query next", "home", func(v string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/go?to="+url.QueryEscape(v))
		w.WriteHeader(302)
	}, nil},
	{"a redirect to one other host with the value in its query", "GET", "query next", "home", func(v string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://login.example/?next="+url.QueryEscape(v))
		w.WriteHeader(302)
	}, nil},
	{"a field of the header has the value without line ends", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Echo", v) // net/http takes line ends out
		say(w, 200, map[string]any{"ok": true})
	}, nil},
	{"a schema-less store keeps objects as they are", "POST", "body q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		say(w, 201, map[string]any{"kept": v})
	}, nil},
	{"files by a table of names", "GET", "path q", "terms.txt", func(v string, w http.ResponseWriter, _ *http.Request) {
		if v != "terms.txt" {
			say(w, 404, map[string]any{"error": "no such file"})
			return
		}
		_, _ = io.WriteString(w, "Net 30 days.")
	}, nil},
	{"everything is a file that looks like passwords", "GET", "query q", "a.txt", func(_ string, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "root:x:0:0:root:/root:/bin/sh\n")
	}, nil},
	{"XML without entities", "POST", "xml q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		d := xml.NewDecoder(strings.NewReader(v))
		text := ""
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			} else if err != nil {
				say(w, 400, map[string]any{"error": "no XML"})
				return
			}
			if c, ok := tok.(xml.CharData); ok {
				text += string(c)
			}
		}
		say(w, 200, map[string]any{"text": text})
	}, nil},
	{"the length of the text decides", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		say(w, 200, map[string]any{"length": len(v)})
	}, nil},
	{"a checksum of the text decides", "GET", "query q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		n := 0
		for _, c := range []byte(v) {
			n = (n*31 + int(c)) % 7
		}
		say(w, 200, map[string]any{"bucket": n})
	}, nil},
}

// flawed are services whose flaws the warehouse has not.
var flawed = []sample{
	{"a page for browsers, JSON for others", "GET", "query q", "word", func(v string, w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			say(w, 200, map[string]any{"found": 0})
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<p>%s</p>", v)
	}, []string{"html-injection"}},
	{"an error of an engine that is no SQLite", "POST", "body q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		if strings.Contains(v, "'") {
			say(w, 200, map[string]any{"status": "fail", "why": "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server"})
			return
		}
		say(w, 200, map[string]any{"status": "success"})
	}, []string{"sql-injection"}},
	{"XML with entities of its own only", "POST", "xml q", "word", func(v string, w http.ResponseWriter, _ *http.Request) {
		text := v[strings.LastIndex(v, "<q>")+3 : max(strings.LastIndex(v, "</q>"), strings.LastIndex(v, "<q>")+3)]
		for range 2 {
			for _, m := range regexp.MustCompile(`<!ENTITY (\w+) "([^"]*)">`).FindAllStringSubmatch(v, -1) {
				text = strings.ReplaceAll(text, "&"+m[1]+";", m[2])
			}
		}
		say(w, 200, map[string]any{"q": text})
	}, []string{"xml-entity-expansion"}},
}

func TestOtherFlawsAreFound(t *testing.T) {
	for _, s := range flawed {
		t.Run(s.name, s.run)
	}
}

func byChance() func(string, http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(3, 5))
	return func(_ string, w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		all := r.Perm(12)[:6+r.IntN(3)]
		mu.Unlock()
		say(w, 200, map[string]any{"items": all, "id": fmt.Sprint(all)})
	}
}

func errorsByChance() func(string, http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(3, 6))
	return func(_ string, w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		bad := r.IntN(3) == 0
		mu.Unlock()
		if bad {
			say(w, 500, map[string]any{"error": "internal error"})
			return
		}
		say(w, 200, map[string]any{"ok": true})
	}
}

func TestHonestServicesAreNotBlamed(t *testing.T) {
	for _, s := range honest {
		t.Run(s.name, s.run)
	}
}

type truth struct {
	Flaws []struct {
		Name       string   `yaml:"name"`
		Kinds      []string `yaml:"kinds"`
		Operations []string `yaml:"operations"`
	} `yaml:"flaws"`
}

// timed are the flaws that only time tells; they are tested with a clock of the
// test's own.
var timed = []string{"time-sql", "shell-blind"}

// TestEachFlawOfTheWarehouseIsFoundAlone plants one flaw after the other, and
// tests the operations that it is at: in the flawed service it is found, and in
// the twin nothing is.
func TestEachFlawOfTheWarehouseIsFoundAlone(t *testing.T) {
	var all truth
	if err := yaml.Unmarshal(warehouse.Truth, &all); err != nil {
		t.Fatal(err)
	}
	ours := []string{
		"sql-injection", "nosql-injection", "ldap-injection", "command-injection", "template-injection", "path-traversal",
		"server-side-request", "xml-external-entity", "header-injection", "html-injection", "open-redirect",
	}
	tested := 0
	for _, f := range all.Flaws {
		if !slices.Contains(ours, f.Kinds[0]) || slices.Contains(timed, f.Name) {
			continue
		}
		tested++
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for _, planted := range []bool{true, false} {
				h := warehouse.New()
				if planted {
					h = warehouse.New(f.Name)
				}
				got := ids(probeIt(t, string(warehouse.Document), h, asWarehouse(t, f.Operations)))
				if _ = h.(io.Closer).Close(); !planted && len(got) != 0 {
					t.Errorf("in the twin: %v", got)
				}
				if planted && (len(got) != 1 || !slices.Contains(f.Kinds, got[0])) {
					t.Errorf("found %v, want one of %v", got, f.Kinds)
				}
			}
		})
	}
	if tested < 20 {
		t.Errorf("only %d flaws were tested", tested)
	}
}

func asWarehouse(t *testing.T, operations []string) func(*probe.Config) {
	t.Helper()
	users, err := identity.Parse("users.yaml", warehouse.Users, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	api, err := spec.Parse("openapi.yaml", warehouse.Document)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *probe.Config) { c.API, c.Users, c.Extra, c.Operations = api, users, nil, operations }
}
