// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

// Image gives bytes of which alone the result can be made, whatever the value,
// as long as that is made of these. It may give more than needed, never fewer.
func (t T) Image(of ByteSet) ByteSet {
	if !t.Touches(&of) {
		return of
	}
	if image := definitions[t].image; image != nil {
		return image(of)
	}
	return anyByte
}

// Lengthens reports whether the result can be longer than the value, for values
// made of these bytes.
func (t T) Lengthens(of *ByteSet) bool {
	d := &definitions[t]
	switch {
	case !t.Touches(of), d.shrinks:
		return false
	}
	return !d.shrinksASCII || of.Intersects(&nonASCII)
}

// ASCII reports whether there is no byte above 0x7f.
func (s *ByteSet) ASCII() bool { return !s.Intersects(&nonASCII) }

// Without returns the bytes of s that are not in t.
func (s ByteSet) Without(t ByteSet) ByteSet {
	return ByteSet{s[0] &^ t[0], s[1] &^ t[1], s[2] &^ t[2], s[3] &^ t[3]}
}

// Everything is the set of all bytes.
func Everything() ByteSet { return anyByte }

var (
	asciiLetters = upperASCII.Union(lowerASCII)
	base64Digits = asciiLetters.Union(Bytes("0123456789+/="))
	lowerHex     = Bytes(hexLower)
	decimals     = Bytes("0123456789")
	shellIgnored = Bytes(`"'\^`)
	shellBreaks  = Bytes(" ,;\t\r\n")
)

// decoded64 is the image of reading base64: what the digits of four places give,
// two neighbours at a time.
func decoded64(lenient bool) func(ByteSet) ByteSet {
	return func(of ByteSet) (out ByteSet) {
		var digits []uint32
		for c := range 256 {
			b := byte(c)
			if !of.Has(b) {
				continue
			}
			if lenient && b == '-' {
				b = '+'
			} else if lenient && b == '_' {
				b = '/'
			}
			if v := sextet[b]; v >= 0 {
				digits = append(digits, uint32(v))
			}
		}
		for _, x := range digits {
			for _, y := range digits {
				out.Add(byte(x<<2 | y>>4))
				out.Add(byte(x<<4 | y>>2))
				out.Add(byte(x<<6 | y))
			}
		}
		return out
	}
}

// same is the image of what only takes bytes away.
func same(of ByteSet) ByteSet { return of }

// adding is the image of what only adds these bytes, or takes bytes away.
func adding(text string) func(ByteSet) ByteSet {
	more := Bytes(text)
	return func(of ByteSet) ByteSet { return of.Union(more) }
}

// only is an image that does not depend on the value.
func only(set ByteSet) func(ByteSet) ByteSet { return func(ByteSet) ByteSet { return set } }

// folded is the image of a change of case. Characters above ASCII can become
// asciiLetters of ASCII (the Kelvin sign, the dotless i), others of their kind, and
// U+FFFD.
func folded(of, from ByteSet, shift int) ByteSet {
	out := of.Without(from)
	for c := range 256 {
		if b := byte(c); from.Has(b) && of.Has(b) {
			out.Add(byte(c + shift))
		}
	}
	if !of.ASCII() {
		out = out.Union(nonASCII).Union(asciiLetters)
	}
	return out
}

func lowerImage(of ByteSet) ByteSet { return folded(of, upperASCII, 'a'-'A') }
func upperImage(of ByteSet) ByteSet { return folded(of, lowerASCII, 'A'-'a') }

// commanded is the image of cmdLine, which knows asciiLetters of ASCII only.
func commanded(of ByteSet) ByteSet {
	out := of.Without(upperASCII).Without(shellIgnored).Without(shellBreaks)
	if of.Intersects(&shellBreaks) {
		out.Add(' ')
	}
	for b := byte('A'); b <= 'Z'; b++ {
		if of.Has(b) {
			out.Add(b + 'a' - 'A')
		}
	}
	return out
}

// unspaced is the image of what takes white space away, and can write U+FFFD
// for what is no UTF-8.
func unspaced(of ByteSet) ByteSet {
	of = of.Without(whitespace)
	if !of.ASCII() {
		of = of.Union(nonASCII)
	}
	return of
}

// unescaped is the image of what decodes escapes that begin with %: without one,
// there is only + to decode.
func unescaped(of ByteSet) ByteSet {
	if of.Has('%') {
		return anyByte
	}
	of.Add(' ')
	return of.Without(Bytes("+"))
}

// slashed is the image of normalizePathWin.
func slashed(of ByteSet) ByteSet {
	if of.Has('\\') {
		of.Add('/')
	}
	return of.Without(Bytes(`\`))
}
