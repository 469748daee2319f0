// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "regexp/syntax"

// strategy is how a pattern is looked for.
type strategy uint8

const (
	direct  strategy = iota // its automaton runs over every text
	local                   // its automaton starts where a match with a window of it may begin
	inside                  // its automaton runs over texts in which what begins with a window goes on
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

	// maxBack is how many runes a match may begin before its window, so that
	// it can be verified on the spot.
	maxBack = 6

	// Costs in nanoseconds: of an automaton for each byte of a text, of a
	// place where a match may begin, and of sending a text of ordinary length
	// through the automaton.
	costDirect = 2.0
	costLocal  = 60.0
	costInside = 100.0
)

// plan is what the scan looks for on behalf of an expression.
type plan struct {
	strategy strategy
	windows  []placed
	cost     float64 // expected, in nanoseconds for each byte of a text
}

// placed is a window, and where a match that holds it begins: least to most runes
// before the first set, or before the second when that one is behind.
type placed struct {
	window
	behind      bool
	entry       uint32 // the instruction that the window begins at
	least, most uint8  // most is more than maxBack when there is no bound
}

func (p placed) near() bool { return p.most <= maxBack }

// makePlan finds the cheapest cut of an expression. From the ceiling on, cost is
// no better than running the automaton over every text.
func makePlan(p *prog, places *cut, ceiling float64) plan {
	pl := &planner{
		windower: newWindower(p, maxWindows), best: map[uint32]option{}, reach: p.distances(),
		symbols: map[byteSet]symbolSet{}, chances: map[symbolWindow]float64{},
	}
	pl.most = maxStartWindows
	start := pl.at(p.start)
	pl.most = maxWindows
	chosen := pl.cheapest(places)
	if start.ok && (!chosen.ok || start.cost < chosen.cost) {
		chosen = start
	}
	if !chosen.ok || chosen.cost >= ceiling {
		return plan{strategy: direct, cost: costDirect}
	}
	pl.most = maxStartWindows
	best := plan{strategy: local, windows: pl.lengthen(chosen), cost: chosen.cost}
	for _, w := range best.windows {
		if !w.near() {
			best.strategy = inside
		}
	}
	return best
}

type planner struct {
	*windower
	best    map[uint32]option
	reach   [][2]uint8
	symbols map[byteSet]symbolSet
	chances map[symbolWindow]float64
}

// option is a cut: the places to take windows from, how many there are, and what
// they are expected to cost.
type option struct {
	entries []uint32
	count   int
	depth   int // of the shortest
	cost    float64
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
		var behind bool
		list, behind, o.ok = pl.windows(entry, o.depth)
		for _, w := range list {
			// What can match at the very end would need a window after it.
			o.ok = o.ok && (behind || !w[0].has(edgeByte))
		}
	}
	o.depth++
	o.count = len(list)
	each := costInside
	if least, most := pl.reach[entry][0], pl.reach[entry][1]; most <= maxBack {
		each = costLocal * float64(1+most-least)
	}
	for _, w := range list {
		o.cost += pl.chance(w) * each
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
			all.cost += o.cost
			all.count += o.count
			all.depth = min(all.depth, o.depth)
			all.entries = append(all.entries, o.entries...)
		}
		if all.ok && all.count <= maxWindows && (!best.ok || all.cost < best.cost) {
			return all
		}
		return best
	}
	for _, within := range c.within {
		if o := pl.cheapest(within); o.ok && (!best.ok || o.cost < best.cost) {
			best = o
		}
	}
	return best
}

// lengthen lists the windows of an option, longer ones when they are not many
// more.
func (pl *planner) lengthen(o option) (list []placed) {
	for depth := maxDepth; ; depth-- {
		list = nil
		all := true
		for _, entry := range o.entries {
			own, behind, ok := pl.windows(entry, depth)
			if !ok && depth <= planDepth { // as it was chosen
				own, behind, _ = pl.windows(entry, pl.best[entry].depth)
				ok = true
			}
			all = all && ok
			for _, w := range own {
				list = append(list, placed{w, behind, entry, pl.reach[entry][0], pl.reach[entry][1]})
			}
		}
		if all && len(list) <= 2*max(o.count, 16) && len(list) <= maxStartWindows || depth <= planDepth {
			return list
		}
	}
}

// distances are, for each instruction, the least and the most runes that a match
// may have before it; those past maxBack count as maxBack+1.
func (p *prog) distances() [][2]uint8 {
	const far = maxBack + 1
	reach := make([][2]uint8, len(p.insts))
	seen := make([]bool, len(p.insts))
	todo := []uint32{p.start}
	seen[p.start] = true
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		in, low, high := &p.insts[at], reach[at][0], reach[at][1]
		visit := func(to uint32) {
			was, known := reach[to], seen[to]
			now := [2]uint8{low, high}
			if known {
				now = [2]uint8{min(was[0], low), max(was[1], high)}
			}
			if !known || now != was {
				reach[to], seen[to] = now, true
				todo = append(todo, to)
			}
		}
		switch in.op {
		case syntax.InstAlt:
			visit(in.arg)
			visit(in.out)
		case syntax.InstRune:
			low, high = min(low+1, far), min(high+1, far)
			visit(in.out)
		case syntax.InstNop, syntax.InstEmptyWidth:
			visit(in.out)
		}
	}
	return reach
}
