// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"time"

	"durward"
	"durward/waf"
	"durward/waf/patch"
)

// firewalls compiles the one rule set that the operations share, before any
// stage is made of it.
func (c *compiler) firewalls() {
	b := waf.NewBuilder(&c.cfg.WAF)
	var demands []*waf.Demand
	for _, op := range c.g.table.Operations() {
		a := c.apis[op.API]
		if a == nil || op.Refusal != "" || op.Preflight {
			continue
		}
		cfg := a.WAFOf(op.ID)
		if cfg == nil {
			continue
		}
		d, err := b.Operation(op.ID, *cfg, op.Method, a.contract.MediaTypes(op.ID))
		if err != nil {
			c.fail(a, "waf", err)
			return
		}
		if v := a.ValidationOf(op.ID); a.Validation.Mode == durward.Enforce && v.Mode == durward.Enforce && cfg.Mode != durward.Off && cfg.Narrows() {
			d.Proves(a.contract.Prove(c.contract(a, op)))
		}
		if c.firewallOf == nil {
			c.firewallOf = map[*durward.Operation]*waf.Demand{}
		}
		c.firewallOf[op] = d
		demands = append(demands, d)
	}
	if len(demands) == 0 {
		return
	}
	set, err := c.env.WAF.Set(b, demands)
	if err != nil {
		c.errs = append(c.errs, durward.InvalidIn("waf", err))
		c.firewallOf = nil
		return
	}
	c.g.firewall = set
}

// firewall is the stage for requests; nil where the operation has none.
func (c *compiler) firewall(op *durward.Operation) (durward.Stage, durward.Mode) {
	d := c.firewallOf[op]
	if d == nil {
		return nil, durward.Off
	}
	return c.g.firewall.Stage(d), c.apis[op.API].WAFOf(op.ID).Mode
}

func (c *compiler) firewallOnError(op *durward.Operation) durward.OnError {
	if cfg := c.apis[op.API].WAFOf(op.ID); cfg != nil {
		return cfg.OnError
	}
	return durward.DenyOnError
}

// firewallAnswers is the stage for answers.
func (c *compiler) firewallAnswers(a *apiParts, op *durward.Operation) responseStep {
	d := c.firewallOf[op]
	if d == nil {
		return responseStep{}
	}
	return answerStep(c.g.firewall.ResponseStage(d), a.WAFOf(op.ID).Mode).from(a.at("waf"), a.in(op, "waf"), "waf")
}

// patches is the stage of the virtual patches for an operation: those of its
// API, whether or not that has a firewall, and those for all.
func (c *compiler) patches(a *apiParts, op *durward.Operation) durward.Stage {
	all := c.cfg.WAF.Patches
	if a.WAF != nil {
		all = slices.Concat(a.WAF.Patches, all)
	}
	return patch.Stage(all, op, time.Now, c.env.WAF.Patches())
}
