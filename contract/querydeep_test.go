// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
)

func TestDeepObjectsListsAndEither(t *testing.T) {
	d := mustParse(t, oneParameter("/x",
		"{name: expand, in: query, style: deepObject, explode: true, schema: {type: array, maxItems: 2, items: {type: string, maxLength: 3}}}",
		"{name: created, in: query, style: deepObject, explode: true, schema: {anyOf: [{type: object, properties: {gte: {type: integer}}}, {type: integer}]}}"))
	for _, cfg := range []Config{{}, {UnknownQuery: Allow}} {
		s := mustStage(t, d, "op", &cfg)
		for query, want := range map[string]string{
			"":                                 "allow",
			"expand[]=a&expand[]=b":            "allow",
			"expand[0]=a&expand[1]=b":          "allow",
			"expand%5B%5D=a":                   "allow",
			"expand[1]=a&expand[0]=b":          "invalid-parameter: query expand",
			"expand[0]=a&expand[0]=b":          "invalid-parameter: query expand",
			"expand[x]=a":                      "invalid-parameter: query expand",
			"expand[]=abcd":                    "invalid-parameter: query expand/0: is too long",
			"expand[]=a&expand[]=b&expand[]=c": "invalid-parameter: query expand: has too many items",
			"created=5":                        "allow",
			"created[gte]=5":                   "allow",
			"created=x":                        "invalid-parameter: query created",
			"created[gte]=x":                   "invalid-parameter: query created",
			"created=5&created[gte]=5":         "invalid-parameter: query created: must not be repeated",
		} {
			if got := ask(s, request{query: query}); got != want && (want == "allow" || !strings.HasPrefix(got, want)) {
				t.Errorf("%v %s: got %s, want %s", cfg.UnknownQuery, query, got, want)
			}
		}
	}
}
