// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

// unmet are the regression tests that Coraza does not pass, and why.
var unmet = map[string]string{
	"920100-8": "expects that the web server refuses a colon in a path; Go's does not, and another rule (920610) finds the request",
	"920620-1": "is about Apache httpd, which joins two Content-Type fields; here the rule finds them",
	"922130-1": "expects an error text of another multipart parser; Coraza refuses the content by rules 200002 and 200003",
	"922130-2": "as 922130-1",
	"922130-7": "as 922130-1",
}

// coreRuleSetTests is how many regression tests there are in the version of the rules that go.mod
// names. Fewer would mean that the reader lost some.
const coreRuleSetTests = 4674

var (
	cases            = sync.OnceValues(Cases)
	regressionOracle = sync.OnceValues(NewRegression)
)

// regression gives the cases and the oracle for them, both made once.
func regression(t *testing.T) ([]Case, *Oracle) {
	t.Helper()
	all, err := cases()
	if err != nil {
		t.Fatal(err)
	}
	o, err := regressionOracle()
	if err != nil {
		t.Fatal(err)
	}
	return all, o
}

func TestCorazaPassesTheRegressionTestsOfTheCoreRuleSet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 s of processor time")
	}
	all, o := regression(t)
	if len(all) < coreRuleSetTests {
		t.Fatalf("%d tests were read, want %d", len(all), coreRuleSetTests)
	}
	// The oracle leaves much garbage.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var mu sync.Mutex
	failed := map[string]string{}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(all); i += workers {
				if fault := o.Fault(&all[i]); fault != "" {
					mu.Lock()
					failed[all[i].Name()] = fault
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for name, fault := range failed {
		if unmet[name] == "" {
			t.Errorf("%s: %s", name, fault)
		}
	}
	for name := range unmet {
		if failed[name] == "" {
			t.Errorf("%s passes; take it from the list of those that do not", name)
		}
	}
	t.Logf("%d of %d regression tests pass", len(all)-len(failed), len(all))
}

func TestACaseThatExpectsAnotherRuleFails(t *testing.T) {
	all, o := regression(t)
	for i := range all {
		if c := all[i]; c.Name() == "942100-1" {
			c.Stages = slices.Clone(c.Stages) // the cases are other tests' as well
			c.Stages[0].Expect = append(slices.Clip(c.Stages[0].Expect), 955100)
			if o.Fault(&c) == "" {
				t.Error("a rule that cannot match was found")
			}
			c.Stages[0].Expect, c.Stages[0].Forbid = nil, []int{942100}
			if o.Fault(&c) == "" {
				t.Error("a rule that must not match was not missed")
			}
			return
		}
	}
	t.Fatal("942100-1 is not there")
}
