// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"testing"

	"durward/config/strength"
)

func TestEveryFieldHasARuleOfStrength(t *testing.T) {
	for _, key := range strength.Missing(reflect.TypeFor[Config]()) {
		t.Errorf("package strength has no rule for %s, or one that does not fit: say there what a change of it does to the protection", key)
	}
	for _, key := range strength.Unused(reflect.TypeFor[Config]()) {
		t.Errorf("package strength has a rule for %s, which no document can set", key)
	}
}
