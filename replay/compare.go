// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"slices"
)

// Judge gives the decision of another configuration on a record.
type Judge func(*Record) Decision

// Group are records that are decided differently in the same way.
type Group struct {
	API       string   `json:"api,omitempty"`
	Operation string   `json:"operation,omitempty"`
	Before    Decision `json:"before"`
	After     Decision `json:"after"`
	Count     int      `json:"count"`
	Examples  []string `json:"examples"` // request ids, a few
}

// Weaker tells that what was refused would be allowed.
func (g *Group) Weaker() bool { return !g.Before.Allowed && g.After.Allowed }

// Summary is the outcome of a comparison.
type Summary struct {
	Records int     `json:"records"`
	Same    int     `json:"same"`
	Groups  []Group `json:"groups"` // the weaker ones first, then by count
}

const maxExamples = 3

// Comparison collects differences.
type Comparison struct {
	judge   Judge
	summary Summary
	byKey   map[groupKey]int
}

type groupKey struct {
	api, op       string
	before, after Decision
}

// Compare begins a comparison.
func Compare(judge Judge) *Comparison {
	return &Comparison{judge: judge, byKey: map[groupKey]int{}}
}

// Add judges one record. It can be the use of Read.
func (c *Comparison) Add(r *Record) error {
	c.summary.Records++
	after := c.judge(r)
	if r.Decision.same(&after) {
		c.summary.Same++
		return nil
	}
	k := groupKey{r.API, r.Op, r.Decision, after}
	i, ok := c.byKey[k]
	if !ok {
		i = len(c.summary.Groups)
		c.byKey[k] = i
		c.summary.Groups = append(c.summary.Groups, Group{API: r.API, Operation: r.Op, Before: r.Decision, After: after})
	}
	g := &c.summary.Groups[i]
	g.Count++
	if len(g.Examples) < maxExamples {
		g.Examples = append(g.Examples, r.ID)
	}
	return nil
}

// Summary gives what was found.
func (c *Comparison) Summary() *Summary {
	slices.SortStableFunc(c.summary.Groups, func(a, b Group) int {
		if a.Weaker() != b.Weaker() {
			if a.Weaker() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.API, b.API), cmp.Compare(a.Operation, b.Operation))
	})
	return &c.summary
}
