// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward"
)

var ruleID = regexp.MustCompile(`(?i)\bid:\s*'?(\d{1,9})`)

// readOwn reads a file of own rules as far as it takes to tell which rules it
// has, and that it changes nothing else. The engine reads it again, whole.
func readOwn(text string, own bool) (ids []int, err error) {
	for number, directive := range logicalLines(text) {
		name, rest, _ := strings.Cut(directive, " ")
		name = strings.ToLower(name)
		if !slices.Contains(ownDirectives, name) && (own || !slices.Contains(sharedDirectives, name)) {
			return nil, durward.Invalid("", "line %d: the directive %q is not taken here: %s", number, clip(name), errDirective)
		}
		if name != "secrule" && name != "secaction" {
			continue
		}
		if m := ruleID.FindStringSubmatch(rest); m != nil {
			id, _ := strconv.Atoi(m[1])
			if id < 1 || id >= firstID || id >= 200000 && id < 200100 || id >= 900000 && id < 1000000 {
				return nil, durward.Invalid("", "line %d: the id %d is not free: take one from 1 to 99999", number, id)
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// clip bounds what a message quotes of a file.
func clip(s string) string { return s[:min(len(s), 40)] }

// logicalLines puts continued lines together, and leaves comments out. The key
// is the number of a directive's last line.
func logicalLines(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		var b strings.Builder
		number, quoted := 0, false
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			if !quoted && line[len(line)-1] == '`' {
				quoted = true
			} else if quoted && line[0] == '`' {
				quoted = false
			}
			if cut, continued := strings.CutSuffix(line, `\`); continued || quoted {
				b.WriteString(cut)
				continue
			}
			b.WriteString(line)
			whole := b.String()
			b.Reset()
			if !yield(number, whole) {
				return
			}
		}
		if b.Len() > 0 { // continued into nothing: the engine would pass over it
			yield(number, "\x00 unfinished")
		}
	}
}
