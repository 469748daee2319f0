// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/internal/realdocs"
)

func parse(t *testing.T, text string) *API {
	t.Helper()
	api, err := Parse("api.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func operation(t *testing.T, api *API, id string) *Operation {
	t.Helper()
	for _, op := range api.Operations {
		if op.ID == id {
			return op
		}
	}
	t.Fatalf("no operation %q", id)
	return nil
}

const shop = `
openapi: 3.0.3
info: {title: Shop, version: "1.2"}
servers:
- url: https://{region}.shop.example/{base}
  variables:
    region: {default: eu}
    base: {enum: [v1, v2], default: v2}
- url: /plain
security: [{token: []}]
components:
  securitySchemes:
    token: {type: http, scheme: Bearer, bearerFormat: JWT}
    key: {type: apiKey, in: header, name: X-Key}
    oauth:
      type: oauth2
      flows:
        authorizationCode: {tokenUrl: https://a.example/code, authorizationUrl: https://a.example/a, scopes: {read: r}}
        clientCredentials: {tokenUrl: https://a.example/client, scopes: {write: w, read: r}}
  parameters:
    limit: {name: limit, in: query, schema: {type: integer, minimum: 0, exclusiveMinimum: true}}
  schemas:
    Node:
      type: object
      required: [id]
      properties:
        id: {type: string, format: uuid, readOnly: true}
        next: {$ref: '#/components/schemas/Node'}
        parent: {$ref: '#/components/schemas/Node', nullable: true}
        state: {type: string, enum: [on, off], nullable: true}
    Cat: {allOf: [{$ref: '#/components/schemas/Node'}, {type: object, required: [lives], properties: {lives: {type: integer}}}]}
    Dog: {type: object}
paths:
  /items/{id}:
    parameters:
    - {name: id, in: path, required: true, schema: {type: integer}}
    - {name: lang, in: query, schema: {type: string}}
    - {name: x-trace, in: header, schema: {type: string}}
    get:
      operationId: getItem
      tags: [items]
      parameters:
      - {name: lang, in: query, required: true, style: pipeDelimited, schema: {type: array, items: {type: string}}}
      - $ref: '#/components/parameters/limit'
      - {name: filter, in: query, content: {application/json: {schema: {type: object}}}, example: {a: 1}}
      responses:
        200:
          description: ok
          headers: {x-rate: {schema: {type: integer}}}
          content: {text/plain: {schema: {type: string}}, Application/JSON; charset=utf-8: {schema: {$ref: '#/components/schemas/Node'}, examples: {one: {value: {id: 9007199254740993}}}}}
          links: {put: {operationId: putItem, parameters: {id: $response.body#/id}}, del: {operationRef: '#/paths/~1items~1{id}/delete'}}
        4xx: {description: no}
        default: {description: other}
    put:
      operationId: putItem
      security: []
      requestBody: {required: true, content: {multipart/form-data: {schema: {type: object}, encoding: {pic: {contentType: image/png}}}, application/json: {schema: {oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}], discriminator: {propertyName: kind, mapping: {cat: Cat}}}}}}
      responses: {}
    delete:
      security: [{key: [], token: []}, {}]
      responses: {}
`

func TestOperationsAreReadWithAllThatATesterNeeds(t *testing.T) {
	api := parse(t, shop)
	if len(api.Warnings) > 0 {
		t.Errorf("warnings: %q", api.Warnings)
	}
	if d := cmp.Diff([]string{"https://eu.shop.example/v2", "/plain"}, api.Servers); d != "" {
		t.Error(d)
	}
	var ids []string
	for _, op := range api.Operations {
		ids = append(ids, op.ID)
	}
	if d := cmp.Diff([]string{"DELETE /items/{id}", "getItem", "putItem"}, ids); d != "" {
		t.Error(d)
	}
	get := operation(t, api, "getItem")
	var params []string
	for _, p := range get.Params {
		params = append(params, p.In+" "+p.Name+" "+p.Style)
	}
	want := []string{"path id simple", "query lang pipeDelimited", "header x-trace simple", "query limit form", "query filter form"}
	if d := cmp.Diff(want, params); d != "" {
		t.Error(d)
	}
	if p := get.Param("query", "lang"); !p.Required || p.Explode || p.Schema.Kind() != "array" {
		t.Errorf("lang is the path item's: %+v", p)
	}
	if p := get.Param("query", "limit"); p.Schema.Minimum != nil || *p.Schema.ExclusiveMinimum != 0 || !p.Explode {
		t.Errorf("limit: %+v", p.Schema)
	}
	if p := get.Param("query", "filter"); p.MediaType != "application/json" || len(p.Examples) != 1 {
		t.Errorf("filter: %+v", p)
	}
	ok := get.Answer("200")
	if ok.Content[0].Type != "application/json" || ok.Content[1].Type != "text/plain" || ok.Headers["x-rate"] == nil {
		t.Errorf("answer: %+v", ok)
	}
	if d := cmp.Diff([]any{map[string]any{"id": json.Number("9007199254740993")}}, ok.Content[0].Examples); d != "" {
		t.Error(d)
	}
	if ok.Links[0].Params["id"] != "$response.body#/id" || ok.Links[1].OperationID != "DELETE /items/{id}" {
		t.Errorf("links: %+v %+v", ok.Links[0], ok.Links[1])
	}
	if get.Answer("404").Status != "4XX" || get.Answer("500").Status != "default" {
		t.Error("an answer is by its status, its class or the default")
	}
}

func TestSecurityTellsNoneFromNothingSaid(t *testing.T) {
	api := parse(t, shop)
	for id, want := range map[string][][]Requirement{
		"getItem":            {{{Scheme: "token"}}},
		"putItem":            {{}},
		"DELETE /items/{id}": {{{Scheme: "key"}, {Scheme: "token"}}, {}},
	} {
		if d := cmp.Diff(want, operation(t, api, id).Security); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	if s := api.Schemes["token"]; s.HTTPScheme != "bearer" || s.BearerFormat != "JWT" {
		t.Errorf("%+v", s)
	}
	if s := api.Schemes["oauth"]; s.TokenURL != "https://a.example/client" || strings.Join(s.Scopes, " ") != "write read" {
		t.Errorf("%+v", s)
	}
	none := parse(t, `{"openapi":"3.1.0","paths":{"/a":{"get":{}}}}`)
	if s := none.Operations[0].Security; s != nil {
		t.Errorf("where nothing is said: %v", s)
	}
}

func TestSchemasMayContainThemselves(t *testing.T) {
	api := parse(t, shop)
	node := operation(t, api, "getItem").Answer("200").Content[0].Schema
	if node.Name != "Node" || node.Properties["next"] != node || !node.Properties["id"].ReadOnly {
		t.Errorf("Node: %+v", node)
	}
	if p := node.Properties["parent"]; len(p.AnyOf) != 2 || p.AnyOf[0] != node || p.AnyOf[1].Kind() != "null" {
		t.Errorf("parent: %+v", p)
	}
	state := node.Properties["state"]
	if d := cmp.Diff([]string{"string", "null"}, state.Types); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]any{"on", "off", nil}, state.Enum); d != "" {
		t.Error(d)
	}
	body := operation(t, api, "putItem").Body
	if !body.Required || body.Content[0].Type != "application/json" || body.Content[1].Encoding["pic"].Type != "image/png" {
		t.Errorf("body: %+v", body)
	}
	one := body.Content[0].Schema
	if one.Discriminator.Property != "kind" || one.Discriminator.Mapping["cat"] != one.OneOf[0] {
		t.Errorf("discriminator: %+v", one.Discriminator)
	}
	flat := one.OneOf[0].Flat()
	if d := cmp.Diff([]string{"id", "next", "parent", "state", "lives"}, flat.Order); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"id", "lives"}, flat.Required); d != "" {
		t.Error(d)
	}
}

