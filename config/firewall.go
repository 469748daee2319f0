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
	b, uses, err := c.Firewall()
	if err != nil {
		f.all = append(f.all, err)
		return
	}
	custom := !c.WAF.Empty()
	var demands []*waf.Demand
	for _, u := range uses {
		custom = custom || len(c.APIs[u.API].WAF.Rules) > 0
		demands = append(demands, u.Demand)
	}
	if !custom || len(demands) == 0 && slices.Concat(c.WAF.Rules, c.WAF.RulesAfter) == nil {
		return
	}
	f.in("waf", waf.Try(b, demands))
}

// FirewallUse is an operation that has a firewall.
type FirewallUse struct {
	API, Operation string
	Demand         *waf.Demand
}

// Firewall collects what the operations need of the firewall's rule set. The
// error names the field of a file that cannot be used.
func (c *Config) Firewall() (*waf.Builder, []FirewallUse, error) {
	b := waf.NewBuilder(&c.WAF)
	var uses []FirewallUse
	for _, name := range c.APINames() {
		api := c.APIs[name]
		if api.WAF == nil {
			continue
		}
		for _, op := range c.contracts[name].Operations() {
			cfg := api.WAFOf(op.ID)
			if cfg == nil {
				continue
			}
			d, err := b.Operation(op.ID, *cfg, op.Method, c.contracts[name].MediaTypes(op.ID))
			if err != nil {
				return nil, nil, durward.InvalidIn(strictyaml.Key("apis", name)+".waf", err)
			}
			uses = append(uses, FirewallUse{name, op.ID, d})
		}
	}
	return b, uses, nil
}
