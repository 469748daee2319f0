// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strconv"

	"durward"
	"durward/internal/strictyaml"
	"durward/waf"
)

// checkExclusions looks whether the operations exist that the firewall's
// exclusions name: one for an operation that does not would be for nothing.
func checkExclusions(f *faults, at string, api *API, ops []*durward.Operation) {
	if api.WAF == nil {
		return
	}
	known := make([]string, len(ops))
	for i, op := range ops {
		known[i] = op.ID
	}
	for i := range api.WAF.Exclusions {
		for j, id := range api.WAF.Exclusions[i].Operations {
			if unknown(known, id) {
				f.add(at+".waf.exclusions["+strconv.Itoa(i)+"].operations["+strconv.Itoa(j)+"]", "the contract has no operation %q%s", id, meant(known, id))
			}
		}
	}
}

// checkFirewall compiles the rule set where the document has a part in it, so
// that a rule that cannot be used is found before it is put to work.
func (c *Config) checkFirewall(f *faults) {
	if len(f.all) > 0 {
		return // a rule set of what has other faults says nothing
	}
	custom := !c.WAF.Empty()
	b := waf.NewBuilder(&c.WAF)
	var demands []*waf.Demand
	for _, name := range c.APINames() {
		api := c.APIs[name]
		if api.WAF == nil {
			continue
		}
		custom = custom || len(api.WAF.Rules) > 0
		for _, op := range c.contracts[name].Operations() {
			cfg := api.WAFOf(op.ID)
			if cfg == nil {
				continue
			}
			d, err := b.Operation(op.ID, *cfg, op.Method, c.contracts[name].MediaTypes(op.ID))
			if err != nil {
				f.in(strictyaml.Key("apis", name)+".waf", err)
				return
			}
			demands = append(demands, d)
		}
	}
	if !custom || len(demands) == 0 && slices.Concat(c.WAF.Rules, c.WAF.RulesAfter) == nil {
		return
	}
	f.in("waf", waf.Try(b, demands))
}
