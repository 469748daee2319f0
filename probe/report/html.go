// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"durward/probe/finding"
)

//go:embed report.html
var page string

var htmlPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"printable":  printable,
	"clean":      clean,
	"references": func(g group) string { return strings.Join(references(g.Kind, g.Confidence), ", ") },
	"place":      func(f finding.Finding) string { return place(&f) },
	"round":      func(d time.Duration) string { return d.Round(time.Millisecond).String() },
	"when":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"answers":    answers,
}).Parse(page))

// HTML writes the report as one page that fetches nothing and runs no script.
func HTML(w io.Writer, r *Run) error {
	open := groups(r.Findings, func(f *finding.Finding) bool { return f.Accepted == "" && f.Confidence != finding.Tentative })
	reached, all := r.Reached()
	return htmlPage.Execute(w, map[string]any{
		"Run": r, "Groups": open, "Reached": reached, "All": all, "Summary": summary(open, nil),
		"Tentative": groups(r.Findings, func(f *finding.Finding) bool { return f.Accepted == "" && f.Confidence == finding.Tentative }),
		"Accepted":  groups(r.Findings, func(f *finding.Finding) bool { return f.Accepted != "" }),
	})
}

// answers tells how often each status came: "200 ×3, 404 ×1".
func answers(count map[int]int) string {
	var list []int
	for status := range count {
		list = append(list, status)
	}
	slices.Sort(list)
	var parts []string
	for _, status := range list {
		parts = append(parts, fmt.Sprintf("%d ×%d", status, count[status]))
	}
	return strings.Join(parts, ", ")
}
