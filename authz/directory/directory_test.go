// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward"
	"durward/authz/eval"
)

var space = &Type{Name: "Space", Fields: []Field{
	{Name: "members", Kind: eval.Entity, Of: "Caller", Set: true},
	{Name: "banned", Kind: eval.Entity, Of: "Caller", Set: true, Optional: true},
	{Name: "level", Kind: eval.Long},
	{Name: "open", Kind: eval.Bool, Optional: true},
	{Name: "org", Kind: eval.Entity, Of: "Org", Parent: true, Optional: true},
}}

func TestFilesAreReadByTheirTypes(t *testing.T) {
	for name, file := range map[string]struct {
		csv  bool
		text string
	}{
		"YAML": {false, "Space:\n  lobby: {members: [ada, bob], level: 3, open: true, org: acme}\n  \"42\": {members: [], level: -1}\n"},
		"JSON": {false, `{"Space": {"lobby": {"members": ["ada", "bob"], "level": 3, "open": true, "org": "acme"}, "42": {"members": [], "level": -1}}}`},
		"CSV": {true, "type,id,field,value\nSpace,lobby,members,ada\nSpace,lobby,members,bob\nSpace,lobby,level,3\nSpace,lobby,open,true\nSpace,lobby,org,acme\n" +
			"Space,42,members,zoe\nSpace,42,level,-1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ReadFile([]byte(file.text), file.csv, []*Type{space})
			if err != nil {
				t.Fatal(err)
			}
			o, err := f.Look(context.Background(), space, "lobby")
			if err != nil {
				t.Fatal(err)
			}
			members, _ := o.Attribute("members")
			if set := members.X.(eval.Set); set.Len() != 2 || !set.Has(eval.UID("Caller", "bob")) || set.Has(eval.UID("Caller", "cy")) {
				t.Errorf("members are %+v", members)
			}
			if level, _ := o.Attribute("level"); level.N != 3 || level.Kind != eval.Long {
				t.Errorf("level is %+v", level)
			}
			if open, _ := o.Attribute("open"); !open.True() {
				t.Errorf("open is %+v", open)
			}
			if typ, id, ok := o.Parent(0); typ != "Org" || id != "acme" || !ok {
				t.Errorf("parent is %s %s", typ, id)
			}
			if _, _, ok := o.Parent(1); ok {
				t.Error("a second parent")
			}
			other, err := f.Look(context.Background(), space, "42")
			if err != nil {
				t.Fatal(err)
			}
			if banned, ok := other.Attribute("banned"); !ok || banned.X.(eval.Set).Len() != 0 {
				t.Error("a set that may be missing is not empty")
			}
			if _, ok := other.Attribute("open"); ok {
				t.Error("a value that is not there is")
			}
			if _, err := f.Look(context.Background(), space, "Lobby"); !errors.Is(err, durward.ErrNotFound) {
				t.Errorf("an unknown id gave %v", err)
			}
		})
	}
}

func TestFilesThatAreNotAsDeclaredDoNotLoad(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		csv        bool
		want       string
	}{
		{"a type that is not there", "Room: {a: {}}", false, `"Room"`},
		{"a field that is not declared", "Space: {a: {members: [], level: 1, moderator: x}}", false, `"moderator" is not declared`},
		{"a field that is missing", "Space: {a: {members: []}}", false, "level is missing"},
		{"a field that is null", "Space: {a: {members: null, level: 1}}", false, "members is missing"},
		{"a text for a number", "Space: {a: {members: [], level: one}}", false, "level is not of its type"},
		{"a fraction", "Space: {a: {members: [], level: 1.5}}", false, "level is not of its type"},
		{"a text for a list", "Space: {a: {members: ada, level: 1}}", false, "members is not a list"},
		{"a number in a list of callers", "Space: {a: {members: [7], level: 1}}", false, "members is not of its type"},
		{"an empty caller", `Space: {a: {members: [""], level: 1}}`, false, "members is not of its type"},
		{"an empty id", `Space: {"": {members: [], level: 1}}`, false, "id is empty"},
		{"an object twice", "Space:\n  a: {members: [], level: 1}\n  a: {members: [eve], level: 1}\n", false, "already"},
		{"a member of a mapping twice", "Space: {a: {members: [], level: 1, level: 2}}", false, "already"},
		{"a row of an unknown field", "Space,a,membres,ada\n", true, "line 1"},
		{"a value twice", "Space,a,level,1\nSpace,a,level,2\n", true, "line 2"},
		{"a short row", "Space,a,level\n", true, "wrong number of fields"},
		{"a number that is none", "Space,a,members,ada\nSpace,a,level,one\n", true, "level is not of its type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ReadFile([]byte(tt.text), tt.csv, []*Type{space}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q in: %v", tt.want, err)
			}
		})
	}
}

func TestFilesAreBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(name, make([]byte, MaxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(name, nil); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("%v", err)
	}
	f := Field{Name: "members", Kind: eval.Entity, Of: "Caller", Set: true}
	if _, err := f.value(make([]any, maxElements+1)); err == nil {
		t.Error("a set without bound was taken")
	}
}

func TestParseField(t *testing.T) {
	isObject := func(name string) bool { return name == "Space" }
	for text, want := range map[string]Field{
		"String":       {Name: "f", Kind: eval.String},
		"Long?":        {Name: "f", Kind: eval.Long, Optional: true},
		"Set<Bool>":    {Name: "f", Kind: eval.Bool, Set: true},
		"Caller":       {Name: "f", Kind: eval.Entity, Of: "Caller"},
		"Space":        {Name: "f", Kind: eval.Entity, Of: "Space", Parent: true},
		"Set<Space>?":  {Name: "f", Kind: eval.Entity, Of: "Space", Set: true, Optional: true},
		"Set<Caller>":  {Name: "f", Kind: eval.Entity, Of: "Caller", Set: true},
		"Set<Caller>?": {Name: "f", Kind: eval.Entity, Of: "Caller", Set: true, Optional: true},
	} {
		if got, err := ParseField("f", text, isObject); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "string", "Set<String", "Set<>", "Room", "Set<Set<String>>", "?"} {
		if _, err := ParseField("f", text, isObject); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add("Space: {a: {members: [ada], level: 1}}", false)
	f.Add("Space,a,members,ada\nSpace,a,level,1\n", true)
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		d, err := ReadFile([]byte(text), csv, []*Type{space})
		if err != nil {
			return
		}
		for at, o := range d.objects {
			if level, ok := o.Attribute("level"); at.ID == "" || !ok || level.Kind != eval.Long {
				t.Errorf("%v has %+v", at, level)
			}
		}
	})
}