func TestSwaggerIsReadAsIfItWereNewer(t *testing.T) {
	api := parse(t, `{"swagger":"2.0","host":"old.example","basePath":"/v1/","schemes":["http","https"],"consumes":["application/xml","application/json"],
	"securityDefinitions":{"b":{"type":"basic"},"o":{"type":"oauth2","flow":"application","tokenUrl":"https://t.example","scopes":{"s":""}}},
	"definitions":{"Pet":{"type":"object","discriminator":"kind","properties":{"n":{"type":"integer","exclusiveMaximum":true,"maximum":9}}}},
	"parameters":{"q":{"name":"q","in":"query","type":"array","items":{"type":"string"},"collectionFormat":"multi"}},
	"responses":{"no":{"description":"no"}},
	"paths":{"/p/{id}":{"post":{"operationId":"make","parameters":[{"$ref":"#/parameters/q"},{"name":"t","in":"query","type":"array","collectionFormat":"tsv"},{"in":"body","name":"b","required":true,"schema":{"$ref":"#/definitions/Pet"}},{"name":"id","in":"path","required":true,"type":"string","minLength":3}],
	 "responses":{"201":{"description":"","schema":{"$ref":"Pet"},"examples":{"application/json":{"n":1}}},"404":{"$ref":"#/responses/no"}}},
	 "put":{"operationId":"send","consumes":["multipart/form-data"],"parameters":[{"name":"f","in":"formData","type":"file","required":true},{"name":"n","in":"formData","type":"integer"}]}}}}`)
	if d := cmp.Diff([]string{"http://old.example/v1", "https://old.example/v1"}, api.Servers); d != "" {
		t.Error(d)
	}
	op := operation(t, api, "make")
	if p := op.Param("query", "q"); p.Style != "form" || !p.Explode || p.Schema.Items.Kind() != "string" {
		t.Errorf("q: %+v", p)
	}
	if p := op.Param("query", "t"); p.Style != "tabDelimited" || p.Explode {
		t.Errorf("t: %+v", p)
	}
	if p := op.Param("path", "id"); *p.Schema.MinLength != 3 {
		t.Errorf("id: %+v", p)
	}
	pet := op.Body.Content[0]
	if pet.Type != "application/json" || pet.Schema.Name != "Pet" || pet.Schema.Discriminator.Property != "kind" ||
		*pet.Schema.Properties["n"].ExclusiveMaximum != 9 || !op.Body.Required {
		t.Errorf("body: %+v", pet)
	}
	if a := op.Answer("201"); a.Content[0].Schema != pet.Schema || len(a.Content[0].Examples) != 1 || op.Answer("404").Description != "no" {
		t.Errorf("answer: %+v", a)
	}
	form := operation(t, api, "send").Body
	f := form.Content[0]
	if f.Type != "multipart/form-data" || f.Schema.Properties["f"].Format != "binary" || f.Schema.Required[0] != "f" {
		t.Errorf("form: %+v", f)
	}
	if api.Schemes["b"].HTTPScheme != "basic" || api.Schemes["o"].TokenURL != "https://t.example" {
		t.Errorf("schemes: %+v", api.Schemes)
	}
}

