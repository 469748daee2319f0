// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
)

// target is a promise about CPU per request: Durward's, at most factor times
// another row's.
type target struct {
	job, variant string
	factor       float64
	other        string // gateway
	against      string // variant of the other row
}

// targets are what Durward is to reach against its peers.
var targets = []target{
	{"A", "GET", 2.3, "haproxy", "GET"},
	{"A", "POST 1 KB", 2.3, "haproxy", "POST 1 KB"},
	{"A", "GET", 0.6, "caddy", "GET"},
	{"A", "POST 1 KB", 0.6, "caddy", "POST 1 KB"},
	{"B", "RS256", 1, "haproxy", "RS256"},
	{"B", "ES256", 0.5, "haproxy", "ES256"},
	{"C", "refused", 0.5, "durward", "proxied"},
}

// idleTarget bounds what one idle connection may hold, in bytes.
const idleTarget = 20 << 10

// checkTargets bound what the check of a request against the contract may cost,
// in microseconds of CPU: the difference of two rows of the same program.
var checkTargets = []struct {
	variant, without string
	most             float64
}{
	{"checked", "not checked", 15},
	{"GET checked", "GET not checked", 3},
}

// writeCheckCost says what the check costs Durward, and what it costs the peer
// that does nothing else.
func writeCheckCost(w io.Writer, rows []row, verdict func(bool) string) {
	cost := func(name, with, without string) (float64, bool) {
		a, ok := find(rows, "E", with, name)
		b, found := find(rows, "E", without, name)
		return a.CPU - b.CPU, ok && found && a.Runs > 0 && b.Runs > 0
	}
	for _, t := range checkTargets {
		own, ok := cost("durward", t.variant, t.without)
		if !ok {
			continue
		}
		fmt.Fprintf(w, "%s  E %s: the check costs %.1f us of CPU, at most %.0f", verdict(own <= t.most), t.variant, own, t.most)
		if other, ok := cost(kinName, t.variant, t.without); ok {
			fmt.Fprintf(w, "; kin-openapi's %.1f", other)
		}
		fmt.Fprintln(w)
	}
}

// writeTargets says of each target whether the rows meet it. Targets whose rows
// are missing are left out.
func writeTargets(w io.Writer, rows []row) {
	verdict := func(met bool) string {
		if met {
			return "met   "
		}
		return "MISSED"
	}
	for _, t := range targets {
		own, ok := find(rows, t.job, t.variant, "durward")
		other, found := find(rows, t.job, t.against, t.other)
		if !ok || !found || other.CPU == 0 {
			continue
		}
		ratio := own.CPU / other.CPU
		fmt.Fprintf(w, "%s  %s %s: %.2f of %s's %s CPU, at most %.1f\n",
			verdict(ratio <= t.factor), t.job, t.variant, ratio, t.other, t.against, t.factor)
	}
	writeCheckCost(w, rows, verdict)
	if r, ok := find(rows, "F", "idle connections", "durward"); ok {
		fmt.Fprintf(w, "%s  F: %.1f KiB for an idle connection, at most %d\n",
			verdict(r.PerConnection <= idleTarget), r.PerConnection/1024, idleTarget>>10)
	}
	if r, ok := find(rows, "F", soakVariant, "durward"); ok && r.Soak != nil {
		fmt.Fprintf(w, "%s  F: late peak memory of a run of %.0f s is %.2f of the early one, at most %.2f\n",
			verdict(r.Soak.Flat), r.Soak.Seconds, r.Soak.Growth, soakGrowth)
	}
}
