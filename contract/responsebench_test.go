// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// twenty is a schema of twenty members and a clean answer of a kilobyte.
func twenty() (schema, content string) {
	var s, c strings.Builder
	s.WriteString("T: {type: object, required: [field00, field07, field19], properties: {")
	c.WriteString("{")
	for i := range 20 {
		if i > 0 {
			s.WriteString(", ")
			c.WriteString(",")
		}
		if i%4 == 3 {
			fmt.Fprintf(&s, "field%02d: {type: integer}", i)
			fmt.Fprintf(&c, `"field%02d":%d`, i, i*1234567)
		} else {
			fmt.Fprintf(&s, "field%02d: {type: string}", i)
			fmt.Fprintf(&c, `"field%02d":"%s"`, i, strings.Repeat("value of it ", 4)[:43])
		}
	}
	s.WriteString("}}")
	c.WriteString("}")
	return s.String(), c.String()
}

func BenchmarkStripClean1KB(b *testing.B) {
	schema, content := twenty()
	o, text := outlineOf(b, schema), []byte(content)
	var s stripper
	var who durward.Principal
	rules := guardRules{}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.reset(o, &rules, &who)
		if _, clean, err := s.strip(text); !clean || err != nil {
			b.Fatal(clean, err)
		}
	}
}

// BenchmarkAnswerClean1KB is the whole stage, with the buffering of the content.
func BenchmarkAnswerClean1KB(b *testing.B) {
	stage, x, content, body := benchAnswer(b)
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(content)
		x.Response.Body, x.Response.Length = io.NopCloser(body), int64(len(content))
		if d := stage.Response(context.Background(), x); d.Verdict != durward.Allow || d.Err != nil {
			b.Fatal(d)
		}
	}
}

func benchAnswer(t testing.TB) (*Answers, *durward.Exchange, string, *strings.Reader) {
	schema, content := twenty()
	d, err := Parse("t.yaml", []byte(guarded+indent(schema)[:0]))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Response("t", &ResponseConfig{}, ResponseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.declared {
		for j := range s.declared[i].media {
			s.declared[i].media[j].outline = outlineOf(t, schema)
		}
	}
	return s, answered(200, content, -1, "Content-Type", "application/json"), content, new(strings.Reader)
}

func TestACleanAnswerCostsFewAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	stage, x, content, body := benchAnswer(t)
	// The reader around the content, its buffer and the closer of this test.
	if n := allocs.PerRun(100, func() {
		body.Reset(content)
		x.Response.Body, x.Response.Length = io.NopCloser(body), int64(len(content))
		if d := stage.Response(context.Background(), x); d.Verdict != durward.Allow || d.Err != nil {
			t.Fatal(d)
		}
	}); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

// A discriminator is looked for ahead, within a bound: nesting does not
// multiply it.
func TestLookingAheadIsBounded(t *testing.T) {
	o := outlineOf(t, `
T: {oneOf: [{$ref: "#/components/schemas/A"}, {$ref: "#/components/schemas/B"}], discriminator: {propertyName: k}}
A: {properties: {k: {}, t: {$ref: "#/components/schemas/T"}}}
B: {properties: {k: {}, u: {}}}
`)
	const depth = 100
	text := strings.Repeat(`{"t":`, depth) + `"` + strings.Repeat("x", 50_000) + `"` + strings.Repeat(`,"k":"A"}`, depth)
	var s stripper
	s.reset(o, &guardRules{}, &durward.Principal{})
	if _, clean, err := s.strip([]byte(text)); err != nil || !clean {
		t.Fatal(clean, err)
	}
	if s.spent > (mostAhead+1)*len(text) {
		t.Errorf("%d bytes looked at for %d", s.spent, len(text))
	}
}
