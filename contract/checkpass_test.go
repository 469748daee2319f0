// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// once compiles a plain schema and its plan.
func once(t testing.TB, source string, v variant) (*schema, *plan) {
	t.Helper()
	root, err := readJSON(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	src := &sources{byRel: map[string]int{}, refs: map[string]place{}}
	src.files = append(src.files, &file{name: "schema", root: root})
	sc := newSchemas(src, false, v)
	sc.prepare(place{}, position{child: true})
	s, err := sc.compile(place{})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return s, sc.planOf(s)
}

// both gives the verdict of the tree and that of the pass on the same text;
// able tells that the pass had to decide.
func both(s *schema, pl *plan, text string, lim limits) (tree, pass, able bool) {
	w := &work{}
	w.c.t, w.c.out, w.c.lim, w.c.in = &w.t, &w.out, &lim, "body"
	pass = w.p.takes(pl, text, &w.c)
	fault := w.value(nil, s, text)
	start := strings.TrimLeft(text, " \t\r\n")
	return fault == nil && len(w.out) == 0, pass, start != "" && pl.tree&kindOf(start[0]) == 0
}

const passLibrary = `"$defs":{
	"node":{"type":"object","properties":{"a":{"$ref":"#/$defs/node"},"b":{"$ref":"#/$defs/leaf"}},"additionalProperties":false},
	"leaf":{"anyOf":[{"type":"integer","maximum":3},{"type":["string","null"],"maxLength":1},{"type":"array","items":{"$ref":"#/$defs/leaf"}}]},
	"base":{"required":["a"],"properties":{"a":{"type":["integer","object"]}}},
	"open":{"allOf":[{"$ref":"#/$defs/base"},{"properties":{"b":{"type":"string"},"c":{"oneOf":[{"type":"null"},{"$ref":"#/$defs/base"}]}}}]},
	"choice":{"oneOf":[{"$ref":"#/$defs/base"},{"required":["b"]}]},
	"shut":{"$ref":"#/$defs/open","unevaluatedProperties":{"type":"boolean"}}}`

// planned makes schemas of what plans can do without the tree, mostly.
func (r random) planned(depth int) any {
	if depth <= 0 || r.IntN(8) == 0 {
		return r.pick(true, false, map[string]any{"type": r.pick("integer", "string", "number", "null")}, map[string]any{"enum": []any{number("1.0"), "a", nil, true}},
			map[string]any{"$ref": "#/$defs/" + r.pick("node", "leaf", "base", "open", "choice", "shut").(string)})
	}
	m := map[string]any{}
	for range 1 + r.IntN(3) {
		switch r.IntN(12) {
		case 0, 1:
			m["type"] = r.pick("object", "array", []any{"object", "integer"}, []any{"string", "null", "object"})
		case 2, 3:
			m["properties"] = map[string]any{"a": r.planned(depth - 1), "b": r.planned(depth - 1)}
		case 4:
			m["required"] = []any{r.pick("a", "b"), "c"}[:1+r.IntN(2)]
		case 5:
			m["additionalProperties"] = r.planned(depth - 1)
		case 6:
			m["items"] = r.planned(depth - 1)
		case 7:
			m["minProperties"], m["maxProperties"] = number("1"), number("2")
		case 8:
			m["allOf"] = []any{r.planned(depth - 1), r.planned(depth - 1)}
		case 9:
			m[r.pick("anyOf", "oneOf").(string)] = []any{r.planned(depth - 1), map[string]any{"type": "null"}}
		case 10:
			m["$ref"] = "#/$defs/" + r.pick("node", "leaf", "base", "open", "choice", "shut").(string)
		case 11:
			m["unevaluatedProperties"] = r.pick(false, map[string]any{"type": "integer"})
		}
	}
	return m
}

func TestOnePassAndTheTreeGiveTheSameVerdict(t *testing.T) {
	r := random{rand.New(rand.NewPCG(7, 8))}
	lim := (&Config{}).limits()
	decided, taken, rounds := 0, 0, 800
	for range rounds {
		text, err := json.Marshal(r.planned(3))
		if err != nil {
			t.Fatal(err)
		}
		source := `{"allOf":[` + string(text) + `],` + passLibrary + `}`
		for _, v := range []variant{{}, {closed: true}} {
			s, pl := once(t, source, v)
			for range 12 {
				value, err := json.Marshal(r.value(3))
				if err != nil {
					t.Fatal(err)
				}
				tree, pass, able := both(s, pl, string(value), lim)
				if able && pass != tree || pass && !tree {
					t.Fatalf("%+v %s\n%s: in one pass %v, by the tree %v", v, text, value, pass, tree)
				}
				if able {
					decided++
				}
				if pass {
					taken++
				}
			}
		}
	}
	if total := rounds * 24; decided < total/2 || taken < total/20 {
		t.Errorf("the samples are one-sided: of %d, %d decided in one pass, %d taken", total, decided, taken)
	}
}

// FuzzOnePass holds any text against schemas of every sort.
func FuzzOnePass(f *testing.F) {
	schemas := []string{
		`true`, `{"type":"object","additionalProperties":{"type":["integer","string"]}}`, `{"$ref":"#/$defs/node",` + passLibrary + `}`,
		`{"items":{"$ref":"#/$defs/shut"},` + passLibrary + `}`, `{"uniqueItems":true,"items":{"format":"int32"}}`,
		`{"additionalProperties":{"oneOf":[{"required":["a"]},{"required":["b"]}]},"required":["x"]}`,
		`{"enum":["a",1e1,null,{"a":[]},[1]]}`, `{"patternProperties":{"^a":{"type":"string","pattern":"^\\d+$","minLength":2}}}`,
	}
	for i := range schemas {
		for _, seed := range []string{`{"a":{"b":[1,"é",null]},"x":1e2}`, `[{"a":1,"c":null,"d":true},10.0]`, `{"x":{"a":1}, "y":{"a":1,"b":2}}`, `"\ud800"`, `{"q":1,"q":2}`, `[[[[[[[[[1]]]]]]]]] `, `1e999`, "\"\xff\"", `{"abc":"12"}x`} {
			f.Add(i, seed)
		}
	}
	type compiled struct {
		s  *schema
		pl *plan
	}
	var all []compiled
	for _, source := range schemas {
		s, pl := once(f, source, variant{})
		all = append(all, compiled{s, pl})
	}
	lim := (&Config{MaxDepth: 8, MaxMembers: 20, MaxItems: 20}).limits()
	f.Fuzz(func(t *testing.T, i int, text string) {
		one := all[uint(i)%uint(len(all))]
		if tree, pass, able := both(one.s, one.pl, text, lim); able && pass != tree || pass && !tree {
			t.Fatalf("%s\n%q: in one pass %v, by the tree %v", schemas[uint(i)%uint(len(all))], text, pass, tree)
		}
	})
}

func TestOnePassRefusesWhatTheDecoderRefuses(t *testing.T) {
	many := func(n int, again string) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"m%d":1`, i))
		}
		return "{" + strings.Join(append(members, again), ",") + "}"
	}
	for _, test := range []struct {
		name, text string
		cfg        Config
		want       bool
	}{
		{"a value", ` {"x":[1,true,false,null,"\u00e9",{}]} `, Config{}, true},
		{"nothing", ``, Config{}, false},
		{"white space", " \n", Config{}, false},
		{"data behind it", `{} {}`, Config{}, false},
		{"a declared member twice", `{"a":1,"b":2,"a":1}`, Config{}, false},
		{"another member twice", `{"x":1,"y":2,"x":1}`, Config{}, false},
		{"a member twice by an escape", `{"x":1,"\u0078":1}`, Config{}, false},
		{"a declared member twice by an escape", `{"a":1,"\u0061":1}`, Config{}, false},
		{"the 15th member again", many(16, `"m14":1`), Config{}, false},
		{"the first of many again", many(40, `"m0":1`), Config{}, false},
		{"the last of many again", many(40, `"m39":1`), Config{}, false},
		{"many members", many(40, `"x":1`), Config{}, true},
		{"as deep as allowed", `{"x":[[1]]}`, Config{MaxDepth: 3}, true},
		{"deeper than allowed", `{"x":[[[1]]]}`, Config{MaxDepth: 3}, false},
		{"deeper than allowed, empty", `{"x":[[[]]]}`, Config{MaxDepth: 3}, false},
		{"as many members as allowed", `{"x":1,"y":2}`, Config{MaxMembers: 2}, true},
		{"more members", `{"x":1,"y":2,"z":3}`, Config{MaxMembers: 2}, false},
		{"as many items as allowed", `[1,2]`, Config{MaxItems: 2}, true},
		{"more items", `[1,2,3]`, Config{MaxItems: 2}, false},
		{"a huge exponent that nothing looks at", `{"x":1e401}`, Config{}, false},
		{"a long number that nothing looks at", `[` + strings.Repeat("1", 129) + `]`, Config{}, false},
		{"bad UTF-8 that nothing looks at", "[\"\xc0\x80\"]", Config{}, false},
		{"a lone surrogate as a name", `{"\ud800":1}`, Config{}, false},
		{"a word that goes on", `[nulls]`, Config{}, false},
		{"half a word", `tru`, Config{}, false},
		{"a comma too many", `[1,]`, Config{}, false},
		{"too many values", `[` + strings.Repeat(`[1,1,1,1,1,1,1,1,1,1,1],`, 9999) + `1]`, Config{}, false},
	} {
		s, pl := once(t, `{"properties":{"a":{"type":"integer"},"b":{}}}`, variant{})
		lim := test.cfg.limits()
		tree, pass, able := both(s, pl, test.text, lim)
		if tree != test.want || pass != test.want || !able && strings.TrimSpace(test.text) != "" {
			t.Errorf("%s: in one pass %v, by the tree %v, want %v", test.name, pass, tree, test.want)
		}
	}
}

func TestOnePassKeepsNothingOfWhatItReads(t *testing.T) {
	s, pl := once(t, `{"items":{"properties":{"a":{"type":"string"}},"additionalProperties":{"items":{"type":"integer"}}}}`, variant{})
	_ = s
	text := `[` + strings.TrimSuffix(strings.Repeat(`{"a":"x","b":[1,2,3],"c":[]},`, 1000), ",") + `]`
	var tr tree
	lim := (&Config{}).limits()
	c := checker{t: &tr, lim: &lim}
	var p pass
	if !p.takes(pl, text, &c) {
		t.Fatal("refused")
	}
	if cap(tr.nodes) != 0 || len(p.names) != 0 || len(p.bits) != 0 || cap(p.names) > 64 {
		t.Errorf("%d nodes, %d names (%d), %d bits", cap(tr.nodes), len(p.names), cap(p.names), len(p.bits))
	}
	if n := allocs.PerRun(20, func() { p.takes(pl, text, &c) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	p.release()
	if slices.ContainsFunc(p.names[:cap(p.names)], func(name string) bool { return name != "" }) || p.d.s != "" {
		t.Error("the pass keeps the request's strings")
	}
}

// The work on content is counted, not timed, so that the test says the same on
// any machine: twice the content is twice the steps.
func TestWorkGrowsLinearlyWithTheContent(t *testing.T) {
	for name, schema := range map[string]string{
		"one pass":        `{"type":"object","properties":{"v":{"type":"array","items":{"properties":{"a":{"pattern":"^(a|ab)*$"},"b":{"minimum":1}},"additionalProperties":{"enum":[1,2]}}}}}`,
		"parts by a tree": `{"properties":{"v":{"items":{"oneOf":[{"required":["a"]},{"required":["z"]}],"unevaluatedProperties":true}}}}`,
		"whole by a tree": `{"not":{"required":["w"]},"properties":{"v":{"items":{"anyOf":[{"properties":{"a":{"type":"null"}}},{"required":["a"]}]}}}}`,
		"distinct items":  `{"properties":{"v":{"items":{"properties":{"c":{"uniqueItems":true}}}}}}`,
	} {
		s, pl := once(t, schema, variant{})
		cost := func(n int) int {
			text := `{"v":[` + strings.TrimSuffix(strings.Repeat(`{"a":"aab","b":2,"c":1},`, n), ",") + `]}`
			w := &work{}
			lim := (&Config{}).limits()
			w.c.t, w.c.out, w.c.lim = &w.t, &w.out, &lim
			took := w.p.takes(pl, text, &w.c)
			steps := w.p.values + w.p.work
			if f := w.value(pl, s, text); f != nil || len(w.out) > 0 {
				t.Fatal(name, f, w.out)
			}
			if !took {
				steps += len(w.t.nodes) + w.c.steps
			}
			return steps
		}
		one, two, four := cost(500), cost(1000), cost(2000)
		if two > 2*one || four > 4*one || one < 500 {
			t.Errorf("%s: %d, %d and %d steps for 500, 1000 and 2000 items", name, one, two, four)
		}
	}
}

// What one request was like changes nothing for the next one, which uses the
// same buffers: neither what was taken, nor what was too much, nor a panic.
func TestARequestIsCheckedTheSameAfterAnyOther(t *testing.T) {
	d := mustParse(t, flagsDoc)
	s := mustStage(t, d, "op", &Config{})
	before := []request{
		{body: `{"pin":"1"}`}, {body: `{"pin":1}`}, {body: `{`}, {body: `{"pin":"1","maybe":[`},
		{query: "json=%7B", body: `{"pin":"1"}`}, {query: "deep[a]=x"}, {query: "none=null"},
		{body: "[" + strings.Repeat("[", 100)}, {body: `{"pin":"1","either":1}`},
	}
	for _, test := range []struct{ query, body, want string }{
		{"json=%7B%22a%22%3A1", `{"pin":"1"}`, "invalid-parameter: query json: is not valid JSON"},
		{"open=%00", `{"pin":"1"}`, "invalid-parameter: query open: has a character that is not allowed"},
		{"none=x", `{"pin":"1"}`, "invalid-parameter: query none: must be an integer"},
		{"deep[b]=1", `{"pin":"1"}`, "invalid-parameter: query deep/a: is required"},
		{"", `{}`, "invalid-body: body /pin: is required"},
		{"", `{"pin":"1"}`, "allow"},
	} {
		for _, first := range before {
			// The pool may give other buffers now and then; most times it
			// gives the same.
			for range 4 {
				ask(s, first)
				if got := ask(s, request{query: test.query, body: test.body}); got != test.want {
					t.Fatalf("%s %s after %+v: got %s, want %s", test.query, test.body, first, got, test.want)
				}
			}
		}
	}
}

func TestAResultNeverHangsOnTheWayItWasCheckedIn(t *testing.T) {
	d := mustParse(t, orderDoc)
	s := mustStage(t, d, "order", &Config{})
	slow := byTheTree(s)
	good := orderRequest()
	r := rand.New(rand.NewPCG(5, 6))
	different := 0
	for range 2000 {
		one := good
		body := []byte(good.body)
		for range 1 + r.IntN(2) {
			at := r.IntN(len(body))
			body[at] = []byte(`0x"{}[],:9-e\`)[r.IntN(13)]
		}
		one.body = string(body)
		got, want := s.Request(context.Background(), exchange(one)), slow.Request(context.Background(), exchange(one))
		if answer(got) != answer(want) {
			t.Fatalf("%s\nin one pass %s\nby the tree %s", body, answer(got), answer(want))
		}
		if got.Verdict != durward.Allow {
			different++
		}
	}
	if different < 500 {
		t.Errorf("only %d of the bodies were refused", different)
	}
}
