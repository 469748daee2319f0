// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"durward/waf/gate"
	"durward/waf/seclang"
	"durward/waf/waftest"
)

// directives are the recommended settings and the whole of CRS at a paranoia
// level, as the oracle of waftest has them.
func directives(paranoia int) string {
	return fmt.Sprintf(`Include @coraza.conf-recommended
SecRuleEngine On
SecAuditEngine Off
Include @crs-setup.conf.example
SecAction "id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=%d"
Include @owasp_crs/*.conf
`, paranoia)
}

func compile(t testing.TB, paranoia int) *gate.Gate {
	t.Helper()
	set, err := seclang.Parse(coreruleset.FS, directives(paranoia))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	g, err := gate.Compile(set, gate.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("compiled in %v", time.Since(start))
	return g
}

var sample = func() int { n, _ := strconv.Atoi(os.Getenv("SAMPLE")); return max(n, 1) }()

func TestSoundness(t *testing.T) {
	for _, pl := range []int{1, 2} {
		g := compile(t, pl)
		oracle, err := waftest.NewOracle(pl, "")
		if err != nil {
			t.Fatal(err)
		}
		regression, err := waftest.Regression()
		if err != nil {
			t.Fatal(err)
		}
		for name, corpus := range map[string][]*gate.Request{
			"regression": regression, "hostile": waftest.Hostile(1, 1500), "benign": waftest.Benign(2, 800), "awkward": waftest.Awkward(3, 400),
		} {
			clean, missed, tight := 0, 0, 0
			why := map[gate.Reason]int{}
			for i, q := range corpus {
				if q == nil || i%sample != 0 {
					continue
				}
				ok, reason := g.Clean(q)
				v := oracle.Inspect(q)
				hit := v.Interrupted || len(v.Rules) > 0
				if ok {
					clean++
				}
				if ok && hit {
					if missed++; missed < 10 {
						t.Errorf("PL%d %s: proven clean, but Coraza says %+v: %s %s %v %q", pl, name, v, q.Method, q.URI, q.Header, q.Body)
					}
				}
				if !ok && !hit {
					why[gate.Reason{RuleID: reason.RuleID, Target: reason.Target}]++
				}
				if !hit {
					tight++
				}
			}
			t.Logf("PL%d %s: %d of %d requests proven clean, %d are; %d missed; slow for nothing: %v", pl, name, clean, len(corpus), tight, missed, why)
		}
	}
}
