// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// initIn calls Init in a folder of its own that holds the document.
func initIn(t *testing.T, document, upstream string) (string, *Config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("api.yaml", []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := Init("api.yaml", upstream)
	if err != nil {
		return "", nil, err
	}
	c, err := Parse(filepath.Join(dir, "durward.yaml"), text, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text), c, nil
}

func document(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/notes.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestInitDeniesByDefault(t *testing.T) {
	text, c, err := initIn(t, document(t), "http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	api := c.APIs["notes"]
	if api == nil {
		t.Fatalf("no API in\n%s", text)
	}
	for _, op := range c.Contract("notes").Operations() {
		role := "writer"
		if op.Method == "GET" {
			role = "reader"
		}
		if api.Public(op.ID) || !strings.Contains(strings.Join(api.Authorize.Roles[role], " "), op.ID) {
			t.Errorf("%s is not for role %s only: %+v", op.ID, role, api.Authorize)
		}
	}
	if len(api.Authorize.Authenticated) != 0 || len(api.Authorize.Scopes) != 0 || len(api.Authorize.Roles) != 2 {
		t.Errorf("more is allowed than the two roles: %+v", api.Authorize)
	}
	if len(api.Authenticate) != 1 || api.Authenticate[0].APIKey == nil || api.Authenticate[0].APIKey.Header != "X-Notes-Key" {
		t.Errorf("the contract's key is not taken: %+v", api.Authenticate)
	}
	if api.Upstream.Targets[0].URL != "http://127.0.0.1:9000" || api.Prefix != "" {
		t.Errorf("upstream %+v below %q", api.Upstream.Targets, api.Prefix)
	}
	for _, want := range []string{"# issuers:", "# - jwt: main", "readNote # GET /notes/{id}"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestInitsCommentsAreRightOnceUncommented(t *testing.T) {
	text, _, err := initIn(t, document(t), "http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{
		{"# issuers:\n#   main:\n#     discovery:", "issuers:\n  main:\n    discovery:"},
		{"\n#     audiences:", "\n    audiences:"},
		{"      # - jwt: main", "      - jwt: main"},
	} {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("%q is not in\n%s", pair[0], text)
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	c, err := Parse("durward.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(c.APIs["notes"].Authenticate) != 2 || c.Issuers["main"] == nil {
		t.Error("tokens are not taken")
	}
}

func TestInitProvidesForStreamsAndListsWhatCouldBePublic(t *testing.T) {
	doc := strings.Replace(document(t), "operationId: health\n", "operationId: health\n      security: []\n", 1)
	doc = strings.Replace(doc, "{\"200\": {description: notes}}", "{\"200\": {description: notes, content: {text/event-stream: {schema: {type: string}}}}}", 1)
	text, c, err := initIn(t, doc, "http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	api := c.APIs["notes"]
	if api.Public("health") || api.Operation("listNotes").BodyIdleTimeout == 0 {
		t.Errorf("%s", text)
	}
	opened := strings.Replace(strings.Replace(text, "# health: {public", "health: {public", 1), "          - health # GET /health\n", "", 1)
	again, err := Parse("durward.yaml", []byte(opened), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, opened)
	}
	if !again.APIs["notes"].Public("health") {
		t.Error("health is not public once the comment is taken away")
	}
}

func TestInitTakesThePathOfTheUpstreamOrTheServer(t *testing.T) {
	base := document(t)
	for name, tc := range map[string]struct{ servers, upstream, prefix, target string }{
		"the upstream's path":            {"", "https://api.internal:9443/v2/", "/v2", "https://api.internal:9443"},
		"the server's path":              {"https://api.example.com/v1", "http://10.0.0.1:80", "/v1", "http://10.0.0.1:80"},
		"the upstream's path goes first": {"https://api.example.com/v1", "http://10.0.0.1/v3", "/v3", "http://10.0.0.1"},
		"no path of a server template":   {"https://{region}.example.com/{base}", "http://10.0.0.1", "", "http://10.0.0.1"},
		"a relative server":              {"/api", "http://10.0.0.1", "/api", "http://10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := base
			if tc.servers != "" {
				doc = strings.Replace(base, "paths:", "servers: [{url: \""+tc.servers+"\"}]\npaths:", 1)
			}
			_, c, err := initIn(t, doc, tc.upstream)
			if err != nil {
				t.Fatal(err)
			}
			if api := c.APIs["notes"]; api.Prefix != tc.prefix || api.Upstream.Targets[0].URL != tc.target {
				t.Errorf("%q, %q", api.Prefix, api.Upstream.Targets[0].URL)
			}
		})
	}
}

func TestInitQuotesHostileNames(t *testing.T) {
	doc := `openapi: 3.1.0
info: {title: "evil\nlisten: []\u2028x: ${HOME} API", version: "1"}
paths:
  /a:
    get:
      operationId: "x: {y} # ${HOME}"
      responses: {"200": {description: d}}
    post:
      operationId: "true"
      responses: {"200": {description: d}}
components:
  securitySchemes:
    odd: {type: apiKey, in: header, name: "X-Key"}
`
	text, c, err := initIn(t, doc, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	api := c.APIs["evil-listen-x-home"]
	if api == nil || len(c.Listen) != 1 || api.Authorize.Roles["reader"][0] != "x: {y} # ${HOME}" || api.Authorize.Roles["writer"][0] != "true" {
		t.Errorf("%s", text)
	}
}

func TestInitRefuses(t *testing.T) {
	base := document(t)
	for name, tc := range map[string]struct{ doc, upstream, want string }{
		"an upstream that is no URL":   {base, "127.0.0.1:9000", "must be an http or https URL"},
		"an upstream with a password":  {base, "http://u:s3cr3t@h", "must be an http or https URL"},
		"a prefix that cannot be":      {base, "http://h/a%2fb", "no configuration can be made"},
		"a contract without operation": {"openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n", "http://h", "declares no operation"},
		"what is no contract":          {"swagger: '2.0'\n", "http://h", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := initIn(t, tc.doc, tc.upstream)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := Init("nowhere.yaml", "http://h"); err == nil {
		t.Error("a missing document is no error")
	}
}
