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

	"durward/internal/allocs"
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

func TestValuesInCapitalsHaveTheSameVerdict(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	pieces := strings.Split("select|union|all| |(|)|or|1|'|\"|`|--|#|/*|*/|sp_password|\\N|\\n|$|$a$|$A$|q'a|a'|A'|x'1f'|b'01'|0x1f|1e|1e5|1d|1fu|=|<|;|if|,|@@version|@x|user|{|n'|e'|u&'|not|in|like|collate|a_b|[a]|\u0131|\u017f|\xff|E|json.|current_user|is|null|+|-|*|%|sleep|concat|from|where|into outfile", "|")
	injections, differ := 0, 0
	for range 400_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pieces[r.IntN(len(pieces))])
			if r.IntN(3) > 0 {
				b.WriteByte(' ')
			}
		}
		s := b.String()
		found, fp := libinjection.IsSQLi(s)
		if got := sqlInjection(s); got != found {
			t.Fatalf("%q: injection %v, libinjection says %v, %q", s, got, found, fp)
		}
		if found {
			injections++
		}
		if capitals, _ := libinjection.IsSQLi(strings.ToUpper(s)); capitals != found {
			differ++
		}
	}
	if injections < 10_000 || differ < 10 {
		t.Errorf("only %d injections were made, and %d values that are another thing in capitals", injections, differ)
	}
}

func TestWordsInSmallLettersCostNoAllocationEach(t *testing.T) {
	if allocs.Race {
		t.Skip("pools drop at random what they are given")
	}
	const prose = "second floor, left door (please ring twice)"
	of := func(s string) float64 { return allocs.PerRun(20, func() { sqlInjection(s) }) }
	if small, capitals := of(prose), of(strings.ToUpper(prose)); small > capitals {
		t.Errorf("%v allocations, and %v in capitals", small, capitals)
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
	for _, s := range []string{"1' or 1=1--", "sp_password --", `\n union select`, "$a$ 1 $A$ or 1", "q'a 1 A' or 1", "1 UNION select x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		found, fp := libinjection.IsSQLi(s)
		if found && oneToken(s) {
			t.Errorf("%q is an injection with fingerprint %q", s, fp)
		}
		if got := sqlInjection(s); got != found {
			t.Errorf("%q: injection %v, libinjection says %v, %q", s, got, found, fp)
		}
		if strings.IndexByte(s, '<') < 0 && strings.IndexByte(s, '=') < 0 && libinjection.IsXSS(s) {
			t.Errorf("%q is a script", s)
		}
	})
}
