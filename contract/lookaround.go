// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"regexp"
	"strings"
)

// condition is one more expression that a text must match, or must not.
type condition struct {
	re   *regexp.Regexp
	want bool
}

// look is a lookaround of an expression: what stands before it, of fixed
// length, and what it looks for.
type look struct {
	before, inner string
	want          bool
}

// withoutLookaround takes an expression apart whose lookaround stands where its
// place in a text is sure, into one without it and conditions that hold
// together exactly when it matches:
//
//   - lookaheads at the beginning, behind nothing but characters and classes
//     without repetition, when ^ pins them to the start of the text:
//     ^(?!.*--)[a-z](?=.*\d)[a-z\d-]*$
//   - one lookbehind before the final $: ^[\w.]*(?<!\.)$
//
// Everything else would need backtracking. An expression that is not taken
// apart comes back as it is, and package regexp refuses it.
func withoutLookaround(source string) (string, []look) {
	if !strings.Contains(source, "(?=") && !strings.Contains(source, "(?!") && !strings.Contains(source, "(?<") {
		return source, nil
	}
	if hasAlternatives(source) {
		return source, nil
	}
	var looks []look
	rest, prefix := source, ""
	pinned := false
	for {
		if tail, ok := strings.CutPrefix(rest, "^"); ok && prefix == "" {
			pinned, rest = true, tail
			continue
		}
		if strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
			n := groupLength(rest)
			if n == 0 || quantified(rest[n:]) {
				return source, nil
			}
			l := look{prefix, rest[3 : n-1], rest[2] == '='}
			pinned = pinned || l.want && prefix == "" && strings.HasPrefix(l.inner, "^") && !hasAlternatives(l.inner)
			looks = append(looks, l)
			rest = rest[n:]
			continue
		}
		n := atomLength(rest)
		if n == 0 || quantified(rest[n:]) {
			break
		}
		prefix, rest = prefix+rest[:n], rest[n:]
	}
	if len(looks) > 0 && !pinned {
		return source, nil
	}
	main := prefix + rest
	if pinned {
		main = "^" + main
	}
	for i := range looks {
		looks[i].before = "^" + looks[i].before
	}
	if body, inner, want, ok := finalLookbehind(main); ok {
		main = body + "$"
		looks = append(looks, look{"", "(?:" + inner + ")$", want})
	}
	return main, looks
}

// finalLookbehind finds R(?<=X)$ and R(?<!X)$.
func finalLookbehind(source string) (body, inner string, want, ok bool) {
	for i := 0; i < len(source); {
		if rest := source[i:]; strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!") {
			n := groupLength(rest)
			if n == 0 || rest[n:] != "$" {
				return "", "", false, false
			}
			return source[:i], rest[4 : n-1], rest[3] == '=', true
		}
		i += max(1, atomLength(source[i:]))
	}
	return "", "", false, false
}

func (l *look) compile() (condition, error) {
	text, err := ecmaToRE2(l.before + "(?:" + l.inner + ")")
	if err != nil {
		return condition{}, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return condition{}, errPattern
	}
	return condition{re, l.want}, nil
}

// atomLength gives the length of the character, escape or class that s begins
// with, which takes exactly one character of a text; 0 when it is another
// thing.
func atomLength(s string) int {
	if s == "" {
		return 0
	}
	switch c := s[0]; c {
	case '\\':
		if len(s) < 2 || s[1] >= '0' && s[1] <= '9' || strings.IndexByte("bBkcxupP", s[1]) >= 0 {
			return 0 // an assertion, a reference, or longer than it looks
		}
		return 2
	case '[':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case ']':
				return i + 1
			}
		}
		return 0
	case '(', ')', '|', '^', '$', '*', '+', '?', '{', '}':
		return 0
	default:
		if c >= 0x80 {
			return 0 // more than one byte
		}
		return 1
	}
}

func quantified(s string) bool { return s != "" && strings.IndexByte("*+?{", s[0]) >= 0 }

// groupLength gives the length of the group that s begins with, 0 when it does
// not end.
func groupLength(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\', '[':
			if n := atomLength(s[i:]); n > 0 {
				i += n - 1
			} else if s[i] == '\\' {
				i++
			} else {
				return 0
			}
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// hasAlternatives tells that a | stands outside of all groups. An expression
// that cannot be read counts as one that has.
func hasAlternatives(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '|':
			return true
		case '(':
			n := groupLength(s[i:])
			if n == 0 {
				return true
			}
			i += n - 1
		case '\\':
			i++
		case '[':
			n := atomLength(s[i:])
			if n == 0 {
				return true
			}
			i += n - 1
		}
	}
	return false
}
