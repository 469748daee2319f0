// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"durward"
)

// TestNoAnswerIsHeldBehindItsExchange looks for ways out of the pipeline on
// which the content of an answer that was kept is never let go of.
func TestNoAnswerIsHeldBehindItsExchange(t *testing.T) {
	filler := strings.Repeat(`"some words that say nothing",`, 10_000)
	b := newBench(t, smallest, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.Header.Get("X-How") {
		case "mask":
			io.WriteString(w, "["+filler+`{"card":"4111`+`111111111111"}]`)
		case "block":
			io.WriteString(w, "["+filler+`"-----BEGIN PRIVATE`+` KEY-----\nMIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEAq7BFUpkGp3+LQmlQ\n-----END PRIVATE KEY-----"]`)
		case "broken":
			w.Header().Set("Content-Length", "1000000")
			io.WriteString(w, filler)
		case "error":
			w.WriteHeader(500)
			io.WriteString(w, filler)
		case "large":
			io.WriteString(w, "["+strings.Repeat(filler, 5)+"0]")
		default:
			io.WriteString(w, "["+filler+"0]")
		}
	})
	for how, status := range map[string]int{"clean": 200, "mask": 200, "block": 502, "error": 500, "large": 200, "broken": 200} {
		answer, _ := b.get("/open", "X-How", how)
		if answer.status != status && how != "broken" {
			t.Errorf("%s: %d", how, answer.status)
		}
		if held := durward.HeldBytes(); held != 0 {
			t.Errorf("%s: %d bytes are still held", how, held)
		}
	}
}

func TestInterimAnswersTellNothingOfTheUpstream(t *testing.T) {
	b := newBench(t, smallest, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Set("X-Powered-By", "PHP/5")
		w.WriteHeader(103)
		w.WriteHeader(204)
	})
	b.get("/open")
	var o recorder
	b.Serve(context.Background(), b.request("GET", "/open"), &o)
	if len(o.interim) != 1 || len(o.hints) != 1 || o.hints[0].Name != "Link" {
		t.Errorf("%v with %v", o.interim, o.hints)
	}
}
