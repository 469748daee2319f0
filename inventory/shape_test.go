// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"durward"
)

func TestSegmentsThatLookLikeIdsBecomePlaceholders(t *testing.T) {
	for path, want := range map[string]string{
		"/":             "/",
		"":              "/",
		"/users/17":     "/users/{id}",
		"/users/me":     "/users/me",
		"/v2/users":     "/v2/users",
		"/oauth2/token": "/oauth2/token",
		"/orders/0b0f3c3e-8f3a-4c1e-9b1e-2f3a4c5d6e7f/items": "/orders/{uuid}/items",
		"/reports/2026-11-22":                                "/reports/{date}",
		"/objects/5f1d7f3a9b3c4d5e6f708192":                  "/objects/{id}",
		"/runs/01M7ZX844TRJDFEQZEMD16Y4X8":                   "/runs/{id}",
		"/customers/cus_9s6XKzkNRiz8i3":                      "/customers/{id}",
		"/people/ada@example.com":                            "/people/{email}",
		"/files/my%20file":                                   "/files/{text}",
		"/a-rather-long-name-of-a-resource/list":             "/a-rather-long-name-of-a-resource/list",
		"/.well-known/openid-configuration":                  "/.well-known/openid-configuration",
		"/wp-login.php":                                      "/wp-login.php",
		"/" + strings.Repeat("w", 100):                       "/{text}",
		strings.Repeat("/a", 40):                             strings.Repeat("/a", maxSegments) + "/...",
	} {
		if got := Template(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func shapeOf(texts ...string) *Shape {
	s := new(Shape)
	for _, text := range texts {
		s.learn([]byte(text))
	}
	return s
}

func TestAShapeBecomesASchemaThatAllValuesFulfil(t *testing.T) {
	for name, row := range map[string]struct {
		texts []string
		want  schema
	}{
		"a member that all have is required": {
			[]string{`{"id":1,"name":"a"}`, `{"id":2}`},
			schema{Type: "object", Required: []string{"id"}, Properties: map[string]schema{"id": {Type: "integer"}, "name": {Type: "string"}}},
		},
		"of one object nothing is required":  {[]string{`{"id":1}`}, schema{Type: "object", Properties: map[string]schema{"id": {Type: "integer"}}}},
		"an integer is a number":             {[]string{"1", "1.5"}, schema{Type: "number"}},
		"several types":                      {[]string{"1", "null", `"x"`}, schema{Type: []string{"integer", "null", "string"}}},
		"a format that all have":             {[]string{`"2026-11-22"`, `"2020-01-01"`}, schema{Type: "string", Format: "date"}},
		"a format that some have":            {[]string{`"2026-11-22"`, `"today"`}, schema{Type: "string"}},
		"items of all arrays":                {[]string{"[1,2]", "[]", "[true]"}, schema{Type: "array", Items: &schema{Type: []string{"boolean", "integer"}}}},
		"names that are ids are no members":  {[]string{`{"17":true,"18":false}`}, schema{Type: "object", Additional: &schema{Type: "boolean"}}},
		"a number in quotes is a string":     {[]string{`"17"`}, schema{Type: "string"}},
		"text that breaks off counts so far": {[]string{`{"a":1,"b":`}, schema{Type: "object", Properties: map[string]schema{"a": {Type: "integer"}, "b": {}}}},
		"what is no JSON is nothing":         {[]string{"<a>"}, schema{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, shapeOf(row.texts...).schema()); diff != "" {
				t.Error(diff)
			}
			if len(row.texts) < 2 {
				return
			}
			apart := shapeOf(row.texts[0])
			apart.merge(shapeOf(row.texts[1:]...), 0)
			if diff := cmp.Diff(shapeOf(row.texts...), apart); diff != "" {
				t.Errorf("learned apart and merged: %s", diff)
			}
		})
	}
}

func TestAnObjectOfVeryManyMembersIsOneOfNamesThatAreValues(t *testing.T) {
	var b strings.Builder
	for i := range 3 * maxMembers {
		b.WriteString(`,"` + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + `":1`)
	}
	s := shapeOf("{" + b.String()[1:] + "}")
	if !s.Open || s.Members != nil || s.Items.Types["integer"] == 0 {
		t.Errorf("open %v, %d members", s.Open, len(s.Members))
	}
}

func TestADraftHoldsNoValueAndNamesItsPathParameters(t *testing.T) {
	const secret = "s3cr3t-value"
	a := &API{Since: start}
	x := call("token="+secret+"&page=2", "", 0)
	x.In.Method, x.In.Path = "PUT", "/users/17/posts/0b0f3c3e-8f3a-4c1e-9b1e-2f3a4c5d6e7f"
	for range 2 {
		a.Learn(x, 201, "application/json; charset=utf-8", []byte(`{"title":"`+secret+`","mail":"`+secret+`@example.com"}`),
			"application/json", []byte(`{"id":"0b0f3c3e-8f3a-4c1e-9b1e-2f3a4c5d6e7f"}`))
	}
	odd := call("", "", 0)
	odd.In.Method, odd.In.Path = "PROPFIND", "/users"
	a.Learn(odd, 405, "", nil, "", nil)
	text, err := a.Draft("shop")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) || strings.Contains(string(text), "0b0f") {
		t.Errorf("a value is in the draft:\n%s", text)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Required   []string
						Properties map[string]struct{ Type, Format string }
					}
				}
			} `yaml:"requestBody"`
			Responses map[string]any
		}
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	op, ok := doc.Paths["/users/{userId}/posts/{postId}"]["put"]
	if !ok || len(doc.Paths) != 1 {
		t.Fatalf("paths of\n%s", text)
	}
	var names []string
	for _, p := range op.Parameters {
		names = append(names, p.In+" "+p.Name)
	}
	if diff := cmp.Diff([]string{"path userId", "path postId", "query page", "query token"}, names); diff != "" {
		t.Error(diff)
	}
	content := op.RequestBody.Content["application/json"].Schema
	if !slices.Equal(content.Required, []string{"mail", "title"}) || content.Properties["mail"].Format != "email" || op.Responses["201"] == nil {
		t.Errorf("%+v", op)
	}
}

