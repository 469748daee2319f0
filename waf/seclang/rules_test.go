// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestTargetsReadAsCorazaReadsThem(t *testing.T) {
	key := func(k string) Selector { return Selector{Key: k} }
	expr := func(k string) Selector { return Selector{Key: k, Regexp: true} }
	for list, want := range map[string][]Variable{
		"ARGS|REQUEST_HEADERS:User-Agent": {{Collection: "ARGS"}, {Collection: "REQUEST_HEADERS", Selector: key("user-agent")}},
		"args:Name":                       {{Collection: "ARGS", Selector: key("Name")}},
		"&ARGS:x":                         {{Collection: "ARGS", Selector: key("x"), Count: true}},
		"ARGS|!ARGS:x|!ARGS:/^Y/":         {{Collection: "ARGS", Except: []Selector{key("x"), expr("^Y")}}},
		"!ARGS:x|ARGS":                    {{Collection: "ARGS"}}, // what stands after is not touched
		"ARGS|!ARGS_GET:x":                {{Collection: "ARGS"}}, // another collection
		"REQUEST_COOKIES|!REQUEST_COOKIES:/^_PK_Ref/": {{Collection: "REQUEST_COOKIES", Except: []Selector{expr("^_pk_ref")}}},
		"REQUEST_HEADERS:/a|B/|ARGS":                  {{Collection: "REQUEST_HEADERS", Selector: expr("a|b")}, {Collection: "ARGS"}},
		"REQUEST_HEADERS:'/a|b/'|ARGS":                {{Collection: "REQUEST_HEADERS", Selector: expr("a|b")}, {Collection: "ARGS"}},
		`ARGS:/a\/b/`:                                 {{Collection: "ARGS", Selector: expr(`a\/b`)}},
		"XML:/*|XML://@*":                             {{Collection: "XML", Selector: key("/*")}, {Collection: "XML", Selector: key("//@*")}},
		"REQUEST_HEADERS:a/b":                         {{Collection: "REQUEST_HEADERS", Selector: expr("a")}}, // the last byte is lost
		"ARGS:'foo'":                                  {{Collection: "ARGS", Selector: key("foo'")}},
		"ARGS|":                                       {{Collection: "ARGS"}},
		"REQUEST_FILENAME|!REQUEST_FILENAME|REQUEST_URI_RAW|TX:A": {{Collection: "REQUEST_FILENAME", Except: []Selector{{}}}, {Collection: "REQUEST_URI_RAW"}, {Collection: "TX", Selector: key("a")}},
	} {
		rules := rulesOf(t, fstest.MapFS{}, "SecRule "+list+" \"@rx a\" \"id:1\"")
		if diff := cmp.Diff(want, rules[0].Variables); diff != "" {
			t.Errorf("%s:\n%s", list, diff)
		}
		describedByCoraza(t, fstest.MapFS{}, "SecRule "+list+" \"@rx a\" \"id:1\"") // which takes it too
	}
}

func TestOperatorsReadAsCorazaReadsThem(t *testing.T) {
	for text, want := range map[string]Operator{
		"@rx a b":                   {Name: "rx", Argument: "a b"},
		"a b":                       {Name: "rx", Argument: "a b"},
		"!a":                        {Name: "rx", Negated: true, Argument: "a"},
		"!":                         {Name: "rx", Negated: true},
		"":                          {Name: "rx"},
		"!@streq  x ":               {Name: "streq", Negated: true, Argument: "x"},
		`@rx a\"b\\d`:               {Name: "rx", Argument: `a"b\\d`},
		"@pm Foo bar":               {Name: "pm", Argument: "Foo bar", Data: []string{"foo", "bar"}},
		"@within %{tx.A} b":         {Name: "within", Argument: "%{tx.A} b", Macro: Macro{{Text: "tx.A", Collection: "TX", Key: "a"}, {Text: " b"}}},
		"@rx %{tx.a}":               {Name: "rx", Argument: "%{tx.a}"}, // not expanded
		"@unconditionalMatch":       {Name: "unconditionalmatch"},
		"!@validateByteRange 1-255": {Name: "validatebyterange", Negated: true, Argument: "1-255"},
	} {
		rules := rulesOf(t, fstest.MapFS{}, "SecRule ARGS \""+text+"\" \"id:1\"")
		if diff := cmp.Diff(&want, rules[0].Operator); diff != "" || rules[0].Unknown != "" {
			t.Errorf("%s (%s):\n%s", text, rules[0].Unknown, diff)
		}
	}
	if r := rulesOf(t, fstest.MapFS{}, `SecRule ARGS "@mine x" "id:1"`)[0]; !strings.Contains(r.Unknown, `"mine"`) {
		t.Errorf("an operator of a plugin gives the reason %q", r.Unknown)
	}
}

