// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"durward"
	"durward/internal/allocs"
)

const orderDoc = `
openapi: 3.1.0
info: {title: orders, version: "1"}
paths:
  /shops/{shop}/orders:
    post:
      operationId: order
      parameters:
        - {name: shop, in: path, required: true, schema: {type: string, format: uuid}}
        - {name: dry, in: query, schema: {type: boolean}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
        - {name: X-Trace, in: header, schema: {type: string, maxLength: 64, pattern: "^[0-9a-f]+$"}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Order"}
components:
  schemas:
    Order:
      type: object
      additionalProperties: false
      required: [customer, currency, lines]
      properties:
        customer: {$ref: "#/components/schemas/Customer"}
        currency: {enum: [EUR, USD, GBP]}
        placed: {type: string, format: date-time}
        note: {type: [string, "null"], maxLength: 200}
        lines: {type: array, minItems: 1, maxItems: 50, items: {$ref: "#/components/schemas/Line"}}
    Customer:
      type: object
      additionalProperties: false
      required: [id, email]
      properties:
        id: {type: string, format: uuid}
        email: {type: string, format: email}
        name: {type: string, minLength: 1, maxLength: 100}
    Line:
      type: object
      additionalProperties: false
      required: [sku, quantity, price]
      properties:
        sku: {type: string, pattern: "^[A-Z]{2}-[0-9]{4}$"}
        quantity: {type: integer, minimum: 1, maximum: 1000}
        price: {type: number, minimum: 0}
        title: {type: string, maxLength: 80}
        gift: {type: boolean}
`

func orderBody() string {
	var lines []string
	for i := range 8 {
		lines = append(lines, fmt.Sprintf(`{"sku":"AB-%04d","quantity":%d,"price":%d.50,"title":"A thing with a name %d","gift":%v}`, i, i+1, 10*i, i, i%2 == 0))
	}
	return `{"customer":{"id":"8d1c2a70-0000-4000-8000-000000000001","email":"ann@example.com","name":"Ann Example"},` +
		`"currency":"EUR","placed":"2026-11-21T10:00:00Z","note":null,"lines":[` + strings.Join(lines, ",") + `]}`
}

func orderRequest() request {
	return request{
		params: map[string]string{"shop": "8d1c2a70-0000-4000-8000-000000000002"},
		query:  "dry=true&limit=50", header: []string{"X-Trace: 00ff"}, body: orderBody(),
	}
}

// repeat lets one exchange be checked again and again.
func repeat(t testing.TB, r request) (s durward.Stage, x *durward.Exchange) {
	t.Helper()
	s = mustStage(t, mustParse(t, orderDoc), "order", &Config{})
	x = exchange(r)
	if _, err := x.In.Body.Bytes(); err != nil {
		t.Fatal(err)
	}
	if got := answer(s.Request(context.Background(), x)); got != "allow" {
		t.Fatal(got)
	}
	return s, x
}

func TestACheckAllocatesLittle(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector empties the pools")
	}
	s, x := repeat(t, orderRequest())
	// The copy of the content that the strings are parts of; pooled buffers
	// may be collected between runs.
	if n := allocs.PerRun(500, func() { s.Request(context.Background(), x) }); n > 2 {
		t.Errorf("%v allocations for a request with a JSON body, want at most 2", n)
	}
	r := orderRequest()
	d := mustParse(t, oneParameter("/x", `{name: n, in: query, schema: {type: integer}}`, `{name: h, in: header, schema: {type: string}}`))
	s = mustStage(t, d, "op", &Config{})
	r.body, r.query, r.header = "", "n=5", []string{"H: x"}
	x = exchange(r)
	if n := allocs.PerRun(500, func() { s.Request(context.Background(), x) }); n > 0 {
		t.Errorf("%v allocations for a request without a body, want none", n)
	}
}

// reportCPU adds the processor time of an operation, which a busy machine
// distorts less than the clock's.
func reportCPU(b *testing.B) {
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := used()
	b.Cleanup(func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") })
}

func BenchmarkOrder(b *testing.B) {
	s, x := repeat(b, orderRequest())
	b.SetBytes(x.In.Body.Length())
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		s.Request(context.Background(), x)
	}
}

func BenchmarkOrderByTheLibrary(b *testing.B) {
	d := mustParse(b, orderDoc)
	sc := newSchemas(d.src, false, variant{})
	at := place{0, "/components/schemas/Order"}
	sc.prepare(at, position{child: true})
	lib, err := sc.library(at)
	if err != nil {
		b.Fatal(err)
	}
	body := orderBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		v, err := readJSON(body)
		if err != nil || lib.Validate(v) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParametersOnly(b *testing.B) {
	d := mustParse(b, oneParameter("/x", `{name: n, in: query, schema: {type: integer}}`, `{name: h, in: header, schema: {type: string}}`))
	s := mustStage(b, d, "op", &Config{})
	x := exchange(request{query: "n=5", header: []string{"H: x"}})
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		s.Request(context.Background(), x)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		mustParse(b, orderDoc)
	}
}
