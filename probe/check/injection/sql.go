// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"durward/probe/check"
	"durward/probe/finding"
)

// sql looks for SQL at a place, by errors and by conditions.
func (p *place) sql(ctx context.Context) {
	for _, test := range []func(context.Context){p.sqlQuotes, p.sqlConditions} {
		if p.interpreted() {
			return
		}
		test(ctx)
	}
}

// sqlQuotes looks at what one quote does: an engine's error text that no right
// answer has, or an answer 5xx for an odd number of quotes and none for an even
// one, since two quotes in a row stand for one within a text.
func (p *place) sqlQuotes(ctx context.Context) {
	plain := p.plain()
	for _, quote := range []string{"'", `"`, `\`, "')"} {
		e := p.send(ctx, plain+quote)
		if e == nil {
			continue
		}
		if engine, text := sqlError(e.Answer); engine != "" && !p.shows(text) {
			again := p.send(ctx, plain+p.word()+quote)
			if again != nil {
				if other, _ := sqlError(again.Answer); other == engine {
					p.report(sqlInjection, finding.Firm, fmt.Sprintf("A quote makes the service answer with an error of %s.", engine),
						p.env.Step("a quote too many", e), p.env.Step("again, behind another word", again))
					return
				}
			}
		}
		if (quote == "'" || quote == `"`) && e.Answer.Status >= 500 && p.good().Answer.Status < 500 && p.parity(ctx, quote, e) {
			return
		}
	}
}

// shows tells that a right answer has the text as well.
func (p *place) shows(text string) bool {
	for _, e := range p.shown {
		if strings.Contains(string(e.Answer.Body), text) {
			return true
		}
	}
	return false
}

// parity tries growing numbers of quotes: 5xx and other answers must take turns.
func (p *place) parity(ctx context.Context, quote string, odd *check.Exchange) bool {
	base := p.plain()
	harmless := p.send(ctx, base+p.word())
	if harmless == nil || harmless.Answer.Status >= 500 {
		return false
	}
	var even *check.Exchange
	for n := 2; n <= 6; n++ {
		e := p.send(ctx, base+strings.Repeat(quote, n))
		if e == nil || (e.Answer.Status >= 500) != (n%2 == 1) {
			return false
		}
		if n == 2 {
			even = e
		}
	}
	p.report(sqlInjection, finding.Firm, "An odd number of quotes makes the service fail, an even number does not: the text ends up within quotes of a query.",
		p.env.Step("one quote: it fails", odd), p.env.Step("two quotes: it does not", even))
	return true
}

// condition is a way to put one into a query. {v} is the place's value, {c} a
// condition; {a} and {b} are texts that are like each other when it is true.
type condition struct {
	form  string
	wide  bool // makes the query find more when it is true
	texts bool // by {a} and {b}
}

var textConditions = []condition{
	{form: `{v}' AND '{a}' LIKE '{b}`, texts: true},
	{form: `{v}' AND {c}-- `},
	{form: `{v}%' AND '{a}' LIKE '{b}`, texts: true},
	{form: `{v}') AND ('{a}' LIKE '{b}`, texts: true},
	{form: `{v}" AND "{a}" LIKE "{b}`, texts: true},
	{form: `{v}' OR '{a}' LIKE '{b}`, texts: true, wide: true},
	{form: `{v}' OR {c}-- `, wide: true},
	{form: `{v}') OR {c}-- `, wide: true},
	{form: `{v}" OR {c}-- `, wide: true},
}

var numberConditions = []condition{
	{form: `{v} AND {c}`},
	{form: `{v}) AND ({c}`},
	{form: `{v} AND {c}-- `},
	{form: `{v} OR {c}`, wide: true},
}

// orderConditions are for what is sorted by: another order when it is false, or
// no answer at all.
var orderConditions = []condition{
	{form: `(CASE WHEN {c} THEN {v} ELSE 1 END)`},
	{form: `(CASE WHEN {c} THEN {v} ELSE (SELECT 1 UNION SELECT 2) END)`},
	{form: `{v} LIMIT (CASE WHEN {c} THEN 100 ELSE 0 END)`},
	{form: `{v},(CASE WHEN {c} THEN 1 ELSE (SELECT 1 UNION SELECT 2) END)`},
}

