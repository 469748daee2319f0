// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"strings"

	"durward/config"
	"durward/config/strength"
)

// A WeakerError refuses a configuration that protects less than the one in
// force and that nobody said so of.
type WeakerError struct {
	Changes strength.Changes
	// Used tells that the document's allow_weaker was there before.
	Used bool
}

// Error has a summary in its first line, and every weaker change in one of its own.
func (e *WeakerError) Error() string {
	var b strings.Builder
	b.WriteString("weaker than the configuration in force: " + e.Changes.Summary())
	for _, c := range e.Changes.Weaker() {
		side := c.New
		if side.File == "" {
			side = c.Old
		}
		fmt.Fprintf(&b, "\n%s:%d: %s: weaker: %s", side.File, side.Line, c.Field, c.Reason)
	}
	b.WriteString("\nif that is meant: durward reload --allow-weaker, or allow_weaker with the reason in the document")
	if e.Used {
		b.WriteString("; the one that stands there was for an earlier change")
	}
	return b.String()
}

// judge holds a configuration against the one in force. The detail is for the
// record of a weaker one: what is weaker, and by whose word. The document's
// word counts once, lest it allows every later change too.
func (g *Gateway) judge(next *config.Config, allowed bool) (detail string, err error) {
	now := g.cfg.Load()
	changes := next.Diff(now)
	if changes.Count(strength.Weaker) == 0 {
		return "", nil
	}
	word := next.AllowWeaker != "" && next.AllowWeaker != now.AllowWeaker
	switch {
	case allowed:
		return "; " + changes.Summary() + "; allowed by the operator's request", nil
	case word:
		return "; " + changes.Summary() + "; allowed by the document: " + next.AllowWeaker, nil
	}
	return "", &WeakerError{Changes: changes, Used: next.AllowWeaker != ""}
}
