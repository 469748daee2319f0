// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import "strings"

const ownRules = "rules of the operator's own"

var firewallRules = map[string]rule{
	"config.API.waf": {
		added:   verdictOf(stronger("requests are held against the firewall's rules")),
		removed: verdictOf(weaker("there is no firewall any more")),
	},
	"config.Operation.waf": {},

	"waf.Config.mode":               mode(),
	"waf.Config.on_error":           ranked("deny", "deny", "proceed"),
	"waf.Config.paranoia":           higher("1", "paranoia level"),
	"waf.Config.detection_paranoia": neutral("what it adds is recorded and refuses nothing"),
	"waf.Config.inbound_threshold":  lower("5", "anomaly score that a request may have"),
	"waf.Config.outbound_threshold": lower("4", "anomaly score that an answer may have"),
	"waf.Config.responses":          ranked("off", "on", "off"),
	"waf.Config.body_limit":         higher("1MiB", "bytes of content that are inspected"),
	"waf.Config.on_body_limit":      ranked("refuse", "refuse", "partial", "pass_unchecked"),
	"waf.Config.narrowing":          neutral("it changes no verdict"),
	"waf.Config.rules":              more("", ownRules),
	"waf.Config.exclusions": {
		key:     exclusionKey,
		added:   verdictOf(weaker("some rules no longer hold for something")),
		removed: verdictOf(stronger("rules hold again for what was excluded")),
	},
	"waf.Exclusion.rules":      neutral("exclusions are told apart by it"),
	"waf.Exclusion.tags":       neutral("exclusions are told apart by it"),
	"waf.Exclusion.operations": neutral("exclusions are told apart by it"),
	"waf.Exclusion.parameters": neutral("exclusions are told apart by it"),
	"waf.Exclusion.reason":     neutral("a word for the reader"),
	"waf.Exclusion.until":      {fallback: "never", leaf: lastDay},

	"waf.Operation.mode":              mode(),
	"waf.Operation.paranoia":          higher("1", "paranoia level"),
	"waf.Operation.inbound_threshold": lower("5", "anomaly score that a request may have"),
	"waf.Operation.responses":         ranked("off", "on", "off"),
	"waf.Operation.body_limit":        higher("1MiB", "bytes of content that are inspected"),
	"waf.Operation.on_body_limit":     ranked("refuse", "refuse", "partial", "pass_unchecked"),

	"waf.Global.rules":         more("", ownRules),
	"waf.Global.rules_after":   fixed("they can change and remove rules"),
	"waf.Global.setup":         fixed("what the rules take for allowed"),
	"waf.Global.max_arguments": lower("10000", "parameters of one request"),

	"waf.Config.patches": patches,
	"waf.Global.patches": patches,

	"patch.Config.id":        neutral("patches are told apart by it"),
	"patch.Config.operation": fixed("it is about other requests"),
	"patch.Config.path":      fixed("it is about other requests"),
	"patch.Config.method":    fixed("it is about other requests"),
	"patch.Config.parameter": fixed("it looks at another value"),
	"patch.Config.until":     {fallback: "never", leaf: lastDayOfPatch},
	"patch.Config.mode":      mode(),
	"patch.Config.reason":    neutral("a word for the reader"),

	"patch.Condition.matches":     fixed("it is about other values"),
	"patch.Condition.not_matches": fixed("it is about other values"),
	"patch.Condition.longer_than": lower("0", "bytes of a value that is let through"),
	"patch.Condition.contains":    fixed("it is about other values"),
	"patch.Condition.equals":      fixed("it is about other values"),

	"decode.Config.base64":     ranked("on", "on", "off"),
	"decode.Config.json":       ranked("on", "on", "off"),
	"decode.Config.escapes":    ranked("on", "on", "off"),
	"decode.Config.max_values": higher("1000", "decoded values that are inspected"),
	"decode.Config.max_bytes":  higher("1MiB", "decoded bytes that are inspected"),

	"slowpath.Config.cpu_per_client": neutral(resource),
	"slowpath.Config.burst":          neutral(resource),
	"slowpath.Config.cpu_total":      neutral(resource),
	"slowpath.Config.concurrency":    neutral(resource),
	"slowpath.Config.queue":          neutral(resource),
	"slowpath.Config.wait":           neutral(resource),
	"slowpath.Config.max_run":        neutral(resource),
	"slowpath.Config.on_exhausted":   ranked("refuse", "refuse", "pass_unchecked"),
}

// exclusionKey tells exclusions apart by what they take away from whom.
func exclusionKey(v value) string {
	var parts []string
	for _, name := range []string{"rules", "tags", "operations", "parameters"} {
		parts = append(parts, strings.Join(words(v.FieldByIndex(fieldOf(v.Type(), name).Index), ""), ","))
	}
	return strings.Join(parts, "\x00")
}

// lastDay is the rule of the last day of an exclusion. Days are in a form that
// sorts as text.
func lastDay(old, new value) verdict {
	o, n := text(old), text(new)
	switch {
	case n == "" || o != "" && n > o:
		return weaker("it ends later, or never")
	case o == "" || n < o:
		return stronger("it ends earlier")
	}
	return unmoved("the same day")
}

// patches is the rule of a list of virtual patches.
var patches = rule{
	key:     func(v value) string { return text(v.FieldByName("ID")) },
	added:   verdictOf(stronger("requests are refused that a fault could be used with")),
	removed: verdictOf(weaker("a virtual patch is gone")),
}

// lastDayOfPatch is the rule of the last day of a patch.
func lastDayOfPatch(old, new value) verdict {
	o, n := text(old), text(new)
	switch {
	case o == n:
		return unmoved("the same day")
	case n == "" || o != "" && n > o:
		return stronger("it ends later, or never")
	}
	return weaker("it ends earlier")
}
