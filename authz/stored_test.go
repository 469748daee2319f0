// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"strings"
	"testing"

	"durward"
	"durward/authz/directory"
)

// spaces is a store of one space.
type spaces string

func (s spaces) Object(kind, id string) ([]byte, bool) {
	return []byte(s), s != "" && kind == "Space" && id == "lobby"
}

func storedConfig() *Config {
	return &Config{
		Policies:    []Source{{Cedar: `permit (principal, action == Action::"read", resource is Space) when { resource.members.contains(principal) };`}},
		Directories: map[string]directory.Config{"kept": {Store: true}, "other": {HTTP: &directory.HTTPConfig{URL: "http://127.0.0.1:9/{type}/{id}"}}},
		Objects: map[string]Object{
			"Space": {ID: "path.space", Directory: "kept", Fields: map[string]string{"members": "Set<Caller>", "level": "Long?"}},
			"Org":   {ID: "path.org", Directory: "other", Fields: map[string]string{"name": "String"}},
		},
	}
}

var storedAPI = API{Name: "moot", Operations: []Operation{{ID: "read", Method: "GET", Path: []Param{{Name: "space", Type: StringType, Required: true}}}}}

func TestObjectsInTheStoreDecide(t *testing.T) {
	for _, tt := range []struct {
		name    string
		store   directory.Objects
		verdict durward.Verdict
		code    durward.Code
	}{
		{"a member", spaces(`{"members":["ada"]}`), durward.Allow, ""},
		{"somebody else", spaces(`{"members":["bob"]}`), durward.Deny, durward.CodeForbidden},
		{"nobody", spaces(`{"members":[]}`), durward.Deny, durward.CodeForbidden},
		{"no object", spaces(""), durward.Deny, durward.CodeForbidden},
		{"a field that is missing", spaces(`{}`), durward.Fail, durward.CodeStoreUnavailable},
		{"a field of another type", spaces(`{"members":["ada"],"level":"1"}`), durward.Fail, durward.CodeStoreUnavailable},
		{"no store", nil, durward.Fail, durward.CodeStoreUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Compile(storedConfig(), storedAPI, &Env{Objects: tt.store})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			x := &durward.Exchange{
				Principal: durward.Principal{Subject: "ada", Method: "jwt"},
				Params:    []durward.Param{{Name: "space", Value: "lobby"}},
			}
			if d := c.Stage("read").Request(context.Background(), x); d.Verdict != tt.verdict || d.Code != tt.code {
				t.Errorf("%v %q: %v", d.Verdict, d.Code, d.Err)
			}
		})
	}
}

func TestStoredTypesAreThoseOfTheStoresDirectories(t *testing.T) {
	types, err := storedConfig().StoredTypes()
	if err != nil || len(types) != 1 || types[0].Name != "Space" || types[0].Field("members") == nil || types[0].Field("name") != nil {
		t.Errorf("%+v, %v", types, err)
	}
	bad := storedConfig()
	bad.Objects["Space"].Fields["level"] = "Number"
	if _, err := bad.StoredTypes(); err == nil || !strings.Contains(err.Error(), "objects.Space.fields.level") {
		t.Errorf("%v", err)
	}
}
