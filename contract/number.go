// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
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

// decimal is a short number: digits / 10^scale.
type decimal struct {
	digits int64
	scale  int
}

// maxDigits keeps a decimal within an int64.
const maxDigits = 18

var powers = func() (p [maxDigits + 1]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// short reads a literal of at most 18 digits without an exponent: nearly every
// number that is ever sent, and exact without big numbers.
func short(s string) (d decimal, ok bool) {
	i, negative := 0, false
	if s != "" && s[0] == '-' {
		i, negative = 1, true
	}
	if len(s)-i > maxDigits || len(s) == i {
		return d, false
	}
	point := -1
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			if s[i] != '.' || point >= 0 {
				return d, false
			}
			point = i
			continue
		}
		d.digits = d.digits*10 + int64(c)
	}
	if point >= 0 {
		d.scale = len(s) - point - 1
	}
	if negative {
		d.digits = -d.digits
	}
	return d, true
}

// align brings two decimals to the same scale, where an int64 can hold that.
func align(a, b decimal) (x, y int64, ok bool) {
	by := func(d decimal, n int) (int64, bool) {
		const most = 1<<63 - 1
		return d.digits * powers[n], d.digits <= most/powers[n] && d.digits >= -most/powers[n]
	}
	x, y, ok = a.digits, b.digits, true
	switch {
	case a.scale < b.scale:
		x, ok = by(a, b.scale-a.scale)
	case a.scale > b.scale:
		y, ok = by(b, a.scale-b.scale)
	}
	return x, y, ok
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
	if x, ok := short(a); ok {
		if y, ok := short(b); ok {
			if i, j, ok := align(x, y); ok {
				return cmp.Compare(i, j)
			}
		}
	}
	return rat(a).Cmp(rat(b))
}

// isInteger tells that a number has no fraction: 1.0 and 1e2 have none.
func isInteger(s string) bool {
	if strings.IndexByte(s, '.') < 0 && strings.IndexByte(s, 'e') < 0 && strings.IndexByte(s, 'E') < 0 {
		return true
	}
	if d, ok := short(s); ok {
		return d.digits%powers[d.scale] == 0
	}
	return rat(s).IsInt()
}

// bound is a number of a schema, read once.
type bound struct {
	small   decimal
	isSmall bool
	exact   *big.Rat
}

func newBound(literal string) *bound {
	b := &bound{exact: rat(literal)}
	b.small, b.isSmall = short(literal)
	return b
}

// compare compares a literal with the bound.
func (b *bound) compare(s string) int {
	if b.isSmall {
		if d, ok := short(s); ok {
			if x, y, ok := align(d, b.small); ok {
				return cmp.Compare(x, y)
			}
		}
	}
	return rat(s).Cmp(b.exact)
}

// divides tells that the literal is a multiple of the bound.
func (b *bound) divides(s string) bool {
	if b.isSmall {
		if d, ok := short(s); ok {
			if x, y, ok := align(d, b.small); ok && y != 0 {
				return x%y == 0
			}
		}
	}
	return b.exact.Sign() != 0 && new(big.Rat).Quo(rat(s), b.exact).IsInt()
}
