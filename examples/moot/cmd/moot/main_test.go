// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"durward/examples/moot"
)

func TestTheURLIsPrintedAndServedUntilTheContextEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"--listen", "127.0.0.1:0", "--anonymous", "cy"}, in, io.Discard) }()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url = strings.TrimSpace(url)
	get := func(path string) *http.Response {
		t.Helper()
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	me := get("/me")
	body, _ := io.ReadAll(me.Body)
	me.Body.Close()
	if !strings.Contains(string(body), `"user":"cy"`) {
		t.Errorf("/me says %s", body)
	}
	stream := get("/spaces/lobby/stream") // must not hold up the end
	defer stream.Body.Close()
	stop()
	if err := <-done; err != nil {
		t.Errorf("run ended with %v", err)
	}
	if _, err := http.Get(url + "/health"); err == nil {
		t.Error("still served after the end")
	}
}

func TestFaultyArgumentsStartNothing(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown flaw":     {"--flaws", "bola-read-message,nothing"},
		"an unknown flag":     {"--nothing"},
		"a stray argument":    {"serve"},
		"a bad address":       {"--listen", "nowhere"},
		"a bad default user":  {"--anonymous", "no spaces"},
		"a flaw in bad style": {"--flaws", "ALL"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, io.Discard); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, printed %q", name, err, &out)
		}
	}
}

func TestFlawsAreListedWithTheirClass(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--list-flaws"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, f := range moot.Flaws {
		if !strings.Contains(out.String(), f.Name+" ") || !strings.Contains(out.String(), f.Does) {
			t.Errorf("%s is missing", f.Name)
		}
	}
}
