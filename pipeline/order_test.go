// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"testing"
)

// everything has every part of an API that makes a stage.
const everything = `
listen: [{address: "127.0.0.1:0"}]
audit: {directory: audit, durability: buffered}
rate_limit: {total: 1000/s}
apis:
  notes:
    addresses: {deny: [203.0.113.0/24]}
    contract: notes.yaml
    upstream: {targets: ["${UPSTREAM}"]}
    authenticate: [{api_key: {query: key}}, {capability: {keys: [{id: one, secret: "0123456789abcdef0123456789abcdef"}]}}]
    authorize: {authenticated: ["*"]}
    rate_limit: {per_address: 100/s}
    quota: {per_subject: 100/s}
    cors: {origins: ["https://app.test"]}
    operations:
      open: {public: true}
      list: {rate_limit: {per_address: 10/s}, quota: {per_subject: 10/s}}
`

func requestNames(o *operation) string {
	var names []string
	for _, s := range o.request {
		names = append(names, s.name)
	}
	return strings.Join(names, " ")
}

func responseNames(o *operation) string {
	var names []string
	for _, s := range o.response {
		names = append(names, s.name)
	}
	return strings.Join(names, " ")
}

// The order is the product's promise: nothing of a configuration changes it.
func TestTheStagesOfAnOperationHaveOneOrder(t *testing.T) {
	all := newBench(t, everything, nil)
	small := newBench(t, smallest, nil)
	off := newBench(t, strings.Replace(everything, "    quota:", "    validation: {mode: off}\n    response: {mode: off, contract: {mode: off}}\n    quota:", 1), nil)
	for name, tc := range map[string]struct {
		op       *operation
		request  string
		response string
	}{
		"with everything": {all.operation("list"),
			"address ratelimit ratelimit ratelimit limits cors authn audit quota quota authz contract restrictions outgoing authn-hide egress-coding", "cors egress response-contract"},
		"a public one is authorized by its word": {all.operation("open"),
			"address ratelimit ratelimit limits cors authn audit quota contract restrictions outgoing authn-hide egress-coding", "cors egress response-contract"},
		"with nothing that can be left out": {small.operation("list"),
			"limits cors authn audit authz contract outgoing egress-coding", "cors egress response-contract"},
		"what is off is not built": {off.operation("list"),
			"address ratelimit ratelimit ratelimit limits cors authn audit quota quota authz restrictions outgoing authn-hide", "cors"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := requestNames(tc.op); got != tc.request {
				t.Errorf("request stages\n %s, want\n %s", got, tc.request)
			}
			if got := responseNames(tc.op); got != tc.response {
				t.Errorf("response stages %s, want %s", got, tc.response)
			}
			if tc.op.upstream == nil {
				t.Error("no upstream")
			}
		})
	}
}

func TestWhatNoOperationTakesIsLimitedAndRefused(t *testing.T) {
	b := newBench(t, everything, nil)
	for i := range b.current.Load().operations {
		op := &b.current.Load().operations[i]
		want := ""
		switch {
		case op.Preflight:
			want = "address ratelimit ratelimit cors route"
		case op.Refusal != "" && op.API == "":
			want = "ratelimit route"
		case op.Refusal != "":
			want = "address ratelimit ratelimit route"
		default:
			continue
		}
		if got := requestNames(op); got != want || op.upstream != nil || len(op.response) > 0 {
			t.Errorf("%q %s: stages %s, want %s; upstream %v", op.ID, op.Refusal, got, want, op.upstream)
		}
	}
}

func TestAnAPIsOperationsShareAnUpstreamUnlessTheyRefineIt(t *testing.T) {
	b := newBench(t, strings.Replace(smallest, "write: {public: true}", "write: {public: true, timeout: 3s}", 1), nil)
	list, open, write := b.operation("list").upstream, b.operation("open").upstream, b.operation("write").upstream
	if write == list || open == write {
		t.Error("a refined operation has the others' upstream")
	}
	if n := len(b.Upstreams()); n < 2 || b.Upstreams()[0].API != "notes" {
		t.Errorf("%d upstreams", n)
	}
}
