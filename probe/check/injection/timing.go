// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"durward/probe/check"
	"durward/probe/finding"
)

// measuring keeps the confirmations by time apart: two of them at once would
// measure each other.
var measuring sync.Mutex

// pause is a way to make an interpreter wait: {v} the place's value, {s} the
// seconds, {ms} the milliseconds.
type pause struct {
	form   string
	number bool // for values without quotes around them
}

var sqlPauses = []pause{
	{form: `{v}'+(SELECT 1 FROM (SELECT SLEEP({s}))x)+'`},                   // MySQL, MariaDB
	{form: `{v}+(SELECT 0 FROM (SELECT SLEEP({s}))x)`, number: true},        //
	{form: `{v}'||(SELECT '' FROM pg_sleep({s}))||'`},                       // PostgreSQL
	{form: `{v}+(SELECT 0 FROM pg_sleep({s}))`, number: true},               //
	{form: `{v}'; WAITFOR DELAY '0:0:{s}'-- `},                              // SQL Server
	{form: `{v}; WAITFOR DELAY '0:0:{s}'-- `, number: true},                 //
	{form: `{v}'||DBMS_PIPE.RECEIVE_MESSAGE('x',{i})||'`},                   // Oracle
	{form: `{v}+0*DBMS_PIPE.RECEIVE_MESSAGE('x',{i})`, number: true},        //
	{form: `{v}" AND (SELECT 1 FROM (SELECT SLEEP({s}))x) AND "1" LIKE "1`}, // MySQL with double quotes
}

var scriptPauses = []pause{
	{form: `{v}';sleep({ms});var x='`}, // a document store's $where
}

// sqlTime looks for SQL by how long it takes: what is asked to wait has to wait,
// twice as long when asked for twice as long, and not at all when asked for none.
func (p *place) sqlTime(ctx context.Context) {
	for _, s := range sqlPauses {
		if s.number && !p.numeric() || !s.number && !p.text() {
			continue
		}
		if steps := p.waits(ctx, s.form); steps != nil {
			p.report(sqlInjection, finding.Firm, "SQL within the value makes the answer wait for as long as it says, each time.", steps...)
			return
		}
	}
	if p.text() {
		if steps := p.waits(ctx, scriptPauses[0].form); steps != nil {
			p.report(nosqlInjection, finding.Firm, "A script within the value makes the answer wait for as long as it says, each time.", steps...)
			return
		}
	}
	p.sqlWork(ctx)
}

// least is the shortest delay that is asked for.
const least = 800 * time.Millisecond

// waits measures one form of pause. The first request tells most places that do
// not wait.
func (p *place) waits(ctx context.Context, form string) []finding.Step {
	d := max(least, 3*slowest(p.shown)).Round(100 * time.Millisecond)
	if d > 4*time.Second {
		return nil // too slow by itself to be measured
	}
	ask := func(d time.Duration) *check.Exchange {
		s := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
		whole := strconv.Itoa(int(math.Ceil(d.Seconds())))
		return p.send(ctx, strings.NewReplacer("{v}", p.plain(), "{s}", s, "{i}", whole, "{ms}", strconv.FormatInt(d.Milliseconds(), 10)).Replace(form))
	}
	if e := ask(d); e == nil || e.Answer.Took < d {
		return nil
	}
	measuring.Lock()
	defer measuring.Unlock()
	unit := d
	if strings.Contains(form, "{i}") {
		unit = time.Duration(math.Ceil(d.Seconds())) * time.Second
	}
	var steps []finding.Step
	for round := range 2 {
		for _, times := range []time.Duration{0, 2, 0, 1} {
			e := ask(times * unit)
			if e == nil {
				return nil
			}
			took := e.Answer.Took
			late := times * unit
			// As long as asked for, and not longer by what is another multiple.
			if took < late || took > late+unit*7/10 {
				return nil
			}
			if round == 0 {
				steps = append(steps, p.env.Step(fmt.Sprintf("asked to wait %v: answered after %v", late, took.Round(time.Millisecond)), e))
			}
		}
	}
	return steps
}

// sqlWorks make SQLite, which cannot wait, count to {n}.
var sqlWorks = []pause{
	{form: `{v}'||(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t WHERE n<{n}) SELECT count(*) FROM t)||'`},
	{form: `{v}+0*(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t WHERE n<{n}) SELECT count(*) FROM t)`, number: true},
}

// firstWork is the count that is tried first, much a count that no service does
// for an honest value.
const (
	firstWork = 1_500_000
	mostWork  = 40_000_000
)

func (p *place) sqlWork(ctx context.Context) {
	for _, w := range sqlWorks {
		if w.number && !p.numeric() || !w.number && !p.text() {
			continue
		}
		if steps := p.works(ctx, w.form); steps != nil {
			p.report(sqlInjection, finding.Firm, "SQL within the value makes the service work, twice as long when it is to count twice as far, each time.", steps...)
			return
		}
	}
}

// works measures a count: it is first chosen so that it takes about a second.
func (p *place) works(ctx context.Context, form string) []finding.Step {
	ask := func(n int) *check.Exchange {
		return p.send(ctx, strings.NewReplacer("{v}", p.plain(), "{n}", strconv.Itoa(n)).Replace(form))
	}
	usual := slowest(p.shown)
	n := firstWork
	e := ask(n)
	if e == nil || e.Answer.Took < usual+80*time.Millisecond {
		return nil
	}
	measuring.Lock()
	defer measuring.Unlock()
	for try := 0; try < 3 && e.Answer.Took < max(700*time.Millisecond, 3*usual); try++ {
		n = min(mostWork, int(float64(n)*min(8, 1.1*float64(time.Second)/float64(e.Answer.Took))))
		if e = ask(n); e == nil || e.Answer.Took < usual+80*time.Millisecond {
			return nil
		}
	}
	if e.Answer.Took < max(400*time.Millisecond, 2*usual) {
		return nil
	}
	for e.Answer.Took > 4*time.Second && n > 1000 { // too long to be doubled within a timeout
		n /= 4
		if e = ask(n); e == nil {
			return nil
		}
	}
	return p.worksFor(ask, n)
}

// worksFor compares no work with some and with twice as much, three times.
func (p *place) worksFor(ask func(int) *check.Exchange, n int) []finding.Step {
	var none, once, twice []time.Duration
	var steps []finding.Step
	for range 3 {
		for _, times := range []int{0, 1, 2} {
			e := ask(times * n)
			if e == nil {
				return nil
			}
			if len(steps) < 3 {
				steps = append(steps, p.env.Step(fmt.Sprintf("asked to count to %d: answered after %v", times*n, e.Answer.Took.Round(time.Millisecond)), e))
			}
			switch times {
			case 0:
				none = append(none, e.Answer.Took)
			case 1:
				once = append(once, e.Answer.Took)
			default:
				twice = append(twice, e.Answer.Took)
			}
		}
	}
	// The slowest without work is faster than the fastest with it, and twice the
	// work takes longer than the work by at least half of it.
	if longest(none)*2 > shortest(once) || float64(shortest(twice)) < 1.5*float64(shortest(once)) {
		return nil
	}
	return steps
}

func longest(all []time.Duration) time.Duration {
	out := all[0]
	for _, d := range all {
		out = max(out, d)
	}
	return out
}

func shortest(all []time.Duration) time.Duration {
	out := all[0]
	for _, d := range all {
		out = min(out, d)
	}
	return out
}
