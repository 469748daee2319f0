// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental"
	"github.com/corazawaf/coraza/v3/experimental/plugins"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/google/go-cmp/cmp"
)

// touchesDisk are directives that Coraza would carry out on real files.
var touchesDisk = regexp.MustCompile(`(?i)sec(debug|audit|upload|data|tmp|server|remote)|inspectfile|validateschema|geolookup`)

// corazaTakes loads directives; a panic counts as a refusal.
func corazaTakes(directives string, observe func(types.RuleMetadata)) (waf coraza.WAF, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	cfg := coraza.NewWAFConfig().WithRootFS(fstest.MapFS{"words.data": {Data: []byte("a\nb")}}).WithDirectives(directives)
	return coraza.NewWAF(experimental.WAFConfigWithRuleObserver(cfg, observe))
}

// strict are the faults that only this package finds, on purpose.
var strict = []string{"64 KiB", "nothing follows", "cannot be On", "passes over it", "without msg", "backticks", "has no id"}

// FuzzParse: what Coraza takes we take, and see the same rules in it.
func FuzzParse(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 || touchesDisk.MatchString(text) {
			t.Skip()
		}
		var theirs []described
		waf, refused := corazaTakes(text, func(r types.RuleMetadata) {
			theirs = append(theirs, described{ID: r.ID(), Phase: int(r.Phase()), Severity: int(r.Severity()), Marker: r.SecMark(), Tags: r.Tags()})
		})
		set, err := Parse(fstest.MapFS{"words.data": {Data: []byte("a\nb")}}, text)
		if refused != nil {
			return // an argument that only Coraza reads can be at fault
		}
		if err != nil {
			if !slices.ContainsFunc(strict, func(s string) bool { return strings.Contains(err.Error(), s) }) {
				t.Fatalf("Coraza takes what we refuse: %v", err)
			}
			return
		}
		set.Live(nil)
		if n := waf.(experimental.WAFWithRules).RulesCount(); n != len(set.Items) {
			t.Errorf("Coraza has %d rules, we %d", n, len(set.Items))
		}
		if lower := strings.ToLower(text); !strings.Contains(lower, "secruleremove") && !strings.Contains(lower, "secruleupdate") {
			if diff := cmp.Diff(theirs, describedByUs(set)); diff != "" {
				t.Errorf("Coraza's rules and ours (-theirs +ours):\n%s", diff)
			}
		}
	})
}

// seeds are directives of the rule set one by one, and some odd ones.
func seeds(t testing.TB) []string {
	t.Helper()
	all := []string{
		five + "SecRuleRemoveById 1-2 4\nSecMarker X\nSecRuleRemoveById 0",
		five + "SecRuleUpdateTargetById 1-3 \"!ARGS:x\"\nSecRuleUpdateActionById 2 deny,t:none\nSecRuleRemoveByTag odd",
		"SecDefaultAction \"phase:1,log,deny,status:403\"\nSecRule ARGS:'/a|b/'|!ARGS:c \"!@within %{tx.a}\" \"id:1,phase:1,block,chain\"\nSecRule &TX:a \"@eq 0\"",
		"SecDataset d `\na\n#b\n`\nSecRule ARGS \"@pmFromDataset d\" \"id:1,skip:2,setvar:'tx.a=+%{tx.b}'\"",
		"SecAction \"id:1,ctl:ruleRemoveTargetById=1;ARGS:/x/,allow:phase\"",
		"SecRule ARGS \"a\\\\\\\"b\" \"id:1,msg:'a\\'b, c'\"",
	}
	file, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/REQUEST-920-PROTOCOL-ENFORCEMENT.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(string(file), "\nSecRule ")[1:40] {
		all = append(all, "SecRule "+text)
	}
	return all
}

// seenValues is what the operator below was given. Tests that use it do not run
// in parallel.
var seenValues []string

type seer struct{}

func (seer) Evaluate(_ plugintypes.TransactionState, value string) bool {
	seenValues = append(seenValues, strings.Clone(value))
	return false
}

