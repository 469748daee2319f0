// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// A pattern is an ECMA-262 regular expression that runs in linear time: it is
// rewritten for package regexp. Lookaround that stands where its place is sure
// becomes conditions of their own; what needs backtracking (other lookaround,
// back references) cannot be used and is a gap of the document.
type pattern struct {
	source string
	re     *regexp.Regexp
	also   []condition
	// Where the expression is one class with a repetition that package regexp
	// finds too large, the length is compared beside the match. max < 0 means
	// no bound.
	counted  bool
	min, max int
}

// maxPattern bounds the length of an expression in bytes.
const maxPattern = 4096

var errPattern = errors.New("pattern uses what cannot run in linear time (lookaround or a back reference) or is not valid")

func compilePattern(source string) (*pattern, error) {
	if len(source) > maxPattern {
		return nil, fmt.Errorf("pattern is longer than %d bytes", maxPattern)
	}
	p := &pattern{source: source}
	main, looks := withoutLookaround(source)
	for i := range looks {
		c, err := looks[i].compile()
		if err != nil {
			return nil, err
		}
		p.also = append(p.also, c)
	}
	text, err := ecmaToRE2(main)
	if err != nil {
		return nil, err
	}
	if p.re, err = regexp.Compile(text); err == nil {
		return p, nil
	}
	if p.countedClass(text) {
		return p, nil
	}
	return nil, errPattern
}

// largeRepeat finds ^X{n,m}$, where X is one class or character.
var largeRepeat = regexp.MustCompile(`^\^(\[(?:[^\]\\]|\\.)+\]|\\.|[^\\\[\](){}*+?|.^$])\{(\d{1,7})(,(\d{0,7}))?\}\$$`)

func (p *pattern) countedClass(text string) bool {
	m := largeRepeat.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	var err error
	if p.re, err = regexp.Compile("^" + m[1] + "*$"); err != nil {
		return false
	}
	p.counted, p.max = true, -1
	p.min, _ = strconv.Atoi(m[2])
	switch {
	case m[3] == "":
		p.max = p.min
	case m[4] != "":
		p.max, _ = strconv.Atoi(m[4])
	}
	return p.max < 0 || p.min <= p.max
}

// MatchString tells that s contains a match.
func (p *pattern) MatchString(s string) bool {
	if p.counted {
		if n := utf8.RuneCountInString(s); n < p.min || p.max >= 0 && n > p.max {
			return false
		}
	}
	if !p.re.MatchString(s) {
		return false
	}
	for i := range p.also {
		if p.also[i].re.MatchString(s) != p.also[i].want {
			return false
		}
	}
	return true
}

// String gives the expression as the document has it.
func (p *pattern) String() string { return p.source }
