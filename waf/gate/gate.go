// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"durward/waf/match"
	"durward/waf/seclang"
)

// Profile is what one use of a rule set differs in from another.
type Profile struct {
	// TX are the variables that a transaction has before any rule runs, by name,
	// such as blocking_paranoia_level: what the firewall gives to Coraza too.
	TX map[string]string
	// Cache shares compiled patterns between gates. Nil gives the gate its own.
	Cache *match.Cache
}

// Reason tells why a request was not proven clean.
type Reason struct {
	// RuleID is the rule that may match, 0 when the request is of a kind that
	// the gate does not judge.
	RuleID int
	// Target is the collection in which it may match, such as ARGS, or what it is
	// that is not judged.
	Target string

	key string
}

// Key is the member of the collection, as the client named it; "" for none.
func (r Reason) Key() string { return r.key }

// Gate is a compiled plan. It is immutable and safe for concurrent use.
type Gate struct {
	limits   limits
	marks    marks
	set      *seclang.Set
	rules    []*rule
	setup    []*rule
	direct   []*rule
	chains   []*rule
	counters []*rule
	ones     []*bag // of collections with one value
	keyed    []*bag // of arguments, cookies and names
	headers  []*bag // of header fields that a rule names
	other    *bag   // of the other header fields
	hopeless *rule
	cache    *match.Cache
	nodes    int // most nodes of a bag
	patterns int // most patterns of a bag
	seed     maphash.Seed
	pool     sync.Pool
}

// Compile makes the plan of a rule set for one profile. It takes about a second
// of processor time with the whole of CRS. Rules that it does not understand are
// no error: see Coverage.
func Compile(set *seclang.Set, p Profile) (*Gate, error) {
	f, err := plan(set, p.TX)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{set: set, rules: f.rules, limits: limitsOf(&set.Settings), seed: maphash.MakeSeed()}
	b := builder{marks: &g.marks, opt: match.Options{Cache: p.Cache}, bags: map[place]*bagPlan{}, sets: map[string]*match.Set{}}
	if b.opt.Cache == nil {
		b.opt.Cache = match.NewCache(0)
	}
	g.cache = b.opt.Cache
	b.named = namedHeaders(g.rules)
	var errs []error
	for _, c := range g.rules {
		errs = append(errs, g.place(&b, c))
	}
	errs = append(errs, b.finish())
	for _, at := range b.order {
		g.shelve(b.bags[at].bag)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g.pool.New = func() any {
		return &pass{gate: g, states: make([]state, max(g.nodes, 1)), roots: make([]int, max(g.nodes, 1)), bits: make([]uint64, (g.patterns+63)/64),
			own: make([]uint64, (g.patterns+63)/64), first: make([][]hit, len(g.rules))}
	}
	return g, nil
}

// limitsOf gives the engine's limits, with Coraza's defaults.
func limitsOf(s *seclang.Settings) limits {
	l := limits{arguments: 1000, depth: 1024, body: 134217728}
	if s.ArgumentsLimit != nil {
		l.arguments = *s.ArgumentsLimit
	}
	if s.RequestBodyJSONDepth != nil {
		l.depth = *s.RequestBodyJSONDepth
	}
	if s.RequestBodyLimit != nil {
		l.body = *s.RequestBodyLimit
	}
	l.access = s.RequestBodyAccess != nil && *s.RequestBodyAccess
	return l
}

// namedHeaders lists the header fields that some first link names.
func namedHeaders(rules []*rule) (names []string) {
	for _, c := range rules {
		if c.dead != "" || len(c.links) == 0 {
			continue
		}
		for _, t := range c.links[0].targets {
			if t.kind != kindValues || t.sources[0] != srcHeaders {
				continue
			}
			for _, s := range append(slices.Clone(t.except), t.selector) {
				if s.low != "" && !slices.Contains(names, s.low) {
					names = append(names, s.low)
				}
			}
		}
	}
	return names
}

// place puts a rule where it is evaluated.
func (g *Gate) place(b *builder, c *rule) error {
	if c.dead != "" {
		return nil
	}
	if c.counted != nil {
		g.counters = append(g.counters, c)
		return nil
	}
	if c.open != "" {
		if c.every || c.links[0].open != "" {
			if g.hopeless == nil {
				g.hopeless = c
			}
			return nil
		}
		// A match of the first link is enough to leave the request to Coraza.
		c.links, c.neutral, c.setup = c.links[:1], false, false
	}
	for i := range c.links {
		op := &c.links[i].op
		if op.pattern == nil || op.whole || i == 0 && !c.direct {
			continue
		}
		set, err := b.set([]*match.Pattern{op.pattern})
		if err != nil {
			return fmt.Errorf("rule %d: %w", c.id, err)
		}
		op.set = set
	}
	if len(c.links) > 1 && !c.setup {
		g.chains = append(g.chains, c)
	}
	switch {
	case c.setup:
		g.setup = append(g.setup, c)
	case c.direct:
		g.direct = append(g.direct, c)
	default:
		b.add(c)
	}
	return nil
}

// shelve files a finished bag.
func (g *Gate) shelve(b *bag) {
	g.nodes = max(g.nodes, len(b.nodes))
	g.patterns = max(g.patterns, len(b.refs))
	switch {
	case b.source < firstKeyed:
		g.ones = append(g.ones, b)
	case b.source != srcHeaders || b.names:
		g.keyed = append(g.keyed, b)
	case b.header == "":
		g.other = b
	default:
		g.headers = append(g.headers, b)
	}
}

// Clean tells whether it is proven that no rule of the request phases matches
// the request, but for rules that pass and log nothing. If not, why names the
// first rule that may.
func (g *Gate) Clean(r *Request) (clean bool, why Reason) {
	p := g.pool.Get().(*pass)
	clean = p.run(r)
	why = p.why
	why.key = string([]byte(why.key))
	p.release()
	g.pool.Put(p)
	return clean, why
}
