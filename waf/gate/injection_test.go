// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"

	"durward/waf/transform"
)

// libinjectionDir is where the module's source is, whose tables the proofs of
// injection.go rest on.
func libinjectionDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/corazawaf/libinjection-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestTheTablesAllowTheProofsAboutOneToken(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(libinjectionDir(t), "sqli_data.go"))
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`"([^"]+)":\s+'(.)'`).FindAllStringSubmatch(string(text), -1)
	if len(entries) < 9000 {
		t.Fatalf("only %d entries were found", len(entries))
	}
	for _, e := range entries {
		key, kind := e[1], e[2]
		switch {
		case kind == "F" && len(key) == 2 && key != "0X":
			t.Errorf("%q is a fingerprint of one token", key)
		case kind == "X" || kind == "F" && key[0] != '0':
			t.Errorf("%q makes a word something else than a word", key)
		case key == "JSON" || strings.HasPrefix(key, "JSON."):
			t.Errorf("%q takes the names of JSON members apart", key)
		}
	}
}

func TestNoValueOfOneTokenIsAnInjection(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	words := []string{"select", "union", "or", "1", "x", "b", "e", "0", "json.", "json", "_", "sleep", "12", "E5", "N", "and", "items", ".", "0x1f", "null", "not", "like", "exec", "user", "char", "date", "sp_password", "q", "u"}
	held := 0
	for range 300000 {
		var b strings.Builder
		for range 1 + r.IntN(5) {
			b.WriteString(words[r.IntN(len(words))])
		}
		s := b.String()
		if !oneToken(s) {
			continue
		}
		held++
		if found, fp := libinjection.IsSQLi(s); found {
			t.Fatalf("%q is an injection with fingerprint %q", s, fp)
		}
	}
	if held < 1000 {
		t.Errorf("only %d values were of one token", held)
	}
}

func TestNoScriptIsWithoutMarkup(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"onclick", "style", "src", "href", "javascript:", "alert(1)", ">", "/", " ", "'", `"`, "`", "!", "--", "doctype", "?import", "%", "xmlns", "svg", "script", "&#61;", "\x00", "\n", "x", "<", "="}
	found := 0
	for range 300000 {
		var b strings.Builder
		for range 1 + r.IntN(7) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		s := b.String()
		var bytes transform.ByteSet
		bytes.AddAll([]byte(s))
		if libinjection.IsXSS(s) {
			found++
			if !bytes.Intersects(&markup) {
				t.Fatalf("%q is a script", s)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d scripts were made", found)
	}
}

func FuzzWhatIsOneTokenOrWithoutMarkupIsNoInjection(f *testing.F) {
	for _, s := range []string{"json.a.b", "union", "12", "a.b", "on=x", "", "_x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if found, fp := libinjection.IsSQLi(s); found && oneToken(s) {
			t.Errorf("%q is an injection with fingerprint %q", s, fp)
		}
		if strings.IndexByte(s, '<') < 0 && strings.IndexByte(s, '=') < 0 && libinjection.IsXSS(s) {
			t.Errorf("%q is a script", s)
		}
	})
}
