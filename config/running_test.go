// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func TestFaultsListsEachFaultForPrograms(t *testing.T) {
	_, err := parse(t, "8080", "x", "http://", "gopher://")
	got, e := json.Marshal(Faults(err))
	if e != nil {
		t.Fatal(e)
	}
	want := `[{"file":"testdata/t.yaml","line":2,"column":14,"field":"listen[0].address","reason":"the port must be a number from 0 to 65535"},` +
		`{"file":"testdata/t.yaml","line":6,"column":26,"field":"apis.notes.upstream.targets[0]","reason":"must begin with http:// or https://"}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if Faults(nil) != nil {
		t.Error("no error has faults")
	}
	if other := Faults(errors.New("disk on fire")); len(other) != 1 || other[0].Reason != "disk on fire" || other[0].Line != 0 {
		t.Errorf("%+v", other)
	}
}

func TestLocateGivesLaterFaultsTheirPlace(t *testing.T) {
	c, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Locate(errors.Join(
		durward.InvalidIn("apis.notes", durward.Invalid("upstream.targets[0]", "is away")),
		durward.Invalid("listen[0].address", "is in use"),
		durward.Invalid("listen[0].address", "is in use"),
		errors.New("something else"),
	))
	want := "testdata/t.yaml:1:1: something else\n" +
		"testdata/t.yaml:2:14: listen[0].address: is in use\n" +
		"testdata/t.yaml:6:26: apis.notes.upstream.targets[0]: is away"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if c.Locate(nil) != nil {
		t.Error("no error has a place")
	}
}

func TestControlSocketIsFoundInABrokenDocument(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "durward.yaml")
	for name, tc := range map[string]struct{ doc, socket, fault string }{
		"set":                         {"admin: {socket: a.sock}\n", dir + "/a.sock", ""},
		"set beside a fault":          {"nonsense: 1\nadmin: {socket: /run/a.sock}\nlisten: 7\n", "/run/a.sock", ""},
		"left out":                    {"admin: {address: \"127.0.0.1:1\"}\n", "", ""},
		"in what cannot be read":      {"admin: {socket: [\n", "", "not valid YAML"},
		"not set beside a fault":      {"admin: {sokcet: a.sock}\n", "", "did you mean socket?"},
		"from a variable that is set": {"admin: {socket: \"${S}\"}\n", "/s.sock", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tc.doc), 0o600); err != nil {
				t.Fatal(err)
			}
			socket, err := ControlSocket(path, func(string) (string, bool) { return "/s.sock", true })
			if socket != tc.socket || (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("%q, %v", socket, err)
			}
		})
	}
	if _, err := ControlSocket(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a missing document is no error")
	}
}

func TestFilesListsWhatAWatcherMustFollow(t *testing.T) {
	dir := t.TempDir()
	notes, err := os.ReadFile("testdata/notes.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shared := strings.Replace(string(notes), "schema: {type: object, properties: {text: {type: string}}, required: [text]}", "schema: {$ref: 'shared.yaml#/note'}", 1)
	for name, content := range map[string]string{
		"notes.openapi.yaml": shared, "shared.yaml": "note: {type: object}\n", "address.txt": "127.0.0.1:8080\n",
		"durward.yaml": strings.Replace(base, "127.0.0.1:8080", "${file:address.txt}", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "durward.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{dir + "/address.txt", dir + "/durward.yaml", dir + "/notes.openapi.yaml", dir + "/shared.yaml"}
	if diff := cmp.Diff(want, c.Files()); diff != "" {
		t.Error(diff)
	}
	if (&Config{}).Files() != nil {
		t.Error("a Config without a document has files")
	}
}
