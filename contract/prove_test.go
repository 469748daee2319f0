// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/gzip"
	"context"
	"testing"

	"durward"
)

const provenDoc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /things:
    post:
      operationId: add
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: state, in: query, schema: {type: string, enum: [open, closed]}}
        - {name: status, in: query, schema: {type: string, enum: [contested]}}
        - {name: ids, in: query, schema: {type: array, items: {type: integer}}}
        - {name: tags, in: query, explode: false, schema: {type: array, items: {type: string, enum: [a, b]}}}
        - {name: either, in: query, schema: {oneOf: [{type: integer}, {type: array, items: {type: string, enum: [x]}}]}}
        - {name: q, in: query, schema: {type: string}}
        - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {a: {type: integer}}}}
        - {name: exploded, in: query, schema: {type: object, properties: {status: {type: string}, other: {type: integer}}, additionalProperties: false}}
        - {name: json, in: query, content: {application/json: {schema: {type: integer}}}}
        - {name: blank, in: query, allowEmptyValue: true, schema: {type: integer}}
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/Thing"}}
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/Thing"}}
          text/plain: {schema: {type: string, enum: [x]}}
      responses: {"200": {description: ok}}
components:
  schemas:
    Thing:
      type: object
      properties:
        count: {type: integer}
        state: {type: string, enum: [open, closed]}
        days: {type: array, items: {type: string, format: date}}
        below: {$ref: "#/components/schemas/Thing"}
        text: {type: string}
        both: {type: [array, string], items: {type: integer}}
