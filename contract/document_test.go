// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const trickyDoc = `
openapi: 3.0.3
info: {title: Tricky, version: 1.0}
servers: [{url: https://api.example.com/v1}]
security: [{bearer: []}]
paths:
  /pets/{id}:
    summary: references everywhere
    parameters:
      - $ref: "#/components/parameters/Id"
      - {name: verbose, in: query, schema: {type: boolean}}
    get:
      operationId: getPet
      deprecated: true
      x-durward-note: {a: [1, true]}
      security: [{}, {bearer: [read], key: []}]
      parameters:
        - {name: verbose, in: query, schema: {type: integer}}
      responses: {default: {$ref: "#/components/responses/Any"}}
    put:
      operationId: putPet
      requestBody: {$ref: "#/components/requestBodies/Pet"}
      responses: {200: {description: ok}}
  /events:
    get:
      responses: {"200": {description: s, content: {text/event-stream: {schema: {type: string}}}}}
  /socket:
    get: {operationId: socket, responses: {"101": {description: switched}}}
  /socket2:
    get: {operationId: socket2, x-durward-upgrade: websocket, responses: {}}
components:
  securitySchemes:
    bearer: {type: http, scheme: Bearer, bearerFormat: JWT}
    key: {type: apiKey, in: header, name: X-Key}
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {write: w, read: r}}}}
  parameters:
    Id: {name: id, in: path, required: true, schema: {$ref: "#/components/schemas/Id"}}
  responses:
    Any: {description: any, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
  requestBodies:
    Pet: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
  schemas:
    Id: {type: string, format: uuid}
    Base:
      type: object
      required: [kind, id]
      properties:
        id: {allOf: [{$ref: "#/components/schemas/Id"}], readOnly: true}
        kind: {type: string}
        $ref: {type: string}
      discriminator: {propertyName: kind, mapping: {cat: "#/components/schemas/Cat"}}
    Cat:
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          required: [lives]
          properties:
            kind: {type: string, enum: [cat]}
            lives: {type: integer, format: int32, minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false}
            nick: {type: string, nullable: true, maxLength: 3}
            parent: {$ref: "#/components/schemas/Cat", description: a sibling that is ignored, maxProperties: 0}
    Dog:
      allOf:
        - $ref: "#/components/schemas/Base"
        - {type: object, properties: {kind: {type: string, enum: [dog]}, friends: {type: array, items: {$ref: "#/components/schemas/Pet"}}}}
    Pet:
      oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]
      discriminator: {propertyName: kind}
