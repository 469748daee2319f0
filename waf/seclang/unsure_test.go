// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"slices"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4"
)

func TestWhatInnerLinksSetIsListedAsUnsure(t *testing.T) {
	set, err := Parse(coreruleset.FS, `SecAction "id:1,phase:1,pass,nolog,setvar:tx.sure=1"
SecRule ARGS_GET "@rx ." "id:2,phase:1,deny,capture,setvar:tx.Seen=x%{tx.0},setvar:tx.name_%{tx.0}=1,chain"
SecRule ARGS_GET "@rx a" "t:none,setvar:tx.last=1"
SecRule REQUEST_URI "@rx b" "id:3,phase:2,deny"`)
	if err != nil {
		t.Fatal(err)
	}
	rules := set.Live(nil).Rules
	keys, prefixes := rules[len(rules)-1].TX.Unsure()
	if !slices.Equal(keys, []string{"seen"}) || !slices.Equal(prefixes, []string{"name_"}) {
		t.Errorf("unsure are %q and what begins with %q", keys, prefixes)
	}
}
