// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"math/big"
	"strings"
)

// Bounds of a number's literal. They hold every number that a program can use
// and keep exact arithmetic cheap: 1e999999999 would be a gigabyte otherwise.
const (
	maxNumberLength = 128
	maxExponent     = 400
)

// scanNumber gives the length of the JSON number (RFC 8259, 6) that s starts
// with, 0 when there is none.
func scanNumber(s string) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

// isNumber tells that the whole of s is a JSON number.
func isNumber(s string) bool { return s != "" && scanNumber(s) == len(s) }

// boundedNumber tells that exact arithmetic on the literal is cheap.
func boundedNumber(s string) bool {
	if len(s) > maxNumberLength {
		return false
	}
	e := strings.LastIndexAny(s, "eE")
	if e < 0 {
		return true
	}
	v := 0
	for _, c := range []byte(strings.TrimLeft(s[e+1:], "+-")) {
		if v = v*10 + int(c-'0'); v > maxExponent {
			return false
		}
	}
	return true
}

// smallInt reads a literal that is a plain integer of at most 18 digits.
func smallInt(s string) (int64, bool) {
	digits, negative := s, false
	if digits != "" && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	if digits == "" || len(digits) > 18 {
		return 0, false
	}
	var v int64
	for i := 0; i < len(digits); i++ {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int64(d)
	}
	if negative {
		v = -v
	}
	return v, true
}

// rat reads a bounded literal exactly. One that is not a number is 0, which
// the callers have excluded.
func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}

func compareNumbers(a, b string) int {
	x, ok := smallInt(a)
	if y, ok2 := smallInt(b); ok && ok2 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return rat(a).Cmp(rat(b))
}

// isInteger tells that a number has no fraction: 1.0 and 1e2 have none.
func isInteger(s string) bool {
	if !strings.ContainsAny(s, ".eE") {
		return true
	}
	return rat(s).IsInt()
}

// bound is a number of a schema, read once.
type bound struct {
	small   int64
	isSmall bool
	exact   *big.Rat
}

func newBound(literal string) *bound {
	b := &bound{exact: rat(literal)}
	b.small, b.isSmall = smallInt(literal)
	return b
}

// compare compares a literal with the bound.
func (b *bound) compare(s string) int {
	if b.isSmall {
		if v, ok := smallInt(s); ok {
			switch {
			case v < b.small:
				return -1
			case v > b.small:
				return 1
			}
			return 0
		}
	}
	return rat(s).Cmp(b.exact)
}

// divides tells that the literal is a multiple of the bound.
func (b *bound) divides(s string) bool {
	if b.isSmall && b.small != 0 {
		if v, ok := smallInt(s); ok {
			return v%b.small == 0
		}
	}
	return b.exact.Sign() != 0 && new(big.Rat).Quo(rat(s), b.exact).IsInt()
}
