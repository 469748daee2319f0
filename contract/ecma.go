// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ecmaSpace = `\t\n\v\f\r \x{a0}\x{feff}\x{2028}\x{2029}\p{Zs}`
	ecmaOther = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}` +
		`\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	ecmaDot = `[^\n\r\x{2028}\x{2029}]`
)

// ecmaToRE2 rewrites what the two dialects write alike and mean differently,
// or write differently and mean alike. What remains unknown is an error of
// regexp.Compile.
func ecmaToRE2(source string) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case c == '\\':
			n, err := rewriteEscape(&b, source[i:], inClass)
			if err != nil {
				return "", err
			}
			i += n - 1
		case inClass:
			if c == ']' {
				inClass = false
			}
			if c == '[' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case c == '.':
			b.WriteString(ecmaDot)
		case c == '[' && strings.HasPrefix(source[i:], "[^]"):
			b.WriteString(`[\x{0}-\x{10ffff}]`)
			i += 2
		case c == '[' && strings.HasPrefix(source[i:], "[]"):
			return "", errPattern // matches nothing in one dialect, opens a class in the other
		case c == '[':
			inClass = true
			b.WriteByte(c)
			if i+1 < len(source) && source[i+1] == '^' {
				b.WriteByte('^')
				i++
			}
		case c == '(' && strings.HasPrefix(source[i:], "(?P"), // not ECMA
			c == '(' && strings.HasPrefix(source[i:], "(?<="), c == '(' && strings.HasPrefix(source[i:], "(?<!"):
			return "", errPattern
		default:
			b.WriteByte(c)
		}
	}
	if inClass {
		return "", errPattern
	}
	return b.String(), nil
}

// rewriteEscape rewrites the escape that s starts with, and gives its length.
func rewriteEscape(b *strings.Builder, s string, inClass bool) (int, error) {
	if len(s) < 2 {
		return 0, errPattern
	}
	switch c := s[1]; c {
	case 's':
		if inClass {
			b.WriteString(ecmaSpace)
		} else {
			b.WriteString("[" + ecmaSpace + "]")
		}
	case 'S':
		if inClass {
			b.WriteString(ecmaOther)
		} else {
			b.WriteString("[" + ecmaOther + "]")
		}
	case 'd', 'D', 'w', 'W', 'f', 'n', 'r', 't', 'v':
		b.WriteString(s[:2])
	case 'b', 'B':
		if inClass && c == 'b' {
			b.WriteString(`\x08`)
		} else {
			b.WriteString(s[:2])
		}
	case '0':
		b.WriteString(`\x00`)
	case 'c':
		if len(s) < 3 || s[2]|0x20 < 'a' || s[2]|0x20 > 'z' {
			return 0, errPattern
		}
		fmt.Fprintf(b, `\x%02x`, s[2]&0x1f)
		return 3, nil
	case 'x':
		if len(s) < 4 {
			return 0, errPattern
		}
		b.WriteString(s[:4])
		return 4, nil
	case 'u':
		return rewriteUnicode(b, s)
	case 'p', 'P':
		return rewriteProperty(b, s)
	default:
		if c >= utf8.RuneSelf || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' {
			return 0, errPattern // a back reference, or another dialect's escape
		}
		b.WriteString(s[:2])
	}
	return 2, nil
}

var (
	unicodeEscape  = regexp.MustCompile(`^\\u(?:([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\})`)
	propertyEscape = regexp.MustCompile(`^\\[pP]\{(?:(?:Script|sc|General_Category|gc)=)?([A-Za-z_]+)\}`)
)

func rewriteUnicode(b *strings.Builder, s string) (int, error) {
	m := unicodeEscape.FindStringSubmatch(s)
	if m == nil {
		return 0, errPattern
	}
	v, _ := strconv.ParseUint(m[1]+m[2], 16, 32)
	r, n := rune(v), len(m[0])
	if utf16.IsSurrogate(r) {
		low := unicodeEscape.FindStringSubmatch(s[n:])
		if low == nil {
			return 0, errPattern
		}
		v, _ = strconv.ParseUint(low[1], 16, 32)
		if r = utf16.DecodeRune(r, rune(v)); r == utf8.RuneError {
			return 0, errPattern
		}
		n += len(low[0])
	}
	if r > utf8.MaxRune {
		return 0, errPattern
	}
	fmt.Fprintf(b, `\x{%x}`, r)
	return n, nil
}

// longCategories are the general categories that package regexp knows by their
// short names only.
var longCategories = map[string]string{
	"Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
	"Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Number": "N", "digit": "Nd",
	"Decimal_Number": "Nd", "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P",
	"punct": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs", "Other": "C", "Control": "Cc",
}

func rewriteProperty(b *strings.Builder, s string) (int, error) {
	m := propertyEscape.FindStringSubmatch(s)
	if m == nil {
		return 0, errPattern
	}
	name := m[1]
	if short, ok := longCategories[name]; ok {
		name = short
	}
	b.WriteString(s[:2] + "{" + name + "}")
	return len(m[0]), nil
}