`

func TestOperationsTellWhatTheDocumentSays(t *testing.T) {
	d := mustParse(t, trickyDoc)
	want := []Operation{
		{ID: "GET /events", Method: "GET", Template: "/events", Security: [][]Requirement{{{Scheme: "bearer"}}}, HasSecurity: true, Streams: true, Extensions: map[string]any{}},
		{ID: "getPet", Method: "GET", Template: "/pets/{id}", Security: [][]Requirement{{}, {{Scheme: "bearer", Scopes: []string{"read"}}, {Scheme: "key"}}}, HasSecurity: true, Deprecated: true,
			Extensions: map[string]any{"x-durward-note": map[string]any{"a": []any{number("1"), true}}}},
		{ID: "putPet", Method: "PUT", Template: "/pets/{id}", Security: [][]Requirement{{{Scheme: "bearer"}}}, HasSecurity: true, Extensions: map[string]any{}},
		{ID: "socket", Method: "GET", Template: "/socket", Security: [][]Requirement{{{Scheme: "bearer"}}}, HasSecurity: true, Upgrade: "websocket", Extensions: map[string]any{}},
		{ID: "socket2", Method: "GET", Template: "/socket2", Security: [][]Requirement{{{Scheme: "bearer"}}}, HasSecurity: true, Upgrade: "websocket",
			Extensions: map[string]any{"x-durward-upgrade": "websocket"}},
	}
	if diff := cmp.Diff(want, d.Operations()); diff != "" {
		t.Error(diff)
	}
	schemes := []SecurityScheme{
		{Name: "bearer", Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		{Name: "key", Type: "apiKey", In: "header", Parameter: "X-Key"},
		{Name: "oauth", Type: "oauth2", Scopes: []string{"read", "write"}},
	}
	if diff := cmp.Diff(schemes, d.SecuritySchemes()); diff != "" {
		t.Error(diff)
	}
	if d.Title() != "Tricky" || d.Version() != "1.0" || len(d.SHA256()) != 64 || d.Servers()[0] != "https://api.example.com/v1" {
		t.Error(d.Title(), d.Version(), d.SHA256(), d.Servers())
	}
}

const petID = "8d1c2a70-0000-4000-8000-000000000001"

func TestTheDialectOfOpenAPI30(t *testing.T) {
	d := mustParse(t, trickyDoc)
	put := mustStage(t, d, "putPet", &Config{})
	for body, want := range map[string]string{
		`{"kind":"cat","lives":9}`:                                   "allow",
		`{"kind":"cat","lives":0}`:                                   "body /lives: is too small",
		`{"kind":"cat","lives":9,"nick":null}`:                       "allow",
		`{"kind":"cat","lives":null}`:                                "body /lives: must be an integer",
		`{"kind":"cat","lives":9,"nick":"long"}`:                     "body /nick: is too long",
		`{"kind":"cat","lives":9,"$ref":"x"}`:                        "allow",
		`{"kind":"cat","lives":9,"$ref":1}`:                          "body /$ref: must be a string",
		`{"kind":"cat","lives":9,"parent":{"kind":"cat","lives":1}}`: "allow",
		`{"kind":"cat","lives":9,"id":"` + petID + `"}`:              "body /id: is not allowed here",
		`{"kind":"dog","friends":[{"kind":"cat","lives":1}]}`:        "allow",
		`{"kind":"dog","friends":[{"kind":"cat","lives":10}]}`:       "body /friends/0/lives: is too large",
		`{"kind":"bird"}`:                                            "body /kind: is not one of the allowed values",
		`{}`:                                                         "body /kind: is required",
	} {
		if got := ask(put, request{params: map[string]string{"id": petID}, body: body}); !strings.Contains(got, want) {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
	get := mustStage(t, d, "getPet", &Config{})
	for query, want := range map[string]string{
		"verbose=1":    "allow", // the operation's parameter wins over the path's
		"verbose=true": "invalid-parameter: query verbose: must be an integer",
	} {
		if got := ask(get, request{params: map[string]string{"id": petID}, query: query}); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestReadOnlyMembersMayBeAllowed(t *testing.T) {
	put := mustStage(t, mustParse(t, trickyDoc), "putPet", &Config{ReadOnly: Allow})
	for body, want := range map[string]string{
		`{"kind":"cat","lives":9,"id":"` + petID + `"}`: "allow",
		`{"kind":"cat","lives":9}`:                      "allow",
		`{"kind":"cat","lives":9,"id":"1"}`:             "body /id: is not in the required format",
	} {
		if got := ask(put, request{params: map[string]string{"id": petID}, body: body}); !strings.Contains(got, want) {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestUndeclaredMembersMayBeRefused(t *testing.T) {
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x:
    post:
      operationId: op
      requestBody:
        content:
          application/json:
            schema:
              allOf: [{$ref: "#/components/schemas/A"}, {properties: {b: {type: object, properties: {c: {type: integer}}}}}]
  /y:
    post:
      operationId: alt
      requestBody: {content: {application/json: {schema: {anyOf: [{$ref: "#/components/schemas/A"}, {properties: {z: {type: string}}, required: [z]}]}}}}
components:
  schemas:
    A:
      properties:
        a: {type: integer}
        free: {type: object}
        open: {type: object, properties: {k: {}}, additionalProperties: true}
        list: {type: array, items: {properties: {d: {}}}}
`)
	for _, test := range []struct{ op, body, open, closed string }{
		{"op", `{"a":1,"b":{"c":1}}`, "allow", "allow"},
		{"op", `{"x":1}`, "allow", "invalid-body: body /x: is not allowed here"},
		{"op", `{"b":{"x":1}}`, "allow", "invalid-body: body /b/x: is not allowed here"},
		{"op", `{"free":{"x":1},"open":{"x":1}}`, "allow", "allow"},
		{"op", `{"list":[{"d":1},{"e":1}]}`, "allow", "invalid-body: body /list/1/e: is not allowed here"},
		{"alt", `{"a":1}`, "allow", "allow"},
		{"alt", `{"a":1,"z":"s"}`, "allow", "allow"},
		{"alt", `{"a":1,"y":"s"}`, "allow", "invalid-body: body /y: is not allowed here"},
	} {
		if got := ask(mustStage(t, d, test.op, &Config{}), request{body: test.body}); got != test.open {
			t.Errorf("open: %s: got %s, want %s", test.body, got, test.open)
		}
		if got := ask(mustStage(t, d, test.op, &Config{AdditionalProperties: Refuse}), request{body: test.body}); got != test.closed {
			t.Errorf("closed: %s: got %s, want %s", test.body, got, test.closed)
		}
	}
}

