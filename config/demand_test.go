// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"testing"

	"durward/authn"
	"durward/contract"
)

func TestAnOperationWithoutAnAlternativeThatIsUsedIsOpenToNobody(t *testing.T) {
	schemes := []contract.SecurityScheme{
		{Name: "key", Type: "apiKey", In: "header", Parameter: "X-API-Key"},
		{Name: "basic", Type: "http", Scheme: "basic"},
	}
	basic, key := []contract.Requirement{{Scheme: "basic"}}, []contract.Requirement{{Scheme: "key"}}
	for name, row := range map[string]struct {
		security [][]contract.Requirement
		declared bool
		choices  int // 0: those of the configuration
		fault    bool
	}{
		"only what is unused":    {[][]contract.Requirement{basic}, true, 0, true},
		"and what is used":       {[][]contract.Requirement{basic, key}, true, 1, false},
		"together with what is":  {[][]contract.Requirement{append(key[:1:1], basic...)}, true, 0, true},
		"nobody in particular":   {[][]contract.Requirement{}, true, 0, false},
		"the contract is silent": {nil, false, 0, false},
		"nobody, or what is not": {[][]contract.Requirement{{}, basic}, true, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &API{Authenticate: authn.Config{{APIKey: &authn.APIKey{}}}, Security: Security{Unused: []string{"basic"}}}
			d, err := a.Demand(&contract.Operation{ID: "list", Security: row.security, HasSecurity: row.declared}, schemes)
			if (err != nil) != row.fault || len(d.Choices) != row.choices || d.Public {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}
