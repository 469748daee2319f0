// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"durward"
)

// canaryDoc has the word LEAK in everything of its schemas that a caller must
// not be told, and the number 424242 for bounds.
const canaryDoc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x/{p}:
    post:
      operationId: op
      parameters:
        - {name: p, in: path, required: true, schema: {type: string, pattern: "^LEAK[a-z]$"}}
        - {name: q, in: query, schema: {enum: [LEAKa, LEAKb]}}
        - {name: deep, in: query, style: deepObject, schema: {type: object, properties: {a: {const: LEAKc}, b: {type: integer, maximum: 424242}}}}
        - {name: j, in: query, content: {application/json: {schema: {type: object, properties: {a: {type: integer, minimum: 424242}}}}}}
        - {name: H, in: header, schema: {type: string, minLength: 424242}}
        - {name: c, in: cookie, schema: {type: string, format: LEAK-format, pattern: "LEAK$"}}
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/LEAKschema"}}
          application/dynamic+json: {schema: {$ref: "#/components/schemas/LEAKdynamic"}}
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/LEAKflat"}}
          multipart/form-data: {schema: {$ref: "#/components/schemas/LEAKflat"}, encoding: {a: {contentType: application/leak}}}
          text/plain: {schema: {type: string, pattern: "^LEAK$"}}
components:
  schemas:
    LEAKflat:
      description: LEAK of a description
      type: object
      required: [a]
      properties: {a: {type: string, pattern: "^LEAK[0-9]$"}, b: {enum: [LEAKd, LEAKe]}, c: {type: integer, multipleOf: 424242}, d: {type: string, default: LEAK, format: uuid}}
    LEAKschema:
      title: LEAK
      $comment: LEAK
      type: object
      required: [a]
      maxProperties: 7
      patternProperties: {"^LEAK": {type: string}}
      propertyNames: {pattern: "^[a-z]"}
      properties:
        a: {type: string, pattern: "^LEAK[0-9]$", minLength: 4, maxLength: 424242}
        b: {enum: [LEAKd, {x: LEAKe}, 424242]}
        c: {const: LEAKf}
        d: {type: number, minimum: 424242, exclusiveMaximum: 424243, multipleOf: 424242, examples: [LEAK]}
        e: {type: array, uniqueItems: true, contains: {const: LEAKg}, items: {type: [string, integer]}}
        f: {oneOf: [{$ref: "#/components/schemas/LEAKflat"}, {type: integer}], discriminator: {propertyName: a, mapping: {LEAKh: "#/components/schemas/LEAKflat"}}}
        g: {not: {const: LEAKi}, if: {type: string}, then: {pattern: LEAKj}}
        h: {anyOf: [{$ref: "#/components/schemas/LEAKschema"}, {pattern: LEAKk}]}
        i: {type: object, additionalProperties: false, dependentRequired: {a: [b]}}
        j: {type: string, format: date-time}
    LEAKdynamic:
      $id: "https://LEAK.example/x"
      $dynamicAnchor: LEAKanchor
      $ref: "#/$defs/LEAKdef"
      $defs:
        LEAKdef:
          type: object
          required: [a]
          properties:
            a: {pattern: LEAKl}
            b: {enum: [LEAKm, 424242]}
            c: {$dynamicRef: "#LEAKanchor"}
            d: {type: number, maximum: 424242, not: {const: 424242}}
            e: {items: {const: LEAKn}, minItems: 2, uniqueItems: true}
            f: {format: date, maxLength: 3}
          unevaluatedProperties: false
`

// badValue makes a value whose every string and number has a mark that occurs
// nowhere else: a problem with the mark shows a value.
func (r random) badValue(depth int) any {
	switch n := r.IntN(8); {
	case n < 2 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, r.badValue(depth-1))
		}
		return list
	case n < 5 && depth > 0:
		m := map[string]any{}
		for range r.IntN(6) {
			m[string(rune('a'+r.IntN(11)))] = r.badValue(depth - 1)
		}
		return m
	}
	return r.pick("SECRET", "SECRET-8d1c", "é SECRET\n", "LEAK7SECRET", number("31337000"), number("31337.5"), number("-31337e3"), true, false, nil)
}

func TestNoProblemShowsTheValueOrTheSchema(t *testing.T) {
	d := mustParse(t, canaryDoc)
	r := random{rand.New(rand.NewPCG(11, 12))}
	stages := []durward.Stage{mustStage(t, d, "op", &Config{}), mustStage(t, d, "op", &Config{AdditionalProperties: Refuse, MaxDepth: 3, MaxItems: 2, Accept: Refuse})}
	refused, reasons := 0, map[string]bool{}
	for i := range 6000 {
		q := request{params: map[string]string{"p": "LEAKx"}}
		text, err := json.Marshal(r.badValue(3))
		if err != nil {
			t.Fatal(err)
		}
		flat := fmt.Sprint(r.badValue(0))
		switch i % 12 {
		case 0:
			q.params["p"] = flat
		case 1:
			q.query = "q=" + url.QueryEscape(flat)
		case 2:
			q.query = "deep[a]=" + url.QueryEscape(flat) + "&deep[b]=" + url.QueryEscape(flat)
		case 3:
			q.query = "j=" + url.QueryEscape(string(text))
		case 4:
			q.header = []string{"H: SECRET" + flat, "Cookie: c=SECRET"}
		case 5:
			q.mime, q.body = "application/x-www-form-urlencoded", "a="+url.QueryEscape(flat)+"&b="+url.QueryEscape(flat)+"&c="+url.QueryEscape(flat)+"&d=SECRET"
		case 6:
			q.mime = "multipart/form-data; boundary=B"
			for _, name := range []string{"a", "b", "c", "d"} {
				q.body += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + flat + "\r\n"
			}
			q.body += "--B--"
		case 7:
			q.mime, q.body = "text/plain", "SECRET"
		case 8:
			q.mime, q.body = "application/dynamic+json", string(text)
		case 9: // what cannot be read
			q.body = string(text)
			at := r.IntN(len(q.body))
			q.body = q.body[:at] + r.pick("\xff", "\\ud800", "SECRET", "31337", "{", "\"", "\x00").(string) + q.body[at:]
		default:
			q.body = string(text)
		}
		if i%12 < 5 {
			q.mime, q.body = "", ""
		}
		dec := stages[i/12%2].Request(t.Context(), exchange(q))
		if dec.Verdict == durward.Allow {
			continue
		}
		refused++
		var shown []string
		if v, ok := dec.Err.(durward.Violations); ok {
			for _, one := range v {
				shown = append(shown, one.Name, one.Reason)
				reasons[one.Reason] = true
			}
		}
		if dec.Err != nil {
			shown = append(shown, dec.Err.Error())
		}
		for _, text := range shown {
			for _, canary := range []string{"SECRET", "31337", "LEAK", "424242", "424243", "leak"} {
				// A name that the caller sent twice or that is not declared is
				// the field's, and is shown.
				if strings.Contains(text, canary) && !strings.Contains(text, "/"+canary) {
					t.Fatalf("%+v\n%s", q, text)
				}
			}
		}
	}
	if refused < 4000 || len(reasons) < 25 {
		t.Errorf("the samples are one-sided: %d refused, for %d reasons", refused, len(reasons))
	}
}