func TestActionsComeWithTheirDefaults(t *testing.T) {
	const defaults = "SecDefaultAction \"phase:1,log,deny,status:403,capture\"\n"
	for name, c := range map[string]struct {
		text string
		want func(*Rule) bool
	}{
		"phase 2 has defaults of its own":    {`SecAction "id:1"`, func(r *Rule) bool { return r.Disruptive == "pass" && r.Log && r.Audit && r.Phase == 2 }},
		"other phases have none":             {`SecAction "id:1,phase:1,block"`, func(r *Rule) bool { return r.Disruptive == "block" && !r.Log }},
		"block becomes the default":          {defaults + `SecAction "id:1,phase:1,block,nolog"`, func(r *Rule) bool { return r.Disruptive == "deny" && r.Status == 403 && !r.Log && r.Capture }},
		"an own action stays":                {defaults + `SecAction "id:1,phase:1,pass,status:500"`, func(r *Rule) bool { return r.Disruptive == "pass" && r.Status == 500 && r.Log }},
		"a rule without actions gets none":   {"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecRule ARGS \"@rx b\"", func(r *Rule) bool { return len(r.Chain.Actions) == 0 && !r.Chain.Log }},
		"a link has phase 2's":               {"SecRule ARGS \"@rx a\" \"id:1,phase:1,chain\"\nSecRule ARGS \"@rx b\" \"t:lowercase\"", func(r *Rule) bool { return r.Chain.Log && r.Chain.Phase == 0 }},
		"the last disruptive action counts":  {`SecAction "id:1,phase:1,deny,pass"`, func(r *Rule) bool { return r.Disruptive == "pass" }},
		"t:none clears":                      {`SecAction "id:1,t:lowercase,t:none,t:urlDecodeUni"`, func(r *Rule) bool { return cmp.Equal(r.Transformations, []string{"urldecodeuni"}) }},
		"T:None in capitals does not":        {`SecAction "id:1,t:lowercase,T:None"`, func(r *Rule) bool { return cmp.Equal(r.Transformations, []string{"lowercase", "none"}) }},
		"phases have names":                  {`SecAction "id:1,phase:request"`, func(r *Rule) bool { return r.Phase == PhaseRequestBody }},
		"severity has names and numbers":     {`SecAction "id:1,severity:'Critical'"`, func(r *Rule) bool { return r.Severity == 2 }},
		"a comma in quotes is none":          {`SecAction "id:1,msg:'a, b:c',tag:'x'"`, func(r *Rule) bool { return r.Message.String() == "a, b:c" && r.HasTag("x") }},
		"setvar adds":                        {`SecAction "id:1,setvar:'tx.a_%{tx.B}=+%{tx.c}'"`, func(r *Rule) bool { return r.SetVars[0].Key[1].Key == "b" && r.SetVars[0].Value.String() == "+%{tx.c}" }},
		"setvar removes":                     {`SecAction "id:1,setvar:!tx.a=1"`, func(r *Rule) bool { return r.SetVars[0].Remove && r.Unknown == "" }},
		"setvar without a value is in doubt": {`SecAction "id:1,setvar:tx.a"`, func(r *Rule) bool { return r.Unknown != "" }},
		"ctl has a target": {`SecAction "id:1,ctl:ruleRemoveTargetById=1-9;ARGS:Pw"`, func(r *Rule) bool {
			return r.Ctls[0] == Ctl{"ruleremovetargetbyid", "1-9", "ARGS", Selector{Key: "pw"}}
		}},
		"ctl has an expression in its own case": {`SecAction "id:1,ctl:ruleRemoveTargetByTag=t;ARGS:/^Pw/"`, func(r *Rule) bool { return r.Ctls[0].Selector == Selector{Key: "^Pw", Regexp: true} }},
		"skips":                                 {`SecAction "id:1,skip:2,skipAfter:'END'"`, func(r *Rule) bool { return r.Skip == 2 && r.SkipAfter == "END" }},
		"a chain that ends is none":             {"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecMarker X", func(r *Rule) bool { return r.HasChain && r.Chain == nil }},
		"a chain continues after a removal":     {"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecAction \"phase:1\"\nSecAction \"id:2\"", func(r *Rule) bool { return len(r.Links()) == 2 && r.Chain.Operator == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			if r := rulesOf(t, fstest.MapFS{}, c.text)[0]; !c.want(r) {
				t.Errorf("it reads as %+v", *r)
			}
			describedByCoraza(t, fstest.MapFS{}, c.text) // which takes it too
		})
	}
}

