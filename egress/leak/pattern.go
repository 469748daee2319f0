// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"errors"
	"regexp"
	"strings"
)

// Bounds of a pattern of an operator.
const (
	// PatternReach is how many bytes behind the beginning of one of its words
	// a pattern is looked for.
	PatternReach = 128
	minWord      = 3
	maxWord      = 32
)

// Pattern is a detector of an operator's own: an expression that counts only
// behind one of its words, in the same line.
type Pattern struct {
	Name       string
	Expression *regexp.Regexp
	Words      []string // in any case
	// Check is of the digits that the expression's first group, or else the
	// whole of it, finds: "luhn", "mod11", "mod97" (of its letters as well) or
	// "none".
	Check string
}

// ErrWord says that a word cannot anchor a pattern.
var ErrWord = errors.New("must have 3 to 32 printable ASCII characters")

// CheckWord tells whether a word can anchor a pattern.
func CheckWord(word string) error {
	if len(word) < minWord || len(word) > maxWord || strings.ContainsFunc(word, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return ErrWord
	}
	return nil
}

func (p *Pattern) anchors() []anchor {
	var words []string
	for _, w := range p.Words {
		words = append(words, strings.ToLower(w))
	}
	return folded(PatternReach, p.check, words...)
}

func (p *Pattern) check(v view) found {
	at := p.Expression.FindSubmatchIndex(v.b[v.at:])
	if at == nil {
		return found{}
	}
	start, end := at[0], at[1]
	if len(at) > 3 && at[2] >= 0 {
		start, end = at[2], at[3]
	}
	if text := v.b[v.at+start : v.at+end]; !p.sums(text) {
		return found{}
	}
	return found{inEscape(v.b, v.at+start), v.at + end, 0} // half an escape would be no JSON
}

func (p *Pattern) sums(text []byte) bool {
	var buf [64]byte
	switch p.Check {
	case "luhn":
		return luhn(onlyDigits(buf[:0], text))
	case "mod11":
		return mod11(onlyDigits(buf[:0], text))
	case "mod97":
		plain := buf[:0]
		for _, c := range text {
			if class[c]&alnum != 0 && len(plain) < cap(plain) {
				if class[c]&lower != 0 {
					c -= 'a' - 'A'
				}
				plain = append(plain, c)
			}
		}
		return mod97(plain)
	}
	return true
}
