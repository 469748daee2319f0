// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"durward"
	"durward/internal/allocs"
	"durward/waf/gate"
	"durward/waf/seclang"
	"durward/waf/waftest"
)

// directives are the recommended settings and the whole of CRS at a paranoia
// level, as the oracle of waftest has them.
func directives(paranoia int) string { return directivesOf(paranoia, "*") }

// directivesOf takes the files of CRS with these names only.
func directivesOf(paranoia int, files ...string) string {
	text := fmt.Sprintf(`Include @coraza.conf-recommended
SecRuleEngine On
SecAuditEngine Off
Include @crs-setup.conf.example
SecAction "id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=%d"
`, paranoia)
	for _, name := range files {
		text += "Include @owasp_crs/" + name + ".conf\n"
	}
	return text
}

// ruleSet is CRS at one level, with all that the tests need of it: made once,
// for each of them takes a second and more.
type ruleSet struct {
	set    *seclang.Set
	gate   *gate.Gate
	oracle *waftest.Oracle
	err    error
}

var atLevel = map[int]func() ruleSet{1: sync.OnceValue(func() ruleSet { return newRuleSet(directives(1)) }), 2: sync.OnceValue(func() ruleSet { return newRuleSet(directives(2)) }), 3: sync.OnceValue(func() ruleSet { return newRuleSet(directives(3)) })}

func newRuleSet(text string) (s ruleSet) {
	if s.set, s.err = seclang.Parse(coreruleset.FS, text); s.err != nil {
		return s
	}
	if s.gate, s.err = gate.Compile(s.set, gate.Profile{}); s.err != nil {
		return s
	}
	s.oracle, s.err = waftest.OracleOf(text)
	return s
}

func level(t testing.TB, paranoia int) ruleSet {
	t.Helper()
	s := atLevel[paranoia]()
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s
}

func compile(t testing.TB, paranoia int) *gate.Gate {
	t.Helper()
	return level(t, paranoia).gate
}

// sample makes the tests over corpora longer where DURWARD_WAF_ALL is set: 1
// stands for ten times, a larger number for that many.
var sample = func() int {
	n, _ := strconv.Atoi(os.Getenv("DURWARD_WAF_ALL"))
	if n == 1 {
		n = 10
	}
	return max(n, 1)
}()

// corpus is a number of requests with a name.
type corpus struct {
	name     string
	requests []*gate.Request
}

