// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"durward/probe"
	"durward/probe/check"
	"durward/probe/check/lifecycle"
	"durward/probe/identity"
	"durward/probe/report"
	"durward/probe/spec"
)

const document = `
openapi: 3.0.3
info: {title: Notes, version: "1"}
paths:
  /notes:
    post:
      operationId: addNote
      requestBody: {content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}}
      responses: {"201": {description: made}}
  /notes/{note_id}:
    parameters: [{name: note_id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: readNote, responses: {"200": {description: read}}}
    delete: {operationId: deleteNote, responses: {"204": {description: gone}}}
`

// notes serves notes. How they go is up to mode.
func notes(mode string) http.Handler {
	texts, gone := map[string]string{}, map[string]bool{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Text string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		id := fmt.Sprint(len(texts) + 1)
		texts[id] = in.Text
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":%s,"text":%q}`, id, in.Text)
	})
	mux.HandleFunc("/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		text, had := texts[id]
		switch {
		case mode == "anything":
			fmt.Fprint(w, `{"text":"always the same"}`)
		case !had || gone[id] && mode == "honest":
			http.Error(w, `{"error":"no such note"}`, http.StatusNotFound)
		case r.Method == "DELETE":
			gone[id] = true
			w.WriteHeader(204)
		case gone[id] && mode == "tombstone":
			fmt.Fprintf(w, `{"id":%s,"deleted":true}`, id)
		default:
			fmt.Fprintf(w, `{"id":%s,"text":%q}`, id, text)
		}
	})
	return mux
}

func TestOnlyWhatCanStillBeReadAfterItsDeletionIsFound(t *testing.T) {
	for mode, want := range map[string]int{"honest": 0, "tombstone": 0, "anything": 0, "kept": 1} {
		t.Run(mode, func(t *testing.T) {
			s := httptest.NewServer(notes(mode))
			defer s.Close()
			run := probeIt(t, s.URL)
			if len(run.Findings) != want {
				t.Fatalf("%d findings, want %d: %+v", len(run.Findings), want, run.Findings)
			}
			if want == 1 && (run.Findings[0].Kind.ID != "use-after-delete" || len(run.Findings[0].Steps) != 4) {
				t.Errorf("the finding is %+v", run.Findings[0])
			}
		})
	}
}

func probeIt(t *testing.T, url string) *report.Run {
	t.Helper()
	api, err := spec.Parse("notes.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	run, err := probe.Run(t.Context(), probe.Config{URL: url, API: api, Seed: 1,
		Extra:  []*identity.Identity{identity.Static("ann", identity.Bearer("ann-token"))},
		Checks: []check.Check{lifecycle.Check()}})
	if err != nil || run.Failed != "" {
		t.Fatal(err, run.Failed)
	}
	return run
}
