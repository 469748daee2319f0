// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strconv"
	"time"

	"durward"
	"durward/contract"
	"durward/internal/strictyaml"
	"durward/waf"
	"durward/waf/patch"
)

// checkExclusions looks whether the operations exist that the firewall's
// exclusions and patches name: one for an operation that does not would be for
// nothing.
func checkExclusions(f *faults, at string, api *API, ops []*durward.Operation) {
	if api.WAF == nil {
		return
	}
	known := make([]string, len(ops))
	for i, op := range ops {
		known[i] = op.ID
	}
	for i := range api.WAF.Patches {
		if id := api.WAF.Patches[i].Operation; id != "" && unknown(known, id) {
			f.add(at+".waf.patches["+strconv.Itoa(i)+"].operation", "the contract has no operation %q%s", id, meant(known, id))
		}
	}
	for i := range api.WAF.Exclusions {
		for j, id := range api.WAF.Exclusions[i].Operations {
			if unknown(known, id) {
				f.add(at+".waf.exclusions["+strconv.Itoa(i)+"].operations["+strconv.Itoa(j)+"]", "the contract has no operation %q%s", id, meant(known, id))
			}
		}
	}
}

// checkPatches looks whether some API has the operations that patches for all
// APIs name.
func (c *Config) checkPatches(f *faults) {
	for i := range c.WAF.Patches {
		id, found := c.WAF.Patches[i].Operation, false
		for _, doc := range c.contracts {
			if doc != nil {
				found = found || slices.ContainsFunc(doc.Operations(), func(op contract.Operation) bool { return op.ID == id })
			}
		}
		if id != "" && !found {
			f.add("waf.patches["+strconv.Itoa(i)+"].operation", "no contract has an operation %q", id)
		}
	}
}

// Expired lists the virtual patches that are over and do nothing any more.
func (c *Config) Expired(now time.Time) []string {
	var out []string
	note := func(at string, patches []patch.Config) {
		for i := range patches {
			if p := &patches[i]; p.Expired(now) {
				out = append(out, at+".patches["+strconv.Itoa(i)+"]: the patch "+p.ID+" is over since "+p.Until+" and does nothing; remove it")
			}
		}
	}
	note("waf", c.WAF.Patches)
	for _, name := range c.APINames() {
		if api := c.APIs[name]; api.WAF != nil {
			note(strictyaml.Key("apis", name)+".waf", api.WAF.Patches)
		}
	}
	return out
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

// Proven gives what the contract proves of the requests of an operation before
// the firewall sees them; why says that it proves nothing.
func (c *Config) Proven(api, operation string) (proven []*durward.Proven, why string, err error) {
	a := c.APIs[api]
	v := a.ValidationOf(operation)
	switch w := a.WAFOf(operation); {
	case a.Validation.Mode != durward.Enforce || v.Mode != durward.Enforce:
		return nil, "the contract is not enforced", nil
	case w == nil || w.Mode == durward.Off:
		return nil, "the operation has no firewall", nil
	case !w.Narrows():
		return nil, "waf.narrowing is off", nil
	}
	s, err := c.contracts[api].Stage(operation, &v)
	if err != nil {
		return nil, "", err
	}
	return c.contracts[api].Prove(s), "", nil
}
