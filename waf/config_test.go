// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward"
)

func TestConfigurationsThatCannotBeUsedSayWhere(t *testing.T) {
	for want, check := range map[string]func() error{
		"paranoia: must be from 1 to 4":                 (&Config{Paranoia: 5}).Check,
		"detection_paranoia: must not be below":         (&Config{Paranoia: 3, DetectionParanoia: 2}).Check,
		"inbound_threshold: must be from 1":             (&Config{InboundThreshold: -1}).Check,
		"outbound_threshold: must be from 1":            (&Config{OutboundThreshold: 20000}).Check,
		"body_limit: must be from 1 to 64MiB":           (&Config{BodyLimit: 65 << 20}).Check,
		"on_body_limit: must be refuse":                 (&Config{OnBodyLimit: "pass"}).Check,
		"responses: must be off, or on":                 (&Config{Responses: "yes"}).Check,
		"exclusions[0].rules: needs at least one":       (&Config{Exclusions: []Exclusion{{Operations: []string{"a"}}}}).Check,
		"exclusions[1].rules[0]: must be an id":         (&Config{Exclusions: []Exclusion{{Tags: []string{"a"}}, {Rules: []string{"942200-942100"}}}}).Check,
		"rules[0]: holds rules that set up or count":    (&Config{Exclusions: []Exclusion{{Rules: []string{"940000-950000"}}}}).Check,
		"tags[0]: must be the tag of a kind of rules":   (&Config{Exclusions: []Exclusion{{Tags: []string{"OWASP_CRS"}}}}).Check,
		"parameters[0]: must be query.NAME":             (&Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Parameters: []string{"path.id"}}}}).Check,
		"parameters[1]: must be query.NAME":             (&Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Parameters: []string{"query.q", "query.q,ctl:ruleEngine=Off"}}}}).Check,
		"until: must be a day":                          (&Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Until: "31.1.2027"}}}).Check,
		"setup.Paranoia: must be the name":              (&Global{Setup: map[string]string{"Paranoia": "1"}}).Check,
		"setup.blocking_paranoia_level: is set by":      (&Global{Setup: map[string]string{"blocking_paranoia_level": "1"}}).Check,
		"setup.max_num_args: must be at most":           (&Global{Setup: map[string]string{"max_num_args": "1',ctl:ruleEngine=Off,setvar:'tx.a=1"}}).Check,
		"max_arguments: must be from 100":               (&Global{MaxArguments: 5}).Check,
		"inbound_threshold: must be from 1 to 10000":    (&Operation{InboundThreshold: 10001}).Check,
		"on_body_limit: must be refuse, or partial, or": (&Operation{OnBodyLimit: "x"}).Check,
	} {
		if err := check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	for _, c := range []Config{{}, {Mode: durward.Off}, {Paranoia: 2, DetectionParanoia: 4}, {BodyLimit: 64 << 20, OnBodyLimit: "partial"}} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnOperationRefinesItsAPI(t *testing.T) {
	api := Config{Paranoia: 1, DetectionParanoia: 2, InboundThreshold: 5, OnBodyLimit: "partial"}
	got := api.Refine(&Operation{Mode: "report", Paranoia: 3, InboundThreshold: 10, BodyLimit: 100, OnBodyLimit: "refuse", Responses: "on"})
	if got.Mode != durward.Report || got.Paranoia != 3 || got.DetectionParanoia != 3 || got.InboundThreshold != 10 || got.BodyLimit != 100 ||
		got.OnBodyLimit != "refuse" || got.Responses != "on" {
		t.Errorf("%+v", got)
	}
	same := api.Refine(nil)
	if s := same.settings(); s != (Settings{Paranoia: 1, Detection: 2, Inbound: 5, Outbound: 4}) {
		t.Errorf("%+v", s)
	}
}

func TestFilesOfOwnRulesHoldRulesAndNoSettingsOfTheEngine(t *testing.T) {
	for text, want := range map[string]struct{ own, shared bool }{
		`SecRule ARGS "@streq a" "id:1,deny"`:                                     {true, true},
		"# a comment\n\nSecAction \"id:2,pass\"\nSecMarker END":                   {true, true},
		"SecRule ARGS \"@streq a\" \\\n \"id:1,deny\"":                            {true, true},
		"SecRuleRemoveById 942100":                                                {false, true},
		"SecRuleEngine Off":                                                       {false, false},
		"secruleengine DetectionOnly":                                             {false, false},
		"SecAuditEngine On":                                                       {false, false},
		"SecDebugLog /dev/stderr":                                                 {false, false},
		"Include other.conf":                                                      {false, false},
		"SecIgnoreRuleCompilationErrors On":                                       {false, false},
		`SecRule ARGS "@streq a" "id:949110,deny"`:                                {false, false},
		`SecRule ARGS "@streq a" "id:'9000050',deny"`:                             {false, false},
		"SecRule ARGS \"@streq a\" \"id:1,deny\" \\":                              {false, false},
		"SecDataset d `\na\nSecRuleEngine\n`\nSecRule ARGS \"@streq a\" \"id:3\"": {false, true},
	} {
		if err := CheckFile([]byte(text), true); (err == nil) != want.own {
			t.Errorf("%q for one API: %v", text, err)
		}
		if err := CheckFile([]byte(text), false); (err == nil) != want.shared {
			t.Errorf("%q for all: %v", text, err)
		}
	}
}

func TestAFileThatCannotBeTakenIsNamed(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.conf")
	if err := os.WriteFile(bad, []byte("SecRuleEngine Off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(nil)
	if _, err := b.Operation("a", Config{Rules: []string{bad}}, "GET", nil); err == nil || !strings.Contains(err.Error(), "rules[0]: line 1") {
		t.Errorf("%v", err)
	}
	if _, err := NewBuilder(&Global{RulesAfter: []string{filepath.Join(dir, "missing.conf")}}).Rules(noon); err == nil || !strings.Contains(err.Error(), "rules_after[0]") {
		t.Errorf("%v", err)
	}
	if _, err := NewBuilder(&Global{Rules: []string{filepath.Join(dir, "*.conf")}}).Rules(noon); err == nil {
		t.Error("a pattern was taken for a path")
	}
}

func FuzzAFileOfOwnRulesCannotChangeTheEngine(f *testing.F) {
	f.Add("SecRule ARGS \"@streq a\" \"id:1,deny\"\n")
	f.Add("SecDataset a `\nx\n`\n")
	f.Add("SecRule \\\nSecRuleEngine Off\n")
	f.Fuzz(func(t *testing.T, text string) {
		if CheckFile([]byte(text), false) != nil {
			return
		}
		for line := range strings.Lines(text) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.EqualFold(name, "SecRuleEngine") && !strings.Contains(text, "\\") && !strings.Contains(text, "`") {
				t.Errorf("%q was taken", text)
			}
		}
	})
}

func FuzzAParameterNeverLeavesItsPlaceInARule(f *testing.F) {
	f.Add("query.q")
	f.Add("body.items.*.text")
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := readParameter(text)
		if !ok {
			return
		}
		if strings.ContainsAny(p.name, "\"',;| \\\n\r/:") {
			t.Errorf("%q was taken", text)
		}
	})
}
