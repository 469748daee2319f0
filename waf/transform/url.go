// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

// urlPlain are the bytes that urlEncode leaves.
var urlPlain = Bytes("*0123456789").Union(upperASCII).Union(lowerASCII)

// urlEncoded are those that it does not.
var urlEncoded = ByteSet{^urlPlain[0], ^urlPlain[1], ^urlPlain[2], ^urlPlain[3]}

func urlEncode(dst, s []byte) ([]byte, bool) {
	first := indexIn(s, &urlEncoded)
	if first < 0 {
		return s, false
	}
	dst = append(dst, s[:first]...)
	for _, c := range s[first:] {
		switch {
		case c == ' ':
			dst = append(dst, '+')
		case urlPlain.Has(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexLower[c>>4], hexLower[c&15])
		}
	}
	return dst, true
}

// indexIn finds the first byte that is in the set, or returns -1.
func indexIn(s []byte, set *ByteSet) int {
	for i, c := range s {
		if set.Has(c) {
			return i
		}
	}
	return -1
}

var percentOrPlus = Bytes("%+")

// urlDecode reports a change as soon as there is a % or +, even if it decodes
// to itself.
func urlDecode(dst, s []byte) ([]byte, bool) {
	i := indexIn(s, &percentOrPlus)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		c, n := s[i], 1
		if c == '+' {
			c = ' '
		} else if c == '%' {
			if b, ok := hexByte(s, i+1); ok {
				c, n = b, 3
			}
		}
		dst = append(dst, c)
		i += n
	}
	return dst, true
}

// urlDecodeUni knows %uHHHH too. What is malformed stays, and is no change.
func urlDecodeUni(dst, s []byte) ([]byte, bool) {
	i := firstURLEscape(s)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		c, n := urlEscape(s, i)
		dst = append(dst, c)
		i += n
		// Malformed %u is copied as two bytes: its u begins no escape anyway.
	}
	return dst, true
}

// firstURLEscape finds the first place that urlEscape changes.
func firstURLEscape(s []byte) int {
	for i, c := range s {
		if c == '+' {
			return i
		}
		if c == '%' {
			if _, n := urlEscape(s, i); n > 1 {
				return i
			}
		}
	}
	return -1
}

// urlEscape gives the byte that stands at s[i] and how many bytes encode it.
func urlEscape(s []byte, i int) (b byte, n int) {
	c := s[i]
	if c == '+' {
		return ' ', 1
	}
	if c != '%' || i+1 >= len(s) {
		return c, 1
	}
	if u := s[i+1]; u != 'u' && u != 'U' {
		if b, ok := hexByte(s, i+1); ok {
			return b, 3
		}
		return c, 1
	}
	high, ok := hexByte(s, i+2)
	low, ok2 := hexByte(s, i+4)
	if !ok || !ok2 {
		return c, 1
	}
	return foldToASCII(high, low), 6
}

// foldToASCII gives the byte that stands for the code point with these two
// bytes: one that looks alike if the table of code page 20127 has it, else the
// low byte, which is shifted for what the table leaves out of the full width
// forms.
func foldToASCII(high, low byte) byte {
	if b := bestFit(uint16(high)<<8 | uint16(low)); b != 0 {
		return b
	}
	if high == 0xff && low > 0 && low < 0x5f {
		return low + 0x20
	}
	return low
}
