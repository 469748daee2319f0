// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"durward"
)

// show writes one line for each decision until the events end.
func show(w io.Writer, events <-chan durward.Event, asJSON bool) {
	color := useColor(w)
	for e := range events {
		if e.Kind != durward.EventOutcome && e.Kind != durward.EventFlood {
			continue
		}
		if asJSON {
			w.Write(append(decisionJSON(nil, &e), '\n'))
			continue
		}
		fmt.Fprintln(w, decisionLine(&e, color))
	}
}

// useColor follows the NO_COLOR convention and colours terminals only.
func useColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// decisionLine is one outcome for a person's eye. Every value that a client
// chose is printed as JSON text without its quotes, so that none can move the
// terminal's cursor.
func decisionLine(e *durward.Event, color bool) string {
	verdict, tint := "allowed", "32"
	if e.Code != "" {
		verdict, tint = "refused", "31"
		if e.Status >= 500 {
			verdict, tint = "failed", "33"
		}
	}
	who := e.Subject
	if who == "" {
		who = "nobody"
	} else {
		who += " (" + e.Method + ")"
	}
	if color {
		verdict = "\x1b[" + tint + "m" + verdict + "\x1b[0m"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %d  %-6s %-42s %-14s", e.Time.Local().Format("15:04:05.000"), verdict, e.Status, plain(e.Verb), plain(e.Path), plain(who))
	if e.Code != "" {
		fmt.Fprintf(&b, " %s by %s", e.Code, e.Stage)
		if e.Reason != "" {
			fmt.Fprintf(&b, ": %s", plain(e.Reason))
		}
	}
	if e.Kind == durward.EventFlood {
		fmt.Fprintf(&b, " (%d times)", e.Count)
	} else {
		fmt.Fprintf(&b, " %s", e.Took.Round(10*time.Microsecond))
	}
	return b.String()
}

func plain(s string) string {
	quoted := durward.AppendString(nil, s)
	return string(quoted[1 : len(quoted)-1])
}

func decisionJSON(b []byte, e *durward.Event) []byte {
	b = append(b, `{"time":`...)
	b = durward.AppendString(b, e.Time.UTC().Format(time.RFC3339Nano))
	for _, f := range []struct{ name, value string }{
		{"kind", string(e.Kind)}, {"request_id", e.RequestID}, {"method", e.Verb}, {"path", e.Path},
		{"operation", e.Operation}, {"subject", e.Subject}, {"code", string(e.Code)}, {"stage", e.Stage}, {"reason", e.Reason},
	} {
		if f.value != "" {
			b = append(append(append(b, `,"`...), f.name...), `":`...)
			b = durward.AppendString(b, f.value)
		}
	}
	return fmt.Appendf(b, `,"status":%d,"took_us":%d,"count":%d}`, e.Status, e.Took.Microseconds(), max(e.Count, 1))
}
