// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"slices"
	"strconv"
	"strings"
)

// Fate says what becomes of a rule when the settings are folded in.
type Fate string

const (
	FateLive     Fate = "live"     // it may match, and then counts
	FateSilent   Fate = "silent"   // it may match, without a trace
	FateAlways   Fate = "always"   // it matches every request, and counts
	FateSettled  Fate = "settled"  // it does the same for every request, without a trace
	FateHopeless Fate = "hopeless" // it cannot match with these settings
	FateSkipped  Fate = "skipped"  // it is skipped or removed for every request
	FateResponse Fate = "response" // it belongs to the response or to logging
)

// Outline describes a rule for people, and for a report on which rules a plan
// covers.
type Outline struct {
	ID, Phase int
	File      string
	Line      int
	Level     int // paranoia level by its tag, 0 if it has none
	Links     int // of its chain, itself included
	Fate      Fate
	// Collections, Operators and Transformations of all links, sorted, each
	// once; a negated operator has a ! before it, a count of members an &.
	Collections, Operators, Transformations []string
	Message                                 string
	Unknown                                 string // why a link is not understood
}

// Outline describes every rule in order, with its fate under the settings of
// the set and initial, which is as for Live.
func (s *Set) Outline(initial map[string]string) []Outline {
	f := s.fold(initial)
	fates := map[*Rule]Fate{}
	for _, r := range f.live.Rules {
		switch {
		case r.Always:
			fates[r.Source] = FateAlways
		case r.Silent:
			fates[r.Source] = FateSilent
		default:
			fates[r.Source] = FateLive
		}
	}
	var all []Outline
	for _, it := range s.Items {
		r, ok := it.(*Rule)
		if !ok {
			continue
		}
		o := outline(r)
		switch fate, live := fates[r]; {
		case r.Phase > PhaseRequestBody:
			o.Fate = FateResponse
		case live:
			o.Fate = fate
		case f.settled[r]:
			o.Fate = FateSettled
		case f.hopeless[r]:
			o.Fate = FateHopeless
		default:
			o.Fate = FateSkipped
		}
		all = append(all, o)
	}
	return all
}

func outline(r *Rule) Outline {
	o := Outline{ID: r.ID, Phase: r.Phase, File: r.File, Line: r.Line, Message: r.Message.String()}
	for _, tag := range r.Tags {
		if level, ok := strings.CutPrefix(tag, "paranoia-level/"); ok {
			o.Level, _ = strconv.Atoi(level)
		}
	}
	for _, link := range r.Links() {
		o.Links++
		if o.Unknown == "" {
			o.Unknown = link.Unknown
		}
		for _, v := range link.Variables {
			name := v.Collection
			if v.Count {
				name = "&" + name
			}
			o.Collections = append(o.Collections, name)
		}
		o.Transformations = append(o.Transformations, link.Transformations...)
		switch {
		case link.Operator == nil:
		case link.Operator.Negated:
			o.Operators = append(o.Operators, "!"+link.Operator.Name)
		default:
			o.Operators = append(o.Operators, link.Operator.Name)
		}
	}
	for _, list := range []*[]string{&o.Collections, &o.Operators, &o.Transformations} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return o
}