func TestWhatCannotBeUnderstoodIsLeftOutWithAWarning(t *testing.T) {
	for name, c := range map[string]struct{ text, warning string }{
		"a reference into nothing":               {`{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/No"}}}}}}}}`, "leads nowhere"},
		"references in a circle":                 {`{"openapi":"3.1.0","components":{"schemas":{"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}}},"paths":{"/a":{"get":{"parameters":[{"in":"query","name":"q","schema":{"$ref":"#/components/schemas/A"}}]}}}}`, "lead to each other"},
		"a reference to another host":            {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"https://other.example/x"},"/b":{"get":{}}}}`, "other hosts"},
		"a reference to a file, of bytes":        {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"x.json"},"/b":{"get":{}}}}`, "another file"},
		"a type that is none":                    {`{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[{"in":"query","name":"q","schema":{"type":"wombat"}}]}}}}`, "wombat"},
		"a parameter of the path not declared":   {`{"openapi":"3.1.0","paths":{"/a/{id}":{"get":{}}}}`, `"id" is not declared`},
		"a parameter that the path has not":      {`{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[{"in":"path","name":"q"}]}}}}`, "is not in /a"},
		"an operation that is no object":         {`{"openapi":"3.1.0","paths":{"/a":{"get":[1],"post":{}}}}`, "no operation"},
		"a security scheme that nobody declared": {`{"openapi":"3.1.0","paths":{"/a":{"get":{"security":[{"k":[]}]}}}}`, "not declared"},
		"a bound that is a word":                 {`{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[{"in":"query","name":"q","schema":{"maxLength":"many"}}]}}}}`, "maxLength"},
	} {
		t.Run(name, func(t *testing.T) {
			api := parse(t, c.text)
			if len(api.Operations) == 0 || !strings.Contains(strings.Join(api.Warnings, "\n"), c.warning) {
				t.Errorf("%d operations, warnings %q", len(api.Operations), api.Warnings)
			}
		})
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	for _, text := range []string{"", "\xff\xfe", "just text", "[1,2]", "{}", `{"a":`, "a: [", "null", strings.Repeat(`{"paths":`, 600) + "1" + strings.Repeat("}", 600)} {
		if api, err := Parse("x", []byte(text)); err == nil {
			t.Errorf("%.20q is read: %+v", text, api)
		}
	}
}

