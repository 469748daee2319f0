// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestOutlineTellsTheFateOfEveryRule(t *testing.T) {
	set, err := Parse(fstest.MapFS{}, `SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"
SecRule ARGS|&ARGS_NAMES "@rx a" "id:2,phase:2,deny,msg:'Arguments',tag:'paranoia-level/1',t:lowercase,t:urlDecodeUni,chain"
SecRule REQUEST_HEADERS|ARGS "!@within b" "t:lowercase"
SecRule TX:level "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@mine" "id:4,phase:2,deny,tag:'paranoia-level/2'"
SecMarker END
SecRule TX:level "@gt 2" "id:5,phase:1,deny"
SecRule ARGS "@rx a" "id:6,phase:1,pass,nolog"
SecAction "id:7,phase:1,pass,log"
SecRule RESPONSE_BODY "@rx a" "id:8,phase:4,deny"`)
	if err != nil {
		t.Fatal(err)
	}
	all := set.Outline(nil)
	fates := map[int]Fate{}
	for _, o := range all {
		fates[o.ID] = o.Fate
	}
	want := map[int]Fate{
		1: FateSettled, 2: FateLive, 3: FateSettled, 4: FateSkipped, 5: FateHopeless, 6: FateSilent, 7: FateAlways, 8: FateResponse,
	}
	if diff := cmp.Diff(want, fates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Outline{
		ID: 2, Phase: 2, File: inlineFile, Line: 2, Level: 1, Links: 2, Fate: FateLive, Message: "Arguments",
		Collections: []string{"&ARGS_NAMES", "ARGS", "REQUEST_HEADERS"}, Operators: []string{"!within", "rx"},
		Transformations: []string{"lowercase", "urldecodeuni"},
	}, all[1]); diff != "" {
		t.Error(diff)
	}
	if all[3].Unknown == "" || all[3].Level != 2 {
		t.Errorf("4 is outlined as %+v", all[3])
	}
	if o := set.Outline(map[string]string{"other": "1"}); o[0].Fate != FateSettled {
		t.Errorf("1 is %s", o[0].Fate)
	}
}

func TestOutlineOfTheRuleSet(t *testing.T) {
	count := map[Fate]int{}
	for _, o := range parseCRS(t).Outline(nil) {
		count[o.Fate]++
		if o.Fate == FateLive && o.Level > 1 || o.Fate == FateSkipped && o.Level == 1 {
			t.Errorf("rule %d of level %d is %s", o.ID, o.Level, o.Fate)
		}
	}
	t.Logf("fates: %v", count)
	if count[FateAlways] != 0 || count[FateLive] < 150 || count[FateSilent] != 6 || count[FateSettled] < 40 {
		t.Errorf("fates: %v", count)
	}
}
