// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startDemo runs the demo until the test ends, and gives the lines that it prints.
func startDemo(t *testing.T, cmd demoCmd) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- cmd.Run(ctx, streams{w, io.Discard})
		w.Close()
	}()
	out := bufio.NewReaderSize(r, 1<<20)
	t.Cleanup(func() {
		cancel()
		io.Copy(io.Discard, out)
		if err := <-done; err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	})
	return out
}

func TestEveryCurlLineOfTheDemoGivesTheStatusThatItNames(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed, so the demo's lines cannot be tried")
	}
	out := startDemo(t, demoCmd{Listen: "127.0.0.1:0", JSON: true})
	line, err := out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	var first struct {
		Gateway, Issuer, Admin string
		Curl                   []struct {
			Name, Command string
			Status        int
		}
	}
	if err := json.Unmarshal(line, &first); err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	for _, c := range first.Curl {
		reasons[c.Name] = true
		answer, err := exec.Command("sh", "-c", c.Command).Output()
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		lines := strings.Split(strings.TrimSpace(string(answer)), "\n")
		if got := lines[len(lines)-1]; got != strconv.Itoa(c.Status) {
			t.Errorf("%s: got %s, want %d\n%s", c.Name, got, c.Status, answer)
		}
	}
	for _, want := range []string{"allowed", "no credential", "wrong role", "unknown operation", "wrong verb", "tampered parameter", "too fast"} {
		if !reasons[want] {
			t.Errorf("no line for %q", want)
		}
	}
	for _, url := range []string{first.Admin + "/readyz", first.Issuer + "/.well-known/openid-configuration"} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, resp.Status)
		}
	}
}

func TestTheDemosTrafficShowsGoodAndHostileClients(t *testing.T) {
	out := startDemo(t, demoCmd{Listen: "127.0.0.1:0", Traffic: true, Rate: 500, For: time.Minute})
	var allowed, refused int
	for allowed < 5 || refused < 5 {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.Contains(line, "  allowed  "):
			allowed++
		case strings.Contains(line, "  refused  "):
			refused++
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < 0x20 }) {
			t.Errorf("a line moves the terminal: %q", line)
		}
	}
}
