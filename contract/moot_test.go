// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"os"
	"strings"
	"testing"
)

const mootPath = "../examples/moot/moot.openapi.yaml"

func loadMoot(t *testing.T) *Document {
	t.Helper()
	if _, err := os.Stat(mootPath); err != nil {
		t.Skip("the sample API's document is not there")
	}
	d, err := Load(mootPath)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// No operation of the sample API takes a parameter or a content that its
// document does not declare, in any variant.
func TestNoOperationOfTheSampleAPITakesWhatItDoesNotDeclare(t *testing.T) {
	d := loadMoot(t)
	if len(d.Operations()) < 10 {
		t.Error("too few operations:", len(d.Operations()))
	}
	for _, op := range d.Operations() {
		for _, cfg := range []*Config{{}, {AdditionalProperties: Refuse}, {ReadOnly: Allow}} {
			s := mustStage(t, d, op.ID, cfg)
			if got := ask(s, request{query: "no_such_parameter=1"}); !strings.Contains(got, "query no_such_parameter: is not allowed here") {
				t.Errorf("%s: %s", op.ID, got)
			}
			if got := ask(s, request{body: "x", mime: "application/x-no-such-type"}); got == "allow" {
				t.Errorf("%s took content of an unknown type", op.ID)
			}
		}
	}
}
