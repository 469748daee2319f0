// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// rulesOf parses and gives the rules alone.
func rulesOf(t testing.TB, root fs.FS, text string) []*Rule {
	t.Helper()
	set, err := Parse(root, text)
	if err != nil {
		t.Fatal(err)
	}
	var rules []*Rule
	for _, it := range set.Items {
		if r, ok := it.(*Rule); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

func TestLinesMakeDirectives(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ids  []int
	}{
		"continued lines are joined without a space": {"SecRule ARGS \\\n  \"@rx a\" \\\n  \"id:1,\\\n  phase:\\\n1\"", []int{1}},
		"comments inside are skipped":                {"SecRule ARGS \\\n# no\n\"@rx a\" \\\n\n\"id:1\"", []int{1}},
		"names of directives have any case":          {"secRULE ARGS \"@rx a\" \"ID:1\"", []int{1}},
		"a rule without a name of an operator is rx": {"SecRule ARGS \"!a b\" \"id:1\"", []int{1}},
		"carriage returns go":                        {"SecAction \"id:1\"\r\nSecAction \"id:2\"\r\n", []int{1, 2}},
		"an action list needs no quotes":             {"SecAction id:1,pass", []int{1}},
		"removed by id and range":                    {five + "SecRuleRemoveById 1 3-4", []int{2, 5}},
		"removed by a quoted list":                   {five + "SecRuleRemoveById \"1 2\"", []int{3, 4, 5}},
		"removed by tag":                             {five + "SecRuleRemoveByTag odd", []int{2, 4}},
		"removed by a msg":                           {five + "SecRuleRemoveByMsg \"two words\"", []int{1, 3, 4, 5}},
		"an id is free again after its removal":      {five + "SecRuleRemoveById 5\nSecAction \"id:5\"", []int{1, 2, 3, 4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			var ids []int
			for _, r := range rulesOf(t, fstest.MapFS{}, c.text) {
				ids = append(ids, r.ID)
			}
			if diff := cmp.Diff(c.ids, ids); diff != "" {
				t.Error(diff)
			}
			theirs, _ := describedByCoraza(t, fstest.MapFS{}, c.text)
			if !strings.Contains(c.text, "Remove") && len(theirs) != len(c.ids) {
				t.Errorf("Coraza has %d rules of it", len(theirs))
			}
		})
	}
}

const five = `SecAction "id:1,msg:'one',tag:'odd'"
SecAction "id:2,msg:'two words',tag:'even'"
SecAction "id:3,msg:'three',tag:'odd'"
SecAction "id:4,msg:'four',tag:'even'"
SecAction "id:5,msg:'five',tag:'odd'"
`

func TestFaultsNameFileAndLine(t *testing.T) {
	root := fstest.MapFS{
		"rules/bad.conf":  {Data: []byte("# one\nSecRuleEngine On\n\nSecNonsense 1\n")},
		"rules/loop.conf": {Data: []byte("Include loop.conf\n")},
		"rules/long.conf": {Data: []byte("SecAction \"id:1\"\n#" + strings.Repeat("x", 70000) + "\nSecAction \"id:2\"\n")},
	}
	for name, c := range map[string]struct{ text, want string }{
		"an unknown directive in an included file": {"SecRuleEngine On\nInclude rules/bad.conf", `rules/bad.conf:4: the directive "SecNonsense" is not known`},
		"an unknown directive in the text":         {"\nSecNo", `_inline_:2: the directive "SecNo" is not known`},
		"a file that includes itself":              {"Include rules/loop.conf", "more than 100 Include"},
		"a file that is not there":                 {"Include rules/none.conf", "_inline_:1: open rules/none.conf"},
		"a line at which Coraza would stop":        {"Include rules/long.conf", "rules/long.conf:2: a line of 64 KiB"},
		"a last line that is continued":            {"SecAction \"id:1\"\nSecAction \\", "_inline_:2: the last line"},
		"an open block":                            {"SecDataset x `\na", "a block in backticks is not closed"},
		"a rule without id":                        {"SecRule ARGS \"@rx a\" \"pass\"", "has no id"},
		"a rule with no actions":                   {"SecRule ARGS \"@rx a\"", "has no id"},
		"an id twice":                              {"SecAction \"id:1\"\nSecAction \"id:1\"", "the id 1 is taken"},
		"an action that is unknown":                {"SecAction \"id:1,explode\"", `no action "explode"`},
		"a phase that is unknown":                  {"SecAction \"id:1,phase:6\"", `no phase "6"`},
		"a variable that is unknown":               {"SecRule NOTHING \"@rx a\" \"id:1\"", `no variable "NOTHING"`},
		"a selection where there are no members":   {"SecRule REQUEST_URI:x \"@rx a\" \"id:1\"", "no members"},
		"an operator without quotes":               {"SecRule ARGS @rx \"id:1\"", "operator in double quotes"},
		"an operator that is not closed":           {"SecRule ARGS \"@rx a", "operator is not closed"},
		"actions without quotes":                   {"SecRule ARGS \"@rx a\" id:1", "actions must stand"},
		"a file of phrases that is not there":      {"SecRule ARGS \"@pmFromFile no.data\" \"id:1\"", "no.data"},
		"a data set that is not there":             {"SecRule ARGS \"@pmFromDataset no\" \"id:1\"", `no data set "no"`},
		"a second disruptive action in a chain":    {"SecRule ARGS \"@rx a\" \"id:1,deny,chain\"\nSecRule ARGS \"@rx b\" \"deny\"", "only the first rule"},
		"a default action without phase":           {"SecDefaultAction \"pass,log\"\nSecAction \"id:1\"", "the phase is missing"},
		"a default action with a transformation":   {"SecDefaultAction \"phase:1,pass,t:lowercase\"\nSecAction \"id:1\"", "cannot be a default"},
		"two default actions for a phase":          {"SecDefaultAction \"phase:1,pass\"\nSecDefaultAction \"phase:1,deny\"\nSecAction \"id:1\"", "default actions already"},
		"errors to ignore":                         {"SecIgnoreRuleCompilationErrors On", "cannot be On"},
		"an update of no rule":                     {"SecRuleUpdateTargetById 7 \"!ARGS:x\"", "no rule 7"},
		"a range the wrong way round":              {"SecRuleRemoveById 7-3", "no range"},
		"setvar elsewhere":                         {"SecAction \"id:1,setvar:ip.x=1\"", "only the collection TX"},
		"an open macro":                            {"SecRule ARGS \"@streq %{tx.a\" \"id:1\"", "closing brace"},
		"a macro on nothing":                       {"SecAction \"id:1,setvar:'tx.a=%{nothing.x}'\"", "no collection"},
		"a ctl that is unknown":                    {"SecAction \"id:1,ctl:ruleremovebyid=1\"", "no ctl"},
		"removal by msg where Coraza would panic":  {"SecAction \"id:1\"\nSecRuleRemoveByMsg x", "without msg"},
		"rules from elsewhere":                     {"SecRemoteRules key https://example.com/", "not read"},
		"a limit that is no number":                {"SecRequestBodyLimit many", "many"},
		"an engine that is unknown":                {"SecRuleEngine Perhaps", "none of On"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(root, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, wanted %q", err, c.want)
			}
			var placed *placedError
			if !errors.As(err, &placed) {
				t.Errorf("%v has no place", err)
			}
		})
	}
}

