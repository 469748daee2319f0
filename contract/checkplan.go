// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/binary"
	"slices"
)

// A plan is what all schemas that apply to one value say of it, by the value's
// kind, so that JSON is checked while it is read and nothing is kept of it. It
// is made at load: references, allOf, and alternatives that the kind alone
// tells apart are followed then. What needs a second look (alternatives that
// it does not, negation, distinct items, dependencies between members) is in
// tree: such a value is read into a tree and held against the schemas.
//
// A plan only takes values, and never explains: what it does not take goes to
// the tree as a whole, which has the last word and gives the reasons. So a
// fault here could refuse nothing that the tree takes.
type plan struct {
	all    []*schema // for the tree
	tree   kind      // the kinds that need it
	null   bool
	no     bool // false is taken
	yes    bool // true is
	number *scalarPlan
	text   *scalarPlan
	array  *arrayPlan
	object *objectPlan
}

// scalarPlan holds numbers or strings; nil takes none.
type scalarPlan struct {
	integer bool
	checks  []*schema // that have keywords for the kind
	enums   []*schema
}

type arrayPlan struct {
	min, max int // max -1: no bound
	items    *plan
}

type objectPlan struct {
	min, max int
	members  map[string]memberPlan // declared or required
	required []uint64              // a bit for each of members
	rest     *plan                 // of other members
}

type memberPlan struct {
	bit  int
	plan *plan
}

// Bounds of the plans of one document, beyond which values go to the tree:
// schemas that combine each other can have more sets than anybody would use.
const (
	maxPlans   = 20_000
	maxPlanSet = 64
)

// planner makes plans, one for each set of schemas.
type planner struct {
	ids   map[*schema]uint32
	plans map[string]*plan
}

func newPlanner() *planner {
	return &planner{ids: map[*schema]uint32{}, plans: map[string]*plan{}}
}

func (b *planner) key(set []*schema) string {
	ids := make([]uint32, 0, len(set))
	for _, s := range set {
		id, ok := b.ids[s]
		if !ok {
			id = uint32(len(b.ids))
			b.ids[s] = id
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var key []byte
	for _, id := range slices.Compact(ids) {
		key = binary.LittleEndian.AppendUint32(key, id)
	}
	return string(key)
}

// plan gives the plan of values to which all the schemas apply. The schemas
// must be finished.
func (b *planner) plan(set ...*schema) *plan {
	key := b.key(set)
	if p, ok := b.plans[key]; ok {
		return p
	}
	p := &plan{all: set}
	if len(set) > maxPlanSet || len(b.plans) >= maxPlans {
		p.tree = kAny
		return p
	}
	b.plans[key] = p // schemas may lead back to themselves
	for _, k := range [...]kind{kNull, kBool, kNumber, kString, kArray, kObject} {
		parts, how := gatherAll(set, k)
		switch {
		case how == planTree:
			p.tree |= k
		case how == planRefuse:
		case k == kNull:
			p.null = takesScalar(parts, k, "")
		case k == kBool:
			p.no, p.yes = takesScalar(parts, k, "false"), takesScalar(parts, k, "true")
		case k == kNumber:
			p.number = scalarPlanOf(parts, func(s *schema) bool {
				return s.min != nil || s.max != nil || s.above != nil || s.below != nil || s.multiple != nil || s.number != nil
			})
		case k == kString:
			p.text = scalarPlanOf(parts, func(s *schema) bool {
				return s.minLength > 0 || s.maxLength >= 0 || s.pattern != nil || s.format != nil
			})
		case k == kArray:
			p.array = b.arrayOf(parts)
		case k == kObject:
			p.object = b.objectOf(parts)
		}
	}
	return p
}

func takesScalar(parts []*schema, k kind, text string) bool {
	for _, s := range parts {
		if s.enum != nil && !s.listsScalar(k, text) {
			return false
		}
	}
	return true
}

func scalarPlanOf(parts []*schema, checks func(*schema) bool) *scalarPlan {
	p := &scalarPlan{}
	for _, s := range parts {
		p.integer = p.integer || s.types&kInteger != 0 && s.types&kNumber == 0
		if checks(s) {
			p.checks = append(p.checks, s)
		}
		if s.enum != nil {
			p.enums = append(p.enums, s)
		}
	}
	return p
}

func (b *planner) arrayOf(parts []*schema) *arrayPlan {
	p := &arrayPlan{max: -1}
	var items []*schema
	for _, s := range parts {
		p.min, p.max = max(p.min, s.minItems), lowerBound(p.max, s.maxItems)
		if s.items != nil {
			items = append(items, s.items)
		}
	}
	p.items = b.plan(items...)
	return p
}

func lowerBound(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
