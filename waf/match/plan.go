// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

// strategy is how a pattern is looked for.
type strategy uint8

const (
	direct  strategy = iota // its automaton runs over every text
	local                   // its automaton starts where a window of it stands
	inside                  // its automaton runs over texts in which a window stands
	literal                 // its phrases are compared where their windows stand
)

const (
	maxWindows      = 400  // of one pattern
	maxStartWindows = 1500 // when they begin where its matches do

	// planDepth is how far windows are looked at to choose between cuts: as
	// far as the scan does. maxDepth is how far they are compared where the
	// scan found one.
	planDepth = 4
	maxDepth  = 6

	// Costs in nanoseconds: of an automaton for each byte of a text, of a hit
	// that is verified on the spot, and of one that sends a text of ordinary
	// length through the automaton.
	costDirect = 2.0
	costLocal  = 60.0
	costInside = 400.0
)

// plan is what the scan looks for on behalf of an expression.
type plan struct {
	strategy strategy
	windows  []window
	behind   bool    // the first set of each window is the byte before the place
	cost     float64 // expected, in nanoseconds for each byte of a text
}

// makePlan finds the cheapest cut of an expression.
func makePlan(p *prog, places *cut) plan {
	pl := &planner{
		windower: newWindower(p, maxWindows), best: map[uint32]option{},
		symbols: map[byteSet]symbolSet{}, chances: map[symbolWindow]float64{},
	}
	pl.most = maxStartWindows
	start := pl.at(p.start)
	pl.most = maxWindows
	inner := pl.cheapest(places)
	pl.most = maxStartWindows
	best := plan{strategy: direct, cost: costDirect}
	chosen := option{}
	if start.ok && start.chance*costLocal < best.cost {
		best, chosen = plan{strategy: local, cost: start.chance * costLocal}, start
	}
	if inner.ok && inner.chance*costInside < best.cost {
		best, chosen = plan{strategy: inside, cost: inner.chance * costInside}, inner
	}
	best.windows, best.behind = pl.lengthen(chosen)
	return best
}

type planner struct {
	*windower
	best    map[uint32]option
	symbols map[byteSet]symbolSet
	chances map[symbolWindow]float64
}

// option is a cut: the places to take windows from, how many there are, and the
// chance that one stands at a given place of a text.
type option struct {
	entries []uint32
	count   int
	depth   int // of the shortest
	chance  float64
	ok      bool
}

// at is the option of windows that begin at an instruction: the longest ones
// that are not too many.
func (pl *planner) at(entry uint32) option {
	if o, ok := pl.best[entry]; ok {
		return o
	}
	o := option{entries: []uint32{entry}}
	var list []window
	for o.depth = planDepth; o.depth > 0 && !o.ok; o.depth-- {
		list, _, o.ok = pl.windows(entry, o.depth)
	}
	o.depth++
	o.count = len(list)
	for _, w := range list {
		o.chance += pl.chance(w)
	}
	pl.best[entry] = o
	return o
}

func (pl *planner) chance(w window) float64 {
	var sw symbolWindow
	for i := range sw {
		if sw[i] = anySymbol; i < len(w) {
			set, ok := pl.symbols[w[i]]
			if !ok {
				set = symbolsOf(w[i])
				pl.symbols[w[i]] = set
			}
			sw[i] = set
		}
	}
	chance, ok := pl.chances[sw]
	if !ok {
		chance = sw.chance()
		pl.chances[sw] = chance
	}
	return chance
}

func (pl *planner) cheapest(c *cut) option {
	best := pl.at(c.entry)
	if c.every {
		all := option{ok: true, depth: planDepth}
		for _, within := range c.within {
			o := pl.cheapest(within)
			all.ok = all.ok && o.ok
			all.chance += o.chance
			all.count += o.count
			all.depth = min(all.depth, o.depth)
			all.entries = append(all.entries, o.entries...)
		}
		if all.ok && all.count <= maxWindows && (!best.ok || all.chance < best.chance) {
			return all
		}
		return best
	}
	for _, within := range c.within {
		if o := pl.cheapest(within); o.ok && (!best.ok || o.chance < best.chance) {
			best = o
		}
	}
	return best
}

// lengthen lists the windows of an option, longer ones when they are not many
// more.
func (pl *planner) lengthen(o option) (list []window, behind bool) {
	if !o.ok {
		return nil, false
	}
	for depth := maxDepth; ; depth-- {
		list = nil
		all := true
		for _, entry := range o.entries {
			own, after, ok := pl.windows(entry, depth)
			if !ok && depth <= planDepth { // as it was chosen
				own, after, _ = pl.windows(entry, pl.best[entry].depth)
				ok = true
			}
			list, behind, all = append(list, own...), after, all && ok
		}
		if all && len(list) <= 2*max(o.count, 16) && len(list) <= maxStartWindows || depth <= planDepth {
			return list, behind
		}
	}
}