func TestUpdatesChangeRules(t *testing.T) {
	const two = "SecRule ARGS \"@rx a\" \"id:1,phase:1,deny,tag:'x',chain\"\nSecRule ARGS \"@rx b\" \"t:none\"\nSecRule ARGS \"@rx b\" \"id:2,phase:1,tag:'x',log\"\n"
	except := func(r *Rule) int { return len(r.Variables[0].Except) }
	for name, c := range map[string]struct {
		text string
		want func(one, two *Rule) bool
	}{
		"one target":                    {`SecRuleUpdateTargetById 1 "!ARGS:p"`, func(a, b *Rule) bool { return except(a) == 1 && except(b) == 0 && except(a.Chain) == 0 }},
		"a range of targets":            {`SecRuleUpdateTargetById 1-2 !ARGS:p`, func(a, b *Rule) bool { return except(a) == 1 && except(b) == 1 }},
		"only the first of several ids": {`SecRuleUpdateTargetById 1 2 "!ARGS:p"`, func(a, b *Rule) bool { return except(a) == 1 && except(b) == 0 }},
		"targets by tag":                {`SecRuleUpdateTargetByTag "x" "!ARGS:p|REQUEST_URI"`, func(a, b *Rule) bool { return except(a) == 1 && len(b.Variables) == 2 }},
		"another action":                {`SecRuleUpdateActionById 1 "pass,nolog"`, func(a, b *Rule) bool { return a.Disruptive == "pass" && !a.Log && b.Log }},
		"more actions":                  {`SecRuleUpdateActionById 1-2 t:lowercase,tag:y`, func(a, b *Rule) bool { return a.Disruptive == "deny" && len(b.Transformations) == 1 && b.HasTag("y") }},
	} {
		t.Run(name, func(t *testing.T) {
			rules := rulesOf(t, fstest.MapFS{}, two+c.text)
			if !c.want(rules[0], rules[1]) {
				t.Errorf("they read as %+v and %+v", *rules[0], *rules[1])
			}
			describedByCoraza(t, fstest.MapFS{}, two+c.text)
		})
	}
}

func TestMacrosReadAsCorazaReadsThem(t *testing.T) {
	lookup := func(collection, key string) (string, bool) { return "<" + collection + "." + key + ">", key == "a" }
	for text, want := range map[string]string{
		"plain": "plain", "%{tx.A}": "<TX.a>", "x%{TX.a}y%{tx.b}": "x<TX.a>ytx.b", "50%": "50%", "%{tx.a": "", "%{tx.}": "", "%{}": "",
		"%{no.a}": "", "%{tx.a b}": "", "a%{": "a", "a%{tx%{tx.a}": "atx<TX.a>", "}%{tx.a}}": "}<TX.a>}", "%%{tx.a}": "%<TX.a>",
	} {
		m, err := parseMacro(text)
		if (err != nil) != (want == "") {
			t.Errorf("%q: the error is %v", text, err)
		} else if got := m.Expand(lookup); got != want {
			t.Errorf("%q expands to %q, wanted %q", text, got, want)
		}
	}
}
