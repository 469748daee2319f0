// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"strconv"
	"strings"

	"durward/waf/seclang"
	"durward/waf/transform"
)

// folder goes through the rules of phases 1 and 2 in the order of Coraza, as
// they would run for a request that matches none but neutral rules. What
// depends on TX variables with known values is decided here.
type folder struct {
	set     *seclang.Set
	tx      map[string]string // variables with known values at this point
	dynamic map[string]bool   // variables that rules so far may have set
	keyed   []write           // setvars so far whose names depend on the request
	reads   []txName          // what the rules read of TX
	rules   []*rule
	// gone and trimmed are what ctl actions took away so far.
	gone      map[*seclang.Rule]bool
	trimmed   map[*seclang.Rule][]seclang.Ctl
	skipAfter string
	skip      int
	unless    string // the processor with which the next guarded rules are skipped
	guarded   int
}

// fold makes the rules of the plan.
func fold(set *seclang.Set, tx map[string]string) (*folder, error) {
	f := &folder{set: set, tx: map[string]string{}, dynamic: map[string]bool{}, gone: map[*seclang.Rule]bool{}, trimmed: map[*seclang.Rule][]seclang.Ctl{}}
	for name, value := range tx {
		f.tx[strings.ToLower(name)] = value
	}
	f.reads = findReads(set)
	for phase := 1; phase <= 2; phase++ {
		f.skip, f.guarded = 0, 0
		for _, it := range set.Items {
			if err := f.item(it, phase); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

// item takes one step of Coraza's loop over the rules.
func (f *folder) item(it seclang.Item, phase int) error {
	marker, isMarker := it.(seclang.Marker)
	var r *seclang.Rule
	if !isMarker {
		if r = it.(*seclang.Rule); r.Phase != phase || f.gone[r] {
			return nil
		}
	}
	if f.skipAfter != "" {
		if isMarker && string(marker) == f.skipAfter {
			f.skipAfter = ""
		} else if r != nil {
			f.rules = append(f.rules, &rule{id: r.ID, phase: phase, dead: "skipped for this profile"})
		}
		return nil
	}
	if f.skip > 0 {
		f.skip--
		return nil
	}
	unless := ""
	if f.guarded > 0 {
		f.guarded--
		unless = f.unless
	}
	if r == nil {
		return nil
	}
	c, err := f.rule(r, phase)
	if err != nil {
		return err
	}
	c.unless = unless
	c.index = len(f.rules)
	f.rules = append(f.rules, c)
	return nil
}

// rule compiles one rule and, where its verdict is known, carries it out.
func (f *folder) rule(r *seclang.Rule, phase int) (*rule, error) {
	c := &rule{id: r.ID, phase: phase, tags: r.Tags, neutral: passes(r)}
	known := true // that all links so far match, and once
	for _, s := range r.Links() {
		l, err := f.link(s, r, c, phase)
		if err != nil {
			return nil, err
		}
		c.links = append(c.links, l)
		v := f.verdict(&l)
		if v == never && c.open == "" {
			c.dead = deadBecause(&l)
			f.note(c, len(c.links)-1)
			return c, nil
		}
		if s.Unknown != "" && c.open == "" {
			c.open = s.Unknown
		}
		if known = known && v == always && c.open == "" && !choosesReader(&l); known {
			for _, sv := range l.sets {
				f.assign(sv)
			}
			for _, ctl := range l.ctls {
				f.apply(ctl)
			}
		}
	}
	if known {
		f.carryOut(c, r)
		return c, nil
	}
	f.classify(c, r)
	return c, nil
}

// passes tells whether a rule neither logs nor stops anything.
func passes(r *seclang.Rule) bool {
	return !r.Log && (r.Disruptive == "pass" || r.Disruptive == "allow" || r.Disruptive == "")
}

// choosesReader tells whether a match of the link decides how the body is read.
func choosesReader(l *link) bool {
	return slices.ContainsFunc(l.ctls, func(c seclang.Ctl) bool { return strings.Contains(c.Name, "requestbody") })
}

func deadBecause(l *link) string {
	for i := range l.targets {
		if l.targets[i].kind != kindAbsent {
			return "never true with this profile"
		}
	}
	return "looks only at what such a request has not: " + l.targets[0].collection
}

// carryOut applies what a rule does that always matches.
func (f *folder) carryOut(c *rule, r *seclang.Rule) {
	if !c.neutral {
		c.open, c.every = "matches every request", true
		return
	}
	c.dead = "always the same with this profile"
	f.skip = r.Skip
	f.skipAfter = r.SkipAfter
}

// classify says how a rule is evaluated that depends on the request.
func (f *folder) classify(c *rule, r *seclang.Rule) {
	if c.neutral && f.setsWhatIsRead(c, r) {
		c.neutral = false
	}
	for i := range c.links {
		f.actions(c, i)
	}
	f.note(c, len(c.links)-1)
	first := &c.links[0]
	c.direct = c.setup || first.op.macro != nil || len(first.targets) == 0
	for i := range first.targets {
		t := &first.targets[i]
		switch t.kind {
		case kindOne, kindValues, kindNames, kindAbsent:
			c.direct = c.direct || t.count
		default:
			c.direct = true
		}
	}
	if first.open != "" && c.open == "" {
		c.open = first.open
	}
	f.guard(c, r)
}

// actions looks at the ctl actions of a link.
func (f *folder) actions(c *rule, i int) {
	for _, ctl := range c.links[i].ctls {
		switch ctl.Name {
		case "requestbodyprocessor", "forcerequestbodyvariable":
			// The last link of a rule that is not neutral acts when the request is
			// not clean anyway, and after phase 1 it is too late.
			if c.phase == 2 && ctl.Name == "forcerequestbodyvariable" || i == len(c.links)-1 && !c.neutral {
				continue
			}
			c.setup = c.phase == 1
			if c.phase == 2 || !c.neutral || c.ordered || slices.ContainsFunc(c.links, func(l link) bool { return l.open != "" }) {
				c.open = "chooses the reader of the body in a way that is not modelled"
			}
		case "ruleremovebyid", "ruleremovebytag", "ruleremovebymsg", "ruleremovetargetbyid", "ruleremovetargetbytag", "ruleremovetargetbymsg",
			"ruleengine", "auditengine", "auditlogparts", "debugloglevel", "responsebodyaccess", "responsebodylimit",
			"responsebodyprocessor", "forceresponsebodyvariable", "hashengine", "hashenforcement":
			// They take rules away or have no part in the request phases.
		default:
			c.open = "ctl:" + ctl.Name + " is not modelled"
		}
	}
}

// guard notes which rules a neutral rule skips for one kind of body.
func (f *folder) guard(c *rule, r *seclang.Rule) {
	l := &c.links[0]
	if !c.neutral || r.Skip == 0 || len(c.links) > 1 || c.phase != 2 || c.open != "" || l.open != "" || c.unless != "" || f.guarded > 0 ||
		len(l.targets) != 1 || l.targets[0].count || l.op.negated || l.op.name != "streq" || l.op.macro != nil || len(l.transforms) > 0 ||
		len(l.targets[0].sources) != 1 || l.targets[0].sources[0] != srcProcessor || l.op.text == "" {
		return
	}
	f.guarded, f.unless = r.Skip, l.op.text
}

// link compiles one link, with what ctl actions took from its targets.
func (f *folder) link(s, head *seclang.Rule, c *rule, phase int) (link, error) {
	l := link{source: s, multi: s.MultiMatch, capture: s.Capture, ctls: s.Ctls, sets: s.SetVars}
	op, err := newOperator(s.Operator)
	if err != nil {
		return l, err
	}
	l.op, l.open = op, op.unknown
	if op.macro != nil {
		if text, ok := f.expand(op.macro, c, len(c.links)); ok {
			l.op.text, l.op.macro = text, nil
			l.op.number, _ = strconv.Atoi(text)
		} else if l.arg, ok = f.macro(op.macro, c, &l, false); !ok {
			l.open = "its argument is not followed"
		}
	}
	for _, name := range s.Transformations {
		t, ok := transform.Lookup(name)
		if !ok {
			l.open = "the transformation " + name + " is not modelled"
			continue
		}
		if t.String() != "none" {
			l.transforms = append(l.transforms, t)
		}
	}
	for _, v := range s.Variables {
		t, err := resolve(v, phase)
		if err != nil {
			return l, err
		}
		for _, ctl := range f.trimmed[head] {
			if ctl.Collection == v.Collection {
				x, err := newSelector(ctl.Selector, false, true)
				if err != nil {
					return l, err
				}
				t.except = append(t.except, x)
			}
		}
		if t.kind == kindTX && !f.readTarget(&t, v, c, &l, len(s.Variables)) {
			l.open = "reads a TX variable whose value is not followed"
		}
		if t.kind >= kindMatchedVar {
			// Coraza's cache of transformations can give an older value here.
			if len(l.transforms) > 0 || len(c.links) == 0 || t.count {
				l.open = "reads " + v.Collection + " in a way that is not modelled"
			}
			c.ordered = c.ordered || t.kind == kindMatchedVar || t.kind == kindMatchedVarName
		}
		if t.kind == kindOne && t.sources[0] == srcProcessor && phase == 1 && (len(l.transforms) > 0 || !ruleChoosesReader(head)) {
			l.open = "reads REQBODY_PROCESSOR before it is known"
		}
		if t.kind == kindUnknown {
			l.open = "the collection " + v.Collection + " is not modelled"
		}
		l.targets = append(l.targets, t)
	}
	return l, nil
}

// verdict is what is known of a link at load.
type verdict int

const (
	depends verdict = iota
	never
	always // and exactly once
)

// verdict evaluates a link as far as it does not depend on the request.
func (f *folder) verdict(l *link) verdict {
	if l.open != "" {
		return depends
	}
	if l.source.Operator == nil {
		return always
	}
	matches := 0
	for i := range l.targets {
		t := &l.targets[i]
		values, known := f.values(t)
		if !known {
			return depends
		}
		if len(values) > 0 && (l.op.macro != nil || l.multi || l.op.pattern != nil && l.op.re == nil && !l.op.whole) {
			return depends
		}
		for _, v := range values {
			if f.test(l, v) {
				matches++
			}
		}
	}
	switch matches {
	case 0:
		return never
	case 1:
		return always
	}
	return depends
}

// values gives what a target holds, if that does not depend on the request.
func (f *folder) values(t *target) (values []string, known bool) {
	switch {
	case t.kind == kindAbsent:
	case t.kind == kindConstant:
		values = []string{t.constant}
	case t.kind == kindTX && t.tx.mode == txConstant, t.kind == kindTX && t.tx.mode == txPattern && len(t.tx.writes)+len(t.tx.foreign) == 0:
		values = t.tx.values
	default:
		return nil, false
	}
	if t.count {
		values = []string{strconv.Itoa(len(values))}
	}
	return values, true
}

// test holds an operator against a value that is known at load.
func (f *folder) test(l *link, val string) bool {
	b := []byte(val)
	for _, t := range l.transforms {
		b, _ = t.Apply(nil, b)
	}
	op := l.op
	if op.re != nil && !op.whole {
		return op.re.MatchString(string(b)) != op.negated
	}
	return op.holds(nil, string(b), op.text)
}

// assign carries out a setvar that always happens.
func (f *folder) assign(sv seclang.SetVar) {
	name, ok := f.expand(sv.Key, nil, 0)
	if !ok {
		f.keyed = append(f.keyed, write{key: prefixOf(sv.Key), link: -1})
		return
	}
	name = strings.ToLower(name)
	if sv.Remove {
		delete(f.tx, name)
		delete(f.dynamic, name)
		return
	}
	value, ok := f.expand(sv.Value, nil, 0)
	if !ok {
		f.dynamic[name] = true
		return
	}
	delete(f.dynamic, name)
	if value == "" || value[0] != '+' && value[0] != '-' {
		f.tx[name] = value
		return
	}
	n := 0
	if len(value) > 1 {
		var err error
		if n, err = strconv.Atoi(value[1:]); err != nil {
			if !strings.HasPrefix(value[1:], "tx.") {
				f.tx[name] = value
			}
			return
		}
	}
	old, err := strconv.Atoi(f.tx[name])
	if err != nil && f.tx[name] != "" {
		return
	}
	if value[0] == '-' {
		n = -n
	}
	f.tx[name] = strconv.Itoa(old + n)
}

// apply carries out a ctl action that always happens, as far as it takes
// something away from the rules that follow.
func (f *folder) apply(ctl seclang.Ctl) {
	for _, it := range f.set.Items {
		r, ok := it.(*seclang.Rule)
		if !ok {
			continue
		}
		chosen := false
		switch ctl.Name {
		case "ruleremovebyid", "ruleremovetargetbyid":
			chosen = inRange(r.ID, ctl.Value)
		case "ruleremovebytag", "ruleremovetargetbytag":
			chosen = slices.Contains(r.Tags, ctl.Value)
		}
		switch {
		case !chosen:
		case strings.HasPrefix(ctl.Name, "ruleremovetarget"):
			f.trimmed[r] = append(f.trimmed[r], ctl)
		default:
			f.gone[r] = true
		}
	}
}

func inRange(id int, text string) bool {
	low, high, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(low)
	if err != nil {
		return false
	}
	to := from
	if ranged {
		if to, err = strconv.Atoi(high); err != nil {
			return false
		}
	}
	return from <= id && id <= to
}

func ruleChoosesReader(r *seclang.Rule) bool {
	for _, l := range r.Links() {
		for _, c := range l.Ctls {
			if c.Name == "requestbodyprocessor" || c.Name == "forcerequestbodyvariable" {
				return true
			}
		}
	}
	return false
}
