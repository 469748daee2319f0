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
	maxWindows = 400 // of one pattern
	maxDepth   = 6

	// Costs in nanoseconds: of an automaton for each byte of a text, of a hit
	// that is verified on the spot, and of one that sends a text of ordinary
	// length through the automaton.
	costDirect = 2.0
	costLocal  = 30.0
	costInside = 250.0
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
	pl := &planner{windower: newWindower(p, maxWindows), best: map[uint32]option{}}
	best := plan{strategy: direct, cost: costDirect}
	if o := pl.at(p.start); o.ok && o.chance*costLocal < best.cost {
		best = plan{strategy: local, windows: o.windows, behind: o.behind, cost: o.chance * costLocal}
	}
	if o := pl.cheapest(places); o.ok && o.chance*costInside < best.cost {
		best = plan{strategy: inside, windows: o.windows, cost: o.chance * costInside}
	}
	return best
}

type planner struct {
	*windower
	best map[uint32]option
}

// option is the windows of a cut, and the chance that one stands at a given place.
type option struct {
	windows []window
	behind  bool
	chance  float64
	ok      bool
}

// at is the option of windows that begin at an instruction: the longest ones
// that are not too many.
func (pl *planner) at(entry uint32) option {
	if o, ok := pl.best[entry]; ok {
		return o
	}
	o := option{}
	for depth := maxDepth; depth > 0 && !o.ok; depth-- {
		o.windows, o.behind, o.ok = pl.windows(entry, depth)
	}
	for _, w := range o.windows {
		o.chance += w.symbols().chance()
	}
	pl.best[entry] = o
	return o
}

func (pl *planner) cheapest(c *cut) option {
	if c.every {
		all := option{ok: true}
		for _, within := range c.within {
			o := pl.cheapest(within)
			all.ok = all.ok && o.ok
			all.chance += o.chance
			all.windows = append(all.windows, o.windows...)
		}
		all.ok = all.ok && len(all.windows) <= maxWindows
		if own := pl.at(c.entry); own.ok && (!all.ok || own.chance <= all.chance) {
			return own
		}
		return all
	}
	best := pl.at(c.entry)
	for _, within := range c.within {
		if o := pl.cheapest(within); o.ok && (!best.ok || o.chance < best.chance) {
			best = o
		}
	}
	return best
}
