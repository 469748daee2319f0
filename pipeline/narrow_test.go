// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"durward"
	"durward/contract"
	"durward/waf/gate"
	"durward/waf/waftest"
)

const narrowDoc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /things:
    post:
      operationId: add
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: state, in: query, schema: {$ref: "#/components/schemas/State"}}
        - {name: ids, in: query, schema: {type: array, items: {type: integer}}}
        - {name: q, in: query, allowEmptyValue: true, schema: {type: string, maxLength: 60}}
        - {name: either, in: query, schema: {oneOf: [{type: integer}, {type: string, format: date}]}}
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/Thing"}}
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/Thing"}}
      responses: {"200": {description: ok}}
components:
  schemas:
    State: {type: string, enum: [open, closed, "<=", "or 1=1", "../../etc/passwd", "$where"]}
    Thing:
      type: object
      properties:
        count: {type: integer}
        price: {type: number}
        paid: {type: boolean}
        id: {type: string, format: uuid}
        day: {type: [string, "null"], format: date}
        at: {type: string, format: date-time}
        mail: {type: string, format: email}
        link: {type: string, format: uri}
        code: {type: string, pattern: "^[A-Z]{2}-[0-9]{1,5}$"}
        half: {type: string, pattern: "^[a-z]+"}
        slug: {type: string, pattern: "^[a-z0-9-]+$", maxLength: 40}
        state: {$ref: "#/components/schemas/State"}
        states: {type: array, items: {$ref: "#/components/schemas/State"}}
        pair: {type: array, prefixItems: [{type: integer}, {type: string}], items: {type: boolean}}
        below: {$ref: "#/components/schemas/Thing"}
        many: {type: array, items: {$ref: "#/components/schemas/Thing"}}
        map: {type: object, additionalProperties: {type: integer}}
        named: {type: object, patternProperties: {"^x": {type: integer}}, additionalProperties: {type: string}}
        choice: {oneOf: [{type: object, required: [a], properties: {a: {type: integer}, b: {type: string}}, additionalProperties: false}, {type: object, required: [c], properties: {b: {type: boolean}, c: {const: x}}}]}
        text: {type: string}
