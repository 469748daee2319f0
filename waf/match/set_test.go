// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"go.yaml.in/yaml/v4"

	"durward/internal/allocs"
)

// payloads are all strings in the core rule set's regression tests.
func payloads(t testing.TB) []string {
	t.Helper()
	seen := map[string]bool{}
	var out []string
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && !seen[n.Value] && len(n.Value) < 4000 {
			seen[n.Value] = true
			out = append(out, n.Value)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	err := fs.WalkDir(tests.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		content, err := fs.ReadFile(tests.FS, path)
		if err != nil {
			return err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(content, &doc); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		walk(&doc)
		return nil
	})
	if err != nil || len(out) < 3000 {
		t.Fatalf("%d payloads, %v", len(out), err)
	}
	return out
}

func TestASetAgreesWithCorazaOnTheRegressionTestsPayloads(t *testing.T) {
	patterns := argPatterns(t)
	s, err := NewSet(patterns, Options{Cache: ruleCache()})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]func(string) bool, len(patterns))
	for i, p := range patterns {
		want[i] = oracle(t, p)
	}
	var sc Scratch
	hits := make([]uint64, (s.Len()+63)/64)
	matched := map[int]bool{}
	for n, text := range payloads(t) {
		if n%4 != 0 { // the whole corpus takes a minute and agrees too
			continue
		}
		clear(hits)
		s.Match(&sc, text, hits)
		for i := range patterns {
			w, got := want[i](text), hits[i/64]&(1<<(i%64)) != 0
			if w != got {
				t.Errorf("pattern %d %.60q on %q: got %v", i, patterns[i].Expr, text, got)
			}
			matched[i] = matched[i] || w
		}
	}
	agreed := 0
	for _, ok := range matched {
		if ok {
			agreed++
		}
	}
	if agreed < len(patterns)*2/3 {
		t.Errorf("%d patterns, %d of them matched something", len(patterns), agreed)
	}
}

func TestHitsAreAddedAndOthersKept(t *testing.T) {
	s, err := NewSet([]Pattern{RX("a"), RX("b"), PM("c d"), PM("x  y"), {Phrases: []string{}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var sc Scratch
	for _, tt := range []struct {
		text         string
		before, want uint64
		found        bool
	}{
		{"zzz", 0, 0b1000, true}, // the empty phrase between two spaces
		{"Da", 0, 0b1101, true},
		{"b", 0b10001, 0b11011, true},
	} {
		hits := []uint64{tt.before}
		if found := s.Match(&sc, tt.text, hits); found != tt.found || hits[0] != tt.want {
			t.Errorf("%q: %v, %b", tt.text, found, hits[0])
		}
	}
}

func TestAFaultyExpressionIsNamed(t *testing.T) {
	_, err := NewSet([]Pattern{{Expr: "(", ID: 942100}, RX("ok"), {Expr: "a{2000}", ID: 942101}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "942100") || !strings.Contains(err.Error(), "942101") {
		t.Errorf("got %v", err)
	}
}

func TestRXTakesTheEngineThatCorazaTakes(t *testing.T) {
	for argument, binary := range map[string]bool{
		`abc`: false, `\xe9`: true, `\x{e9}`: true, `\xc3\xa9`: false, `\x41`: false, `é`: false, `\x{1F600}`: false, `\x{c2}\x{b4}`: false, `\xac\xed\x00\x05`: true,
	} {
		p := RX(argument)
		if p.Binary != binary || strings.HasPrefix(p.Expr, "(?sm)") == binary {
			t.Errorf("%s: %+v", argument, p)
		}
	}
}

func TestGoroutinesShareASet(t *testing.T) {
	patterns := argPatterns(t)[:30]
	s, err := NewSet(patterns, Options{MaxMemory: 256 << 10}) // little, so that automata are emptied meanwhile
	if err != nil {
		t.Fatal(err)
	}
	matches := make([]func(string) bool, len(patterns))
	for i, p := range patterns {
		matches[i] = oracle(t, p)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	var texts []string
	var want [][]uint64
	for i := range 120 {
		text := mutate(generate(t, patterns[i%len(patterns)], rnd), rnd)
		hits := make([]uint64, 1)
		for j := range patterns {
			if matches[j](text) {
				hits[0] |= 1 << j
			}
		}
		texts, want = append(texts, text), append(want, hits)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var sc Scratch
			for n := range 3 * len(texts) {
				i := (n*7 + g) % len(texts)
				hits := make([]uint64, 1)
				if s.Match(&sc, texts[i], hits); hits[0] != want[i][0] {
					t.Errorf("%q: %b, want %b", texts[i], hits[0], want[i][0])
				}
			}
		})
	}
	wg.Wait()
}

func TestMemoryStaysWithinItsBoundAndVerdictsRight(t *testing.T) {
	const bound = 300 << 10
	p := []Pattern{{Expr: `(?s)[ab]*a[ab]{14}c`}, {Expr: `(?s)[ab]*b[ab]{15}d`}} // 2^14 positions and more
	s, err := NewSet(p, Options{MaxMemory: bound})
	if err != nil {
		t.Fatal(err)
	}
	var sc Scratch
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 30 {
		text := make([]byte, 4000)
		for i := range text {
			text[i] = "aabbabababbbaaac"[rnd.IntN(16)]
			if text[i] == 'c' && rnd.IntN(40) > 0 {
				text[i] = 'a'
			}
		}
		hits := make([]uint64, 1)
		s.Match(&sc, string(text), hits)
		for i := range p {
			if want := oracle(t, p[i])(string(text)); want != (hits[0]&(1<<i) != 0) {
				t.Errorf("pattern %d: want %v", i, want)
			}
		}
		if used := s.Stats().Memory; used > bound {
			t.Fatalf("automata take %d bytes of %d", used, bound)
		}
	}
	if st := s.Stats(); st.States < 500 {
		t.Errorf("%+v: the texts were harmless", st)
	}
}

func TestAMatchAllocatesNothing(t *testing.T) {
	s, err := NewSet(argPatterns(t), Options{Cache: ruleCache()})
	if err != nil {
		t.Fatal(err)
	}
	var sc Scratch
	hits := make([]uint64, (s.Len()+63)/64)
	for _, text := range []string{english, hostile, "1", ""} {
		s.Match(&sc, text, hits)
		if n := allocs.PerRun(20, func() { s.Match(&sc, text, hits) }); n > 0 {
			t.Errorf("%.20q: %v allocations", text, n)
		}
	}
}

func TestOrdinaryTextNeedsHardlyAnyAutomaton(t *testing.T) {
	s, err := NewSet(argPatterns(t), Options{Cache: ruleCache()})
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Direct > 0 || st.Windows < 1000 || st.Literal == 0 || st.Local+st.Inside+st.Literal != s.Len() {
		t.Errorf("%+v: a pattern of arguments runs over every text", st)
	}
}
