// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bytes"
	"errors"
	"strconv"
)

// Overwrite masks a finding in b, which begins at base of the content. The
// length stays, and so does the form of JSON: quotes, escapes and control
// characters are left, and of what stands outside strings only the digits
// change, to nines, since a number may not begin with a zero and stars are none.
func Overwrite(b []byte, base int64, f Finding) {
	start, end := int(max(f.Start-base, 0)), int(min(f.End-base, int64(len(b))))
	if start >= end {
		return
	}
	span := b[start:end]
	switch quotes := unescapedQuotes(span); {
	case f.Bare:
		nines(span)
	case quotes == nil:
		stars(span, f.Keep)
	default:
		overwriteParts(span, quotes)
	}
}

// overwriteParts masks what goes over the end of a string: what it matches
// stands in strings and outside them by turns.
func overwriteParts(span []byte, quotes []int) {
	var parts [][]byte
	from := 0
	for _, q := range append(quotes, len(span)) {
		parts = append(parts, span[from:q])
		from = min(q+1, len(span))
	}
	outer := -1 // none: it is no JSON
	for _, first := range [2]int{1, 0} {
		fits := outer < 0
		for i := first; i < len(parts); i += 2 {
			fits = fits && outside(parts[i])
		}
		if fits {
			outer = first
		}
	}
	for i, part := range parts {
		if outer >= 0 && i%2 == outer {
			nines(part)
		} else {
			stars(part, 0)
		}
	}
}

func unescapedQuotes(b []byte) (at []int) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			at = append(at, i)
		}
	}
	return at
}

func nines(b []byte) {
	for i, c := range b {
		if class[c]&digit != 0 {
			b[i] = '9'
		}
	}
}

// stars masks text but for its last so many letters and digits.
func stars(b []byte, keep int) {
	last := len(b)
	for kept := 0; last > 0 && kept < keep; {
		last--
		if class[b[last]]&alnum != 0 {
			kept++
		}
	}
	for i := 0; i < last; i++ {
		switch c := b[i]; {
		case c == '\\':
			i++ // what is escaped stays
			if i < last && b[i] == 'u' {
				i += 4
			}
		case c == '"' || c < 0x20 || c == '<' || c == '>' || c == '&':
		default:
			b[i] = '*'
		}
	}
}

// outside tells whether text can stand in JSON outside all strings.
func outside(b []byte) bool {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if class[c]&(digit|space) != 0 || bytes.IndexByte([]byte(":,[]{}+-.\r\n"), c) >= 0 ||
			(c == 'e' || c == 'E') && i > 0 && class[b[i-1]]&digit != 0 {
			continue
		}
		word := b[i:run(b, i, letter)]
		if w := string(word); w != "true" && w != "false" && w != "null" {
			return false
		}
		i += len(word) - 1
	}
	return true
}

// bareNumber tells whether the span is made of values of JSON outside strings,
// between what stands before and behind a value, and has digits.
func bareNumber(b []byte, start, end int) bool {
	span := b[start:end]
	if !outside(span) || !bytes.ContainsAny(span, "0123456789") || !between(b, start-1, -1, ":,[{") || !between(b, end, 1, ",]}") {
		return false
	}
	if bytes.ContainsAny(span, ":,[]{}") {
		return true
	}
	_, err := strconv.ParseFloat(string(span), 64) // 4111 1111 and 12-34 are none
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// inEscape gives the place behind the escape of a JSON string that i lies
// within, i when it lies in none.
func inEscape(b []byte, i int) int {
	for back := 1; back <= 5 && back <= i; back++ {
		if b[i-back] != '\\' || escaped(b, i-back) {
			continue
		}
		if back == 1 && b[i] != 'u' {
			return i + 1
		}
		if b[i-back+1] == 'u' {
			return min(i-back+6, len(b))
		}
	}
	return i
}

func between(b []byte, i, step int, marks string) bool {
	for ; i >= 0 && i < len(b); i += step {
		switch c := b[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		default:
			for k := range len(marks) {
				if c == marks[k] {
					return true
				}
			}
			return false
		}
	}
	return true
}
