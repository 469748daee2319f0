// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
)

// operators looks for a document store that takes operators from the caller: a
// member that is an object, or a query parameter with a key in brackets.
func (p *place) operators(ctx context.Context) {
	switch p.at.In {
	case "body":
		p.known = true
		defer func() { p.known = false }()
		p.bodyOperators(ctx)
	case "query":
		p.queryOperators(ctx)
	}
	if p.text() && !p.interpreted() {
		p.scriptConditions(ctx)
	}
}

// operator makes an operator that is true of nearly every value, or of none.
func (p *place) operator(truth bool, round int) (string, any) {
	strange := p.word() + p.word()
	if truth {
		switch round % 4 {
		case 0:
			return "$ne", strange
		case 1:
			return "$gt", ""
		case 2:
			return "$nin", []any{strange}
		}
		return "$regex", "^"
	}
	switch round % 4 {
	case 0:
		return "$eq", strange
	case 1:
		return "$gt", "\uffef" + strange
	case 2:
		return "$in", []any{strange}
	}
	return "$regex", "^" + strange + "$"
}

const operatorsDecide = "The place takes operators of a document store: those that are true of any value get one answer, those that are true of none another, each time."

func (p *place) bodyOperators(ctx context.Context) {
	steps := p.tellValues(ctx, func(truth bool, round int) (any, string) {
		op, arg := p.operator(truth, round)
		if p.numeric() && op == "$gt" {
			if arg == "" {
				arg = -1e9
			} else {
				arg = 1e15
			}
		}
		return map[string]any{op: arg}, ""
	})
	if steps != nil {
		p.report(nosqlInjection, finding.Firm, operatorsDecide, steps...)
	}
}

// queryOperators sends name[$ne]=x in place of name=x, as parsers of queries in
// the manner of qs or PHP take it.
func (p *place) queryOperators(ctx context.Context) {
	sendPair := func(op, arg string) *check.Exchange {
		if p.left <= 0 {
			return nil
		}
		p.left--
		c := p.base.Clone()
		for i := range c.Query {
			if c.Query[i].Name == p.at.Name {
				c.Query[i] = call.Value{Name: p.at.Name + "[" + op + "]", Value: arg}
			}
		}
		return p.target.send(ctx, c)
	}
	var yes, no []*check.Exchange
	for round := range rounds {
		var pair [2]*check.Exchange
		for i, truth := range []bool{true, false} {
			op, arg := p.operator(truth, round)
			text, ok := arg.(string)
			if !ok { // lists are not made by every parser of queries
				op, arg = p.operator(truth, 0)
				text = arg.(string)
			}
			if pair[i] = sendPair(op, text); pair[i] == nil {
				return
			}
		}
		y, n := pair[0], pair[1]
		if p.same2(y, n, "", "") || y.Answer.Status >= 500 {
			return
		}
		if round > 0 && (!p.same2(y, yes[0], "", "") || !p.same2(n, no[0], "", "")) {
			return
		}
		yes, no = append(yes, y), append(no, n)
	}
	p.report(nosqlInjection, finding.Firm, operatorsDecide,
		p.env.Step("an operator that is true of any value", yes[0]), p.env.Step("one that is true of none", no[0]),
		p.env.Step("true again, by another one", yes[1]), p.env.Step("false again, by another one", no[1]))
}

// scriptConditions looks for a condition in JavaScript, as in $where: == and &&
// together are no SQL.
func (p *place) scriptConditions(ctx context.Context) {
	for _, form := range []string{`{v}' && '{a}'=='{b}`, `{v}' || '{a}'=='{b}`} {
		if strings.Contains(form, "||") && !p.mayWiden() {
			continue
		}
		c := condition{form: form, texts: true}
		if steps := p.tell(ctx, c.write); steps != nil {
			p.report(nosqlInjection, finding.Firm, "A condition of a script within the value decides on the answer, each time.", steps...)
			return
		}
	}
}

// directory looks for an LDAP filter (RFC 4515) around the value: one more item
// that is true, or false, of every entry.
func (p *place) directory(ctx context.Context) {
	for _, value := range []string{p.plain(), "*"} {
		write := func(p *place, truth bool, round int) string {
			strange := p.word()
			forms := [][2]string{
				{")(objectClass=*", ")(objectClass=" + strange},
				{")(!(objectClass=" + strange + "))(objectClass=*", ")(!(objectClass=*))(objectClass=*"},
				{")(|(objectClass=*)(cn=" + strange + "))(objectClass=*", ")(&(objectClass=*)(objectClass=" + strange + "))(objectClass=*"},
			}
			f := forms[round%len(forms)]
			if truth {
				return value + f[0]
			}
			return value + f[1]
		}
		if steps := p.tell(ctx, write); steps != nil {
			p.report(ldapInjection, finding.Firm, "A part of an LDAP filter within the value decides on the answer: true ones get one answer, false ones another, each time.", steps...)
			return
		}
	}
}

// xpath looks for an XPath expression around the value. What is SQL as well was
// found as such before.
func (p *place) xpath(ctx context.Context) {
	for _, form := range []string{`{v}' and '{a}'='{b}`, `{v}' or '{a}'='{b}`} {
		if strings.Contains(form, " or ") && !p.mayWiden() {
			continue
		}
		c := condition{form: form, texts: true}
		if steps := p.tell(ctx, c.write); steps != nil {
			p.report(xpathInjection, finding.Firm, "A condition within quotes decides on the answer, and it is none of SQL: true ones get one answer, false ones another, each time.", steps...)
			return
		}
	}
}