`

func proves(t *testing.T, cfg *Config) (durward.Stage, []*durward.Proven) {
	t.Helper()
	d := mustParse(t, provenDoc)
	s := mustStage(t, d, "add", cfg)
	return s, d.Prove(s)
}

// provenOf is what is proven of a request.
func provenOf(t *testing.T, s durward.Stage, r request) *durward.Proven {
	t.Helper()
	x := exchange(r)
	if d := s.Request(context.Background(), x); d.Verdict != durward.Allow && x.Proven != nil {
		t.Errorf("%+v is refused, and proven", r)
	}
	return x.Proven
}

func TestWhatIsProvenOfParametersAndForms(t *testing.T) {
	s, all := proves(t, &Config{})
	p := provenOf(t, s, request{})
	if p == nil || p != all[0] || p.JSON != nil || p.Form != nil {
		t.Fatalf("without content: %+v", p)
	}
	for name, want := range map[string]struct {
		languages int
		text      string
		not       string
	}{
		"page": {1, "-12", "x"}, "state": {1, "open", "opened"}, "ids": {1, "5", "x"}, "either": {2, "x", "y"}, "blank": {2, "", "x"},
		"status": {}, "tags": {}, "q": {}, "json": {},
	} {
		got, declared := p.Query[name]
		if !declared || len(got) != want.languages {
			t.Errorf("%s: %v, %+v", name, declared, got)
		} else if len(got) > 0 && (!hasOne(got, want.text) || hasOne(got, want.not)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, name := range []string{"filter", "filter[a]", "exploded", "other"} {
		if _, declared := p.Query[name]; declared {
			t.Errorf("%s is declared", name)
		}
	}
	p = provenOf(t, s, request{mime: "application/x-www-form-urlencoded", body: "count=1&state=open&days=2024-01-01&days=2024-01-02"})
	if p == nil || p.JSON != nil || len(p.Form["count"]) == 0 || len(p.Form["days"]) != 1 || p.Form["text"] != nil || p.Form["both"] != nil || p.Query["page"] == nil {
		t.Fatalf("a form: %+v", p)
	}
	if !hasOne(p.Form["days"], "2024-01-01") || hasOne(p.Form["days"], "x") {
		t.Errorf("a list in a form: %+v", p.Form["days"])
	}
	p = provenOf(t, s, request{body: `{"count":1,"below":{"below":{"days":["2024-01-01"]}}}`})
	if p == nil || p.Form != nil || p.JSON == nil || p.JSON.Members["below"] == nil || p.JSON.Members["below"].Members["below"] != p.JSON.Members["below"] {
		t.Fatalf("JSON: %+v", p)
	}
	if m, named := p.JSON.Members["text"]; !named || m == nil || m.Texts != nil || p.JSON.Rest != nil {
		t.Errorf("a member of any text: %+v, and others: %+v", m, p.JSON.Rest)
	}
}

func TestNothingIsProvenOfWhatWasNotChecked(t *testing.T) {
	s, all := proves(t, &Config{ContentEncodings: []string{"gzip"}})
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte(`{"count":1}`))
	w.Close()
	p := provenOf(t, s, request{body: packed.String(), header: []string{"Content-Encoding: gzip"}})
	if p != all[0] {
		t.Errorf("of content that was compressed: %+v", p)
	}
	for name, r := range map[string]request{
		"a member of another type":    {body: `{"count":"x"}`},
		"content that is no JSON":     {body: `{"count":1`},
		"a parameter of another type": {query: "page=x"},
		"an unknown parameter":        {query: "more=1"},
		"another media type":          {body: "x", mime: "application/xml"},
	} {
		if p := provenOf(t, s, r); p != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	// A stage that was not asked to says nothing.
	d := mustParse(t, provenDoc)
	if p := provenOf(t, mustStage(t, d, "add", &Config{}), request{body: `{"count":1}`}); p != nil {
		t.Errorf("unasked: %+v", p)
	}
	if got := d.Prove(nil); got != nil {
		t.Errorf("no stage proves %+v", got)
	}
}

func TestAnUnknownParameterThatIsTakenProvesNothing(t *testing.T) {
	s, _ := proves(t, &Config{UnknownQuery: Allow})
	p := provenOf(t, s, request{query: "more=%3Cscript%3E&page=1"})
	if p == nil || p.Query["more"] != nil {
		t.Fatalf("%+v", p)
	}
	if _, declared := p.Query["more"]; declared {
		t.Error("it is declared")
	}
}

func TestAPartThatAGapLeavesUncheckedProvesNothing(t *testing.T) {
	d, err := Parse("test.yaml", []byte(`
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /a:
    get:
      operationId: a
      parameters: [{name: x, in: query, schema: {type: string, pattern: "^(a)\\1$"}}]
      responses: {"200": {description: ok}}
`), AllGaps)
	if err != nil {
		t.Fatal(err)
	}
	s := mustStage(t, d, "a", &Config{})
	d.Prove(s)
	if p := provenOf(t, s, request{query: "x=%3C"}); p == nil || p.Query["x"] != nil {
		t.Errorf("%+v", p)
	}
}

// A range of media types is read in the way of the type that is sent.
func TestContentOfARangeIsProvenAsItWasRead(t *testing.T) {
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /a:
    post:
      operationId: a
      requestBody: {content: {"*/*": {schema: {type: object, properties: {n: {type: integer}}, additionalProperties: true}}}}
      responses: {"200": {description: ok}}
`)
	s := mustStage(t, d, "a", &Config{})
	d.Prove(s)
	if p := provenOf(t, s, request{body: `{"n":1}`}); p == nil || p.JSON == nil || p.Form != nil {
		t.Errorf("JSON: %+v", p)
	}
	if p := provenOf(t, s, request{mime: "application/x-www-form-urlencoded", body: "n=1"}); p == nil || p.JSON != nil || len(p.Form["n"]) == 0 {
		t.Errorf("a form: %+v", p)
	}
}

// Only a single empty value is one without a value.
func TestAnEmptyItemOfAListLetsNoOtherPass(t *testing.T) {
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /a:
    get:
      operationId: a
      parameters: [{name: n, in: query, allowEmptyValue: true, schema: {type: array, items: {type: integer}}}]
      responses: {"200": {description: ok}}
`)
	s := mustStage(t, d, "a", &Config{})
	d.Prove(s)
	for query, taken := range map[string]bool{"n=": true, "n=1&n=2": true, "n=&n=%3Cscript%3E": false, "n=&n=1": false, "n=&n=": false} {
		if p := provenOf(t, s, request{query: query}); (p != nil) != taken {
			t.Errorf("%s: taken %v", query, p != nil)
		} else if taken && !hasOne(p.Query["n"], "") {
			t.Errorf("%+v", p.Query["n"])
		}
	}
}
