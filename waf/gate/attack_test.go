// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"testing/fstest"

	"durward/waf/seclang"
)

// A chain acts link by link: what its first link sets stays set when the chain
// comes to nothing.
func TestWhatADeadChainSetsOnItsWayIsNotMissed(t *testing.T) {
	rules := rulesHead + `
SecRule ARGS "@rx ^(.*)$" "id:21,phase:2,pass,log,capture,setvar:'tx.name_%{tx.1}=x',chain"
SecRule FILES "@rx ." "t:none"
SecRule TX:/^name_/ "@streq x" "id:22,phase:2,deny,log"
`
	set, err := seclang.Parse(fstest.MapFS{}, rules)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Compile(set, Profile{})
	if err != nil {
		t.Fatal(err)
	}
	q := &Request{Method: "GET", URI: "/?a=b", Protocol: "HTTP/1.1", Host: "h", ClientAddr: "192.0.2.1"}
	tx, in := ask(t, newWAF(t, rules), q)
	defer tx.Close()
	clean, _ := g.Clean(q)
	if in == nil || clean {
		t.Errorf("interruption %v, clean %v", in, clean)
	}
}
