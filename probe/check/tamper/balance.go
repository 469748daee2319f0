// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package tamper

import (
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/gen"
)

// reversed looks for a number of the answer, such as a balance, that goes one
// way with valid calls and the other with negated ones: two valid calls, then
// two negated ones. Ids and counters go the same way with both.
func (t *tester) reversed(m gen.Mutation, first *check.Exchange) error {
	if t.op.Method != "POST" {
		return nil
	}
	var row []*check.Exchange
	for i := range 5 {
		var e *check.Exchange
		var err error
		if i < 3 {
			e, err = t.control()
		} else {
			e, err = t.changed(m)
		}
		if err != nil || e == nil || !e.Answer.OK() {
			return err
		}
		row = append(row, e)
	}
	f := t.finding(NegativeAccepted, m)
	place := turned(row)
	if place == "" {
		f.Confidence = finding.Tentative
		f.Detail = "The service answers 2xx to " + m.String() + "; what it makes of it cannot be seen."
		f.Steps = []finding.Step{t.env.Step("control: the valid call", t.good), t.env.Step(m.String(), first)}
		t.env.Report(f)
		return nil
	}
	f.Detail = "With " + m.String() + " the number at " + place + " of the answer goes the other way than with valid calls."
	for i, why := range []string{"control: the valid call", "control: again", "control: and again", m.String(), "the same again"} {
		f.Steps = append(f.Steps, t.env.Step(why, row[i]))
	}
	t.env.Report(f)
	return nil
}

// turned finds a number that goes one way over the first three answers and the
// other way over the last three.
func turned(row []*check.Exchange) string {
	first := numbers(row[0].Answer)
	rest := make([]map[string]float64, 0, len(row))
	for _, e := range row {
		rest = append(rest, numbers(e.Answer))
	}
	found := ""
	for at := range first {
		signs := make([]int, 0, 4)
		for i := 1; i < len(rest); i++ {
			before, had := rest[i-1][at]
			now, has := rest[i][at]
			if !had || !has {
				break
			}
			signs = append(signs, sign(now-before))
		}
		if len(signs) == 4 && signs[0] != 0 && signs[0] == signs[1] && signs[2] == -signs[0] && signs[3] == -signs[0] && (found == "" || at < found) {
			found = at
		}
	}
	return found
}

func sign(f float64) int {
	switch {
	case f > 0:
		return 1
	case f < 0:
		return -1
	}
	return 0
}

func numbers(a *client.Answer) map[string]float64 {
	out := map[string]float64{}
	top, _ := decode(a)
	each(top, "", 0, func(at, _ string, v any) {
		if f, ok := gen.Float(v); ok {
			out[at] = f
		}
	})
	return out
}
