// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"errors"
	"regexp"
	"strings"

	"durward"
	"durward/waf/patch"
	"durward/waf/slowpath"
)

// Global is the top-level `waf:` part of the document: what all APIs share.
type Global struct {
	// Rules are files with rules of your own for every API, in SecLang. They run
	// before those of the Core Rule Set.
	Rules []string `yaml:"rules" path:"true"`
	// RulesAfter are files that are read behind the Core Rule Set: rules that
	// look at its scores, and directives that change its rules
	// (SecRuleUpdateTargetById, SecRuleRemoveById).
	RulesAfter []string `yaml:"rules_after" path:"true"`
	// Setup sets variables of the Core Rule Set, as its crs-setup.conf does:
	// max_num_args: "255". Paranoia levels and thresholds are not among them.
	Setup map[string]string `yaml:"setup"`
	// MaxArguments is the most parameters of a query, and the most values of a
	// form or JSON, that are inspected; a request with more is refused.
	// Default 10000.
	MaxArguments int `yaml:"max_arguments"`
	// Patches are virtual patches for every API, also for those without a firewall.
	Patches []patch.Config `yaml:"patches"`
	// SlowPath bounds what clients can make the rule engine work.
	SlowPath slowpath.Config `yaml:"slow_path"`
}

const defaultMaxArguments = 10_000

// managed are variables of CRS that have fields of their own.
var managed = map[string]string{
	"blocking_paranoia_level":         "waf.paranoia of the API",
	"detection_paranoia_level":        "waf.detection_paranoia of the API",
	"inbound_anomaly_score_threshold": "waf.inbound_threshold of the API",

	"outbound_anomaly_score_threshold": "waf.outbound_threshold of the API",
	"crs_setup_version":                "nothing: Durward brings the set-up along",
	"sampling_percentage":              "nothing: a firewall that looks away at random is none",
	profileVariable:                    "nothing",
	reportVariable:                     "waf.mode of the API",
}

var variableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Check reports every field that cannot be used.
func (g *Global) Check() error {
	var f faults
	for name, value := range g.Setup {
		switch {
		case !variableName.MatchString(name):
			f.add("setup."+name, "must be the name of a variable in lower case")
		case managed[name] != "":
			f.add("setup."+name, "is set by %s", managed[name])
		case len(value) > 4096 || strings.ContainsAny(value, "'\"\\\r\n`"):
			f.add("setup."+name, "must be at most 4096 bytes without quotes, backslashes and line breaks")
		}
	}
	if g.MaxArguments != 0 && (g.MaxArguments < 100 || g.MaxArguments > 1_000_000) {
		f.add("max_arguments", "must be from 100 to 1000000")
	}
	f = append(f, durward.InvalidIn("slow_path", g.SlowPath.Check()), patch.CheckAll(g.Patches))
	return errors.Join(f...)
}

// Empty tells that nothing is set that the rule set depends on.
func (g *Global) Empty() bool {
	return g == nil || len(g.Rules)+len(g.RulesAfter)+len(g.Setup)+g.MaxArguments == 0
}

// CheckFile reports what of a file of own rules cannot be taken, but for what
// only the engine finds. own says that the file is for one API alone: it can
// then hold rules and nothing that changes others.
func CheckFile(content []byte, own bool) error {
	_, err := readOwn(string(content), own)
	return err
}

// ownDirectives may stand in every file, sharedDirectives in those for all APIs.
var (
	ownDirectives    = []string{"secrule", "secaction", "secmarker"}
	sharedDirectives = []string{
		"secdefaultaction", "seccomponentsignature", "secdataset", "secruleremovebyid", "secruleremovebytag", "secruleremovebymsg",
		"secruleupdatetargetbyid", "secruleupdatetargetbytag", "secruleupdateactionbyid",
	}
)

var errDirective = durward.Invalid("", "may hold SecRule, SecAction, SecMarker and, if it is for all APIs, directives that change rules; the engine's settings are Durward's")
