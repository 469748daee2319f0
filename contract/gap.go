// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A Gap is a part of a document that cannot be applied as it is written. A
// document with gaps loads only where the caller of Load names them, so that
// nothing is left unchecked or closed that nobody has read about.
type Gap struct {
	// Name is what Load takes to accept the gap: a JSON pointer into the
	// document, "#/paths/...", behind the file's name where the gap lies in
	// another file.
	Name string
	// LoadError says where it was found and why it cannot be applied.
	LoadError
	// Effect is what the gateway does instead.
	Effect string
}

// AllGaps accepts every gap of a document, those too that a later version of
// it will have.
const AllGaps = "*"

// What the gateway does instead.
const (
	effectUnchecked = "values are not held against it"
	effectRenamed   = "each is known as METHOD /template instead"
	effectLeftOut   = "the operation is closed: every request for it is refused"
	effectNoMedia   = "content of this type is refused"
	effectNoMember  = "no member's name matches it"
)

// Bounds of what is reported.
const (
	maxGaps      = 10_000
	maxGapsShown = 20
)

// String is a line for people: file, line where known, pointer, reason, effect.
func (g Gap) String() string { return g.LoadError.Error() + "; " + g.Effect }

// gaps collects them, one a place.
type gaps struct {
	list []Gap
	seen map[place]bool
	// sealed: whoever loaded the document has read the list, so that another
	// one, of a schema in another variant, is an error.
	sealed bool
}

// gap notes that what stands at a place cannot be applied, for a reason that
// lies there or below it.
func (s *sources) gap(at place, effect string, err error) {
	if s.gaps.seen[at] {
		return
	}
	if s.gaps.seen == nil {
		s.gaps.seen = map[place]bool{}
	}
	s.gaps.seen[at] = true
	f := s.files[at.file]
	g := Gap{Name: "#" + at.pointer, Effect: effect}
	if at.file > 0 {
		g.Name = f.rel + g.Name
	}
	if le := (*LoadError)(nil); errors.As(err, &le) {
		g.LoadError = *le
	} else {
		g.LoadError = LoadError{File: f.name, Line: lineOf(f.lines, at.pointer), Pointer: at.pointer, Reason: err.Error()}
	}
	s.gaps.list = append(s.gaps.list, g)
}

// accept seals the list. It is an error when there is a gap that accepted does
// not name; it shows the first ones, each with its name.
func (s *sources) accept(accepted []string) error {
	slices.SortFunc(s.gaps.list, func(a, b Gap) int { return cmp.Compare(a.Name, b.Name) })
	s.gaps.sealed = true
	if len(s.gaps.list) > maxGaps {
		return fmt.Errorf("%s: more than %d of its parts cannot be applied", s.files[0].name, maxGaps)
	}
	if slices.Contains(accepted, AllGaps) {
		return nil
	}
	named := make(map[string]bool, len(accepted))
	for _, name := range accepted {
		named[name] = true
	}
	var errs []error
	more := 0
	for _, g := range s.gaps.list {
		switch {
		case named[g.Name]:
		case len(errs) < maxGapsShown:
			one := g.LoadError
			one.Reason += "; if validation.gaps names " + strconv.Quote(g.Name) + ", " + g.Effect
			errs = append(errs, &one)
		default:
			more++
		}
	}
	if more > 0 {
		errs = append(errs, fmt.Errorf("%s: %d more of its parts cannot be applied", s.files[0].name, more))
	}
	return errors.Join(errs...)
}

// Gaps lists the parts of the document that are not applied, sorted by name.
// Whoever loaded it has accepted them.
func (d *Document) Gaps() []Gap { return slices.Clone(d.src.gaps.list) }

// Stale lists the names that stand for no gap of the document.
func (d *Document) Stale(accepted []string) []string {
	var out []string
	for _, name := range accepted {
		if name != AllGaps && !slices.ContainsFunc(d.src.gaps.list, func(g Gap) bool { return g.Name == name }) {
			out = append(out, name)
		}
	}
	return out
}

// Closed lists the operations that the document declares and that cannot be
// applied. They must be routed and refused: left to other templates, a request
// for one would be judged by another operation's rules.
//
// Their templates have numbers for names.
func (d *Document) Closed() []Operation {
	open := map[string]bool{}
	for _, op := range d.ops {
		open[op.Method+" "+templateShape(op.Template)] = true
	}
	var out []Operation
	for _, id := range slices.Sorted(maps.Keys(d.shut)) {
		if op := d.shut[id]; !open[op.Method+" "+op.Template] {
			out = append(out, op)
		}
	}
	return out
}