// write fills a condition in for one round.
func (c condition) write(p *place, truth bool, round int) string {
	a := p.number()
	b := a + 1 + p.env.Rand.IntN(900)
	left, right := strconv.Itoa(a), strconv.Itoa(a)
	if !truth {
		right = strconv.Itoa(b)
	}
	forms := [][2]string{{"%[1]d=%[1]d", "%[1]d=%[2]d"}, {"%[2]d>%[1]d", "%[1]d>%[2]d"}, {"%[1]d<>%[2]d", "%[1]d<>%[1]d"}, {"NOT %[1]d=%[2]d", "NOT %[1]d=%[1]d"}}
	pair := forms[round%len(forms)]
	f := pair[0]
	if !truth {
		f = pair[1]
	}
	cond := fmt.Sprintf(f, a, b)
	return strings.NewReplacer("{v}", p.plain(), "{c}", cond, "{a}", left, "{b}", right).Replace(c.form)
}

// sqlConditions asks true and false conditions: all true ones have to be answered
// alike, all false ones alike, and the two not alike.
func (p *place) sqlConditions(ctx context.Context) {
	var all []condition
	switch {
	case p.numeric():
		all = append(all, numberConditions...)
		all = append(all, textConditions...)
		if !p.text() {
			all = all[:len(numberConditions)+2]
		}
	default:
		all = append(all, textConditions...)
		if sorts(p.at.Name) {
			all = append(orderConditions[:len(orderConditions):len(orderConditions)], all...)
		}
	}
	for _, c := range all {
		if c.wide && !p.mayWiden() {
			continue
		}
		if steps := p.tell(ctx, c.write); steps != nil {
			p.report(sqlInjection, finding.Firm, "A condition of SQL within the value decides on the answer: true ones get one answer, false ones another, each time.", steps...)
			return
		}
	}
}

// mayWiden tells whether a query that finds more than it should does no harm.
func (p *place) mayWiden() bool {
	return check.Safe(p.op.Method) || p.op.Method == "POST" || p.env.Destructive
}

func sorts(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"sort", "order", "by", "column", "field", "dir"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// rounds is how often true and false are told apart before it counts.
const rounds = 4

// tell sends true and false values by turns. It gives the steps that show the
// difference, or nil.
func (p *place) tell(ctx context.Context, write func(p *place, truth bool, round int) string) []finding.Step {
	return p.tellValues(ctx, func(truth bool, round int) (any, string) {
		s := write(p, truth, round)
		return s, s
	})
}

// tellValues is tell for values that are no texts; the second result is what an
// answer might give back of it.
func (p *place) tellValues(ctx context.Context, write func(truth bool, round int) (any, string)) []finding.Step {
	type shown struct {
		e    *check.Exchange
		sent string
	}
	var yes, no []shown
	for round := range rounds {
		for _, truth := range []bool{true, false} {
			v, sent := write(truth, round)
			e := p.send(ctx, v)
			if e == nil {
				return nil
			}
			if truth {
				yes = append(yes, shown{e, sent})
			} else {
				no = append(no, shown{e, sent})
			}
		}
		y, n := yes[round], no[round]
		switch {
		case p.same2(y.e, n.e, y.sent, n.sent):
			return nil
		case y.e.Answer.Status >= 500 && n.e.Answer.Status >= 500:
			return nil
		case round > 0 && (!p.same2(y.e, yes[0].e, y.sent, yes[0].sent) || !p.same2(n.e, no[0].e, n.sent, no[0].sent)):
			return nil
		}
	}
	return []finding.Step{
		p.env.Step("what is true", yes[0].e), p.env.Step("what is false", no[0].e),
		p.env.Step("true again, in other words", yes[rounds-1].e), p.env.Step("false again, in other words", no[rounds-1].e),
	}
}

// number is a number of four digits, word a text of letters, by the run's seed.
func (t *target) number() int { return 1000 + t.env.Rand.IntN(8000) }

func (t *target) word() string {
	const letters = "bcdfghjklmnpqrstvwxz"
	b := make([]byte, 6)
	for i := range b {
		b[i] = letters[t.env.Rand.IntN(len(letters))]
	}
	return string(b)
}
