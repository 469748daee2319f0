// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const bundledDocument = `listen: [{address: "127.0.0.1:0"}]
apis:
  things:
    contract: api/things.yaml
    security: {from: configuration}
    upstream:
      targets: ["http://127.0.0.1:9000"]
      credential: replace
      upstream_credential: {authorization: "Bearer ${UPSTREAM_TOKEN}"}
    authenticate: [{api_key: {}}]
    authorize: {authenticated: ["*"]}
    response: {mode: enforce}
`

const bundledContract = `openapi: 3.1.0
info: {title: Things, version: "1"}
paths:
  /things:
    post:
      operationId: addThing
      requestBody: {content: {application/json: {schema: {$ref: "schemas/thing.yaml"}}}}
      responses: {"200": {description: ok}}
`

const bundledSchema = "type: object\nproperties: {name: {type: string}}\nadditionalProperties: false\n"

const upstreamToken = "t0ken-that-nobody-may-store"

func bundledEnv(name string) (string, bool) {
	v, ok := map[string]string{"UPSTREAM_TOKEN": upstreamToken}[name]
	return v, ok
}

// folder writes files and gives the folder's path.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bundledFolder(t testing.TB) string {
	return folder(t, map[string]string{
		"durward.yaml": bundledDocument, "api/things.yaml": bundledContract, "api/schemas/thing.yaml": bundledSchema,
		"api/unrelated.yaml": "x: y",
	})
}

func pack(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	name, files, err := Pack(filepath.Join(dir, "durward.yaml"), bundledEnv)
	if err != nil {
		t.Fatal(err)
	}
	if name != "durward.yaml" {
		t.Fatalf("the document is %q", name)
	}
	return files
}

func TestABundleHoldsWhatDecidesAndNoSecret(t *testing.T) {
	files := pack(t, bundledFolder(t))
	want := []string{"api/schemas/thing.yaml", "api/things.yaml", "durward.yaml"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Error(diff)
	}
	if string(files["durward.yaml"]) != bundledDocument {
		t.Error("the document is not as it was written")
	}
	for name, content := range files {
		if bytes.Contains(content, []byte(upstreamToken)) {
			t.Errorf("%s holds the secret", name)
		}
	}
}

// tempFolder makes a temporary folder of its own for what is loaded.
func tempFolder(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func TestABundleLoadsAsItsFileDoes(t *testing.T) {
	dir := bundledFolder(t)
	files := pack(t, dir)
	direct, err := Load(filepath.Join(dir, "durward.yaml"), bundledEnv)
	if err != nil {
		t.Fatal(err)
	}
	temp := tempFolder(t)
	for range 2 {
		c, err := LoadBundle("durward.yaml", files, BundleOptions{Dir: dir, Store: "sqlite:" + dir + "/durward.db", Env: bundledEnv})
		if err != nil {
			t.Fatal(err)
		}
		if c.Fingerprint() != direct.Fingerprint() || !c.Same(direct) {
			t.Error("it is another configuration")
		}
		if got, want := c.APIs["things"].Contract, filepath.Join(dir, "api", "things.yaml"); got != want {
			t.Errorf("the contract is %s, want %s", got, want)
		}
		if got := c.APIs["things"].Upstream.UpstreamCredential.Authorization; got != "Bearer "+upstreamToken {
			t.Error("the node's variable was not filled in")
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestContractsComeFromTheBundleOnly(t *testing.T) {
	files := pack(t, bundledFolder(t))
	// On this node lies another contract, with an operation more.
	other := strings.Replace(bundledContract, "paths:\n", "paths:\n  /open:\n    get: {operationId: open, responses: {\"200\": {description: ok}}}\n", 1)
	node := folder(t, map[string]string{"api/things.yaml": other, "api/schemas/thing.yaml": "true"})
	c, err := LoadBundle("durward.yaml", files, BundleOptions{Dir: node, Store: "memory:", Env: bundledEnv})
	if err != nil {
		t.Fatal(err)
	}
	if ops := c.Contract("things").Operations(); len(ops) != 1 || ops[0].ID != "addThing" {
		t.Errorf("operations %v", ops)
	}
	for _, missing := range []string{"api/things.yaml", "api/schemas/thing.yaml"} {
		less := maps.Clone(files)
		delete(less, missing)
		_, err = LoadBundle("durward.yaml", less, BundleOptions{Dir: node, Store: "memory:", Env: bundledEnv})
		if err == nil || !strings.Contains(err.Error(), "durward.yaml:4:") {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

func TestFaultsOfABundleNameFileAndLine(t *testing.T) {
	files := pack(t, bundledFolder(t))
	tempFolder(t)
	for name, c := range map[string]struct {
		file, old, new string
		env            func(string) (string, bool)
		want           string
	}{
		"an unknown field":     {"durward.yaml", "    response:", "    respons:", bundledEnv, "nodes/durward.yaml:12:5: apis.things.respons: "},
		"a variable not set":   {"durward.yaml", "", "", nil, "nodes/durward.yaml:9:"},
		"a fault in a schema":  {"api/schemas/thing.yaml", "type: object", "type: objet", bundledEnv, "nodes/api/schemas/thing.yaml"},
		"no YAML":              {"durward.yaml", "listen: [", "listen: [[", bundledEnv, "nodes/durward.yaml:"},
		"the store of another": {"durward.yaml", "apis:\n", "store: sqlite:other.db\napis:\n", bundledEnv, "nodes/durward.yaml:2:8: store: is not the store of this revision"},
		"a contract outside":   {"durward.yaml", "api/things.yaml", "../things.yaml", bundledEnv, "nodes/durward.yaml:4:15: apis.things.contract: the file is not part of the revision"},
		"a file outside":       {"../escape", "", "x", bundledEnv, "escape"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(files)
			changed[c.file] = []byte(strings.Replace(string(files[c.file]), c.old, c.new, 1))
			_, err := LoadBundle("durward.yaml", changed, BundleOptions{Dir: "nodes", Store: "memory:", Env: c.env})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "durward-bundle-") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheStoreOfABundleIsTheOneItCameFrom(t *testing.T) {
	dir := bundledFolder(t)
	files := pack(t, dir)
	files["durward.yaml"] = []byte("store: sqlite:durward.db\n" + bundledDocument)
	c, err := LoadBundle("durward.yaml", files, BundleOptions{Dir: dir, Store: "sqlite:" + filepath.Join(dir, "durward.db"), Env: bundledEnv})
	if err != nil || c.Store != "sqlite:"+filepath.Join(dir, "durward.db") {
		t.Errorf("%v, %v", c, err)
	}
	for _, url := range []string{"", "postgres://nowhere", "memory:"} {
		if _, err := LoadBundle("durward.yaml", files, BundleOptions{Dir: dir, Store: url, Env: bundledEnv}); err == nil {
			t.Errorf("it loads from %q", url)
		}
	}
}

func TestWhatCannotTravelIsNotPacked(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"a contract outside of the folder":  {"api/things.yaml", "../OUTSIDE/things.yaml", "durward.yaml:4:15: apis.things.contract: "},
		"a secret in the document":          {"Bearer ${UPSTREAM_TOKEN}", "Bearer " + upstreamToken, "durward.yaml:9:44: apis.things.upstream.upstream_credential.authorization: the secret stands in the document"},
		"a secret as a variable's default":  {"${UPSTREAM_TOKEN}", "${OTHER_TOKEN:-" + upstreamToken + "}", "the secret stands in the document"},
		"a secret with a reference beside":  {"Bearer ${UPSTREAM_TOKEN}", "${NAMELESS:-" + upstreamToken + "}${UPSTREAM_TOKEN}", "the secret stands in the document"},
		"a document that does not load":     {"api_key", "api_keys", "durward.yaml:10:"},
		"a document without its variables":  {"UPSTREAM_TOKEN", "UNKNOWN_TOKEN", "durward.yaml:9:"},
		"a contract that refers to nothing": {"api/things.yaml", "api/broken.yaml", "apis.things.contract"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, outside := bundledFolder(t), folder(t, map[string]string{"things.yaml": strings.Replace(bundledContract, "schemas/thing.yaml", "#/x", 1) + "x: {}\n"})
			rel, err := filepath.Rel(dir, outside)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(bundledDocument, c.old, strings.Replace(c.new, "../OUTSIDE", rel, 1), 1)
			for name, text := range map[string]string{"durward.yaml": text, "api/broken.yaml": strings.Replace(bundledContract, "thing.yaml", "nothing.yaml", 1)} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, _, err = Pack(filepath.Join(dir, "durward.yaml"), bundledEnv)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), upstreamToken) {
				t.Error("the error tells the secret")
			}
		})
	}
}

func TestASecretByReferenceMayTravel(t *testing.T) {
	for _, text := range []string{"${UPSTREAM_TOKEN}", "Bearer ${file:token}", "Basic ${UPSTREAM_TOKEN:-}", "${UPSTREAM_TOKEN}${file:token}"} {
		dir := bundledFolder(t)
		if err := os.WriteFile(filepath.Join(dir, "token"), []byte(upstreamToken), 0o600); err != nil {
			t.Fatal(err)
		}
		document := strings.Replace(bundledDocument, "Bearer ${UPSTREAM_TOKEN}", text, 1)
		if err := os.WriteFile(filepath.Join(dir, "durward.yaml"), []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		if files := pack(t, dir); files["token"] != nil {
			t.Error("the file of a secret travels")
		}
	}
}

func TestPoliciesComeFromTheBundleOnly(t *testing.T) {
	const policy = "permit (principal, action, resource);\n"
	dir := bundledFolder(t)
	document := strings.Replace(bundledDocument, `authorize: {`, `authorize: {policies: [{file: policies/things.cedar}, {cedar: "forbid (principal, action, resource) when { false };"}], `, 1)
	for name, text := range map[string]string{"durward.yaml": document, "policies/things.cedar": policy} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := pack(t, dir)
	if string(files["policies/things.cedar"]) != policy {
		t.Fatal("the policies do not travel")
	}
	// What lies on the node under the same name is of no account, now or later.
	node := folder(t, map[string]string{"policies/things.cedar": "forbid (principal, action, resource);"})
	c, err := LoadBundle("durward.yaml", files, BundleOptions{Dir: node, Store: "memory:", Env: bundledEnv})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.APIs["things"].Authorize.Policies; p[0].File != "" || p[0].Cedar != policy || !strings.HasPrefix(p[1].Cedar, "forbid") {
		t.Errorf("policies %+v", p)
	}
	for name, change := range map[string]func(map[string][]byte){
		"that do not travel": func(f map[string][]byte) { delete(f, "policies/things.cedar") },
		"that are no text":   func(f map[string][]byte) { f["policies/things.cedar"] = []byte{0xff} },
		"of nothing":         func(f map[string][]byte) { f["policies/things.cedar"] = nil },
		"that are no policy": func(f map[string][]byte) {
			f["durward.yaml"] = []byte(strings.Replace(document, "{file: policies/things.cedar}", "{file: policies/things.cedar, cedar: x}", 1))
		},
	} {
		changed := maps.Clone(files)
		change(changed)
		_, err := LoadBundle("durward.yaml", changed, BundleOptions{Dir: node, Store: "memory:", Env: bundledEnv})
		if err == nil || !strings.Contains(err.Error(), "durward.yaml:11:") {
			t.Errorf("policies %s: %v", name, err)
		}
	}
}
