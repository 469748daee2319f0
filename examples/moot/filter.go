// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// This file is the flaw filter-injection: a search in a small query language,
// with the caller's text pasted into it. The language is
//
//	any  = all {"OR" all}
//	all  = test {"AND" test}
//	test = value ("=" | "LIKE") value
//
// A value is a 'string', a number, or one of space, author, text; "--" ends it.

func (a *API) injectable(s *room, p page, list *messageList) error {
	match, err := compileFilter("space = '" + s.ID + "' AND text LIKE '%" + p.query + "%'")
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(a.rooms)) {
		if len(list.Items) < p.limit {
			list.fill(a.rooms[id], p, match)
		}
	}
	return nil
}

var errFilter = errors.New("syntax error")

func compileFilter(query string) (func(*Message) bool, error) {
	tokens, err := filterTokens(query)
	if err != nil {
		return nil, err
	}
	var any [][]func(*Message) bool
	var all []func(*Message) bool
	for {
		if len(tokens) < 3 || tokens[1] != "=" && !strings.EqualFold(tokens[1], "LIKE") {
			return nil, errFilter
		}
		left, right, like := filterValue(tokens[0]), filterValue(tokens[2]), tokens[1] != "="
		if left == nil || right == nil {
			return nil, errFilter
		}
		all = append(all, func(m *Message) bool {
			if like {
				return containsFold(left(m), strings.Trim(right(m), "%"))
			}
			return left(m) == right(m)
		})
		tokens = tokens[3:]
		switch {
		case len(tokens) == 0:
			any = append(any, all)
			return func(m *Message) bool { return filterMatches(any, m) }, nil
		case strings.EqualFold(tokens[0], "OR"):
			any, all = append(any, all), nil
		case !strings.EqualFold(tokens[0], "AND"):
			return nil, errFilter
		}
		tokens = tokens[1:]
	}
}

func filterMatches(any [][]func(*Message) bool, m *Message) bool {
next:
	for _, all := range any {
		for _, test := range all {
			if !test(m) {
				continue next
			}
		}
		return true
	}
	return false
}

func filterValue(token string) func(*Message) string {
	switch {
	case token[0] == '\'':
		return func(*Message) string { return token[1:] }
	case token[0] >= '0' && token[0] <= '9':
		return func(*Message) string { return token }
	case token == "space":
		return func(m *Message) string { return m.Space }
	case token == "author":
		return func(m *Message) string { return m.Author }
	case token == "text":
		return func(m *Message) string { return m.Text }
	}
	return nil
}

// filterTokens gives strings with their opening quote only.
func filterTokens(s string) ([]string, error) {
	var tokens []string
	for s = strings.TrimLeft(s, " "); s != "" && !strings.HasPrefix(s, "--"); s = strings.TrimLeft(s, " ") {
		end := strings.IndexAny(s, " '=")
		switch {
		case s[0] == '\'':
			end = strings.IndexByte(s[1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("%w: unterminated string", errFilter)
			}
			tokens, s = append(tokens, s[:end+1]), s[end+2:]
			continue
		case s[0] == '=':
			end = 1
		case end < 0:
			end = len(s)
		}
		tokens, s = append(tokens, s[:end]), s[end:]
	}
	return tokens, nil
}
