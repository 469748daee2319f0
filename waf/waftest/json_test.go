// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"encoding/json"
	"testing"
)

// jsonOf is an object with one text.
func jsonOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