func corpora(t testing.TB) []corpus {
	t.Helper()
	all, err := readCorpora()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var readCorpora = sync.OnceValues(func() ([]corpus, error) {
	regression, err := waftest.Regression()
	var some []*gate.Request
	for i, q := range regression {
		if q != nil && i%max(3/sample, 1) == 0 {
			some = append(some, q)
		}
	}
	return []corpus{{"regression", some}, {"hostile", waftest.Hostile(1, 600*sample)}, {"benign", waftest.Benign(2, 100*sample)}, {"awkward", waftest.Awkward(3, 150*sample)}}, err
})

// Coraza says something => the gate does not say clean. And the other way: what
// Coraza says nothing of is nearly always proven clean.
func TestNoVerdictOfCorazaIsMissed(t *testing.T) {
	for _, paranoia := range []int{1, 2} {
		rules := level(t, paranoia)
		for _, c := range corpora(t) {
			proven, silent := 0, 0
			why := map[int]int{}
			for _, q := range c.requests {
				clean, reason := rules.gate.Clean(q)
				if !clean && c.name != "benign" {
					continue
				}
				v := rules.oracle.Inspect(q)
				switch said := v.Interrupted || len(v.Rules) > 0; {
				case clean && said:
					t.Errorf("PL%d %s: proven clean, but Coraza says %+v: %s %s %v %q", paranoia, c.name, v, q.Method, q.URI, q.Header, q.Body)
				case !said:
					silent++
					if !clean {
						why[reason.RuleID]++
					}
				}
				if clean {
					proven++
				}
			}
			t.Logf("PL%d %s: %d of %d are proven clean, for nothing not because of rules %v", paranoia, c.name, proven, len(c.requests), why)
			if c.name == "benign" && silent-proven > silent/1000 {
				t.Errorf("PL%d: %d of %d benign requests took the slow path for nothing: %v", paranoia, silent-proven, silent, why)
			}
		}
	}
}

func TestMostBenignRequestsAreProvenCleanAtTheFirstLevel(t *testing.T) {
	g, oracle := level(t, 1).gate, level(t, 1).oracle
	requests := waftest.Benign(9, 4000)
	slow, found := map[int]int{}, map[int]int{}
	n := 0
	for _, q := range requests {
		clean, why := g.Clean(q)
		switch {
		case clean:
		case len(oracle.Inspect(q).Rules) > 0:
			found[why.RuleID]++ // Coraza takes it for an attack, so that it has to run
		default:
			slow[why.RuleID]++
			n++
		}
	}
	t.Logf("of %d benign requests Coraza finds something in %v (by rule), and of the others these take the slow path: %v", len(requests), found, slow)
	if n > len(requests)/1000 {
		t.Errorf("%d of %d are too many", n, len(requests))
	}
}

func TestEveryRuleOfTheRuleSetIsCovered(t *testing.T) {
	for _, level := range []int{1, 2} {
		count := map[gate.Cover]int{}
		for _, r := range compile(t, level).Coverage() {
			count[r.Cover]++
			if r.Cover == gate.Uncovered || r.Cover == gate.Partly {
				t.Errorf("PL%d: rule %d is %s: %s", level, r.ID, r.Cover, r.How)
			}
		}
		t.Logf("PL%d: %v", level, count)
		if count[gate.Covered] < 140 {
			t.Errorf("PL%d: only %d rules are left for a request", level, count[gate.Covered])
		}
	}
}

func TestACleanRequestAllocatesLittle(t *testing.T) {
	if allocs.Race {
		t.Skip("pools drop at random what they are given")
	}
	g := compile(t, 1)
	requests := benchRequests()
	// What is left is libinjection's, one for each two words that may be a phrase,
	// and one slice for each expression with groups; how many values are remembered
	// is a matter of the seed, so that there is room.
	for name, most := range map[string]float64{"get": 40, "json1k": 180, "json16k511": 480, "json16k8": 320} {
		if n := allocs.PerRun(50, func() { g.Clean(requests[name]) }); n > most {
			t.Errorf("%s: %v allocations, at most %v are allowed", name, n, most)
		}
	}
}

// The rules are a part of CRS, for the fuzzer makes them anew in each process:
// those with chains, counts and settings, and some of every kind of operator.
func FuzzNoVerdictOfCorazaIsMissed(f *testing.F) {
	f.Add("/a?x=1' or 1=1", "text/html", "a=b; c=${jndi:x}", "application/json", `{"a":["<script>"]}`)
	f.Add("/.git/config", "*/*", "session=1", "application/x-www-form-urlencoded", "q=../../etc/passwd")
	f.Add("/x?q=plain", "*/*", "", "", "")
	rules := newRuleSet(directivesOf(1, "REQUEST-901-INITIALIZATION", "REQUEST-920-PROTOCOL-ENFORCEMENT", "REQUEST-921-PROTOCOL-ATTACK", "REQUEST-930-APPLICATION-ATTACK-LFI",
		"REQUEST-934-APPLICATION-ATTACK-GENERIC", "REQUEST-944-APPLICATION-ATTACK-JAVA", "REQUEST-949-BLOCKING-EVALUATION"))
	if rules.err != nil {
		f.Fatal(rules.err)
	}
	g, oracle := rules.gate, rules.oracle
	f.Fuzz(func(t *testing.T, uri, accept, cookie, contentType, body string) {
		q := &gate.Request{Method: "POST", URI: uri, Protocol: "HTTP/1.1", Host: "api.example.org", ClientAddr: "192.0.2.7", Inspect: true, Body: []byte(body),
			Header: durward.Header{{Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: accept}, {Name: "Content-Length", Value: "1"}}}
		if cookie != "" {
			q.Header.Add("Cookie", cookie)
		}
		if contentType != "" {
			q.Header.Add("Content-Type", contentType)
		}
		if clean, _ := g.Clean(q); clean {
			if v := oracle.Inspect(q); v.Interrupted || len(v.Rules) > 0 {
				t.Errorf("proven clean, but Coraza says %+v", v)
			}
		}
	})
}
