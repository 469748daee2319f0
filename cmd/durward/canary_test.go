// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// canaries are the secrets that a script makes or sends: keys, tokens,
// signatures, cookies, passwords. None may ever stand in an audit log or in the
// operational log.
type canaries struct {
	mu     sync.Mutex
	values map[string]bool
}

// shortest is the length of a canary below which it may occur by chance.
const shortest = 7

// secretShapes are texts that are secrets wherever they stand. A group is the
// part that is.
var secretShapes = []*regexp.Regexp{
	regexp.MustCompile(`dw_[a-z]+_[A-Za-z0-9]+_([A-Za-z0-9]{12,})`),                                                // the secret part of a key
	regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]+\.([\w-]{16,})`),                                                       // the signature of a token
	regexp.MustCompile(`(?i)(s3cr3t[\w.-]*|hunter2)`),                                                              // what scripts mark
	regexp.MustCompile(`(?im)^(?:proxy-)?authorization:\s*\w+\s+(\S{12,})\s*$`),                                    // whatever is sent as a credential
	regexp.MustCompile(`(?im)^(?:x-api-key|cookie|dpop|apikey):\s*(?:\w+=)?([^\s;]{12,})`),                         // likewise
	regexp.MustCompile(`(?im)^signature:\s*\w+=:([A-Za-z0-9+/=]{16,}):`),                                           // of a signed request
	regexp.MustCompile(`[?&](?:access_token|api_key|apikey|token|client_secret|password|code)=([^&\s"']{8,})`),     // in a query
	regexp.MustCompile(`(?m)^\s*(?:master_key|client_secret|pepper|token|secret):\s*["']?([A-Za-z0-9+/=_-]{20,})`), // in a configuration
}

// note remembers the secrets in a text.
func (c *canaries) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, shape := range secretShapes {
		for _, m := range shape.FindAllStringSubmatch(text, -1) {
			if len(m[1]) >= shortest && distinct(m[1]) >= 5 && len(c.values) < 5000 {
				if c.values == nil {
					c.values = map[string]bool{}
				}
				c.values[m[1]] = true
			}
		}
	}
}

// distinct counts the letters of a text: a guess of nothing but zeros occurs in
// any log.
func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// forms are the ways in which a secret may stand somewhere.
func forms(secret string) []string {
	all := []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	if escaped := url.QueryEscape(secret); escaped != secret {
		all = append(all, escaped, url.PathEscape(secret))
	}
	if len(secret) < 12 {
		return all // the middle of it in base64 is too short to mean anything
	}
	for shift := range 3 { // where it begins within the groups of base64
		padded := append(make([]byte, shift), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString(padded)
			first := (shift*8 + 5) / 6                    // digits that depend on what is before
			last := len(text) - min(2, (len(padded)*8)%6) // and behind
			all = append(all, text[first:last])
		}
	}
	return all
}

// found tells where below dir, in audit logs and operational logs, a secret
// stands.
func (c *canaries) found(dir string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !recorded(path) {
			return err
		}
		content, err := plainContent(path)
		if err != nil {
			return err
		}
		for secret := range c.values {
			for _, form := range forms(secret) {
				if bytes.Contains(content, []byte(form)) {
					name, _ := filepath.Rel(dir, path)
					out = append(out, fmt.Sprintf("%s has a secret of %d letters", name, len(secret)))
					break
				}
			}
		}
		return nil
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

// recorded tells whether a file is one of an audit log, or an operational log.
func recorded(path string) bool {
	name := filepath.Base(path)
	if name == "gateway.log" || name == "process.log" {
		return true
	}
	logs, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "audit-*.jsonl*"))
	return len(logs) > 0
}

func plainContent(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".zst") {
		return content, err
	}
	dec, err := zstd.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	return io.ReadAll(dec)
}

// noteFiles remembers the secrets in a script's own files, as they are before it
// runs.
func (c *canaries) noteFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		c.note(string(content))
		return err
	})
}

func TestACredentialInARecordIsFound(t *testing.T) {
	const secret = "9f8Gh2Kq7LmN4pRs/6+Tv"
	for name, leak := range map[string]string{
		"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "percent": url.QueryEscape(secret),
		"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 within": base64.StdEncoding.EncodeToString([]byte("user:" + secret + ":x")),
		"base64url within": base64.RawURLEncoding.EncodeToString([]byte("ab" + secret + "rest")), "base64 shifted": base64.StdEncoding.EncodeToString([]byte("a" + secret + "rest")),
	} {
		for _, file := range []string{"audit/audit-00000000000000000001.jsonl", "audit/audit-00000000000000000001.jsonl.zst", "gateway.log", "other/audit-1.jsonl", "audit/index.db"} {
			dir := t.TempDir()
			write := func(file, text string) {
				content := []byte(text)
				if strings.HasSuffix(file, ".zst") {
					enc, err := zstd.NewWriter(nil)
					if err != nil {
						t.Fatal(err)
					}
					content = enc.EncodeAll(content, nil)
					enc.Close()
				}
				os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700)
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := &canaries{}
			c.note("Authorization: Basic " + secret)
			write("audit/audit-00000000000000000002.jsonl", "{}\n")
			write("durward.yaml", leak) // is no record
			if all, err := c.found(dir); err != nil || len(all) > 0 {
				t.Fatalf("without a leak: %v %v", all, err)
			}
			write(file, `{"seq":1,"reason":"`+leak+`"}`+"\n")
			if all, err := c.found(dir); err != nil || len(all) != 1 {
				t.Errorf("%s in %s: %v %v", name, file, all, err)
			}
		}
	}
}

func TestSecretsAreToldByTheirShape(t *testing.T) {
	for text, want := range map[string]bool{
		"X-API-Key: dw_live_PSsuOffy5Yv9_dAgjuELUAdL2LEsYAs4GRjTeb": true, "Authorization: Bearer eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJlLXNpZ25hdHVyZQ": true,
		"/thing?access_token=abcdefgh1234": true, `{"password":"hunter2"}`: true, "Cookie: session=abcdefgh12345678": true,
		"Accept: application/json": false, "GET /spaces/7/messages?limit=100000000": false,
	} {
		c := &canaries{}
		if c.note(text); (len(c.values) > 0) != want {
			t.Errorf("%q: %d", text, len(c.values))
		}
	}
}
