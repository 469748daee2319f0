// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"durward"
	"durward/waf/gate"
)

// Proves tells what the contract proves of the requests of an operation that
// have passed it. It is called before the demand goes to Engines.Set, and only
// where the contract is enforced before the firewall.
func (d *Demand) Proves(proven []*durward.Proven) {
	if d.cfg.Narrows() {
		d.proven = proven
	}
}

// Narrows tells that values are kept from rules that cannot match them.
func (c *Config) Narrows() bool { return c.Narrowing != off }

// narrowing is what one configuration knows of its requests, made for one gate.
// Until it is there, and when it cannot be, rules see every value.
type narrowing struct {
	plan   *plan
	proven []*durward.Proven
	done   atomic.Pointer[gate.Narrowing]

	// Under the lock of Engines: nobody needs it any more; it is in their count.
	closed, counted bool
}

// narrowingsOf collects what operations prove, by the gate that they ask, and
// leaves it to whoever compiles gates. It runs under the lock of Engines.
func (e *Engines) narrowingsOf(mine map[Settings]*plan, demands []*Demand) map[Settings]*narrowing {
	var out map[Settings]*narrowing
	for _, d := range demands {
		if len(d.proven) == 0 {
			continue
		}
		for _, span := range d.spans {
			s := d.cfg.settings().with(span.profile)
			if out == nil {
				out = map[Settings]*narrowing{}
			}
			if out[s] == nil {
				out[s] = &narrowing{plan: mine[s]}
				e.narrow = append(e.narrow, out[s])
			}
			out[s].proven = append(out[s].proven, d.proven...)
		}
	}
	return out
}

// make compiles a narrowing for the gate of its plan, when that is there. Only one
// goroutine does so at a time.
func (n *narrowing) make() {
	defer func() { _ = recover() }() // rules see every value
	g := n.plan.gate.Load()
	if g == nil {
		return
	}
	made, err := g.Narrow(n.proven, n.plan.last)
	if err != nil {
		return
	}
	n.plan.last = made
	n.done.Store(made)
}

// of gives what is known of a request. Nothing is known of content that a stage
// has put in place of what the contract has seen, or of a part of it.
func (n *narrowing) of(x *durward.Exchange, skipped string) *gate.Known {
	if n == nil || x.Proven == nil || x.In.Body.Replaced() || skipped == UninspectedSize {
		return nil
	}
	return n.done.Load().Of(x.Proven)
}

// Narrowings counts what contracts prove, by gate: ready, and waiting to be
// compiled.
func (e *Engines) Narrowings() (ready, waiting int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int(e.stats.narrowings.Load()), len(e.narrow)
}

// Narrowed gives how many requests were judged with what their contract proves.
func (e *Engines) Narrowed() int64 { return e.stats.narrowed.Load() }

// NarrowedPlace is what the rules of a gate are still asked of one value.
type NarrowedPlace struct {
	Place string // query.NAME, form.NAME, body.PATH with * for items
	// Rules are those that the value is shown to, of Of that look at arguments.
	Rules []int
	Of    int
	// Proven is what the contract proves, for people.
	Proven string
}

// maxPlaces bounds a list of places, maxSteps their depth.
const (
	maxPlaces = 2000
	maxSteps  = 12
)

// Narrow tells of each value of an operation which rules it is shown to, for one
// of the gates that Cover gives.
func (c *Coverage) Narrow(proven []*durward.Proven) []NarrowedPlace {
	l := placeList{gate: c.gate, seen: map[string]bool{}}
	for _, p := range proven {
		l.fields("query.", p.Query)
		l.fields("form.", p.Form)
		if p.Form == nil {
			l.json("body", p.JSON, 0)
		}
	}
	return l.places
}

type placeList struct {
	gate   *gate.Gate
	places []NarrowedPlace
	seen   map[string]bool
}

func (l *placeList) add(place string, languages []durward.Language) {
	if l.seen[place] || len(l.places) >= maxPlaces {
		return
	}
	l.seen[place] = true
	ids, of := l.gate.Live(languages)
	l.places = append(l.places, NarrowedPlace{place, ids, of, describe(languages)})
}

func (l *placeList) fields(prefix string, of map[string][]durward.Language) {
	for _, name := range sortedKeys(of) {
		l.add(prefix+name, of[name])
	}
}

func (l *placeList) json(path string, p *durward.Proof, depth int) {
	if p == nil || depth > maxSteps {
		if p == nil {
			l.add(path, nil)
		}
		return
	}
	if len(p.Texts) > 0 || p.Items == nil && len(p.Members) == 0 {
		l.add(path, p.Texts)
	}
	if p.Items != nil {
		l.json(path+".*", p.Items, depth+1)
	}
	for _, name := range sortedKeys(p.Members) {
		l.json(path+"."+name, p.Members[name], depth+1)
	}
}

// describe says in a few words what is proven of a value.
func describe(languages []durward.Language) string {
	if len(languages) == 0 {
		return "nothing"
	}
	text := ""
	for i := range languages {
		if i > 0 {
			text += ", or "
		}
		text += describeOne(&languages[i])
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func describeOne(l *durward.Language) string {
	switch {
	case len(l.Texts) == 1 && l.Texts[0] == "":
		return "null"
	case l.Texts != nil:
		return fmt.Sprintf("one of %d constants", len(l.Texts))
	case len(l.Exprs) > 0 && l.Exprs[0] == durward.NumberExpr:
		return "a number"
	case len(l.Exprs) > 0:
		return "matches " + l.Exprs[0]
	}
	return fmt.Sprintf("at most %d bytes", l.Most)
}
