// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"

	"durward"
)

func TestNoCacheTakesARefusalForAnAnswer(t *testing.T) {
	for mediaType, status := range map[string]int{"": 401, "application/grpc": 200, "application/grpc+proto": 200, "application/grpcx": 401} {
		x := &durward.Exchange{ID: "r"}
		x.In.Method = "POST"
		x.In.Header.Add("Content-Type", mediaType)
		d := durward.Refuse(durward.CodeUnauthenticated, nil)
		r := new(problemBuffer).answer("", &d, x)
		if r.Status != status || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d with %v", mediaType, r.Status, r.Header)
		}
		if status == 200 && r.Header.Get("Grpc-Status") != "16" {
			t.Errorf("%q: %v", mediaType, r.Header)
		}
	}
}
