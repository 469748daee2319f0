// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAnAPIWithoutADocumentIsLearnedFromWhatPasses(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":7,"got":`+string(content)+`}`)
	}))
	defer upstream.Close()
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := newPupil(to)
	front := httptest.NewServer(p)
	defer front.Close()
	for _, path := range []string{"/users/1/notes?kind=short", "/users/2/notes"} {
		answer, err := http.Post(front.URL+path, "application/json", strings.NewReader(`{"text":"s3cr3t"}`))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != 201 || string(content) != `{"id":7,"got":{"text":"s3cr3t"}}` {
			t.Fatalf("%d %s, %v", answer.StatusCode, content, err)
		}
	}
	front.Close() // every exchange has ended
	calls, draft, err := p.draft("Notes")
	if err != nil || calls != 2 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	for _, want := range []string{"/users/{userId}/notes:", "title: Notes", "name: kind", "required: [text]", "required: [got, id]", `"201":`} {
		if !strings.Contains(string(draft), want) {
			t.Errorf("%s is missing in\n%s", want, draft)
		}
	}
	if strings.Contains(string(draft), "s3cr3t") {
		t.Error("a value is in the draft")
	}
}
