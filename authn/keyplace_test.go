// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"testing"
)

// An API may read keys from a field and, for one operation, from the query. The
// other operations take none from there: a query ends up in logs.
func TestAKeyInTheQueryIsForTheOperationsThatDeclareIt(t *testing.T) {
	keys := newFakeKeys()
	key := keys.mint(t, "live", nil)
	cfg := Config{{APIKey: &APIKey{Header: "X-API-Key", Query: "key"}}}
	m, err := New(cfg, Env{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	field, query := []string{"X-Api-Key", key}, "key="+key
	for name, row := range map[string]struct {
		security [][]Requirement
		fields   []string
		query    string
		why      error
	}{
		"the field, declared":          {[][]Requirement{needs("key")}, field, "", nil},
		"the query where it is not":    {[][]Requirement{needs("key")}, nil, query, errPlace},
		"the query, its name escaped":  {[][]Requirement{needs("key")}, nil, "k%65y=" + key, errPlace},
		"the query, declared":          {[][]Requirement{needs("queryKey")}, nil, query, nil},
		"the field where it is not":    {[][]Requirement{needs("queryKey")}, field, "", errPlace},
		"either, the field":            {[][]Requirement{needs("key"), needs("queryKey")}, field, "", nil},
		"either, the query":            {[][]Requirement{needs("queryKey"), needs("key")}, nil, query, nil},
		"either, both":                 {[][]Requirement{needs("key"), needs("queryKey")}, field, query, errTwo},
		"the contract is not asked":    {nil, nil, query, nil},
		"a bad one in the wrong place": {[][]Requirement{needs("key")}, nil, "key=x", errKeyForm},
	} {
		t.Run(name, func(t *testing.T) {
			var d Demand
			if row.security != nil {
				if d.Choices, _, err = cfg.Choose(someSchemes, row.security, nil); err != nil {
					t.Fatal(err)
				}
			}
			s, err := m.Stage(d)
			if err != nil {
				t.Fatal(err)
			}
			x := exchange(row.fields...)
			x.In.RawQuery = row.query
			got := s.Request(t.Context(), x)
			if row.why == nil {
				allowed(t, got)
				return
			}
			refused(t, got, row.why)
		})
	}
	if _, _, err := cfg.Choose(someSchemes, [][]Requirement{needs("key", "queryKey")}, nil); err == nil {
		t.Error("one key cannot stand in both places")
	}
}