func TestPeculiaritiesOfYAML(t *testing.T) {
	api := parse(t, `
openapi: 3.1.0
x-common: &common
  - {name: since, in: query, schema: {type: string, default: 2020-01-01, enum: [0x1F, .5, 1_000, yes, ~]}}
x-base: &base {operationId: one, parameters: *common}
paths:
  /a:
    get:
      <<: *base
      summary: own
`)
	op := operation(t, api, "one")
	s := op.Params[0].Schema
	want := []any{json.Number("31"), json.Number("0.5"), json.Number("1000"), "yes", nil}
	if d := cmp.Diff(want, s.Enum); d != "" || s.Default != "2020-01-01" || op.Summary != "own" {
		t.Errorf("%s %v", d, s.Default)
	}
	deep := "openapi: 3.1.0\nl0: &l0 [x, x]\n"
	for i := 1; i < 60; i++ {
		deep += "l" + itoa(i) + ": &l" + itoa(i) + " [*l" + itoa(i-1) + ", *l" + itoa(i-1) + "]\n"
	}
	deep += "paths: {/a: {get: {parameters: [{in: query, name: q, example: *l59, schema: {allOf: *l59}}]}}}\n"
	if api := parse(t, deep); len(api.Operations[0].Params[0].Examples) != 0 {
		t.Error("an example of 2^60 values was taken")
	}
}

func itoa(i int) string { b, _ := json.Marshal(i); return string(b) }

func TestAllOfManyTimesTheSameIsFoldedOnce(t *testing.T) {
	text := "openapi: 3.1.0\nx0: &l0 {type: string}\n"
	for i := 1; i < 60; i++ {
		text += "x" + itoa(i) + ": &l" + itoa(i) + " {allOf: [*l" + itoa(i-1) + ", *l" + itoa(i-1) + "]}\n"
	}
	api := parse(t, text+"paths: {/a: {get: {parameters: [{in: query, name: q, schema: *l31}]}}}\n")
	if s := api.Operations[0].Params[0].Schema.Flat(); s.Kind() != "string" {
		t.Errorf("%+v", s)
	}
}

