// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"durward/waf/gate"
)

func cover(t *testing.T, global *Global, configs ...Config) []Coverage {
	t.Helper()
	b := NewBuilder(global)
	var demands []*Demand
	for i, cfg := range configs {
		d, err := b.Operation(string(rune('a'+i)), cfg, "PUT", nil)
		if err != nil {
			t.Fatal(err)
		}
		demands = append(demands, d)
	}
	out, err := Cover(b, noon, demands...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *Coverage) of(id int) *RuleCoverage {
	for i := range c.Rules {
		if c.Rules[i].ID == id {
			return &c.Rules[i]
		}
	}
	return nil
}

// The promise of the gate: at the first two levels no rule of CRS forces every
// request onto the slow path.
func TestEveryRuleOfTheFirstTwoLevelsIsCovered(t *testing.T) {
	all := cover(t, nil, Config{}, Config{Paranoia: 2}, Config{BodyLimit: 5})
	if len(all) != 2 || !slices.Equal(all[0].Demands, []int{0, 2}) || !slices.Equal(all[1].Demands, []int{1}) {
		t.Fatalf("operations with the same settings do not share a gate: %d gates", len(all))
	}
	for i := range all {
		for level := range 3 {
			n := all[i].Count(level)
			t.Logf("gate of paranoia %d, rules of level %d: %v", i+1, level, n)
			if n[gate.Uncovered] > 0 {
				t.Errorf("paranoia %d: rules of level %d are not covered: %v", i+1, level, n)
			}
		}
		if n := all[i].Count(i + 1); n[gate.Covered] < 60 {
			t.Errorf("paranoia %d: only %d rules of its level are covered", i+1, n[gate.Covered])
		}
	}
	if r := all[0].of(942100); r == nil || r.Cover != gate.Covered || r.Paranoia != 1 || r.Phase != 2 {
		t.Errorf("942100: %+v", r)
	}
	if a, b := all[0].of(942200), all[1].of(942200); a.Cover != gate.Settled || b.Cover != gate.Covered {
		t.Errorf("a rule of level 2: %+v, %+v", a, b)
	}
}

func TestARuleThatTheGateDoesNotUnderstandIsShownWithTheReason(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.conf")
	if err := os.WriteFile(own, []byte(`SecRule REMOTE_ADDR "@geoLookup" "id:7,phase:1,deny,log"`), 0o600); err != nil {
		t.Fatal(err)
	}
	all := cover(t, nil, Config{Rules: []string{own}}, Config{})
	if len(all) != 2 {
		t.Fatalf("%d gates", len(all))
	}
	if r := all[0].of(7); r == nil || r.Cover != gate.Uncovered || r.How == "" || r.Paranoia != 0 {
		t.Errorf("an operator that is not known: %+v", r)
	}
	if r := all[1].of(7); r == nil || r.Cover != gate.Settled {
		t.Errorf("another API's rule: %+v", r)
	}
}

func TestCoverageOfRulesThatCannotBeReadIsAnError(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.conf")
	if err := os.WriteFile(own, []byte(`SecRule ARGS "@rx (" "id:7,phase:1,deny"`), 0o600); err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(&Global{Rules: []string{own}})
	d, err := b.Operation("a", Config{}, "GET", nil)
	if err == nil {
		_, err = Cover(b, noon, d)
	}
	if err == nil {
		t.Error("none")
	}
}
