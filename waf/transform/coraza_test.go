// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
)

// noted is what Coraza's operators were given in the running transaction, by
// the argument of the operator. The tests that use it are not parallel.
var noted = map[string][]string{}

type note string

func (n note) Evaluate(_ plugintypes.TransactionState, value string) bool {
	noted[string(n)] = append(noted[string(n)], strings.Clone(value))
	return false
}

// judge is a Coraza with two rules for each transformation: one that looks at
// the value after it, and one with multiMatch, which looks a second time if
// Coraza takes the value for changed.
var judge = sync.OnceValues(func() (coraza.WAF, error) {
	plugins.RegisterOperator("durwardNote", func(o plugintypes.OperatorOptions) (plugintypes.Operator, error) {
		return note(o.Arguments), nil
	})
	var rules strings.Builder
	rules.WriteString("SecRuleEngine On\n")
	id := 0
	for name := range byName {
		id += 2
		fmt.Fprintf(&rules, "SecRule ARGS \"@durwardNote %s\" \"id:%d,phase:1,pass,nolog,t:%s\"\n", name, id, name)
		fmt.Fprintf(&rules, "SecRule ARGS \"@durwardNote %s,multi\" \"id:%d,phase:1,pass,nolog,multiMatch,t:%s\"\n", name, id+1, name)
	}
	return coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(rules.String()))
})

// corazaSees gives, for one value, what the operators see after every
// transformation.
func corazaSees(t testing.TB, value string) map[string][]string {
	t.Helper()
	waf, err := judge()
	if err != nil {
		t.Fatal(err)
	}
	clear(noted)
	tx := waf.NewTransaction()
	defer tx.Close()
	tx.AddGetRequestArgument("v", value)
	tx.ProcessRequestHeaders()
	return noted
}

// compare holds every transformation of one value against Coraza, and against
// what Touches says.
func compare(t testing.TB, value string) {
	t.Helper()
	seen := corazaSees(t, value)
	var bytes ByteSet
	bytes.AddAll([]byte(value))
	for name, tr := range byName {
		in := []byte(value)
		out, changed := tr.Apply(nil, in)
		if string(in) != value {
			t.Fatalf("%s wrote to its argument %q", name, value)
		}
		if len(seen[name]) != 1 || len(seen[name+",multi"]) == 0 {
			t.Fatalf("%s: Coraza evaluated %d and %d times", name, len(seen[name]), len(seen[name+",multi"]))
		}
		if want := seen[name][0]; string(out) != want {
			t.Errorf("%s of %q is %q, Coraza makes %q", name, value, out, want)
		}
		if !changed && string(out) != value {
			t.Errorf("%s of %q is %q, and not said to be changed", name, value, out)
		}
		_, reported := tr.ApplyReported(make([]byte, 3, 7), in)
		if want := len(seen[name+",multi"]) == 2; reported != want {
			t.Errorf("%s of %q: change reported %v, Coraza %v", name, value, reported, want)
		}
		if !tr.Touches(&bytes) && (string(out) != value || changed || reported) {
			t.Errorf("%s of %q is %q (reported %v), though Touches is false", name, value, out, reported)
		}
	}
}
