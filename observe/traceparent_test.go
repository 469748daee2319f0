// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"
	"testing"
)

const (
	trace1 = "4bf92f3577b34da6a3ce929d0e0e4736"
	span1  = "00f067aa0ba902b7"
)

func TestTraceparentsAreReadAsTheStandardSays(t *testing.T) {
	for name, tc := range map[string]struct {
		in      string
		ok      bool
		sampled bool
	}{
		"the standard's example":        {"00-" + trace1 + "-" + span1 + "-01", true, true},
		"not sampled":                   {"00-" + trace1 + "-" + span1 + "-00", true, false},
		"flags of the future":           {"00-" + trace1 + "-" + span1 + "-fe", true, false},
		"flags of the future, sampled":  {"00-" + trace1 + "-" + span1 + "-ff", true, true},
		"a higher version":              {"cc-" + trace1 + "-" + span1 + "-01", true, true},
		"a higher version with more":    {"cc-" + trace1 + "-" + span1 + "-01-what-comes", true, true},
		"a higher version run together": {"cc-" + trace1 + "-" + span1 + "-01x", false, false},
		"version ff":                    {"ff-" + trace1 + "-" + span1 + "-01", false, false},
		"version 00 with more":          {"00-" + trace1 + "-" + span1 + "-01-x", false, false},
		"capitals":                      {"00-" + strings.ToUpper(trace1) + "-" + span1 + "-01", false, false},
		"a trace id of zeros":           {"00-" + strings.Repeat("0", 32) + "-" + span1 + "-01", false, false},
		"a span id of zeros":            {"00-" + trace1 + "-" + strings.Repeat("0", 16) + "-01", false, false},
		"no hex":                        {"00-" + strings.Repeat("g", 32) + "-" + span1 + "-01", false, false},
		"no hex in the flags":           {"00-" + trace1 + "-" + span1 + "-0g", false, false},
		"too short":                     {"00-" + trace1 + "-" + span1 + "-0", false, false},
		"other separators":              {"00_" + trace1 + "_" + span1 + "_01", false, false},
		"space before it":               {" 00-" + trace1 + "-" + span1 + "-01", false, false},
		"nothing":                       {"", false, false},
	} {
		sc, ok := ParseTraceparent(tc.in)
		if ok != tc.ok || ok && (sc.TraceID().String() != trace1 || sc.SpanID().String() != span1 || sc.IsSampled() != tc.sampled || !sc.IsRemote()) {
			t.Errorf("%s: %v %+v", name, ok, sc)
		}
		if !ok && sc.IsValid() {
			t.Errorf("%s: an id with a refusal", name)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + trace1 + "-" + span1 + "-01")
	f.Add("cc-" + trace1 + "-" + span1 + "-01-more")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		sc, ok := ParseTraceparent(s)
		if !ok {
			return
		}
		// What is written is version 00 of the same, and is read as the same.
		out := FormatTraceparent(sc)
		if len(out) != 55 || out[2:53] != s[2:53] {
			t.Fatalf("%q became %q", s, out)
		}
		if again, ok := ParseTraceparent(out); !ok || !again.Equal(sc) {
			t.Fatalf("%q is read as %v, %v", out, again, ok)
		}
	})
}