func TestAnAuthorizationFieldIsASecurityScheme(t *testing.T) {
	api := parse(t, `{"openapi":"3.0.0","paths":{"/a":{"get":{"parameters":[{"in":"header","name":"Authorization","required":true,"schema":{"type":"string"}},{"in":"header","name":"accept"}]}}}}`)
	op := api.Operations[0]
	if len(op.Params) != 0 || len(op.Security) != 1 || api.Schemes[op.Security[0][0].Scheme].HTTPScheme != "bearer" {
		t.Errorf("%+v", op)
	}
}

func TestFilesBesideAndBelowAreRead(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "api")
	for name, text := range map[string]string{
		"secret.yaml":             "type: string",
		"api/openapi.yaml":        "openapi: 3.1.0\npaths:\n  /a: {$ref: paths/a.yaml}\n  /b: {get: {parameters: [{in: query, name: q, schema: {$ref: ../secret.yaml}}]}}\ncomponents: {schemas: {Id: {type: integer, $anchor: id}}}\n",
		"api/paths/a.yaml":        "get:\n  operationId: a\n  parameters:\n  - {in: query, name: q, schema: {$ref: '../schemas/Pet.json'}}\n  - {in: query, name: i, schema: {$ref: '../openapi.yaml#/components/schemas/Id'}}\n  - {in: query, name: j, schema: {$ref: '../openapi.yaml#id'}}\n",
		"api/schemas/Pet.json":    `{"type":"object","properties":{"self":{"$ref":"#"},"o":{"$ref":"own%20er.json#/$defs/O"}}}`,
		"api/schemas/own er.json": `{"$defs":{"O":{"type":"boolean"}}}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api, err := Load(filepath.Join(inner, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	op := operation(t, api, "a")
	pet := op.Param("query", "q").Schema
	if pet.Name != "Pet" || pet.Properties["self"] != pet || pet.Properties["o"].Kind() != "boolean" {
		t.Errorf("Pet: %+v", pet)
	}
	if i, j := op.Param("query", "i").Schema, op.Param("query", "j").Schema; i != j || i.Name != "Id" {
		t.Errorf("Id: %+v %+v", i, j)
	}
	if b := operation(t, api, "GET /b"); b.Params[0].Schema.Kind() != "" || len(api.Warnings) != 1 {
		t.Errorf("a file above the folder is read: %+v %q", b.Params[0].Schema, api.Warnings)
	}
	if _, err := Load(filepath.Join(inner, "none.yaml")); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestRealDocumentsAreRead(t *testing.T) {
	folder, files := realdocs.Files(t)
	failed, operations, warned := 0, 0, 0
	for _, name := range files {
		api, err := Load(filepath.Join(folder, name))
		if err != nil {
			failed++
			t.Log(err)
			continue
		}
		operations += len(api.Operations)
		if len(api.Warnings) > 0 {
			warned++
		}
		for _, op := range api.Operations {
			for _, p := range op.Params {
				p.Schema.Flat()
			}
		}
	}
	t.Logf("%d documents, %d operations; %d not read, %d with warnings", len(files), operations, failed, warned)
	if failed*200 > len(files) {
		t.Errorf("%d of %d documents are not read: more than one in 200", failed, len(files))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte(`{"swagger":"2.0","paths":{"/a":{"get":{"parameters":[{"in":"formData","name":"f","type":"file"}]}}}}`))
	f.Add([]byte("openapi: 3.1.0\npaths: &p {/a: {get: {parameters: [{in: query, name: q, schema: &s {items: *s, allOf: [*s]}}]}}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		api, err := Parse("x", data)
		if err != nil {
			return
		}
		for _, op := range api.Operations {
			if op.Path == "" || op.Method == "" || op.ID == "" {
				t.Errorf("%+v", op)
			}
			for _, p := range op.Params {
				if p.Schema == nil || p.Name == "" {
					t.Fatalf("%+v", p)
				}
				p.Schema.Flat()
			}
			if op.Body != nil {
				for _, m := range op.Body.Content {
					m.Schema.Flat()
				}
			}
		}
	})
}
