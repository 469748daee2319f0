// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"
)

const shapesDoc = `
openapi: %s
info: {title: t, version: "1"}
paths:
  /shape: {post: {operationId: shape, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Shape"}}}}}}
  /any: {post: {operationId: any, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/AnyShape"}}}}}}
  /list: {post: {operationId: list, requestBody: {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Shape"}}}}}}}
  /hint: {post: {operationId: hint, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Hint"}}}}}}
components:
  schemas:
    Circle: {type: object, required: [kind, r], properties: {kind: {type: string}, r: {type: number}}}
    Square: {type: object, required: [kind, a], properties: {kind: {type: string}, a: {type: number}, inner: {$ref: "#/components/schemas/Shape"}}}
    Named: {allOf: [{$ref: "#/components/schemas/Circle"}, {properties: {kind: {enum: [named, titled]}}}]}
    Shape:
      oneOf: [{$ref: "#/components/schemas/Circle"}, {$ref: "#/components/schemas/Square"}, {$ref: "#/components/schemas/Named"}]
      discriminator:
        propertyName: kind
        mapping: {c: "#/components/schemas/Circle", round: Circle, gone: "#/components/schemas/Nothing", sq: Square, Square: "#/components/schemas/Other"}
    AnyShape:
      anyOf: [{$ref: "#/components/schemas/Circle"}, {$ref: "#/components/schemas/Square"}]
      discriminator: {propertyName: kind}
    Hint:
      oneOf: [{$ref: "#/components/schemas/Circle"}, {type: object, required: [z], properties: {z: {type: integer}}}]
      discriminator: {propertyName: kind}
`

func TestDiscriminatorsChooseTheBranch(t *testing.T) {
	for _, version := range []string{"3.0.3", "3.1.0"} {
		d := mustParse(t, strings.Replace(shapesDoc, "%s", version, 1))
		for _, test := range []struct{ name, op, body, want string }{
			{"a schema's name", "shape", `{"kind":"Circle","r":1}`, "allow"},
			{"a value of the mapping", "shape", `{"kind":"c","r":1}`, "allow"},
			{"a mapping to a bare name", "shape", `{"kind":"round","r":1}`, "allow"},
			{"a value that the alternative lists itself", "shape", `{"kind":"titled","r":1}`, "allow"},
			{"the name of an alternative that lists others", "shape", `{"kind":"Named","r":1}`, "/kind: is not one of the allowed values"},
			{"what else it would fit counts for nothing", "shape", `{"kind":"Circle","r":1,"a":1}`, "allow"},
			{"it is not held against what it would fit", "shape", `{"kind":"Circle","a":1}`, "/r: is required"},
			{"a name that the mapping gives to something else", "shape", `{"kind":"Square","a":1}`, "/kind: is not one of the allowed values"},
			{"a mapping to nothing", "shape", `{"kind":"gone"}`, "/kind: is not one of the allowed values"},
			{"an unknown value", "shape", `{"kind":"Pyramid","r":1}`, "/kind: is not one of the allowed values"},
			{"a value in other letters", "shape", `{"kind":"circle","r":1}`, "/kind: is not one of the allowed values"},
			{"no value", "shape", `{"r":1}`, "/kind: is required"},
			{"a number", "shape", `{"kind":1,"r":1}`, "/kind: must be a string"},
			{"no object", "shape", `"Circle"`, "is not of exactly one of the allowed forms"},
			{"anyOf", "any", `{"kind":"Square","a":1}`, "allow"},
			{"anyOf, an unknown value", "any", `{"kind":"Cube","a":1}`, "/kind: is not one of the allowed values"},
			{"within a list", "list", `[{"kind":"c","r":1},{"kind":"x"}]`, "/1/kind: is not one of the allowed values"},
			{"an alternative that nothing names makes it a hint", "hint", `{"z":1}`, "allow"},
			{"and all are tried", "hint", `{"z":1,"kind":"Circle","r":1}`, "is not of exactly one of the allowed forms"},
		} {
			s := mustStage(t, d, test.op, &Config{})
			if got := ask(s, request{body: test.body}); !strings.HasSuffix(got, test.want) {
				t.Errorf("%s, %s: got %s, want %s", version, test.name, got, test.want)
			}
		}
	}
}

// Undeclared members are those that the chosen alternative does not declare.
func TestDiscriminatorsAndUndeclaredMembers(t *testing.T) {
	s := mustStage(t, mustParse(t, strings.Replace(shapesDoc, "%s", "3.1.0", 1)), "any", &Config{AdditionalProperties: Refuse})
	for body, want := range map[string]string{
		`{"kind":"Circle","r":1}`:                                  "allow",
		`{"kind":"Square","a":1,"inner":{"kind":"c","r":2}}`:       "allow",
		`{"kind":"Circle","r":1,"a":1}`:                            "invalid-body: body /a: is not allowed here",
		`{"kind":"Square","a":1,"inner":{"kind":"c","r":2,"x":1}}`: "invalid-body: body /inner/x: is not allowed here",
	} {
		if got := ask(s, request{body: body}); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// One of many alternatives costs what one costs.
func TestADiscriminatorSparesTheOtherAlternatives(t *testing.T) {
	steps := func(n int) int {
		var refs, schemas strings.Builder
		for i := range n {
			fmt.Fprintf(&refs, "{$ref: '#/components/schemas/S%d'},", i)
			fmt.Fprintf(&schemas, "    S%d: {type: object, required: [kind, v], properties: {kind: {type: string}, v: {type: array, items: {type: integer}}}}\n", i)
		}
		d := mustParse(t, "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /x: {post: {operationId: op, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}\n"+
			"components:\n  schemas:\n    A: {oneOf: ["+refs.String()+"], discriminator: {propertyName: kind}}\n"+schemas.String())
		s := mustStage(t, d, "op", &Config{}).(*stage)
		w := &work{}
		w.c.t, w.c.out, w.c.lim = &w.t, &w.out, &s.lim
		m := s.rules.body.media[0]
		if f := w.value(m.plan, m.schema, `{"kind":"S0","v":[1,2,3,4,5,6,7,8]}`); f != nil || len(w.out) > 0 {
			t.Fatal(f, w.out)
		}
		return w.c.steps
	}
	if few, many := steps(2), steps(200); few != many || few == 0 {
		t.Errorf("%d steps with 2 alternatives, %d with 200", few, many)
	}
}
