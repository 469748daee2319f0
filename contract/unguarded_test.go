// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"
	"testing"

	"durward"
)

func TestWhatIsNotLookedIntoIsListed(t *testing.T) {
	const head = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /t:
    get:
      operationId: t
      responses: {`
	for name, tc := range map[string]struct {
		responses string
		want      string
		whole     bool
	}{
		"nothing is":             {`"200": {description: ok, content: {application/json: {schema: {properties: {a: {type: string}}}}}}`, "", true},
		"nothing is without any": {`"204": {description: ok}`, "", true},
		"no content":             {`"200": {description: ok}`, "200: no content is declared", true},
		"another type":           {`default: {description: ok, content: {text/csv: {}}}`, "default text/csv: media-type", false},
		"events":                 {`2XX: {description: ok, content: {text/event-stream: {}}}`, "2XX text/event-stream: stream", false},
		"JSON without a schema":  {`"200": {description: ok, content: {application/json: {}}}`, "200 application/json: schema", false},
		"JSON of any kind":       {`"200": {description: ok, content: {application/json: {schema: {description: x}}}}`, "200 application/json: schema", false},
		"an open object within": {`"200": {description: ok, content: {application/json: {schema: {properties: {a: {type: array, items: {properties: {"b/c": {type: object}}}}, d: {$ref: "#/components/schemas/D"}}}}}}`,
			"200 application/json: anything may stand in /a/*/b~1c/*; 200 application/json: anything may stand in /d/*", true},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Parse("t.yaml", []byte(head+tc.responses+"}\ncomponents: {schemas: {D: {type: object, additionalProperties: true}}}\n"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Unguarded("t"), "; "); got != tc.want || d.LooksInto("t") != tc.whole {
				t.Errorf("%q, %t; want %q, %t", got, d.LooksInto("t"), tc.want, tc.whole)
			}
		})
	}
}

func TestOpenAPI30IgnoresWhatStandsBesideAReference(t *testing.T) {
	d, err := Parse("t.yaml", []byte(`
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /t:
    get:
      operationId: t
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/T", properties: {b: {type: string}}}}}}
components:
  schemas:
    T: {properties: {a: {type: string, nullable: true}, s: {$ref: "#/components/schemas/S", x-durward-sensitive: true}}}
    S: {type: string}
`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.answers("t")
	if err != nil {
		t.Fatal(err)
	}
	// But what hides a value is heeded, since nobody writes it for nothing.
	got, found, err := stripped(t, all[0].media[0].outline, guardRules{}, durward.Principal{}, `{"a":null,"b":1,"s":"x"}`)
	if err != nil || got != `{"a":null}` || found.invalid != 0 {
		t.Errorf("%s, %+v, %v", got, found, err)
	}
}

func TestMediaTypesOfAnswersThatAreNoErrors(t *testing.T) {
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /video: {get: {operationId: video, responses: {"200": {description: d, content: {"Video/MP4; q=1": {}}}, "404": {description: d, content: {text/plain: {}}}, "304": {description: d}}}}
  /mixed: {get: {operationId: mixed, responses: {2XX: {description: d, content: {image/png: {}, application/json: {}}}, default: {description: d}}}}
  /silent: {get: {operationId: silent, responses: {"200": {description: d}, "206": {description: d, content: {image/png: {}}}}}}
`)
	for op, want := range map[string]string{"video": "video/mp4", "mixed": "application/json image/png", "silent": "", "none": ""} {
		got := d.AnswerTypes(op)
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", op, got, want)
		}
	}
}
