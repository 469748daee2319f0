// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strings"
	"testing"
	"testing/fstest"

	"durward"
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

func TestOneLargeRequestLeavesNoLargeMemoryBehind(t *testing.T) {
	g := gateOf(t, `SecRule ARGS "@rx evil" "id:1,phase:2,deny,t:urlDecodeUni,t:lowercase,t:jsDecode"`, nil)
	p := g.pool.Get().(*pass)
	text := strings.Repeat("%2541%255Cx42 C", 1<<16)
	if !p.run(post("application/x-www-form-urlencoded", "a="+text)) {
		t.Fatalf("not proven clean: %+v", p.why)
	}
	large := 0
	for _, b := range p.buffers {
		large = max(large, cap(b))
	}
	if large < len(text)/2 {
		t.Errorf("the largest buffer has %d bytes: the request was not large", large)
	}
	p.release()
	for i, b := range append(p.buffers, p.text, p.facts.path) {
		if cap(b) > maxKept {
			t.Errorf("buffer %d keeps %d bytes", i, cap(b))
		}
	}
	if n := cap(p.facts.arena); n > 4*maxKept {
		t.Errorf("the arena keeps %d bytes", n)
	}
}

// Whoever feeds Coraza may put Host before or behind the other fields.
func TestOfTwoFieldsWithOneNameNoneIsTakenForTheFirst(t *testing.T) {
	g := gateOf(t, `SecRule ARGS "!@streq %{request_headers.host}" "id:1,phase:2,deny"`, nil)
	if clean, why := g.Clean(get("a=h")); !clean {
		t.Fatalf("one Host is not proven clean: %+v", why)
	}
	for _, host := range []string{"h", "other"} {
		if clean, _ := g.Clean(get("a="+host, durward.Field{Name: "Host", Value: "other"})); clean {
			t.Errorf("two Hosts and the argument %q are proven clean", host)
		}
	}
}
