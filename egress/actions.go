// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"regexp"

	"durward/egress/leak"
)

// careful are the detectors whose default is not to mask: a login, a token
// endpoint and the creation of a webhook return such things for good reason, so
// that masking them would break an API on its first day; and a private key has
// none to be in an answer.
var careful = map[string]leak.Action{
	"jwt":            leak.Report,
	"google_oauth":   leak.Report,
	"webhook_secret": leak.Report,
	"private_key":    leak.Block,
}

var actions = map[string]leak.Action{"off": leak.Pass, "report": leak.Report, "mask": leak.Mask, "block": leak.Block}

// compileLeaks chooses the detectors and their actions. One that is off in all
// answers is left out of the scan.
func (g *Guard) compileLeaks() {
	cfg := &g.cfg.Leaks
	var patterns []*leak.Pattern
	own := map[string]leak.Action{}
	for i := range cfg.Patterns {
		p := &cfg.Patterns[i]
		own[p.Name] = leak.Mask
		if p.Action != "" {
			own[p.Name] = actions[p.Action]
		}
		if said, ok := cfg.Detectors[p.Name]; ok {
			own[p.Name] = actions[said]
		}
		patterns = append(patterns, &leak.Pattern{Name: p.Name, Expression: regexp.MustCompile(p.Pattern), Words: p.Words, Check: p.Check})
	}
	set := leak.NewSet(func(d leak.Detector) bool {
		normal, failed := g.action(d)
		return normal != leak.Pass || failed != leak.Pass
	}, patterns)
	if len(set.Detectors) == 0 {
		return
	}
	g.scan = set
	for _, d := range set.Detectors {
		normal, failed := g.action(d)
		if a, ok := own[d.ID]; ok {
			normal, failed = a, a
		}
		if g.report {
			normal, failed = min(normal, leak.Report), min(failed, leak.Report)
		}
		g.normal, g.failed = append(g.normal, normal), append(g.failed, failed)
	}
}

// action gives what is done about a built-in detector's findings, in answers
// that are no errors and in errors.
func (g *Guard) action(d leak.Detector) (normal, failed leak.Action) {
	if said, ok := g.cfg.Leaks.Detectors[d.ID]; ok {
		return actions[said], actions[said]
	}
	switch {
	case d.Optional:
		return leak.Pass, leak.Pass
	case d.Kind == leak.Disclosure:
		normal, failed = leak.Report, leak.Block
		if g.cfg.Disclosures != "" {
			normal = actions[g.cfg.Disclosures]
		}
		if !g.mask {
			failed = min(normal, leak.Report)
		}
		return normal, failed
	case g.cfg.Leaks.Default != "":
		normal = actions[g.cfg.Leaks.Default]
	default:
		normal = leak.Mask
		if a, ok := careful[d.ID]; ok {
			normal = a
		}
	}
	return normal, normal
}
