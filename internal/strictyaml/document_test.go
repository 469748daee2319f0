// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"reflect"
	"strings"
	"testing"
)

const located = `text: a
inner:
  host: h
servers:
  - host: a
  - {port: 1}
by_name:
  "GET /spaces/{id}.json":
    host: x
`

func TestPositionFindsTheFieldOrTheNearestAboveIt(t *testing.T) {
	_, d, err := decode(t, located)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Position{
		"text":                                  {1, 7},
		"inner":                                 {2, 1},
		"inner.host":                            {3, 9},
		"inner.port":                            {2, 1},
		"inner.port.deeper[3].still":            {2, 1},
		"servers[1].port":                       {6, 12},
		"servers[1].host":                       {6, 5},
		"servers[7]":                            {4, 1},
		`by_name["GET /spaces/{id}.json"].host`: {9, 11},
		"by_name.GET /spaces/{id}.json.host":    {9, 11},
		"by_name.GET /spaces/{id}.json.port":    {8, 3},
		"by_name.GET /nowhere.json":             {7, 1},
		"nothing":                               {1, 1},
		"":                                      {1, 1},
	} {
		if got := d.Position(path); got != want {
			t.Errorf("%s stands at %v, want %v", path, got, want)
		}
	}
	if !d.Has("inner.host") || d.Has("inner.port") {
		t.Error("Has does not tell what the document sets")
	}
}

func TestFaultsNeverQuoteSubstitutedOrSecretValues(t *testing.T) {
	_, d, err := decode(t, "text: ${TOKEN}\npassword: hunter2\ncount: ${NUMBER}\nlabels: {a: \"x${TRICK}\", b: plain}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, reason, want string }{
		{"text", `unknown name "tok-s3cret"`, `unknown name "${TOKEN}"`},
		{"", `text is tok-s3cret`, `text is ${TOKEN}`},
		{"password", "hunter2 is too short", "[secret] is too short"},
		{"count", "12 is less than 120", "${NUMBER} is less than 120"},
		{"labels", `"xa: b\n- c" and plain`, `"x${TRICK}" and plain`},
		{"labels.b", "plain is fine", "plain is fine"},
	} {
		if got := d.Fault(tc.path, tc.reason).Reason; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.path, got, tc.want)
		}
	}
}

func TestErrorPrintsWithoutAPosition(t *testing.T) {
	if got := (&Error{File: "a.yaml", Field: "x", Reason: "y"}).Error(); got != "a.yaml: x: y" {
		t.Error(got)
	}
}

func TestKeyQuotesOnlyWhatNeedsIt(t *testing.T) {
	for _, tc := range [][3]string{
		{"a", "b_c-1", "a.b_c-1"}, {"", "b", "b"}, {"a", "x.y", `a["x.y"]`}, {"a", `q"`, `a["q\""]`}, {"a", "", `a[""]`},
	} {
		if got := Key(tc[0], tc[1]); got != tc[2] {
			t.Errorf("Key(%q, %q) = %s", tc[0], tc[1], got)
		}
	}
}

func TestSuggestKeepsToNearNames(t *testing.T) {
	known := []string{"rate_limit", "prefix", "contract", "id"}
	for wrong, want := range map[string]string{
		"rate-limit": "rate_limit", "ratelimit": "rate_limit", "Prefix": "prefix", "prefxi": "prefix", "contarct": "contract",
		"cors": "", "x": "", "": "", strings.Repeat("a", 100): "",
	} {
		if got := suggest(wrong, known); got != want {
			t.Errorf("suggest(%q) = %q, want %q", wrong, got, want)
		}
	}
}

func TestFieldsListsWhatADocumentCanSet(t *testing.T) {
	var names []string
	for _, f := range Fields(reflect.TypeFor[sample]()) {
		names = append(names, f.Name)
	}
	want := "name note on count ratio text level wait networks inner maybe servers targets by_name labels file files password pin kind kinds"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
