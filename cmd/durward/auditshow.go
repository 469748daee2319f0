// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"durward/audit"
	"durward/audit/line"
)

// recordLine is one record for a person's eye.
func recordLine(r *line.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %8d  %-7s", r.Time.UTC().Format("2006-01-02T15:04:05.000Z"), r.Seq, or(r.Outcome(), plain(string(r.Kind))))
	text := func(format string, value []byte) {
		if len(value) > 0 {
			fmt.Fprintf(&b, format, plain(string(value)))
		}
	}
	if r.Status != 0 {
		fmt.Fprintf(&b, "  %d", r.Status)
	}
	text("  %s", r.Verb)
	text(" %s", r.Path)
	text("  %s", r.Subject)
	if len(r.Subject) == 0 {
		text("  %s", r.Who)
	}
	switch sealed, _ := line.Text(r.Sealed); {
	case len(sealed) > 20:
		b.WriteString("  sealed")
	default:
		text("  %s", sealed) // why it cannot be read
	}
	text(" for %s", r.Consumer)
	text(" from %s", r.Client)
	text("  %s", r.Code)
	text(" by %s", r.Stage)
	text(": %s", r.Reason)
	if r.Count > 0 {
		fmt.Fprintf(&b, " (%d times)", r.Count)
	}
	text("  %s", r.Message)
	text(": %s", r.Detail)
	text("  %s", r.RequestID)
	return b.String()
}

// printRecord writes a record for people, or as the line that it is.
func printRecord(w io.Writer, text []byte, asJSON bool) error {
	text = openedLine(text)
	if asJSON {
		_, err := w.Write(append(bytes.Clone(line.Printable(text)), '\n'))
		return err
	}
	r, ok := line.Parse(text)
	if !ok {
		_, err := fmt.Fprintf(w, "not a record: %s\n", line.Printable(text))
		return err
	}
	_, err := fmt.Fprintln(w, recordLine(&r))
	return err
}

type auditShowCmd struct {
	Seq uint64 `arg:"" help:"The record's number."`
	auditFlags
	JSON bool `name:"json" help:"Print the line as it stands in the log."`
}

func (c *auditShowCmd) Run(ctx context.Context, s streams) error {
	if err := c.unseal(ctx); err != nil {
		return err
	}
	read := audit.NewReader(c.Directory, c.Seq)
	defer read.Close()
	text, _, err := read.Next()
	var removed *audit.RemovedError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the log in %s has no record %d", plain(c.Directory), c.Seq)
	case errors.As(err, &removed):
		return fmt.Errorf("record %d is no longer there: the first one is %d", c.Seq, removed.First)
	case err != nil:
		return err
	}
	text = line.Printable(openedLine(text))
	if !c.JSON {
		var b bytes.Buffer
		if json.Indent(&b, text, "", "  ") == nil {
			text = b.Bytes()
		}
	}
	_, err = fmt.Fprintf(s.out, "%s\n", text)
	return err
}
