// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"durward/authn/capability"
)

const capabilitySecret = "a secret for tests of at least 32 bytes"

// capabilityLine runs one command line of `durward capability`, with the given
// standard input.
func capabilityLine(t *testing.T, stdin string, args ...string) (out, errs string, err error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(name, []byte(stdin), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	old := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = old }()
	var p struct {
		Capability capabilityCmd `cmd:""`
	}
	parser, err := kong.New(&p)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"capability"}, args...))
	if err != nil {
		return "", "", err
	}
	var o, e bytes.Buffer
	err = parsed.Run(streams{&o, &e})
	return o.String(), e.String(), err
}

func keyFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(capabilitySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCapabilitiesAreMintedNarrowedAndInspected(t *testing.T) {
	key := keyFile(t)
	token, note, err := capabilityLine(t, "", "mint", "--key-file", key, "--key-id", "k1", "--consumer", "acme", "--subject", "user-7",
		"--operation", "a", "--operation", "GET /b,c", "--api", "moot", "--path-prefix", "/spaces/42", "--method", "GET,HEAD",
		"--query", "space=42", "--query", "space=43", "--query", "x=a=b", "--body-field", `/id="4,2"`, "--body-field", "/n=7",
		"--from", "192.0.2.0/24", "--from", "2001:db8::1", "--not-after", "2099-01-01T00:00:00Z", "--not-before", "2026-01-01T00:00:00Z",
		"--bound-key", strings.Repeat("A", 43), "--uses", "3")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(token, "dwc_") || strings.Contains(note, "dwc_") {
		t.Errorf("output %q, note %q", token, note)
	}
	narrow, _, err := capabilityLine(t, token, "attenuate", "--method", "GET", "--one-time")
	if err != nil {
		t.Fatal(err)
	}
	shown, _, err := capabilityLine(t, narrow, "inspect", "--json", "--key-file", key)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		KeyID                    string `json:"key_id"`
		Consumer, Subject, Chain string
		Caveats                  []capability.Caveat
	}
	if err := json.Unmarshal([]byte(shown), &got); err != nil {
		t.Fatal(err)
	}
	if got.KeyID != "k1" || got.Consumer != "acme" || got.Subject != "user-7" || got.Chain != "whole" {
		t.Errorf("got %+v", got)
	}
	var lines []string
	for _, c := range got.Caveats {
		lines = append(lines, c.String())
	}
	want := []string{
		"before 2099-01-01T00:00:00Z", "not before 2026-01-01T00:00:00Z", `api is "moot"`, `operation is one of "a", "GET /b,c"`,
		`path is, or is below, "/spaces/42"`, `method is one of "GET", "HEAD"`, `client's address is in one of "192.0.2.0/24", "2001:db8::1/128"`,
		"with proof of the key " + strings.Repeat("A", 43), `query parameter "space" is one of "42", "43"`, `query parameter "x" is "a=b"`,
		`content at "/id" is "4,2"`, `content at "/n" is 7`, "uses: 3", `method is "GET"`, "one use",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	text, _, err := capabilityLine(t, narrow, "inspect")
	if err != nil || !strings.Contains(text, "chain       not checked\n") || !strings.Contains(text, "caveat 15   one use\n") || strings.Contains(text, "dwc_") {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestATokenThatIsNotWholeIsShownAndRefused(t *testing.T) {
	t.Setenv("CAPABILITY_SECRET", capabilitySecret)
	t.Setenv("OTHER_SECRET", capabilitySecret+".")
	token, _, err := capabilityLine(t, "", "mint", "--secret-env", "CAPABILITY_SECRET", "--consumer", "acme")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	shown, _, err := capabilityLine(t, "", "inspect", "--token-file", file, "--secret-env", "OTHER_SECRET")
	if err == nil || !strings.Contains(shown, "chain       broken\n") || !strings.Contains(shown, "caveat 1    before ") {
		t.Errorf("got %s, %v", shown, err)
	}
}

func TestWrongCapabilityCommandsSayWhy(t *testing.T) {
	key := keyFile(t)
	t.Setenv("SHORT_SECRET", "short")
	token, _, err := capabilityLine(t, "", "mint", "--key-file", key, "--consumer", "acme")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, stdin, args, want string }{
		{"no key", "", "mint --consumer acme", "give --key-file or --secret-env"},
		{"two keys", "", "mint --consumer acme --key-file a --secret-env b", "can't be used together"},
		{"no consumer", "", "mint --key-file " + key, "--consumer"},
		{"a short secret", "", "mint --consumer acme --secret-env SHORT_SECRET", "at least 32 bytes"},
		{"a secret that is not there", "", "mint --consumer acme --secret-env NO_SUCH_SECRET", "at least 32 bytes"},
		{"a file that is not there", "", "mint --consumer acme --key-file " + key + ".none", "no such file"},
		{"a bad consumer", "", "mint --consumer Acme --key-file " + key, "must be the id of a consumer"},
		{"two ends", "", "mint --consumer acme --expires 1h --not-after 2030-01-01T00:00:00Z --key-file " + key, "can't be used together"},
		{"no caveat", token, "attenuate", "at least one caveat"},
		{"no token", "", "attenuate --method GET", "empty"},
		{"something else", "dw_live_x", "inspect", "not the text of a token"},
		{"a long input", strings.Repeat("a", 9000), "inspect", "standard input: longer than"},
		{"a path that climbs", token, "attenuate --path-prefix /a/..", "canonical paths"},
		{"a query without value", token, "attenuate --query a", "--query must be NAME=VALUE"},
		{"content without value", token, "attenuate --body-field /a", "--body-field must be /POINTER=JSON"},
		{"a value that is not JSON", token, "attenuate --body-field /a=acme", "must be a JSON scalar"},
		{"no network", token, "attenuate --from example.com", "neither an address nor a network"},
		{"a bad thumbprint", token, "attenuate --bound-key abc", "JWK thumbprint"},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, _, err := capabilityLine(t, row.stdin, strings.Fields(row.args)...)
			if err == nil || !strings.Contains(err.Error(), row.want) || out != "" {
				t.Errorf("got %q, %v; want %q", out, err, row.want)
			}
			if err != nil && (strings.Contains(err.Error(), "dwc_") || strings.Contains(err.Error(), capabilitySecret)) {
				t.Error("a token or secret stands in the error")
			}
		})
	}
}
