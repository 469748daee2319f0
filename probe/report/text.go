// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"durward/probe/finding"
)

// TextOptions say how much Text tells.
type TextOptions struct {
	// Color marks severities for a terminal.
	Color bool
	// All shows tentative, accepted and merely informational findings too.
	All bool
}

var tints = map[finding.Severity]string{finding.Critical: "1;31", finding.High: "31", finding.Medium: "33", finding.Low: "36", finding.Info: "2"}

// Text writes the report for a person: the findings by kind, the worst first,
// each with one curl line that repeats it, and then what was not tested.
func Text(w io.Writer, r *Run, o TextOptions) error {
	var b bytes.Buffer
	hidden := map[string]int{}
	list := groups(r.Findings, func(f *finding.Finding) bool {
		switch {
		case o.All:
		case f.Accepted != "":
			hidden["accepted"]++
			return false
		case f.Confidence == finding.Tentative:
			hidden["tentative"]++
			return false
		case f.Severity == finding.Info:
			hidden["informational"]++
			return false
		}
		return true
	})
	for i := range list {
		textGroup(&b, &list[i], o.Color)
	}
	textRun(&b, r, list, hidden)
	_, err := w.Write(b.Bytes())
	return err
}

func textGroup(b *bytes.Buffer, g *group, color bool) {
	word := strings.ToUpper(string(g.Severity))
	if color {
		word = "\x1b[" + tints[g.Severity] + "m" + word + "\x1b[0m"
	}
	fmt.Fprintf(b, "%s  %s  (%s, %s)\n", word, g.Kind.Title, g.Kind.ID, strings.Join(references(g.Kind, g.Confidence), ", "))
	for _, same := range alike(g.Findings) {
		f := same[0]
		fmt.Fprintf(b, "  %s", place(&f))
		if f.Where != "" {
			fmt.Fprintf(b, "  %s", printable(f.Where))
		}
		b.WriteByte('\n')
		paragraph(b, "    ", printable(f.Detail))
		if f.Accepted != "" {
			paragraph(b, "    ", "accepted: "+printable(f.Accepted))
		}
		if s, ok := shows(&f); ok {
			fmt.Fprintf(b, "    %s\n", printable(s.Curl))
		}
		if len(same) > 1 {
			var others []string
			for _, o := range same[1:] {
				others = append(others, place(&o))
			}
			paragraph(b, "    ", fmt.Sprintf("the same at %d more: %s", len(others), strings.Join(others, ", ")))
		}
	}
	if g.Kind.Advice != "" {
		paragraph(b, "  ", "Mend it: "+g.Kind.Advice)
	}
	if g.Kind.Fix != "" {
		b.WriteString("  In Durward:\n")
		for line := range strings.Lines(strings.TrimRight(g.Kind.Fix, "\n")) {
			fmt.Fprintf(b, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
	b.WriteByte('\n')
}

// alike gathers findings of one kind that differ in their operation alone.
func alike(all []finding.Finding) [][]finding.Finding {
	var out [][]finding.Finding
	at := map[[3]string]int{}
	for _, f := range all {
		key := [3]string{f.Where, f.Detail, f.Accepted}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

// textRun tells what was tested and what was not.
func textRun(b *bytes.Buffer, r *Run, list []group, hidden map[string]int) {
	reached, all := r.Reached()
	if reached < all {
		fmt.Fprintf(b, "Never answered 2xx, so tested from outside only (%d of %d operations):\n", all-reached, all)
		for _, o := range r.Operations {
			if !o.Reached {
				fmt.Fprintf(b, "  %s %s  %s\n", printable(o.Method), printable(o.Path), printable(cmp.Or(o.Why, "never called")))
			}
		}
		b.WriteByte('\n')
	}
	var skipped []string
	for _, c := range r.Checks {
		if c.Skipped != "" {
			skipped = append(skipped, "  "+c.Name+"  "+printable(c.Skipped)+"\n")
		}
	}
	if len(skipped) > 0 {
		b.WriteString("Not tested, or not everywhere:\n" + strings.Join(skipped, "") + "\n")
	}
	for _, n := range r.Notes {
		paragraph(b, "", "Note: "+printable(n))
	}
	if len(r.Notes) > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "%s %s at %s: %d of %d operations reached, %d requests in %v, seed %d\n",
		printable(cmp.Or(r.API, "API")), printable(r.APIVersion), printable(r.Target), reached, all, r.Requests, r.Took.Round(10*time.Millisecond), r.Seed)
	if r.Failed != "" {
		fmt.Fprintf(b, "could not test: %s\n", printable(r.Failed))
	}
	if r.Stopped != "" {
		fmt.Fprintf(b, "stopped before its end: %s\n", printable(r.Stopped))
	}
	fmt.Fprintln(b, summary(list, hidden))
}

func summary(list []group, hidden map[string]int) string {
	count := map[finding.Severity]int{}
	total := 0
	for _, g := range list {
		count[g.Severity] += len(g.Findings)
		total += len(g.Findings)
	}
	if total == 0 {
		count = nil
	}
	line := "nothing found"
	if total > 0 {
		var parts []string
		for _, s := range severities {
			if count[s] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
			}
		}
		line = "found " + strings.Join(parts, ", ")
	}
	var kept []string
	for _, why := range []string{"informational", "tentative", "accepted"} {
		if hidden[why] > 0 {
			kept = append(kept, fmt.Sprintf("%d %s", hidden[why], why))
		}
	}
	if len(kept) > 0 {
		line += "; " + strings.Join(kept, ", ") + " not shown (--all)"
	}
	return line
}

// references are what a finding of a kind is filed under.
func references(k finding.Kind, c finding.Confidence) []string {
	var list []string
	if k.OWASP != "" {
		list = append(list, k.OWASP)
	}
	if k.CWE != 0 {
		list = append(list, fmt.Sprintf("CWE-%d", k.CWE))
	}
	return append(list, string(c))
}

func place(f *finding.Finding) string {
	if f.Path == "" {
		return "the API as a whole"
	}
	return printable(f.Method + " " + f.Path)
}

// shows is the step that shows a finding.
func shows(f *finding.Finding) (finding.Step, bool) {
	for _, s := range slices.Backward(f.Steps) {
		if s.Method == f.Method {
			return s, true
		}
	}
	if len(f.Steps) == 0 {
		return finding.Step{}, false
	}
	return f.Steps[len(f.Steps)-1], true
}

// printable makes text of the service's choice harmless to a terminal: control
// and formatting characters and what is no UTF-8 are shown escaped.
func printable(s string) string {
	harmless := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
	if !strings.ContainsFunc(s, func(r rune) bool { return !harmless(r) }) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case harmless(r):
			b.WriteString(s[i : i+n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == utf8.RuneError && n == 1, r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// paragraph writes text in lines of at most 100 characters, where it has spaces.
func paragraph(b *bytes.Buffer, indent, text string) {
	line := indent
	for _, word := range slices.Collect(strings.FieldsSeq(text)) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 100 && strings.TrimSpace(line) != "" {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if strings.TrimSpace(line) != "" {
		b.WriteString(line + "\n")
	}
}