func TestDocumentsThatDoNotLoadSayWhere(t *testing.T) {
	head := "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"
	schema := func(s string) string {
		return head + "paths:\n  /x:\n    post:\n      requestBody:\n        content:\n          application/json:\n            schema: " + s + "\n"
	}
	const at = "/paths/~1x/post/requestBody/content/application~1json/schema"
	for _, test := range []struct{ name, doc, want string }{
		{"no document", "", "test.yaml: is not an OpenAPI document"},
		{"a list", "[1]", "is not an OpenAPI document"},
		{"swagger", "swagger: '2.0'", "test.yaml:1: /swagger: Swagger 2.0 is not supported"},
		{"a later version", "openapi: 3.2.0", "openapi must be 3.0.x or 3.1.x"},
		{"not YAML", "a: [", "test.yaml: "},
		{"a member twice", "openapi: 3.1.0\nopenapi: 3.1.0\n", "line 2"},
		{"a member twice in JSON", `{"openapi":"3.1.0","openapi":"3.1.0"}`, "/openapi: is repeated"},
		{"another dialect", head + "jsonSchemaDialect: http://json-schema.org/draft-07/schema#\n", "the dialect is not supported"},
		{"lookahead", schema("{type: string, pattern: '^a+(?=a)b'}"), "test.yaml:9: " + at + "/pattern: pattern uses what cannot run in linear time"},
		{"a back reference", schema(`{type: string, pattern: '(a)\1'}`), "cannot run in linear time"},
		{"a wrong type", schema("{type: strnig}"), at + "/type: type must be"},
		{"a minimum that is text", schema("{minimum: '1'}"), "minimum must be a number"},
		{"a length that is negative", schema("{maxLength: -1}"), "maxLength must be a whole number"},
		{"properties that are a list", schema("{properties: [a]}"), "properties must be an object"},
		{"a schema that is text", schema("text"), "a schema must be an object or a boolean"},
		{"a reference to nothing", schema("{$ref: '#/components/schemas/None'}"), at + ": $ref names nothing"},
		{"a reference to a URL", schema("{$ref: 'https://example.com/a.json'}"), "never a URL"},
		{"a reference to a file", schema("{$ref: 'a.yaml#/a'}"), "only files beside or below the document"},
		{"a reference to a system file", schema("{$ref: '/etc/passwd'}"), "never a URL or an absolute path"},
		{"a reference to a URL below an identifier", schema("{$id: 'https://example.com/a', $ref: 'https://example.com/b'}"), "only to files beside or below"},
		{"parameters that are an object", head + "paths: {/x: {get: {parameters: {a: 1}}}}", "must be an array"},
		{"an operation that is a list", head + "paths: {/x: {get: []}}", "must be an object"},
		{"an operation beside a reference", head + "paths: {/x: {$ref: '#/paths/~1y', get: {}}, /y: {}}", "can have no get of its own"},
		{"a path without slash", head + "paths: {x: {get: {}}}", "must begin with /"},
		{"braces that do not match", head + "paths: {'/{a': {get: {}}}", "braces do not match"},
		{"a parameter in the body", head + "paths: {/x: {get: {parameters: [{name: q, in: body, schema: {}}]}}}", "an in of path, query, header or cookie"},
		{"a cookie that is a list", head + "paths: {/x: {get: {parameters: [{name: q, in: cookie, schema: {type: array}}]}}}", "needs explode: false"},
		{"a parameter in XML", head + "paths: {/x: {get: {parameters: [{name: q, in: query, content: {application/xml: {schema: {}}}}]}}}", "must be JSON"},
		{"an upgrade to something else", head + "paths: {/x: {get: {x-durward-upgrade: h2c}}}", "must be websocket"},
		{"a media type twice", head + "paths: {/x: {post: {requestBody: {content: {application/json: {schema: {}}, 'application/json; v=2': {schema: {type: object}}}}}}}", "only in its parameters"},
		{"a bad media type", head + "paths: {/x: {post: {requestBody: {content: {json: {}}}}}}", "is not a media type"},
		{"deprecated that is text", head + "paths: {/x: {get: {deprecated: 'no'}}}", "must be true or false"},
		{"an anchor in the reference", schema("{$ref: '#here'}"), "must end in a JSON pointer"},
		{"endless allOf", schema("{allOf: [{$ref: '#/paths/~1x/post/requestBody/content/application~1json/schema'}]}"), "refers to itself without end"},
		{"a path parameter without rule", head + "paths: {'/x/{id}': {get: {}}}", "the path parameter {id} is not declared"},
		{"a rule without path parameter", head + "paths: {/x: {get: {parameters: [{name: id, in: path, required: true, schema: {}}]}}}", "has no parameter {id}"},
		{"an optional path parameter", head + "paths: {'/x/{id}': {get: {parameters: [{name: id, in: path, schema: {}}]}}}", "must be required"},
		{"a parameter without schema", head + "paths: {/x: {get: {parameters: [{name: q, in: query}]}}}", "either a schema or content"},
		{"a parameter twice", head + "paths: {/x: {get: {parameters: [{name: q, in: query, schema: {}}, {name: q, in: query, schema: {}}]}}}", "declared twice"},
		{"a style of another place", head + "paths: {/x: {get: {parameters: [{name: q, in: query, style: matrix, schema: {}}]}}}", "cannot have this style"},
		{"deepObject of an integer", head + "paths: {/x: {get: {parameters: [{name: q, in: query, style: deepObject, schema: {type: integer}}]}}}", "needs a schema of type object"},
		{"two paths of one form", head + "paths: {'/x/{a}': {get: {parameters: [{name: a, in: path, required: true, schema: {}}]}}, '/x/{b}': {get: {parameters: [{name: b, in: path, required: true, schema: {}}]}}}", "has the same form"},
		{"an operationId twice", head + "paths: {/x: {get: {operationId: a}}, /y: {get: {operationId: a}}}", "operationId is used twice"},
		{"an unknown security scheme", head + "paths: {/x: {get: {security: [{k: []}]}}}", "is not declared"},
		{"a body without content", head + "paths: {/x: {post: {requestBody: {}}}}", "needs content"},
		{"references in a circle", head + "paths: {/x: {post: {requestBody: {$ref: '#/components/requestBodies/A'}}}}\ncomponents: {requestBodies: {A: {$ref: '#/components/requestBodies/B'}, B: {$ref: '#/components/requestBodies/A'}}}", "without end"},
	} {
		_, err := Parse("test.yaml", []byte(test.doc))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\n got %v\nwant %s", test.name, err, test.want)
		}
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADocumentInSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "api/main.yaml", `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /a/{id}: {$ref: "paths/a.yaml#/a"}
`)
	write(t, dir, "api/paths/a.yaml", `
a:
  parameters: [{$ref: "../common.json#/parameters/id"}]
  post:
    operationId: op
    requestBody: {content: {application/json: {schema: {$ref: ../schemas/thing.json}}}}
`)
	write(t, dir, "api/common.json", `{"parameters":{"id":{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}}}`)
	write(t, dir, "api/schemas/thing.json", `{"$id":"https://example.com/thing.json","$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"other":{"$ref":"other.json#/$defs/x"},"self":{"$ref":"#"}}}`)
	write(t, dir, "api/schemas/other.json", `{"$defs":{"x":{"type":"integer"}}}`)
	d, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Files()) != 5 {
		t.Error(d.Files())
	}
	s := mustStage(t, d, "op", &Config{AdditionalProperties: Refuse})
	for body, want := range map[string]string{
		`{"self":{"self":{"other":1}}}`:   "allow",
		`{"self":{"self":{"other":"1"}}}`: "invalid-body: body /self/self/other: must be an integer",
		`{"more":1}`:                      "invalid-body: body /more: is not allowed here",
	} {
		if got := ask(s, request{params: map[string]string{"id": "1"}, body: body}); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}

	write(t, dir, "secret.yaml", "a: {type: string}")
	if err := os.Symlink(filepath.Join(dir, "secret.yaml"), filepath.Join(dir, "api", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"../secret.yaml#/a", "link.yaml#/a", "schemas/../../secret.yaml#/a", "file:///etc/hosts", "missing.yaml", "schemas"} {
		path := write(t, dir, "api/bad.yaml", "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/x: {get: {parameters: [{name: q, in: query, schema: {$ref: '"+ref+"'}}]}}}")
		var le *LoadError
		if _, err := Load(path); !errors.As(err, &le) || le.Line != 3 {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestAliasesDoNotUnfoldWithoutBound(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n")
	for i := 1; i < 12; i++ {
		prev := "*a" + string(rune('a'+i-1))
		if i == 1 {
			prev = "*a0"
		}
		name := "a" + string(rune('a'+i))
		b.WriteString(name + ": &" + name + " [" + strings.Repeat(prev+",", 9) + prev + "]\n")
	}
	if _, err := Parse("bomb.yaml", []byte(b.String())); err == nil || !strings.Contains(err.Error(), "aliases") {
		t.Error(err)
	}
	for _, s := range []string{strings.Repeat("[", 5000), strings.Repeat("{a: ", 5000), strings.Repeat("- ", 5000), "a: &a [*a]"} {
		if _, err := Parse("deep.yaml", []byte(s)); err == nil {
			t.Error("a document without bottom was read")
		}
	}
}

func TestYAMLBecomesWhatJSONCanHold(t *testing.T) {
	root, _, err := readTree([]byte("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: 0x1F\nf: 1_000\ng: 2020-01-01\nh: ~\ni: yes\nj: True\nk: .5\nl: '1'\n200: ok\nm: 1.50\nn: {<<: [*x, {c: 4, d: 5}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": map[string]any{"b": number("1"), "c": number("2")}, "d": map[string]any{"b": number("1"), "c": number("3")},
		"e": number("31"), "f": number("1000"), "g": "2020-01-01", "h": nil, "i": "yes", "j": true, "k": number("0.5"), "l": "1", "200": "ok", "m": number("1.50"),
		"n": map[string]any{"b": number("1"), "c": number("2"), "d": number("5")},
	}
	if diff := cmp.Diff(want, root); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"a: .inf", "a: .nan", "? [a]\n: b", "a: {<<: 1}"} {
		if _, _, err := readTree([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestAStageNeedsAKnownOperationAndAValidConfig(t *testing.T) {
	d := mustParse(t, trickyDoc)
	if _, err := d.Stage("none", &Config{}); err == nil {
		t.Error("an unknown operation got a stage")
	}
	if _, err := d.Stage("getPet", &Config{UnknownQuery: "drop"}); err == nil {
		t.Error("an invalid Config got a stage")
	}
}