func TestADraftHasNoTwoPathsOfOneForm(t *testing.T) {
	a := &API{Since: start, Operations: map[string]*Seen{
		"getPet": {Method: "GET", Template: "/pets/{pet}", Count: 1}, "file": {Method: "GET", Template: "/files/{name}.{type}", Count: 1},
	}}
	for _, call := range []string{
		"GET /users/17", "GET /users/0b0f3c3e-8f3a-4c1e-9b1e-2f3a4c5d6e7f", "POST /users/2026-01-02", "GET /users/me", "GET /days/2026-01-02",
		"DELETE /pets/2026-01-02", "GET /pets/17", "GET /files/17",
	} {
		x := &durward.Exchange{Started: start}
		x.In.Method, x.In.Path, _ = strings.Cut(call, " ")
		a.Learn(x, 200, "", nil, "application/json", []byte(`{"a":1}`))
	}
	before, _ := json.Marshal(a)
	text, err := a.Draft("t")
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := json.Marshal(a); string(after) != string(before) {
		t.Error("writing it changed what was seen")
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for path, methods := range doc.Paths {
		got[path] = strings.Join(sorted(methods), " ")
	}
	want := map[string]string{
		"/users/{userId}": "get post", "/users/me": "get", "/days/{dayDate}": "get", "/pets/{pet}": "delete get",
		"/files/{name}.{type}": "get", "/files/{fileId}": "get",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

func TestAReportTellsShadowFromZombieAndDeprecated(t *testing.T) {
	a := &API{Operations: map[string]*Seen{
		"used":    {Count: 3, Passed: 3},
		"old":     {Count: 1, Passed: 1},
		"refused": {Count: 9},
		"removed": {Count: 1, Passed: 1, Method: "GET", Template: "/r"},
	}}
	r := a.Report([]Declared{{ID: "used"}, {ID: "old", Deprecated: true}, {ID: "refused"}, {ID: "never"}})
	got := map[string][]string{}
	for name, all := range map[string][]Finding{"used": r.Used, "deprecated": r.Deprecated, "zombie": r.Zombie, "gone": r.Gone} {
		for _, f := range all {
			got[name] = append(got[name], f.Operation)
		}
	}
	want := map[string][]string{"used": {"used"}, "deprecated": {"old"}, "zombie": {"refused", "never"}, "gone": {"removed"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestShapesOfAnswersAreLearnedWithoutChangingThem(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{Shapes: 1}, keeper)
	op := inv.Declared(list, nil, false)
	for _, row := range []struct {
		length  int64
		coding  string
		learned bool
	}{{-1, "", false}, {9, "gzip", false}, {9, "", true}} {
		x := call("", "x", 0)
		x.Response = &durward.Response{Status: 200, Body: io.NopCloser(strings.NewReader(`{"a":"b"}`)), Length: row.length,
			Header: durward.Header{{Name: "Content-Type", Value: "application/json"}}}
		if row.coding != "" {
			x.Response.Header.Add("Content-Encoding", row.coding)
		}
		if d := op.Stage().Response(context.Background(), x); d.Verdict != durward.Allow {
			t.Errorf("verdict %v", d.Verdict)
		}
		if sent, err := io.ReadAll(x.Response.Body); string(sent) != `{"a":"b"}` || err != nil {
			t.Errorf("sent %q, %v", sent, err)
		}
		_ = inv.Flush(context.Background())
		if s := keeper.get(t, "shop").Operations["list"].Responses["200 application/json"]; (s.Members["a"] != nil) != row.learned {
			t.Errorf("%+v: %+v", row, s)
		}
	}
}

func FuzzShape(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}],"17":"x"}`, "[[[[", `"2026-11-22T08:00:00Z"`, "1e400", `{"a":1,"a":2}`} {
		f.Add(seed, "/users/17")
	}
	f.Fuzz(func(t *testing.T, content, path string) {
		s := shapeOf(content)
		s.schema()
		again := shapeOf(content)
		again.merge(s, 0)
		if n := s.seen(); again.seen() != 2*n {
			t.Errorf("merged with itself %d values are %d", n, again.seen())
		}
		u, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		template := Template(u.EscapedPath())
		if again := Template(template); again != template && !strings.Contains(template, "...") {
			t.Errorf("%q becomes %q and then %q", path, template, again)
		}
	})
}
