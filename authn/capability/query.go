// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import "strings"

// queryHolds tells whether the parameter of a TypeQuery caveat occurs exactly
// once, with one of its values. Which of two an upstream would take is not
// known, so two are refused, and so is a query that cannot be decoded.
func queryHolds(query string, body []byte) bool {
	name, values, ok := nextItem(body)
	if !ok {
		return false
	}
	found, value := false, ""
	for rest, more := query, query != ""; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		k, v, _ := strings.Cut(pair, "=")
		same, valid := decodesTo(k, name)
		if !valid || same && found {
			return false
		}
		if same {
			found, value = true, v
		}
	}
	return found && anyItem(values, func(want []byte) bool {
		same, valid := decodesTo(value, want)
		return same && valid
	})
}

// decodesTo tells whether s, escaped as in a form (a plus is a blank), stands
// for want, and whether it can be decoded at all.
func decodesTo(s string, want []byte) (same, valid bool) {
	same = true
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				return false, false
			}
			hi, lo := anyHexDigit(s[i+1]), anyHexDigit(s[i+2])
			if hi < 0 || lo < 0 {
				return false, false
			}
			c = byte(hi<<4 | lo)
			i += 2
		}
		if n >= len(want) || want[n] != c {
			same = false
		}
		n++
	}
	return same && n == len(want), true
}

func anyHexDigit(c byte) int {
	if c >= 'a' && c <= 'f' {
		c -= 'a' - 'A'
	}
	return hexDigit(c)
}
