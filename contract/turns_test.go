// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
	"time"
)

func TestLargeContentWaitsForATurnAndSmallDoesNot(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "json", &Config{})
	ask1 := func(name string) string {
		return ask(s, request{body: `{"name":"` + name + `"}`})
	}
	for range cap(turns) {
		turns <- struct{}{}
	}
	if got := ask1("ann"); got != "allow" {
		t.Errorf("a small one: %s", got)
	}
	done := make(chan string, 1)
	go func() { done <- ask1("ann" + strings.Repeat("n", largeContent)) }()
	select {
	case got := <-done:
		t.Errorf("a large one did not wait: %s", got)
	case <-time.After(100 * time.Millisecond): // far more than it takes
	}
	for range cap(turns) {
		<-turns
	}
	if got := <-done; !strings.HasPrefix(got, "invalid-body") && got != "allow" {
		t.Errorf("a large one: %s", got)
	}
	if len(turns) != 0 {
		t.Errorf("%d turns were not given back", len(turns))
	}
}
