// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"durward"
	"durward/contract"
	"durward/internal/realdocs"
	"durward/waf/gate"
	"durward/waf/seclang"
)

const coreRules = `Include @coraza.conf-recommended
SecRuleEngine On
Include @crs-setup.conf.example
SecAction "id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=1"
Include @owasp_crs/*.conf
`

func coreGate(t testing.TB) *gate.Gate {
	t.Helper()
	set, err := seclang.Parse(coreruleset.FS, coreRules)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.Compile(set, gate.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// provenBy gives what a document proves of all its requests.
func provenBy(t testing.TB, doc *contract.Document) (proven []*durward.Proven) {
	t.Helper()
	for _, op := range doc.Operations() {
		s, err := doc.Stage(op.ID, &contract.Config{})
		if err != nil {
			t.Fatal(err)
		}
		proven = append(proven, doc.Prove(s)...)
	}
	return proven
}

// TestNarrowingOnRealDocuments learns what published documents prove, within
// bounds, and tells what that is, and which of their constants rules match.
func TestNarrowingOnRealDocuments(t *testing.T) {
	folder, files := realdocs.Files(t)
	g := coreGate(t)
	var total tally
	total.constants = map[string]bool{}
	total.matched = map[int]int{}
	slowest, largest, most := time.Duration(0), "", int64(0)
	for _, name := range files {
		doc, err := contract.Load(filepath.Join(folder, name), contract.AllGaps)
		if err != nil {
			continue
		}
		before := heap()
		start := time.Now()
		proven := provenBy(t, doc)
		n, err := g.Narrow(proven, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if took := time.Since(start); took > slowest {
			slowest, largest = took, fmt.Sprintf("%s, %d operations: %+v", name, len(doc.Operations()), n.Stats())
		}
		if grew := heap() - before; grew > most {
			most = grew
		}
		runtime.KeepAlive(n)
		runtime.KeepAlive(proven)
		runtime.KeepAlive(doc)
		total.documents++
		total.add(g, proven)
	}
	t.Logf("%d documents; the slowest took %v: %s; at most %d KiB were kept", total.documents, slowest, largest, most>>10)
	total.log(t)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// tally counts places by what is proven of them.
type tally struct {
	documents, places, proven int
	rules, seen               int // pairs of place and rule
	constants                 map[string]bool
	matched                   map[int]int
	live                      map[string]int
	texts                     []string
}

func (c *tally) add(g *gate.Gate, proven []*durward.Proven) {
	seen := map[*durward.Proof]bool{}
	var walk func(p *durward.Proof)
	walk = func(p *durward.Proof) {
		if p == nil {
			c.place(g, nil)
			return
		}
		if seen[p] {
			return
		}
		seen[p] = true
		if len(p.Texts) > 0 || p.Items == nil && len(p.Members) == 0 {
			c.place(g, p.Texts)
		}
		if p.Items != nil {
			walk(p.Items)
		}
		for _, name := range slices.Sorted(maps.Keys(p.Members)) {
			walk(p.Members[name])
		}
	}
	for _, p := range proven {
		for _, name := range slices.Sorted(maps.Keys(p.Query)) {
			c.place(g, p.Query[name])
		}
		if p.JSON != nil {
			walk(p.JSON)
		}
	}
}

func (c *tally) place(g *gate.Gate, list []durward.Language) {
	c.places++
	if len(list) == 0 {
		return
	}
	c.proven++
	key := fmt.Sprint(list)
	live, known := c.live[key]
	if !known {
		if c.live == nil {
			c.live = map[string]int{}
		}
		ids, of := g.Live(list)
		c.rules = of
		live = len(ids)
		c.live[key] = live
		for i := range list {
			for _, text := range list[i].Texts {
				if !c.constants[text] {
					c.constants[text] = true
					if ids, _ := g.Live([]durward.Language{{Texts: []string{text}}}); len(ids) > 0 {
						for _, id := range ids {
							c.matched[id]++
						}
						c.texts = append(c.texts, fmt.Sprint(text, ids))
					}
				}
			}
		}
	}
	c.seen += live
}

func (c *tally) log(t *testing.T) {
	t.Logf("%d places; of %d something is proven; these are shown to %.1f rules of %d on average", c.places, c.proven, float64(c.seen)/float64(max(c.proven, 1)), c.rules)
	t.Logf("%d distinct constants; the first condition of some rule matches %d of them: %v", len(c.constants), len(c.texts), c.matched)
	t.Logf("%q", c.texts[:min(len(c.texts), 40)])
}