`

// maker makes requests that the contract takes, often, with what rules look for
// where a text may stand.
type maker struct {
	*rand.Rand
	hostile []string
}

func (m *maker) pick(texts ...string) string { return texts[m.IntN(len(texts))] }

func (m *maker) text() string {
	return m.pick("a blue chair", "it's due", "2024-02-29", "12", "", "open", m.hostile[m.IntN(len(m.hostile))], m.hostile[m.IntN(len(m.hostile))])
}

// member makes a value for a member: mostly one of its kind.
func (m *maker) member(name string, depth int) any {
	if m.IntN(12) == 0 {
		return m.text()
	}
	switch name {
	case "count":
		return json.Number(m.pick("0", "-12", "1e2", "1.0", "2147483648", "10E+2", "99999999999999999999"))
	case "price":
		return json.Number(m.pick("1.5", "-0", "1e-7", "2.2250738585072007e-308", "0.1e+1"))
	case "paid":
		return m.IntN(2) == 0
	case "id":
		return m.pick("f81d4fae-7dec-11d0-A765-00a0c91e6bf6", "00000000-0000-0000-0000-000000000000", "deadbeef-1e10-0b11-dead-beefcafe0e10")
	case "day":
		if m.IntN(3) == 0 {
			return nil
		}
		return m.pick("2024-02-29", "1999-12-31")
	case "at":
		return m.pick("2024-02-29T23:59:60Z", "2024-02-29t01:02:03.456+05:30", "2024-02-29T00:00:00z")
	case "mail":
		return m.pick("a@b.example", `"or 1=1--"@x`, "x'or'1@b", "a+<script>@b.example", "`id`@b")
	case "link":
		return m.pick("https://example.org/a?b=c", "file:///etc/passwd", "http://127.0.0.1/?q='or'1'='1", "javascript:alert(1)")
	case "code":
		return m.pick("AB-1", "OR-11", "AB-12345")
	case "half":
		return "a" + m.text()
	case "slug":
		return m.pick("a-b-c", "select-1-from-x", "--", "etc-passwd", "1-or-1")
	case "state":
		return m.pick("open", "closed", "<=", "or 1=1", "../../etc/passwd", "$where")
	case "states":
		return []any{m.member("state", 0), m.member("state", 0)}
	case "pair":
		return []any{1, m.text(), true}[:m.IntN(4)]
	case "below":
		return m.object(depth - 1)
	case "many":
		return []any{m.object(depth - 1), m.object(depth - 1)}
	case "map":
		return map[string]any{m.text(): 1, "x": m.member("count", 0)}
	case "named":
		return map[string]any{"x1": 1, "y": m.text()}
	case "choice":
		if m.IntN(2) == 0 {
			return map[string]any{"a": 1, "b": m.text()}
		}
		return map[string]any{"b": true, "c": "x", "d": m.text()}
	}
	return m.text()
}

var memberNames = strings.Fields("count price paid id day at mail link code half slug state states pair below many map named choice text")

func (m *maker) object(depth int) map[string]any {
	out := map[string]any{}
	for range 1 + m.IntN(4) {
		name := memberNames[m.IntN(len(memberNames))]
		if depth <= 0 && (name == "below" || name == "many") {
			continue
		}
		out[name] = m.member(name, depth)
	}
	if m.IntN(6) == 0 {
		out[m.pick("more", "below.count", "many.0.count", "Count", m.text())] = m.text()
	}
	return out
}

func (m *maker) pairs() string {
	out := url.Values{}
	for range m.IntN(4) {
		switch name := m.pick("page", "state", "ids", "q", "either"); name {
		case "page":
			out.Set(name, m.pick("1", "-2", "0"))
		case "state":
			out.Set(name, m.pick("open", "<=", "or 1=1"))
		case "ids":
			out.Add(name, m.pick("1", "2"))
		case "either":
			out.Set(name, m.pick("1", "2024-02-29"))
		default:
			out.Set(name, m.text())
		}
	}
	return out.Encode()
}

// TestTheContractAndTheNarrowedGateSeeTheSameValues holds what the contract takes
// against the gate with and without what is proven, and some of it against Coraza.
func TestTheContractAndTheNarrowedGateSeeTheSameValues(t *testing.T) {
	doc, err := contract.Parse("test.yaml", []byte(narrowDoc))
	if err != nil {
		t.Fatal(err)
	}
	s, err := doc.Stage("add", &contract.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g := coreGate(t)
	n, err := g.Narrow(doc.Prove(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	oracle, err := waftest.NewOracle(1, "")
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{Rand: rand.New(rand.NewPCG(31, 32))}
	for _, class := range waftest.Classes() {
		m.hostile = append(m.hostile, waftest.Payloads[class]...)
	}
	taken, found, form := 0, 0, 0
	for i := range 2500 {
		q := m.request()
		x := &durward.Exchange{Operation: &durward.Operation{}}
		x.In.Method, x.In.Path, x.In.Header = q.Method, "/things", q.Header
		_, x.In.RawQuery, _ = strings.Cut(q.URI, "?")
		x.In.Body.Init(strings.NewReader(string(q.Body)), int64(len(q.Body)))
		if err := x.In.Body.SetLimit(1 << 20); err != nil {
			t.Fatal(err)
		}
		if d := s.Request(t.Context(), x); d.Verdict != durward.Allow {
			continue
		}
		taken++
		had, why := g.Clean(q)
		q.Known = n.Of(x.Proven)
		if q.Known == nil {
			t.Fatalf("nothing is known of %s %s", q.URI, q.Body)
		}
		has, whyNow := g.Clean(q)
		if had != has {
			t.Fatalf("%s\n%s\nclean %v (%v), with the contract %v (%v)", q.URI, q.Body, had, why, has, whyNow)
		}
		if !has {
			found++
		} else if v := oracle.Inspect(q); i%8 == 0 && len(v.Rules) > 0 {
			t.Fatalf("%s\n%s\nCoraza matches %v", q.URI, q.Body, v.Rules)
		}
		if q.Header.Get("Content-Type") != "application/json" {
			form++
		}
	}
	if taken < 600 || found < taken/5 || taken-found < taken/10 || form < 60 {
		t.Errorf("the samples are one-sided: %d were taken, %d of them found, %d were forms", taken, found, form)
	}
}

func (m *maker) request() *gate.Request {
	q := &gate.Request{Method: "POST", URI: "/things", Protocol: "HTTP/1.1", Host: "api.example.org", ServerName: "api.example.org", ClientAddr: "192.0.2.7", Inspect: true,
		Header: durward.Header{{Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}}}
	if pairs := m.pairs(); pairs != "" {
		q.URI += "?" + pairs
	}
	kind := "application/json"
	if m.IntN(4) > 0 {
		q.Body, _ = json.Marshal(m.object(2))
	} else {
		kind = "application/x-www-form-urlencoded"
		fields := url.Values{}
		for range 1 + m.IntN(3) {
			switch name := m.pick("count", "paid", "day", "code", "slug", "state", "states", "text"); name {
			case "states":
				fields[name] = []string{"open", "or 1=1"}
			case "day":
				fields.Set(name, "2024-02-29")
			default:
				fields.Set(name, fmt.Sprint(m.member(name, 0)))
			}
		}
		q.Body = []byte(fields.Encode())
	}
	q.Header.Add("Content-Type", kind)
	q.Header.Add("Content-Length", fmt.Sprint(len(q.Body)))
	return q
}
