// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"net/netip"
	"strings"
	"testing"

	"durward"
)

// A reload can rename a listener while connections of it are open. Those must
// not call without any list until they are drained.
func TestConnectionsOfAListenerThatIsGonePassAllLists(t *testing.T) {
	document := strings.Replace(smallest, `listen: [{address: "127.0.0.1:0"}]`, `listen:
  - {address: "127.0.0.1:8001", addresses: {allow: [10.0.0.0/8, 192.0.2.0/24]}}
  - {address: "127.0.0.1:8002", addresses: {allow: [192.0.2.0/24], deny: [192.0.2.9/32]}}
  - {address: "127.0.0.1:8003"}
  - {address: "127.0.0.1:8004", addresses: {mode: report, allow: [10.0.0.0/8]}}`, 1)
	b := newBench(t, document, nil)
	c := &compiler{cfg: b.load(document), env: b.env, g: &Generation{}}
	if err := c.listeners(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, listener, from string
		allowed, reported    bool // reported: the reporting lists say nothing
	}{
		{"on its own list", "127.0.0.1:8001", "10.1.1.1", true, true},
		{"not on its list", "127.0.0.1:8002", "10.1.1.1", false, true},
		{"a listener without a list", "127.0.0.1:8003", "198.51.100.1", true, true},
		{"a listener that reports", "127.0.0.1:8004", "198.51.100.1", true, false},
		{"gone, on one list of two", "127.0.0.1:7999", "10.1.1.1", false, true},
		{"gone, on both", "127.0.0.1:7999", "192.0.2.1", true, false},
		{"gone, denied on one", "127.0.0.1:7999", "192.0.2.9", false, false},
		{"no listener at all", "", "198.51.100.1", true, true},
	} {
		x := &durward.Exchange{Client: durward.Client{Address: netip.MustParseAddr(row.from)}}
		x.In.Listener = row.listener
		if d := c.atListener.Request(t.Context(), x); (d.Verdict == durward.Allow) != row.allowed {
			t.Errorf("%s: %v %v", row.name, d.Verdict, d.Err)
		}
		if d := c.reportListener.Request(t.Context(), x); (d.Verdict == durward.Allow) != row.reported {
			t.Errorf("%s, reported: %v %v", row.name, d.Verdict, d.Err)
		}
	}
}

func TestWithoutListsThereIsNothingToPass(t *testing.T) {
	b := newBench(t, smallest, nil)
	c := &compiler{cfg: b.load(smallest), env: b.env, g: &Generation{}}
	if err := c.listeners(); err != nil || c.atListener != nil || c.reportListener != nil {
		t.Errorf("%v, %v, %v", err, c.atListener, c.reportListener)
	}
}
