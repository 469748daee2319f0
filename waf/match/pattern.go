// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pattern is one thing to look for: an expression or a list of phrases.
type Pattern struct {
	// Expr is an expression in Go's (RE2's, Perl flavour) syntax, flags
	// included. RX makes it from the argument of an @rx operator.
	Expr string
	// Binary holds Expr against bytes instead of UTF-8: \xe9 is one byte,
	// and so is any "." .
	Binary bool
	// Phrases are looked for instead of Expr when they are not nil: the
	// pattern matches when any of them occurs, whatever the ASCII case.
	// An empty phrase occurs everywhere, an empty list nowhere.
	Phrases []string
	// ID names the pattern in errors.
	ID int
}

// RX is the pattern of Coraza's operator @rx with this argument.
//
// Coraza sets the flags "s" and "m" for every expression, except for those that
// name bytes that are not UTF-8: these it takes as they are and holds against
// bytes (internal/operators/rx.go of coraza v3.8.1).
func RX(argument string) Pattern {
	if namesBytes("(?sm)" + argument) {
		return Pattern{Expr: argument, Binary: true}
	}
	return Pattern{Expr: "(?sm)" + argument}
}

// PM is the pattern of Coraza's operator @pm with this argument: phrases
// between single spaces, so that two spaces in a row make an empty phrase.
func PM(argument string) Pattern {
	return Pattern{Phrases: strings.Split(strings.ToLower(argument), " ")}
}

// PhraseFile is the pattern of Coraza's operator @pmFromFile for the content of
// the file: a phrase a line, without empty lines and comments.
func PhraseFile(content string) Pattern {
	phrases := []string{}
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			phrases = append(phrases, strings.ToLower(line))
		}
	}
	return Pattern{Phrases: phrases}
}

// namesBytes says whether the expression, with its escapes \xHH and \x{HH} put
// in as bytes, is not UTF-8. It follows Coraza step by step, oddities included:
// it decides which engine matches there.
func namesBytes(expr string) bool {
	decoded := make([]byte, 0, len(expr))
	for i := 0; i < len(expr); i++ {
		if expr[i] != '\\' {
			decoded = append(decoded, expr[i])
			continue
		}
		if i+3 >= len(expr) {
			decoded = append(decoded, expr[i:]...)
			break
		}
		value, length, ok := byteEscape(expr[i:])
		if !ok {
			decoded = append(decoded, '\\')
			continue
		}
		decoded = append(decoded, value)
		i += length - 1
	}
	return !utf8.Valid(decoded)
}

// byteEscape reads \xHH or \x{HH} at the start of s, which has four bytes or more.
func byteEscape(s string) (value byte, length int, ok bool) {
	if s[1] != 'x' {
		return 0, 0, false
	}
	length = 4
	if len(s) >= 6 && s[2] == '{' {
		if end := strings.IndexByte(s, '}'); end >= 0 {
			s, length = `\x`+s[3:end], end+1
		}
	}
	r, multibyte, _, err := strconv.UnquoteChar(s, 0)
	if err != nil || multibyte {
		return 0, 0, false
	}
	return byte(r), length, true
}
