// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"regexp"
	"strconv"
	"strings"
)

// parameter is one of Exclusion.Parameters, read.
type parameter struct {
	in   string // query, body, header, cookie
	name string
}

// parameterName are the names that can stand in SecLang without quoting.
var parameterName = regexp.MustCompile(`^[A-Za-z0-9_.$@\[\]*-]{1,128}$`)

// readParameter reads "body.user.name"; ok is false for what is none.
func readParameter(text string) (p parameter, ok bool) {
	p.in, p.name, _ = strings.Cut(text, ".")
	switch p.in {
	case "query", "header", "cookie":
		ok = !strings.Contains(p.name, "*")
	case "body":
		ok = true
		for part := range strings.SplitSeq(p.name, ".") {
			ok = ok && (part == "*" || part != "" && !strings.Contains(part, "*"))
		}
	}
	return p, ok && parameterName.MatchString(p.name)
}

// idRange is one of Exclusion.Rules, read.
type idRange struct{ from, to int }

func readRange(text string) (r idRange, ok bool) {
	from, to, two := strings.Cut(text, "-")
	var err error
	if r.from, err = strconv.Atoi(strings.TrimSpace(from)); err != nil || r.from < 1 {
		return r, false
	}
	r.to = r.from
	if two {
		if r.to, err = strconv.Atoi(strings.TrimSpace(to)); err != nil {
			return r, false
		}
	}
	return r, r.to >= r.from && r.to < firstID
}

func (r idRange) String() string {
	if r.from == r.to {
		return strconv.Itoa(r.from)
	}
	return strconv.Itoa(r.from) + "-" + strconv.Itoa(r.to)
}

// holdsBookkeeping tells whether a range has a rule without which scores are
// not counted or not acted upon.
func (r idRange) holdsBookkeeping() bool {
	for _, first := range []int{901000, 949000, 959000, 980000} {
		if r.from < first+1000 && r.to >= first {
			return true
		}
	}
	return false
}

// profileRules writes the rules of one profile: what they take away holds for
// transactions that carry the profile's number, and no others.
func (w *writer) profileRules(number int, exclusions []Exclusion, foreign []int, id *int) {
	head := `SecRule TX:` + profileVariable + ` "@streq ` + strconv.Itoa(number) + `" "id:%d,phase:%d,pass,nolog`
	next := func() int { *id++; return *id }
	for _, rule := range foreign {
		w.line(head+`,ctl:ruleRemoveById=%d"`, next(), 1, rule)
	}
	for i := range exclusions {
		e := &exclusions[i]
		if len(e.Parameters) == 0 {
			for _, target := range e.targets() {
				w.line(head+`,ctl:ruleRemove%s"`, next(), 1, target)
			}
			continue
		}
		for _, text := range e.Parameters {
			p, _ := readParameter(text)
			for _, target := range e.targets() {
				w.parameterRules(head, next, p, target)
			}
		}
	}
}

// targets are the rules that an exclusion is about, as ctl names them.
func (e *Exclusion) targets() []string {
	var out []string
	for _, text := range e.Rules {
		r, _ := readRange(text)
		out = append(out, "ById="+r.String())
	}
	for _, tag := range e.Tags {
		out = append(out, "ByTag="+tag)
	}
	return out
}

// parameterRules take one parameter out of the view of some rules. SecLang knows
// arguments by name only, wherever they came from, so that a parameter of the
// query is taken out of ARGS only in requests whose content has none of that
// name, and the other way round: nobody can hide a value behind an exclusion
// that is about another place.
func (w *writer) parameterRules(head string, next func() int, p parameter, target string) {
	remove := func(variable, key string) string {
		return ",ctl:ruleRemoveTarget" + target + ";" + variable + ":" + key
	}
	// That the parameter is there at all is for the gate: a request without it is
	// none that loses anything.
	unless := func(phase int, mine, other, key, actions string) {
		w.line(head+`,chain"`, next(), phase)
		w.line(`SecRule &%s:%s "!@eq 0" "chain"`, mine, key)
		w.line(`SecRule &%s:%s "@eq 0" "%s"`, other, key, strings.TrimPrefix(actions, ","))
	}
	switch p.in {
	case "header":
		w.line(head+`%s"`, next(), 1, remove("REQUEST_HEADERS", p.name))
	case "cookie":
		w.line(head+`%s"`, next(), 1, remove("REQUEST_COOKIES", p.name))
	case "query":
		w.line(head+`%s"`, next(), 1, remove("ARGS_GET", p.name))
		unless(2, "ARGS_GET", "ARGS_POST", p.name, remove("ARGS", p.name))
	case "body":
		for _, key := range bodyKeys(p.name) {
			w.line(head+`%s"`, next(), 1, remove("ARGS_POST", key))
			unless(2, "ARGS_POST", "ARGS_GET", key, remove("ARGS", key))
		}
	}
}

// bodyKeys are the names of a field of the content: as a form has it, and as
// the engine flattens JSON. A * stands for any one step.
func bodyKeys(name string) []string {
	if !strings.Contains(name, "*") {
		return []string{name, "json." + name}
	}
	steps := strings.Split(strings.ToLower(name), ".")
	for i, s := range steps {
		if s == "*" {
			steps[i] = `[^.]+`
		} else {
			steps[i] = regexp.QuoteMeta(s)
		}
	}
	return []string{`/^json\.` + strings.Join(steps, `\.`) + `$/`}
}