var registerSeer = sync.OnceFunc(func() {
	plugins.RegisterOperator("durwardSee", func(plugintypes.OperatorOptions) (plugintypes.Operator, error) { return seer{}, nil })
})

// members of the request that FuzzTargets sends, by collection. Values are all
// different, so that they tell which member was looked at.
var (
	arguments = [][2]string{{"a", "v1"}, {"A", "v2"}, {"ab", "v3"}, {"foo'", "v4"}, {"x/y", "v5"}, {"", "v6"}, {"pw|q", "v7"}}
	headers   = [][2]string{{"host", "h1"}, {"user-agent", "h2"}, {"x-ab", "h3"}, {"x-a/b", "h4"}}
)

func selected(v Variable) (values []string, ok bool) {
	var members [][2]string
	switch v.Collection {
	case "ARGS", "ARGS_GET":
		members = arguments
	case "ARGS_NAMES", "ARGS_GET_NAMES":
		for _, m := range arguments {
			members = append(members, [2]string{m[0], m[0]})
		}
	case "REQUEST_HEADERS":
		members = headers
	default:
		return nil, false
	}
	selects := v.Selects()
	for _, m := range members {
		if selects(m[0]) {
			values = append(values, m[1])
		}
	}
	if v.Count {
		values = []string{fmt.Sprint(len(values))}
	}
	return values, true
}

// FuzzTargets: a list of targets selects for Coraza's operator what our reading
// of it selects.
func FuzzTargets(f *testing.F) {
	for _, list := range []string{
		"ARGS", "ARGS:a", "ARGS:A|ARGS_GET:ab", "ARGS|!ARGS:a", "!ARGS:a|ARGS", "&ARGS", "&ARGS:/a/|ARGS", "ARGS:/^A/", "ARGS:'/a|b/'|ARGS:x",
		"REQUEST_HEADERS|!REQUEST_HEADERS:/^X-/", "REQUEST_HEADERS:X-Ab", "ARGS:foo'", "ARGS:'foo'", "ARGS:x/y", "ARGS:x/y/", `ARGS:/x\/y/`, "ARGS:/a", "ARGS|!ARGS",
		"ARGS|!ARGS_GET:a|ARGS_GET|!ARGS_GET:A", "REQUEST_HEADERS:/\\D/", "ARGS|", "A!RGS:a", "ARGS:/a/b", "ARGS_NAMES", "ARGS_NAMES:a", "ARGS_NAMES:A", "ARGS_NAMES|!ARGS_NAMES:AB", "ARGS_GET_NAMES:/a/", "ARGS:A", "ARGS|!ARGS:/A/", "&REQUEST_HEADERS|!REQUEST_HEADERS:host", "ARGS:/(/",
	} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		if strings.ContainsAny(list, " \"\n\r\\#`\t") && !strings.Contains(list, `\/`) || len(list) > 200 {
			t.Skip()
		}
		registerSeer()
		text := "SecRuleEngine On\nSecRule " + list + " \"@durwardSee\" \"id:1,phase:1,pass,nolog\""
		waf, refused := corazaTakes(text, func(types.RuleMetadata) {})
		set, err := Parse(fstest.MapFS{}, text)
		if (refused != nil) != (err != nil) {
			t.Fatalf("Coraza's error is %v, ours %v", refused, err)
		}
		if err != nil || len(set.Items) != 1 {
			return
		}
		var want []string
		for _, v := range set.Items[0].(*Rule).Variables {
			values, ok := selected(v)
			if !ok {
				t.Skip()
			}
			want = append(want, values...)
		}
		tx := waf.NewTransaction()
		defer tx.Close()
		for _, m := range arguments {
			tx.AddGetRequestArgument(m[0], m[1])
		}
		for _, m := range headers {
			tx.AddRequestHeader(m[0], m[1])
		}
		seenValues = nil
		tx.ProcessRequestHeaders()
		slices.Sort(want)
		slices.Sort(seenValues)
		if !slices.Equal(want, seenValues) {
			t.Errorf("%s selects %q, and for Coraza %q", list, want, seenValues)
		}
	})
}
