// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/finding"
)

// measured are the checks whose oracles look at no clock: what they find is the
// same on any machine. `make probe-score` runs all.
var measured = []string{"object-access", "function-access", "authentication", "identity-override", "sessions", "data-exposure",
	"mass-assignment", "business-flow", "inventory", "lifecycle"}

// kinds are what the measured checks can find.
func kinds(names []string) []string {
	var out []string
	for _, c := range probe.Checks() {
		if slices.Contains(names, c.Name) {
			for _, k := range c.Kinds {
				out = append(out, k.ID)
			}
		}
	}
	return out
}

// visible are the flaws of a truth that the measured checks can find.
func visible(truth truth) []string {
	can := kinds(measured)
	var out []string
	for _, f := range truth.Flaws {
		if slices.ContainsFunc(f.Kinds, func(k string) bool { return slices.Contains(can, k) }) {
			out = append(out, f.Name)
		}
	}
	return out
}

func unhurried(t *testing.T) {
	old := limits
	limits = bounds{exchange: 5 * time.Minute} // a busy machine is no fault of the service
	t.Cleanup(func() { limits = old })
}

func TestNineOfTenFlawsAreFoundAndNothingOnTheTwins(t *testing.T) {
	unhurried(t)
	for _, a := range apps() {
		if a.Name == "injection" {
			continue // most of its flaws are told by time
		}
		t.Run(a.Name, func(t *testing.T) {
			truth, err := a.truth()
			if err != nil {
				t.Fatal(err)
			}
			planted := visible(truth)
			all, err := run(context.Background(), a, planted, 1, measured)
			if err != nil {
				t.Fatal(err)
			}
			s := judge(truth, planted, all.Findings)
			allowed := len(planted) / 10
			if len(s.missed) > allowed {
				t.Errorf("%d of %d flaws found; missed %s", len(s.found), len(planted), strings.Join(s.missed, ", "))
			}
			twin, err := run(context.Background(), a, nil, 1, measured)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range counted(twin.Findings) {
				t.Errorf("false: %s: %s", f.Fingerprint(), f.Detail)
			}
		})
	}
}

func TestEachFlawAloneIsFound(t *testing.T) {
	unhurried(t)
	for _, a := range apps() {
		if a.Name == "injection" || a.Name == "moot" {
			continue
		}
		truth, err := a.truth()
		if err != nil {
			t.Fatal(err)
		}
		names := visible(truth)
		for _, f := range truth.Flaws {
			if !slices.Contains(names, f.Name) {
				continue
			}
			t.Run(a.Name+"/"+f.Name, func(t *testing.T) {
				planted := append([]string{f.Name}, f.With...)
				var checks []string
				for _, c := range probe.Checks() {
					if slices.Contains(measured, c.Name) && slices.ContainsFunc(c.Kinds, func(k finding.Kind) bool { return slices.Contains(f.Kinds, k.ID) }) {
						checks = append(checks, c.Name)
					}
				}
				r, err := run(context.Background(), a, planted, 1, checks)
				if err != nil {
					t.Fatal(err)
				}
				if s := judge(truth, planted, r.Findings); slices.Contains(s.missed, f.Name) {
					t.Errorf("%s is not found alone", f.Name)
				}
			})
		}
	}
}
