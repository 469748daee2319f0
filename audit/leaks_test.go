// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func TestLeaksOfAnAnswerAreRecordedAndReadBack(t *testing.T) {
	ev := durward.Event{Kind: durward.EventOutcome, Status: 200, Guard: durward.GuardFacts{Leaks: []durward.Leak{
		{Detector: "card_number", Action: "mask", Place: "content", Offset: 9, Count: 2}, {Detector: "internal_address", Action: "report", Place: "Location", Count: 1},
	}}}
	line := append([]byte(`{"seq":1`), appendBody(nil, &ev)...)
	got, _, err := Decode(append(line, '}'))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ev.Guard, got.Guard); diff != "" {
		t.Error(diff)
	}
}