func TestIncludesFindTheirFiles(t *testing.T) {
	root := fstest.MapFS{
		"a/one.conf":       {Data: []byte("SecAction \"id:1\"\nInclude sub/two.conf\nSecRule ARGS \"@pmFromFile words.data\" \"id:4\"\n")},
		"a/sub/two.conf":   {Data: []byte("SecAction \"id:2\"\nSecRule ARGS \"@pmf words.data\" \"id:3\"")},
		"a/words.data":     {Data: []byte("# no\nOuter\n\n Words \n")},
		"a/sub/words.data": {Data: []byte("Inner")},
		"b/9.conf":         {Data: []byte("SecAction \"id:9\"")},
		"b/8.conf":         {Data: []byte("SecAction \"id:8\"")},
	}
	rules := rulesOf(t, root, "Include a/one.conf\nInclude b/*.conf\nInclude none/*.conf\nSecAction \"id:10\"")
	var got []string
	for _, r := range rules {
		line := r.File
		if r.Operator != nil {
			line += " " + strings.Join(r.Operator.Data, "|")
		}
		got = append(got, line)
	}
	want := []string{"a/one.conf", "a/sub/two.conf", "a/sub/two.conf inner", "a/one.conf outer|words", "b/8.conf", "b/9.conf", "_inline_"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if rules[6].Line != 4 || rules[3].Line != 3 {
		t.Errorf("lines are %d and %d", rules[6].Line, rules[3].Line)
	}
}

func TestSettingsAreKept(t *testing.T) {
	set, err := Parse(fstest.MapFS{}, `SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecRequestBodyLimit 1000
SecRequestBodyLimitAction ProcessPartial
SecArgumentsLimit 50
SecResponseBodyMimeType text/plain text/html
SecComponentSignature "mine/1"
SecArgumentSeparator ;
SecAuditEngine Off
SecDataset words `+"`\nOne\n# no\nTwo\n`"+`
SecRule ARGS "@pmFromDataset words" "id:1"`)
	if err != nil {
		t.Fatal(err)
	}
	s := set.Settings
	if s.RuleEngine != "detectiononly" || !*s.RequestBodyAccess || *s.RequestBodyLimit != 1000 || *s.ArgumentsLimit != 50 ||
		s.RequestBodyLimitAction != "processpartial" || len(s.ResponseBodyMIMETypes) != 2 || s.ResponseBodyAccess != nil ||
		s.Signatures[0] != "mine/1" || s.Other["secargumentseparator"] != ";" || s.Other["secauditengine"] != "Off" {
		t.Errorf("settings are %+v", s)
	}
	if data := set.Items[0].(*Rule).Operator.Data; !cmp.Equal(data, []string{"One", "Two"}) {
		t.Errorf("the data set is %q", data)
	}
}
