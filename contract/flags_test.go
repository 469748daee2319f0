// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
)

const flagsDoc = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /x:
    post:
      operationId: op
      parameters:
        - {name: open, in: query, allowReserved: true, schema: {type: string, maxLength: 40}}
        - {name: plain, in: query, schema: {type: string}}
        - {name: empty, in: query, allowEmptyValue: true, schema: {type: integer}}
        - {name: none, in: query, schema: {type: integer, nullable: true}}
        - {name: deep, in: query, style: deepObject, explode: true, schema: {type: object, required: [a], additionalProperties: false, properties: {a: {type: integer}, b: {type: array, items: {type: integer}}}}}
        - {name: json, in: query, content: {application/json: {schema: {type: object, additionalProperties: false, properties: {a: {type: integer}}}}}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [pin]
              properties:
                pin: {type: string, writeOnly: true}
                at: {type: string, readOnly: true}
                maybe: {type: integer, nullable: true, minimum: 1}
                either: {nullable: true, allOf: [{type: integer}]}
                listed: {type: string, nullable: true, enum: [a, null]}
                strict: {type: string, nullable: true, enum: [a]}
      responses: {"200": {description: ok}}
`

// The switches that OpenAPI has beside JSON Schema.
func TestTheSwitchesOfParametersAndMembers(t *testing.T) {
	s := mustStage(t, mustParse(t, flagsDoc), "op", &Config{})
	for query, want := range map[string]string{
		"open=https://a.example/x?y@z:[1]!$'()*,=": "allow",
		"open=%3B%23%26":                     "allow",
		"open=a;b=c":                         "query : is not well-formed",
		"open=a#b":                           "query : is not well-formed",
		"plain=a/b?c@d:e":                    "allow",
		"empty=":                             "allow",
		"empty":                              "allow",
		"empty=1":                            "allow",
		"empty=x":                            "query empty: must be an integer",
		"none=1":                             "allow",
		"none=null":                          "query none: must be an integer",
		"none=":                              "query none: must be an integer",
		"deep[a]=1&deep[b]=1&deep[b]=2":      "allow",
		"deep%5Ba%5D=1":                      "allow",
		"deep[a]=x":                          "query deep/a: must be an integer",
		"deep[b]=1":                          "query deep/a: is required",
		"deep[a]=1&deep[a]=2":                "query deep/a: must not be repeated",
		"deep[a]=1&deep[c]=2":                "query deep/c: is not allowed here",
		"deep[a][b]=1":                       "query deep[a][b]: is not allowed here",
		"deep[a]=1&deep=2":                   "query deep: must not be repeated; query deep[a]: is not allowed here",
		"json=%7B%22a%22%3A1%7D":             "allow",
		"json=%7B%22a%22%3A%221%22%7D":       "query json/a: must be an integer",
		"json=%7B%22a%22%3A1":                "query json: is not valid JSON",
		"json=%7B%22a%22%3A1,%22a%22%3A1%7D": "query json: is repeated",
	} {
		if got := ask(s, request{query: query, body: `{"pin":"1"}`}); got != want && !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for body, want := range map[string]string{
		`{"pin":"1234"}`:            "allow",
		`{}`:                        "body /pin: is required",
		`{"pin":"1","at":"x"}`:      "body /at: is not allowed here",
		`{"pin":"1","maybe":null}`:  "allow",
		`{"pin":"1","maybe":0}`:     "body /maybe: is too small",
		`{"pin":null}`:              "body /pin: must be a string",
		`{"pin":"1","either":null}`: "body /either: must be an integer",
		`{"pin":"1","listed":null}`: "allow",
		`{"pin":"1","strict":null}`: "body /strict: is not one of the allowed values",
	} {
		if got := ask(s, request{body: body}); got != want && !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}
