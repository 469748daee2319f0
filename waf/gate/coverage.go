// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strconv"

	"durward/waf/seclang"
)

// Cover says what the gate makes of a rule.
type Cover string

// The ways in which a rule is covered.
const (
	// Covered rules are evaluated to the end of their chain.
	Covered Cover = "covered"
	// Partly covered rules are evaluated up to a link that is not understood: if
	// what stands before it matches, the request takes the slow path.
	Partly Cover = "partly"
	// Settled rules do not depend on the request, or cannot match one that takes
	// the fast path.
	Settled Cover = "settled"
	// Uncovered rules send every request to the slow path.
	Uncovered Cover = "uncovered"
)

// RuleCoverage is what the gate makes of one rule of the request phases.
type RuleCoverage struct {
	ID    int
	Phase int
	Cover Cover
	// How says how the rule is evaluated, or why it is not.
	How string
}

// Coverage lists the rules of the request phases in the order of evaluation.
func (g *Gate) Coverage() []RuleCoverage {
	live := map[int]*rule{}
	for _, c := range g.rules {
		live[c.id] = c
	}
	var out []RuleCoverage
	for phase := 1; phase <= 2; phase++ {
		for _, it := range g.set.Items {
			s, ok := it.(*seclang.Rule)
			if !ok || s.Phase != phase {
				continue
			}
			r := RuleCoverage{ID: s.ID, Phase: phase, Cover: Settled, How: "does not depend on the request with this profile, or is skipped"}
			if c := live[s.ID]; c != nil {
				r.Cover, r.How = c.cover()
			}
			out = append(out, r)
		}
	}
	return out
}

func (c *rule) cover() (Cover, string) {
	switch {
	case c.dead != "":
		return Settled, c.dead
	case c.open != "" && (c.every || c.links[0].open != ""):
		return Uncovered, c.open
	case c.open != "":
		return Partly, "its first condition only: " + c.open
	}
	for i := range c.links {
		if c.links[i].open != "" {
			return Partly, "up to condition " + strconv.Itoa(i) + ": " + c.links[i].open
		}
	}
	how := "with all that looks at the same values"
	switch {
	case c.counted != nil:
		how = "it counts names, which must be distinct"
	case c.setup:
		how = "before the content is read, which it decides on"
	case c.direct:
		how = "on its own"
	}
	if len(c.links) > 1 && !c.setup {
		how += ", then its chain of " + strconv.Itoa(len(c.links)) + " to the end"
	}
	return Covered, how
}
