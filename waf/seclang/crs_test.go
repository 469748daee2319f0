// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/google/go-cmp/cmp"
)

const wholeCRS = "Include @coraza.conf-recommended\nInclude @crs-setup.conf.example\nInclude @owasp_crs/*.conf\n"

var crs = sync.OnceValues(func() (*Set, error) { return Parse(coreruleset.FS, wholeCRS) })

func parseCRS(t testing.TB) *Set {
	t.Helper()
	set, err := crs()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// described is what Coraza tells about a rule when it is added.
type described struct {
	ID, Phase int
	Severity  int
	Marker    string
	Tags      []string
}

func describedByCoraza(t testing.TB, root fs.FS, directives string) ([]described, coraza.WAF) {
	t.Helper()
	var rules []types.RuleMetadata
	cfg := coraza.NewWAFConfig().WithRootFS(root).WithDirectives(directives)
	cfg = experimental.WAFConfigWithRuleObserver(cfg, func(r types.RuleMetadata) { rules = append(rules, r) })
	waf, err := coraza.NewWAF(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all []described
	for _, r := range rules {
		all = append(all, described{ID: r.ID(), Phase: int(r.Phase()), Severity: int(r.Severity()), Marker: r.SecMark(), Tags: r.Tags()})
	}
	return all, waf
}

func describedByUs(set *Set) []described {
	var all []described
	for _, it := range set.Items {
		switch it := it.(type) {
		case Marker:
			all = append(all, described{Marker: string(it), Severity: -1, Tags: []string{}})
		case *Rule:
			tags := it.Tags
			if tags == nil {
				tags = []string{}
			}
			all = append(all, described{ID: it.ID, Phase: it.Phase, Severity: it.Severity, Tags: tags})
		}
	}
	return all
}

func TestTheRuleSetHasTheRulesThatCorazaHas(t *testing.T) {
	ours := describedByUs(parseCRS(t))
	theirs, waf := describedByCoraza(t, coreruleset.FS, wholeCRS)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("Coraza's rules and ours (-theirs +ours):\n%s", diff)
	}
	if n := waf.(experimental.WAFWithRules).RulesCount(); n != len(ours) {
		t.Errorf("Coraza counts %d rules, we %d", n, len(ours))
	}
}

func TestEveryRuleOfTheRuleSetIsUnderstood(t *testing.T) {
	phases := map[int]int{}
	chains, links := 0, 0
	for _, it := range parseCRS(t).Items {
		first, ok := it.(*Rule)
		if !ok {
			continue
		}
		phases[first.Phase]++
		if first.Chain != nil {
			chains++
		}
		for i, r := range first.Links() {
			links++
			if r.Unknown != "" {
				t.Errorf("rule %d, link %d: %s", first.ID, i, r.Unknown)
			}
			if r.HasChain != (r.Chain != nil) {
				t.Errorf("rule %d: link %d has a chain action and no next link, or the other way round", first.ID, i)
			}
			if i > 0 && r.Phase != 0 {
				t.Errorf("rule %d: link %d has a phase of its own", first.ID, i)
			}
			if r.Operator == nil && len(r.Variables) > 0 || r.Operator != nil && len(r.Variables) == 0 {
				t.Errorf("rule %d, link %d: operator %v on %v", first.ID, i, r.Operator, r.Variables)
			}
		}
	}
	t.Logf("%d links, %d chains, rules by phase: %v", links, chains, phases)
	if phases[1] < 50 || phases[2] < 200 || phases[3] < 5 || phases[4] < 50 || chains < 20 {
		t.Errorf("rules by phase %v, %d chains: too few to be the whole set", phases, chains)
	}
	// Every SecRule and SecAction of the files is a link, every marker an item.
	if want := countDirectives(t); links != want {
		t.Errorf("%d links, and the files have %d directives", links, want)
	}
}

// countDirectives counts the SecRule and SecAction lines of the files.
func countDirectives(t *testing.T) (n int) {
	t.Helper()
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "@coraza.conf-recommended", "@crs-setup.conf.example") {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 0 && (f[0] == "SecRule" || f[0] == "SecAction") {
				n++
			}
		}
	}
	return n
}

func TestKnownRulesReadAsTheyAreWritten(t *testing.T) {
	find := func(id int) *Rule {
		for _, it := range parseCRS(t).Items {
			if r, ok := it.(*Rule); ok && r.ID == id {
				return r
			}
		}
		t.Fatalf("no rule %d", id)
		return nil
	}
	r := find(942100)
	if r.Operator.Name != "detectsqli" || r.Phase != 2 || !r.MultiMatch || r.Disruptive != "pass" || r.Severity != 2 {
		t.Errorf("942100 reads as %+v", r)
	}
	if want := []string{"utf8tounicode", "urldecodeuni", "removenulls"}; !slices.Equal(r.Transformations, want) {
		t.Errorf("942100 transforms by %v", r.Transformations)
	}
	if r = find(920170); len(r.Links()) != 2 || r.Chain.Operator.Name != "rx" || !r.Chain.Operator.Negated {
		t.Errorf("920170 reads as %+v", r.Chain)
	}
	if r = find(911100); !r.Operator.Negated || r.Operator.Name != "within" || r.Operator.Macro.String() != "%{tx.allowed_methods}" {
		t.Errorf("911100 has the operator %+v", r.Operator)
	}
	if r = find(913100); len(r.Operator.Data) < 50 || slices.Contains(r.Operator.Data, "") {
		t.Errorf("913100 has %d phrases", len(r.Operator.Data))
	}
}
