// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strconv"
	"strings"
)

// The strict serialisation of structured fields (RFC 9651, section 4.1), which
// a signature base is made of (RFC 9421, section 2.5).

func appendValue(dst []byte, v value) []byte {
	switch v.kind {
	case kindBoolean:
		return append(dst, '?', '0'+byte(v.num))
	case kindInteger:
		return strconv.AppendInt(dst, v.num, 10)
	case kindDecimal:
		return appendDecimal(dst, v.num)
	case kindString:
		return appendQuoted(dst, v.text)
	case kindToken:
		return append(dst, v.text...)
	case kindBytes:
		return append(append(append(dst, ':'), v.text...), ':')
	case kindDate:
		return strconv.AppendInt(append(dst, '@'), v.num, 10)
	}
	return appendDisplay(dst, v.text)
}

func appendDecimal(dst []byte, thousandths int64) []byte {
	if thousandths < 0 {
		dst, thousandths = append(dst, '-'), -thousandths
	}
	dst = strconv.AppendInt(dst, thousandths/1000, 10)
	rest := thousandths % 1000
	dst = append(dst, '.', '0'+byte(rest/100))
	if rest%100 != 0 {
		dst = append(dst, '0'+byte(rest/10%10))
	}
	if rest%10 != 0 {
		dst = append(dst, '0'+byte(rest%10))
	}
	return dst
}

func appendQuoted(dst []byte, text string) []byte {
	dst = append(dst, '"')
	if strings.IndexByte(text, '"') < 0 && strings.IndexByte(text, '\\') < 0 {
		return append(append(dst, text...), '"')
	}
	for i := range len(text) {
		if c := text[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

func appendDisplay(dst []byte, text string) []byte {
	dst = append(dst, '%', '"')
	for i := range len(text) {
		if c := text[i]; c == '%' || c == '"' || c < 0x20 || c > 0x7e {
			dst = append(dst, '%', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			continue
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

func appendParams(dst []byte, params []param) []byte {
	for i := range params {
		p := &params[i]
		dst = append(append(dst, ';'), p.key...)
		if p.val.kind != kindBoolean || p.val.num == 0 {
			dst = appendValue(append(dst, '='), p.val)
		}
	}
	return dst
}

func (f *field) appendItem(dst []byte, it *item) []byte {
	return appendParams(appendValue(dst, it.val), f.params[it.p0:it.p1])
}

// appendMember writes a member without its key. A dictionary's member that is
// true is written as ?1 here (RFC 9421, section 2.1.2).
func (f *field) appendMember(dst []byte, m *member) []byte {
	if !m.inner {
		return f.appendItem(dst, &m.item)
	}
	dst = append(dst, '(')
	for i := m.i0; i < m.i1; i++ {
		if i > m.i0 {
			dst = append(dst, ' ')
		}
		dst = f.appendItem(dst, &f.items[i])
	}
	return appendParams(append(dst, ')'), f.params[m.p0:m.p1])
}

// appendAll writes the whole field.
func (f *field) appendAll(dst []byte) []byte {
	for i := range f.members {
		m := &f.members[i]
		if i > 0 {
			dst = append(dst, ',', ' ')
		}
		dst = append(dst, m.key...)
		switch {
		case m.key == "":
		case !m.inner && m.val.kind == kindBoolean && m.val.num == 1:
			dst = appendParams(dst, f.params[m.p0:m.p1])
			continue
		default:
			dst = append(dst, '=')
		}
		dst = f.appendMember(dst, m)
	}
	return dst
}
