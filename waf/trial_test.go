// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"durward"
)

func TestATrialTellsWhatTheFirewallDoesAndWhy(t *testing.T) {
	attack := "1' OR 1=1-- and more"
	for name, test := range map[string]struct {
		content  string
		cfg      Config
		verdict  durward.Verdict
		code     durward.Code
		rules    string
		looks    string
		finding  durward.Finding
		decision string
	}{
		"a clean request is proven so": {content: `{"text":"plain"}`, verdict: durward.Allow, rules: "[]", looks: "[fast]"},
		"an attack is found by the engine": {
			content: `{"text":"` + attack + `"}`, cfg: Config{Mode: durward.Report}, verdict: durward.Deny, code: durward.CodeWAFBlocked,
			rules: "[942100]", looks: "[slow 942100]", finding: durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "/text"},
		},
		"an encoded attack in a second look": {
			content: `{"text":"` + base64.StdEncoding.EncodeToString([]byte(attack)) + `"}`, verdict: durward.Deny, code: durward.CodeWAFBlocked,
			rules: "[942100]", looks: "[fast slow 942100]", finding: durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "/text", Decoding: "base64"},
		},
		"what is too large without any look": {
			content: `{"text":"` + strings.Repeat("a", 200) + `"}`, cfg: Config{BodyLimit: 100}, verdict: durward.Deny, code: durward.CodeBodyTooLarge, rules: "[]", looks: "[]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(nil)
			d, err := b.Operation("a", test.cfg, "POST", []string{"application/json"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Try(context.Background(), exchange("application/json", test.content, true), d, []*Demand{d})
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision.Verdict != test.verdict || got.Decision.Code != test.code || got.Threshold != 5 || got.Paranoia != 1 || got.Mode != test.cfg.Mode {
				t.Errorf("%+v", got)
			}
			if rules := fmt.Sprint(got.Verdict.Rules); rules != test.rules {
				t.Errorf("rules %s, want %s", rules, test.rules)
			}
			looks := []string{}
			for i, l := range got.Looks {
				word := "fast"
				if !l.Fast {
					word = fmt.Sprint("slow ", l.Why.RuleID)
				}
				if looks = append(looks, word); l.Missed || l.Decoded != (i == 1) {
					t.Errorf("look %d: %+v", i, l)
				}
			}
			if fmt.Sprint(looks) != test.looks {
				t.Errorf("looks %v, want %s", looks, test.looks)
			}
			if test.finding.Rule == 0 {
				return
			}
			if len(got.Verdict.Findings) == 0 || got.Verdict.Findings[0] != test.finding {
				t.Errorf("findings %+v", got.Verdict.Findings)
			}
			if want := (RuleText{Message: "SQL Injection Attack Detected via libinjection", Severity: "critical", Paranoia: 1}); got.Rules[942100] != want {
				t.Errorf("the rule says %+v", got.Rules[942100])
			}
		})
	}
}
