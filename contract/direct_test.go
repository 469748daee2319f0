// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// random makes schemas and values from a small vocabulary, so that they meet.
type random struct{ *rand.Rand }

func (r random) pick(values ...any) any { return values[r.IntN(len(values))] }

func (r random) value(depth int) any {
	switch n := r.IntN(9); {
	case n == 0 && depth > 0:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, r.value(depth-1))
		}
		return out
	case n < 4 && depth > 0:
		out := map[string]any{}
		for range r.IntN(4) {
			out[r.pick("a", "b", "ab", "c").(string)] = r.value(depth - 1)
		}
		return out
	}
	return r.pick(nil, true, false, number("0"), number("1"), number("1.0"), number("-3"), number("2.5"), number("1e2"), number("12345678901234567890"), "", "a", "ab", "b1", "é", "2020-01-01")
}

func (r random) list(depth int) []any {
	out := []any{r.schema(depth)}
	for range r.IntN(2) {
		out = append(out, r.schema(depth))
	}
	return out
}

func (r random) schema(depth int) any {
	if depth <= 0 || r.IntN(12) == 0 {
		return r.pick(true, false, map[string]any{}, map[string]any{"type": r.pick("integer", "string", "number", "null", "object", "boolean")})
	}
	m := map[string]any{}
	for range 1 + r.IntN(3) {
		switch r.IntN(30) {
		case 0, 1:
			m["type"] = r.pick("integer", "string", "object", "array", "number", []any{"integer", "null"}, []any{"object", "array"})
		case 2, 3:
			m["properties"] = map[string]any{"a": r.schema(depth - 1), "b": r.schema(depth - 1)}
		case 4:
			m["required"] = []any{r.pick("a", "b")}
		case 5:
			m["additionalProperties"] = r.schema(depth - 1)
		case 6:
			m["items"] = r.schema(depth - 1)
		case 7:
			m["enum"] = []any{r.value(1), r.value(1), r.value(0)}
		case 8:
			m["const"] = r.value(1)
		case 9:
			m["minimum"], m["exclusiveMaximum"] = number("1"), number("100")
		case 10:
			m["minLength"], m["maxLength"] = number("1"), number("2")
		case 11:
			m["pattern"] = r.pick("^a", "\\d", "^.$")
		case 12:
			m["format"] = r.pick("date", "int32", "ipv4", "unknown")
		case 13:
			m["allOf"] = r.list(depth - 1)
		case 14:
			m["anyOf"] = r.list(depth - 1)
		case 15:
			m["oneOf"] = r.list(depth - 1)
		case 16:
			m["not"] = r.schema(depth - 1)
		case 17:
			m["if"], m["then"], m["else"] = r.schema(depth-1), r.schema(depth-1), r.schema(depth-1)
		case 18:
			m["prefixItems"] = r.list(depth - 1)
		case 19:
			m["contains"], m["minContains"], m["maxContains"] = r.schema(depth-1), number("0"), number("2")
		case 20:
			m["uniqueItems"], m["maxItems"] = true, number("2")
		case 21:
			m["patternProperties"] = map[string]any{"^a": r.schema(depth - 1)}
		case 22:
			m["propertyNames"] = r.schema(depth - 1)
		case 23:
			m["dependentRequired"], m["maxProperties"] = map[string]any{"a": []any{"b"}}, number("2")
		case 24:
			m["dependentSchemas"] = map[string]any{"a": r.schema(depth - 1)}
		case 25:
			m["unevaluatedProperties"] = r.schema(depth - 1)
		case 27:
			m["unevaluatedItems"] = r.schema(depth - 1)
		case 28:
			m["unevaluatedProperties"], m["anyOf"] = false, r.list(depth-1)
		case 29:
			m["unevaluatedProperties"], m["if"], m["oneOf"] = false, r.schema(depth-1), r.list(depth-1)
		case 26:
			m["multipleOf"] = r.pick(number("2"), number("0.5"))
		}
	}
	return m
}

// The direct validator and the library give the same verdict on any schema and
// value.
func TestTheDirectValidatorAgreesWithTheLibrary(t *testing.T) {
	r := random{rand.New(rand.NewPCG(1, 2))}
	rounds, valid, direct, inOnePass := 4000, 0, 0, 0
	if testing.Short() {
		rounds = 500
	}
	for range rounds {
		source := r.schema(3)
		text, err := json.Marshal(source)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compileStandalone(source)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if s.direct {
			direct++
		}
		for range 10 {
			value, err := json.Marshal(r.value(3))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := judge(t, s.s, string(value))
			want, _ := judge(t, s.slow, string(value))
			if got != want {
				t.Fatalf("schema %s\nvalue %s\ndirect %v, library %v", text, value, got, want)
			}
			if got {
				valid++
			}
			if once, able := s.inOnePass(string(value)); able && once != got || once && !able {
				t.Fatalf("schema %s\nvalue %s\nin one pass %v, direct %v", text, value, once, got)
			} else if able {
				inOnePass++
			}
		}
	}
	if valid < rounds || direct < rounds/2 || inOnePass < rounds {
		t.Errorf("the samples are one-sided: %d of %d valid, %d direct, %d in one pass", valid, rounds*10, direct, inOnePass)
	}
}
