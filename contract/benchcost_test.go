// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// fieldsDoc declares content of 20 fields, and a GET with 3 parameters: what
// the cost of a check is said for.
const fieldsDoc = `
openapi: 3.1.0
info: {title: fields, version: "1"}
paths:
  /customers:
    post:
      operationId: add
      responses: {"200": {description: ok}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}
    get:
      operationId: list
      responses: {"200": {description: ok}}
      parameters:
        - {name: state, in: query, required: true, schema: {type: string, enum: [open, closed, all]}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
        - {name: since, in: query, schema: {type: string, format: date-time}}
components:
  schemas:
    Customer:
      type: object
      additionalProperties: false
      required: [id, email, name, country, created]
      properties:
        id: {type: string, format: uuid}
        email: {type: string, format: email, maxLength: 200}
        name: {type: string, minLength: 1, maxLength: 100}
        given: {type: string, maxLength: 100}
        family: {type: string, maxLength: 100}
        phone: {type: string, pattern: "^\\+[0-9 ]{6,20}$"}
        street: {type: string, maxLength: 200}
        city: {type: string, maxLength: 100}
        postcode: {type: string, pattern: "^[A-Z0-9 -]{3,10}$"}
        country: {type: string, enum: [DE, FR, GB, IT, NL, PL, SE]}
        language: {type: string, minLength: 2, maxLength: 5}
        created: {type: string, format: date-time}
        birthday: {type: string, format: date}
        orders: {type: integer, minimum: 0}
        balance: {type: number}
        score: {type: integer, minimum: 0, maximum: 100}
        active: {type: boolean}
        referrer: {type: [string, "null"], format: uri}
        tags: {type: array, maxItems: 10, items: {type: string, maxLength: 30}}
        note: {type: string, maxLength: 1000}
`

const fieldsBody = `{"id":"8d1c2a70-0000-4000-8000-000000000001","email":"ann.example@mail.example.com","name":"Ann Margaret Example",
"given":"Ann Margaret","family":"Example","phone":"+49 30 901820","street":"Unter den Linden 77","city":"Berlin","postcode":"10117",
"country":"DE","language":"de-DE","created":"2026-11-21T10:00:00Z","birthday":"1984-02-29","orders":173,"balance":-1204.55,"score":71,
"active":true,"referrer":"https://www.example.com/partners/campaign/2026/autumn?source=letter","tags":["wholesale","newsletter","net-30"],
"note":"Asked for an invoice by post, twice, and for deliveries to be left with the porter of the building on the other side of the yard.
 The lift is out of order on weekends; ring twice. Prefers to be called in the afternoon, and never on Mondays. Has a standing order of forty
 boxes of paper, which the warehouse in Potsdam ships on the first Tuesday of each month unless that is a holiday, in which case it goes out
 on the day after, and of two boxes of pencils, all to be signed for by the porter."}`

func fieldsRequest() request {
	body := []byte(fieldsBody)
	for i, c := range body {
		if c == '\n' {
			body[i] = ' '
		}
	}
	return request{body: string(body)}
}

const threeParameters = "state=open&limit=50&since=2026-11-21T10:00:00Z"

func benchmarkRequest(b *testing.B, s durward.Stage, r request) {
	x := exchange(r)
	if _, err := x.In.Body.Bytes(); err != nil {
		b.Fatal(err)
	}
	if got := answer(s.Request(context.Background(), x)); got != "allow" {
		b.Fatal(got)
	}
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		s.Request(context.Background(), x)
	}
}

// byTheTree is the stage without plans, which decides alike.
func byTheTree(s durward.Stage) durward.Stage {
	slow := *s.(*stage)
	r := *slow.rules
	b := bodyRule{required: r.body.required}
	for _, m := range r.body.media {
		media := *m
		media.plan = nil
		b.media = append(b.media, &media)
	}
	r.body, slow.rules = &b, &r
	return &slow
}

func BenchmarkBodyOf20Fields(b *testing.B) {
	r := fieldsRequest()
	if n := len(r.body); n < 1000 || n > 1300 {
		b.Fatalf("the body has %d bytes", n)
	}
	s := mustStage(b, mustParse(b, fieldsDoc), "add", &Config{})
	b.Run("in one pass", func(b *testing.B) { benchmarkRequest(b, s, r) })
	b.Run("by the tree", func(b *testing.B) { benchmarkRequest(b, byTheTree(s), r) })
}

func BenchmarkGETWith3Parameters(b *testing.B) {
	benchmarkRequest(b, mustStage(b, mustParse(b, fieldsDoc), "list", &Config{}), request{query: threeParameters})
}

func TestACheckOf20FieldsAllocatesOnlyTheCopyOfTheContent(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector empties the pools")
	}
	d := mustParse(t, fieldsDoc)
	for op, r := range map[string]request{"add": fieldsRequest(), "list": {query: threeParameters}} {
		s := mustStage(t, d, op, &Config{})
		x := exchange(r)
		if _, err := x.In.Body.Bytes(); err != nil {
			t.Fatal(err)
		}
		if got := answer(s.Request(context.Background(), x)); got != "allow" {
			t.Fatal(op, got)
		}
		most := 0.0
		if op == "add" {
			most = 1
		}
		if n := allocs.PerRun(500, func() { s.Request(context.Background(), x) }); n > most {
			t.Errorf("%s: %v allocations, want at most %v", op, n, most)
		}
	}
}
