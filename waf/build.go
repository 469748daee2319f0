// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"durward"
)

// Builder collects what the operations of a configuration need of the rule set
// that they share, and writes it.
type Builder struct {
	global   Global
	methods  map[string]bool
	types    map[string]bool
	ids      map[string][]int // of files for single APIs, by path
	order    []string         // of those files
	profiles []profile
	files    *files
}

// profile is one set of exclusions.
type profile struct {
	exclusions []Exclusion
	foreign    []int // rules of other APIs
	key        string
}

// span is the profile of an operation up to a moment; zero for ever.
type span struct {
	until   time.Time
	profile int
}

// Demand is what one operation needs of a rule set. Only the Builder that gave
// it knows which.
type Demand struct {
	cfg     Config
	own     []string // its API's files
	id      string
	anyType bool
	spans   []span
	proven  []*durward.Proven
}

// NewBuilder makes one. A nil global is that of a document without one.
func NewBuilder(global *Global) *Builder {
	b := &Builder{methods: map[string]bool{}, types: map[string]bool{}, ids: map[string][]int{}, files: newFiles()}
	if global != nil {
		b.global = *global
	}
	return b
}

// Operation adds an operation, with the method and the media types of its
// contract: what the contract takes is no attack. cfg is refined already. The
// error is about the files that cfg names.
func (b *Builder) Operation(id string, cfg Config, method string, mediaTypes []string) (*Demand, error) {
	d := &Demand{cfg: cfg, own: cfg.Rules, id: id}
	b.methods[method] = true
	for _, t := range mediaTypes {
		if strings.Contains(t, "*") {
			d.anyType = true
		} else {
			b.types[strings.ToLower(t)] = true
		}
	}
	for i, path := range cfg.Rules {
		if _, known := b.ids[path]; known {
			continue
		}
		ids, err := b.readOwn(path, true)
		if err != nil {
			return nil, durward.InvalidIn(fmt.Sprintf("rules[%d]", i), err)
		}
		b.ids[path] = ids
		b.order = append(b.order, path)
	}
	return d, nil
}

func (b *Builder) readOwn(path string, own bool) ([]int, error) {
	if strings.ContainsAny(path, "*\"`\r\n") {
		return nil, errors.New("the path holds a character that rule files cannot have in theirs")
	}
	content, err := b.files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return readOwn(string(content), own)
}

// Rules writes the rule set and settles the profiles of the demands. Spans that
// are over at now are left out.
func (b *Builder) Rules(now time.Time, demands ...*Demand) (*Rules, error) {
	for _, d := range demands {
		d.spans = b.spans(d, now)
	}
	for i, path := range b.global.Rules {
		if _, err := b.readOwn(path, false); err != nil {
			return nil, durward.InvalidIn(fmt.Sprintf("rules[%d]", i), err)
		}
	}
	for i, path := range b.global.RulesAfter {
		if _, err := b.readOwn(path, false); err != nil {
			return nil, durward.InvalidIn(fmt.Sprintf("rules_after[%d]", i), err)
		}
	}
	w := &writer{}
	w.head(&b.global, slices.Sorted(maps.Keys(b.methods)), slices.Sorted(maps.Keys(b.types)))
	id := profileID
	for i := range b.profiles {
		w.profileRules(i+1, b.profiles[i].exclusions, b.profiles[i].foreign, &id)
	}
	w.include(slices.Concat(b.global.Rules, b.order)...)
	all, err := crsFiles()
	if err != nil {
		return nil, err
	}
	responses := all
	if len(b.global.RulesAfter) == 0 { // which may change rules of any file, by id
		responses = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !answersOnly(name) })
	}
	text := w.String()
	return &Rules{
		Text:     text + included(all) + included(b.global.RulesAfter),
		Response: text + included(responses) + included(b.global.RulesAfter),
		FS:       b.files, files: b.files,
	}, nil
}

// answersOnly keeps what answers are judged by: the set-up of scores, and the
// rules of the response phases.
func answersOnly(name string) bool {
	return strings.Contains(name, "REQUEST-901-") || strings.Contains(name, "RESPONSE-")
}

// spans finds which exclusions hold for an operation, and until when.
func (b *Builder) spans(d *Demand, now time.Time) []span {
	var ends []time.Time
	var mine []Exclusion
	for _, e := range d.cfg.Exclusions {
		end, _ := e.end()
		if !e.concerns(d.id) || !end.IsZero() && !now.Before(end) {
			continue
		}
		mine = append(mine, e)
		if !end.IsZero() {
			ends = append(ends, end)
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	ends = slices.CompactFunc(ends, time.Time.Equal)
	var out []span
	for _, until := range append(ends, time.Time{}) {
		holds := slices.DeleteFunc(slices.Clone(mine), func(e Exclusion) bool {
			end, _ := e.end()
			return !end.IsZero() && (until.IsZero() || end.Before(until))
		})
		out = append(out, span{until, b.profile(d, holds)})
	}
	return out
}

// profile gives the number of a set of exclusions; 0 where there are none.
func (b *Builder) profile(d *Demand, exclusions []Exclusion) int {
	var foreign []int
	for _, path := range b.order {
		if !slices.Contains(d.own, path) {
			foreign = append(foreign, b.ids[path]...)
		}
	}
	if d.anyType {
		exclusions = append(exclusions, Exclusion{Rules: []string{mediaTypeRule}})
	}
	if len(exclusions)+len(foreign) == 0 {
		return 0
	}
	key := fmt.Sprint(foreign)
	for _, e := range exclusions {
		key += fmt.Sprintf(";%q %q %q", e.Rules, e.Tags, e.Parameters)
	}
	i := slices.IndexFunc(b.profiles, func(p profile) bool { return p.key == key })
	if i < 0 {
		i = len(b.profiles)
		b.profiles = append(b.profiles, profile{exclusions, foreign, key})
	}
	return i + 1
}

// mediaTypeRule refuses media types that are not in a list, which cannot hold
// ranges: where the contract takes image/*, it alone says what is taken.
const mediaTypeRule = "920420"

// spanAt is the index of the span that holds now; the last has no end.
func (d *Demand) spanAt(now time.Time) int {
	for i, s := range d.spans {
		if s.until.IsZero() || now.Before(s.until) {
			return i
		}
	}
	return len(d.spans) - 1
}

// profileAt is the profile that holds now.
func (d *Demand) profileAt(now time.Time) int { return d.spans[d.spanAt(now)].profile }

// hash identifies a rule set.
func (r *Rules) hash() string {
	h := sha256.New()
	h.Write([]byte(r.Text))
	return hex.EncodeToString(h.Sum(nil))
}
