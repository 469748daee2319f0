// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"durward/probe"
)

// progressTo shows where a run is: a bar on a terminal, else a line for each
// phase and every ten seconds.
func progressTo(w io.Writer) func(probe.Progress) {
	f, ok := w.(*os.File)
	if ok {
		info, err := f.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	phase, last := "", time.Time{}
	return func(p probe.Progress) {
		now := time.Now()
		switch {
		case ok && (p.Phase != phase || now.Sub(last) > 100*time.Millisecond):
			fmt.Fprintf(w, "\r\x1b[K%s", progressBar(p))
			if p.Phase == "clean up" {
				fmt.Fprint(w, "\r\x1b[K")
			}
		case !ok && p.Phase != phase:
			fmt.Fprintf(w, "probe: %s\n", p.Phase)
		case !ok && now.Sub(last) > 10*time.Second:
			fmt.Fprintf(w, "probe: %s %d/%d, %d requests, %d findings\n", p.Phase, p.Done, p.Total, p.Requests, p.Findings)
		default:
			return
		}
		phase, last = p.Phase, now
	}
}

const barWidth = 24

func progressBar(p probe.Progress) string {
	full := 0
	if p.Total > 0 {
		full = min(barWidth, barWidth*p.Done/p.Total)
	}
	what := p.What
	if len(what) > 40 {
		what = what[:40]
	}
	return fmt.Sprintf("[%s%s] %s %s, %d requests, %d findings", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		p.Phase, what, p.Requests, p.Findings)
}
