// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
)

// growth is a family of texts that patterns with nested repetition take twice as
// long for with each character more.
var growth = []func(n int) string{
	func(n int) string { return strings.Repeat("a", n) + "!" },
	func(n int) string { return strings.Repeat("1", n) + "!" },
	func(n int) string { return "a@" + strings.Repeat("a", n) + "!" },
	func(n int) string { return strings.Repeat("a.", n/2) + "!" },
	func(n int) string { return strings.Repeat(" ", n) + "!" },
}

// lengths are tried until one is slow: a step too far would stop the service.
var lengths = []int{18, 22, 25, 28}

// slow is what an answer must take, above what the unchanged call does.
const slowEnough = 250 * time.Millisecond

// slow looks for texts that take long: patterns that backtrack without end, and
// work that grows with the square of a text's length.
func (t *target) slow(ctx context.Context) {
	n := 0
	for _, at := range t.base.Places() {
		v, _ := t.base.Get(at)
		text, ok := v.(string)
		if !ok || at.In != "query" && at.In != "body" && at.In != "path" || at.Schema != nil && len(at.Schema.Enum) > 0 {
			continue
		}
		if n++; n > 8 || t.err != nil {
			return
		}
		for _, write := range growth {
			if steps := t.backtracks(ctx, at, func(n int) string { return write(n) }); steps != nil {
				t.report(slowInput, finding.Firm, at.String(), "A few characters more take the service many times as long.", steps...)
				return
			}
		}
		if at.In == "body" {
			if steps := t.squares(ctx, at, text); steps != nil {
				t.report(slowInput, finding.Firm, at.String(), "The time grows with the square of the text's length, or worse.", steps...)
				return
			}
		}
	}
}

// usual is what the call takes with a text of no harm and the same length.
func (t *target) usual(ctx context.Context, at call.Place, length int) (time.Duration, bool) {
	var all []*check.Exchange
	for range 3 {
		e := t.send(ctx, at, strings.Repeat("a", 3)+strings.Repeat("z", max(length-3, 0)))
		if e == nil {
			return 0, false
		}
		all = append(all, e)
	}
	return slowest(all), true
}

func (t *target) backtracks(ctx context.Context, at call.Place, write func(int) string) []finding.Step {
	for _, n := range lengths {
		e := t.send(ctx, at, write(n))
		if e == nil {
			return nil
		}
		if e.Answer.Took < t.good.Answer.Took+slowEnough {
			continue
		}
		if _, ok := t.usual(ctx, at, n/2); !ok {
			return nil
		}
		var long, longer, short []*check.Exchange
		for range 3 {
			a, b, c := t.send(ctx, at, write(n)), t.send(ctx, at, write(n-10)), t.send(ctx, at, write(n-1))
			if a == nil || b == nil || c == nil {
				return nil
			}
			longer, short, long = append(longer, a), append(short, b), append(long, c)
		}
		if fastest(longer) < slowEnough || fastest(longer) < 5*slowest(short) || float64(fastest(longer)) < 1.3*float64(fastest(long)) {
			return nil
		}
		return []finding.Step{
			t.env.Step(fmt.Sprintf("%d characters: answered after %v", len(write(n-10)), short[0].Answer.Took.Round(time.Millisecond)), short[0]),
			t.env.Step(fmt.Sprintf("%d characters: answered after %v", len(write(n)), longer[0].Answer.Took.Round(time.Millisecond)), longer[0]),
		}
	}
	return nil
}

// squares tries long texts, one twice as long as the other.
func (t *target) squares(ctx context.Context, at call.Place, _ string) []finding.Step {
	const n = 25000
	for _, unit := range []string{"a", " ", "1"} {
		write := func(n int) string { return strings.Repeat(unit, n) + "!" }
		e := t.send(ctx, at, write(2*n))
		if e == nil || e.Answer.Took < t.good.Answer.Took+2*slowEnough {
			continue
		}
		var once, twice []*check.Exchange
		for range 3 {
			a, b := t.send(ctx, at, write(n)), t.send(ctx, at, write(2*n))
			if a == nil || b == nil {
				return nil
			}
			once, twice = append(once, a), append(twice, b)
		}
		if fastest(twice) > 2*slowEnough && float64(fastest(twice)) > 2.8*float64(slowest(once)) {
			return []finding.Step{
				t.env.Step(fmt.Sprintf("%d characters: answered after %v", n, once[0].Answer.Took.Round(time.Millisecond)), once[0]),
				t.env.Step(fmt.Sprintf("%d characters: answered after %v", 2*n, twice[0].Answer.Took.Round(time.Millisecond)), twice[0]),
			}
		}
	}
	return nil
}

// inflated is what compressed content unpacks to.
const inflated = 12 << 20

// inflate sends the call's content compressed: as it is, and with so many spaces
// behind it that it becomes large.
func (t *target) inflate(ctx context.Context) {
	if !t.base.HasBody || !strings.Contains(t.base.MediaType, "json") {
		return
	}
	packed := func(spaces int) *check.Exchange {
		return t.request(ctx, func(r *client.Request) {
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
			_, _ = z.Write(r.Body)
			chunk := bytes.Repeat([]byte{' '}, 64<<10)
			for n := 0; n < spaces; n += len(chunk) {
				_, _ = z.Write(chunk)
			}
			_ = z.Close()
			r.Body = b.Bytes()
			r.Set("Content-Encoding", "gzip")
		})
	}
	small := packed(0)
	if small == nil || small.Answer.Status != t.good.Answer.Status {
		return // compressed requests are not taken
	}
	var steps []finding.Step
	for range 2 {
		e := packed(inflated)
		if e == nil || e.Answer.Status != t.good.Answer.Status {
			return
		}
		steps = append(steps, t.env.Step(fmt.Sprintf("the same with spaces up to %d MiB, compressed", inflated>>20), e))
	}
	t.report(inflateUnbounded, finding.Firm, "body#", fmt.Sprintf("A few kilobytes that unpack to %d MiB are unpacked and accepted.", inflated>>20),
		append([]finding.Step{t.env.Step("the content compressed", small)}, steps...)...)
}

// deep sends a member that is nested deeply.
func (t *target) deep(ctx context.Context) {
	members, ok := t.base.Body.(map[string]any)
	if !ok || !strings.Contains(t.base.MediaType, "json") {
		return
	}
	plain, err := json.Marshal(members)
	if err != nil || len(plain) < 2 {
		return
	}
	nested := func(levels int) *check.Exchange {
		return t.request(ctx, func(r *client.Request) {
			text := strings.TrimSuffix(strings.TrimSpace(string(plain)), "}")
			if len(members) > 0 {
				text += ","
			}
			r.Body = []byte(text + `"nested":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + "}")
		})
	}
	flat := nested(5)
	if flat == nil || flat.Answer.Status >= 500 {
		return
	}
	var steps []finding.Step
	for range 2 {
		e := nested(20000)
		if e == nil || e.Answer.Status < 500 {
			return
		}
		steps = append(steps, t.env.Step("20,000 levels", e))
	}
	t.report(deepFails, finding.Firm, "body#", "JSON of 20,000 levels makes the service fail.", append([]finding.Step{t.env.Step("5 levels", flat)}, steps...)...)
}
