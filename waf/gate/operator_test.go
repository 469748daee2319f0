// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"durward/waf/match"
	"durward/waf/seclang"
	"durward/waf/transform"
)

// operatorsUnderTest are written as in a rule.
var operatorsUnderTest = []string{
	"@rx ^a.c$", "@rx (?i)select", `@rx \x{bc}|<`, "@rx ^.*$", "@pm alpha Beta", "@streq a", "@contains b", "@strmatch b", "@beginsWith a", "@endsWith c", "@within xabcx",
	"@eq 0", "@eq 12", "@ge 5", "@gt 5", "@le 5", "@lt 5", "@detectSQLi", "@detectXSS", "@validateByteRange 32-126", "@validateByteRange 1-255", "@validateByteRange 9,10,13,65-90",
	"@validateUrlEncoding", "@validateUtf8Encoding", "@ipMatch 192.0.2.0/24,2001:db8::1", "@unconditionalMatch", "@noMatch", "@validateByteRange",
}

func TestOperatorsSayWhatCorazasSay(t *testing.T) {
	var text strings.Builder
	text.WriteString("SecRuleEngine On\n")
	for i, op := range operatorsUnderTest {
		for n, not := range []string{"", "!"} {
			fmt.Fprintf(&text, "SecRule ARGS \"%s%s\" \"id:%d,phase:1,pass,log,t:none\"\n", not, op, 10*(i+1)+n)
		}
	}
	set, err := seclang.Parse(fstest.MapFS{}, text.String())
	if err != nil {
		t.Fatal(err)
	}
	ops := map[int]operator{}
	for _, it := range set.Items {
		r := it.(*seclang.Rule)
		op, err := newOperator(r.Operator)
		if err != nil {
			t.Fatal(err)
		}
		if op.unknown != "" {
			t.Errorf("%s: %s", r.Operator.Name, op.unknown)
		}
		if op.pattern != nil {
			if op.set, err = match.NewSet([]match.Pattern{*op.pattern}, match.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		ops[r.ID] = op
	}
	w := newWAF(t, text.String())
	r := rand.New(rand.NewPCG(8, 8))
	held := map[int]int{}
	for range 4000 {
		var b strings.Builder
		for range r.IntN(4) {
			b.WriteString(pick(r, "a", "b", "c", "abc", "alpha", "BETA", "5", "12", "-3", "%41", "%", "%4", "é", "\xff", "\xbc", "<script>", " or 1=1", "'", "onload=", "192.0.2.9", "2001:db8::1", "\n", "\x00", "SELECT", "x"))
		}
		val := b.String()
		tx, _ := ask(t, w, &Request{Method: "GET", URI: "/?a=" + url.QueryEscape(val), Protocol: "HTTP/1.1"})
		var want []int
		for _, m := range tx.MatchedRules() {
			want = append(want, m.Rule().ID())
		}
		tx.Close()
		for id, op := range ops {
			got := op.holds(new(match.Scratch), val, op.text)
			if got != slices.Contains(want, id) {
				t.Errorf("@%s %s, negated %v, of %q is %v", op.name, op.text, op.negated, val, got)
			}
			if got {
				held[id]++
			}
		}
	}
	if len(held) < len(ops)-4 {
		t.Errorf("only %d of %d operators ever held", len(held), len(ops))
	}
}

func TestAMarkThatIsMissingMeansThatNothingHappens(t *testing.T) {
	var m marks
	touch := map[transform.T]uint64{}
	for _, tr := range transform.All() {
		touch[tr] = m.touch(tr)
	}
	r := rand.New(rand.NewPCG(8, 9))
	skipped := 0
	for range 3000 {
		val := noise(r, 8)
		sum := m.value(val)
		for tr, bit := range touch {
			if sum&bit != 0 {
				continue
			}
			skipped++
			if out, reported := tr.ApplyReported(nil, []byte(val)); string(out) != val || reported {
				t.Fatalf("%v makes %q of %q", tr, out, val)
			}
		}
	}
	if skipped < 1000 {
		t.Errorf("only %d transformations were skipped", skipped)
	}
}

func TestMarksThatDoNotFitAreInEveryValue(t *testing.T) {
	var m marks
	for c := range 70 {
		var s transform.ByteSet
		s.Add(byte(c))
		bit := m.bit(s)
		if again := m.bit(s); again != bit {
			t.Fatalf("set %d has two bits", c)
		}
		if c >= maxMarks && bit != unknownMark || c < maxMarks && bit == unknownMark {
			t.Errorf("set %d has bit %x", c, bit)
		}
	}
	if m.value("")&unknownMark == 0 {
		t.Error("the empty value lacks the mark for what is not known")
	}
}

func TestWhichNamesAnExpressionCanMatch(t *testing.T) {
	for _, c := range []struct {
		expr, prefix     string
		disjoint, always bool
	}{
		{"^header_name_1_", "header_name_1_", false, true},
		{"^header_name_1_", "header_name_2_", true, false},
		{"^header_name_1_", "header_", false, false},
		{"^a|^b", "c", false, false},
		{"rfi_.*", "header_", false, false},
		{"^a.*z", "b", true, false},
		{"^a.*z", "ab", false, false},
		{"^(?i)a", "b", false, false},
	} {
		s, err := newSelector(seclang.Selector{Key: c.expr, Regexp: true}, false, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := disjoint(s.re, c.prefix); got != c.disjoint {
			t.Errorf("%s and %s…: disjoint is %v", c.expr, c.prefix, got)
		}
		if got := always(s.re, c.prefix); got != c.always {
			t.Errorf("%s and %s…: always is %v", c.expr, c.prefix, got)
		}
	}
}
