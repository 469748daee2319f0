// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// liveOf names the live rules: id, with ! if it matches always, ~ if it is
// silent, and /n if only n links of its chain are left.
func liveOf(t testing.TB, text string) ([]string, *Live) {
	t.Helper()
	set, err := Parse(fstest.MapFS{}, text)
	if err != nil {
		t.Fatal(err)
	}
	live := set.Live(nil)
	names := []string{}
	for _, r := range live.Rules {
		name := fmt.Sprint(r.ID)
		if r.Always {
			name += "!"
		}
		if r.Silent {
			name += "~"
		}
		if len(r.Links) < len(r.Source.Links()) {
			name += fmt.Sprintf("/%d", len(r.Links))
		}
		names = append(names, name)
	}
	return names, live
}

func TestWhatDependsOnNoRequestIsFolded(t *testing.T) {
	const level = "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.level=2,setvar:tx.Sum=+3\"\n"
	const after = "SecRule TX:level \"@lt 2\" \"id:10,phase:1,pass,nolog,skipAfter:END\"\nSecRule ARGS \"@rx two\" \"id:11,phase:1,deny\"\n" +
		"SecRule TX:LEVEL \"@lt 3\" \"id:12,phase:1,pass,nolog,skipAfter:END\"\nSecRule ARGS \"@rx three\" \"id:13,phase:1,deny\"\nSecMarker END\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"rules of a higher level are skipped":         {level + after, []string{"11"}},
		"without a level there is nothing to compare": {after, []string{"11", "13"}},
		"a skip outlasts its phase": {
			"SecRule ARGS \"@rx a\" \"id:2,phase:2,deny\"\nSecMarker M\nSecRule ARGS \"@rx a\" \"id:3,phase:2,deny\"\nSecAction \"id:1,phase:1,pass,nolog,skipAfter:M\"",
			[]string{"3"}},
		"a number of items is skipped": {
			"SecAction \"id:1,phase:1,pass,nolog,skip:2\"\nSecRule ARGS \"@rx a\" \"id:2,phase:2,deny\"\nSecMarker M\nSecRule ARGS \"@rx a\" \"id:3,phase:1,deny\"\nSecRule ARGS \"@rx a\" \"id:4,phase:1,deny\"",
			[]string{"4", "2"}},
		"a rule that always matches and logs is kept":         {"SecAction \"id:1,phase:1,pass,log\"", []string{"1!"}},
		"one that always allows is kept":                      {"SecAction \"id:1,phase:1,allow,nolog\"\nSecRule ARGS \"@rx a\" \"id:2,phase:1,deny\"", []string{"1!", "2"}},
		"a score that nothing has raised blocks nobody":       {level + "SecRule TX:sum \"@gt 3\" \"id:2,phase:2,deny\"\nSecRule TX:sum \"@ge 3\" \"id:3,phase:2,deny\"", []string{"3!"}},
		"a setting that is absent counts as none":             {"SecRule &TX:x \"@eq 0\" \"id:1,phase:1,pass,nolog,setvar:tx.x=%{tx.y}\"\nSecRule TX:X \"!@streq tx.y\" \"id:2,phase:1,deny\"", []string{}},
		"response rules are none of ours":                     {"SecRule RESPONSE_BODY \"@rx a\" \"id:1,phase:4,deny\"", []string{}},
		"transformations are carried out":                     {"SecAction \"id:1,phase:1,pass,nolog,setvar:'tx.a=A B'\"\nSecRule TX:a \"@streq ab\" \"id:2,phase:1,deny,t:lowercase,t:removeWhitespace\"", []string{"2!"}},
		"what a request sets is in doubt":                     {"SecRule ARGS \"@rx (a)\" \"id:1,phase:1,deny,capture,setvar:tx.a=1,chain\"\nSecRule TX:a \"@eq 2\"\nSecRule TX:a \"@eq 1\" \"id:2,phase:1,deny\"", []string{"1", "2"}},
		"what the last link sets is not":                      {"SecRule ARGS \"@rx a\" \"id:1,phase:1,pass,setvar:tx.a=1\"\nSecRule TX:a \"@eq 1\" \"id:2,phase:1,deny\"", []string{"1"}},
		"a family of keys is in doubt":                        {"SecRule ARGS \"@rx a\" \"id:1,phase:1,deny,setvar:tx.h_%{tx.0}=1,chain\"\nSecRule ARGS \"@rx b\"\nSecRule TX:h_x \"@eq 1\" \"id:2,phase:1,deny\"\nSecRule TX:i_x \"@eq 1\" \"id:3,phase:1,deny\"", []string{"1", "2"}},
		"captures are in doubt":                               {"SecRule TX:1 \"@eq 1\" \"id:1,phase:1,deny\"", []string{"1"}},
		"a chain that cannot match is gone":                   {"SecRule ARGS \"@rx a\" \"id:1,phase:1,deny,chain\"\nSecRule TX:none \"@eq 1\"", []string{}},
		"but not what it does on the way":                     {"SecRule ARGS \"@rx a\" \"id:1,phase:1,pass,ctl:requestBodyProcessor=XML,chain\"\nSecRule TX:none \"@eq 1\"", []string{"1~/1"}},
		"a rule that is removed for all is gone":              {"SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveById=2-3\"\nSecRule ARGS \"@rx a\" \"id:2,phase:2,deny\"\nSecRule ARGS \"@rx a\" \"id:4,phase:2,deny\"", []string{"4"}},
		"a rule that removes a setting for some is not":       {level + "SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveById=1\"", []string{"2"}},
		"one that removes a detection is silent":              {level + "SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=x\"\nSecRule ARGS \"@rx b\" \"id:3,phase:1,deny,tag:x\"", []string{"2~", "3"}},
		"an inner link that removes a setting ends its chain": {level + "SecRule ARGS \"@rx a\" \"id:2,phase:1,deny,ctl:ruleRemoveById=1,chain\"\nSecRule ARGS \"@rx b\"", []string{"2/1"}},
		"a target less in a count is not silent":              {"SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;REQUEST_HEADERS:host\"\nSecRule &REQUEST_HEADERS:Host \"@eq 0\" \"id:3,phase:1,deny\"", []string{"2", "3"}},
		"a target less elsewhere is":                          {"SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;ARGS:b\"\nSecRule ARGS \"@rx b\" \"id:3,phase:1,deny\"", []string{"2~", "3"}},
		"a skip over a setting is not silent":                 {"SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,skipAfter:M\"\n" + level + "SecMarker M", []string{"2"}},
		"a skip over detections is":                           {level + "SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,skipAfter:M\"\nSecRule ARGS \"@rx b\" \"id:3,phase:1,deny\"\nSecMarker M", []string{"2~", "3"}},
		"a skip of items over a setting is not silent":        {"SecRule ARGS \"@rx a\" \"id:2,phase:1,pass,nolog,skip:1\"\n" + level, []string{"2"}},
		"to allow the rest is silent":                         {level + "SecRule ARGS \"@rx a\" \"id:2,phase:1,allow,nolog\"", []string{"2~"}},
		"to allow a phase that has settings left is not":      {"SecRule ARGS \"@rx a\" \"id:2,phase:1,allow:phase,nolog\"\n" + level, []string{"2"}},
		"an operator of a plugin is kept":                     {"SecRule TX:a \"@mine\" \"id:2,phase:1,pass,nolog\"", []string{"2"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := liveOf(t, c.text)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsArePutIntoTheRules(t *testing.T) {
	_, live := liveOf(t, `SecAction "id:1,phase:1,pass,nolog,setvar:'tx.methods=GET HEAD',ctl:ruleRemoveTargetById=2;ARGS:/^pw/,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_METHOD|ARGS "!@within %{tx.Methods}" "id:2,phase:1,deny"
SecRule ARGS "@streq %{tx.methods} %{args.x}" "id:3,phase:1,deny"
SecRule REMOTE_ADDR "@rx ." "id:4,phase:1,deny,setvar:tx.methods=none,chain"
SecRule ARGS "@within %{tx.methods}"
SecRule ARGS "@within %{tx.methods}" "id:5,phase:2,deny"`)
	two, three, four, five := live.Rules[0], live.Rules[1], live.Rules[2], live.Rules[3]
	if op := two.Links[0].Operator; op.Argument != "GET HEAD" || op.Macro != nil || !op.Negated {
		t.Errorf("2 has the operator %+v", op)
	}
	if op := two.Source.Operator; op.Macro == nil {
		t.Error("the rule as read was changed")
	}
	if diff := cmp.Diff([]Selector{{Key: "^pw", Regexp: true}}, two.Links[0].Variables[1].Except); diff != "" || two.Links[0].Variables[0].Except != nil {
		t.Errorf("2 has the targets %+v", two.Links[0].Variables)
	}
	for _, r := range []LiveRule{three, five} {
		if r.Links[0].Operator.Macro == nil {
			t.Errorf("%d does not need its request", r.ID)
		}
	}
	if four.Links[1].Operator.Macro == nil || four.Links[0].Chain != four.Links[1].Rule {
		t.Errorf("4 is %+v", four)
	}
	if v, state := three.TX.Get("METHODS"); v != "GET HEAD" || state != TXKnown {
		t.Errorf("at 3 the methods are %q, %v", v, state)
	}
	if _, state := five.TX.Get("methods"); state != TXUnsure {
		t.Errorf("at 5 the methods are %v", state)
	}
	if diff := cmp.Diff([]Ctl{{Name: "forcerequestbodyvariable", Value: "On"}}, live.Ctls); diff != "" {
		t.Error(diff)
	}
}

func TestVariablesCountAsInCoraza(t *testing.T) {
	tx := &TX{vars: map[string]txValue{}}
	for _, step := range []struct{ setvar, key, want string }{
		{"tx.a=5", "a", "5"}, {"tx.A=+2", "a", "7"}, {"tx.a=-10", "a", "-3"}, {"tx.a=+", "a", "-3"}, {"tx.a=+%{tx.a}", "a", "-6"}, {"tx.a=+1", "a", "-5"},
		{"tx.b=+tx.none", "b", ""}, {"tx.b=text", "b", "text"}, {"tx.b=+1", "b", "text"}, {"tx.c=%{tx.none}", "c", "tx.none"}, {"tx.%{tx.b}_x=1", "text_x", "1"},
		{"!tx.b=1", "b", ""}, {"tx.d=+x", "d", "+x"},
	} {
		var r Rule
		if err := addSetVar(&r, step.setvar); err != nil {
			t.Fatal(err)
		}
		tx.set(r.SetVars[0])
		if got, _ := tx.Get(step.key); got != step.want {
			t.Errorf("after %s, tx.%s is %q, wanted %q", step.setvar, step.key, got, step.want)
		}
	}
}

// TestFoldedSettingsAreCorazasSettings holds such steps against Coraza.
func TestFoldedSettingsAreCorazasSettings(t *testing.T) {
	const actions = `SecRuleEngine On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=5,setvar:tx.A=+2,setvar:tx.b=text,setvar:tx.b=+1,setvar:'tx.c=%{tx.none}'"
SecAction "id:2,phase:1,pass,nolog,setvar:'tx.d=%{tx.a}x',setvar:tx.e=-3,setvar:'tx.f=+%{tx.e}',setvar:tx.g=+x,setvar:'tx.%{tx.b}_x=1'"
SecRule TX:a "@eq 7" "id:3,phase:1,pass,nolog,setvar:tx.h=+1"
SecRule TX:a|TX:b|TX:e "!@eq 99" "id:4,phase:1,pass,nolog"
SecRule &TX:none "@eq 0" "id:5,phase:1,pass,nolog,setvar:!tx.c=1"
`
	_, live := liveOf(t, actions)
	known := live.TX.Constants()
	if len(known) != 8 {
		t.Errorf("known are %v", known)
	}
	var more strings.Builder
	id := 100
	for key, value := range known {
		id++
		fmt.Fprintf(&more, "SecRule TX:%s \"@streq %s\" \"id:%d,phase:2,pass,nolog\"\n", key, value, id)
	}
	more.WriteString("SecRule &TX:c \"@eq 0\" \"id:100,phase:2,pass,nolog\"\n")
	matched := run(t, mustWAF(t, actions+more.String()), clean[0])
	if want := 1 + len(known) + 5; len(matched) != want {
		t.Errorf("Coraza matches %v of %d rules on:\n%s", matched, want, more.String())
	}
	if _, state := live.TX.Get("c"); state != TXAbsent {
		t.Error("c was removed, and is there")
	}
}
