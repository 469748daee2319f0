// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import "bytes"

// Classes of bytes for what is done to a command.
const (
	isPlain   = iota
	isUpper   // a letter that becomes small
	isIgnored // a shell takes it away
	isBreak   // ends a word; the space among them
	isOpening // no space before it
)

var shell = func() (t [256]uint8) {
	for c := range t {
		if upperASCII.Has(byte(c)) {
			t[c] = isUpper
		}
	}
	for class, text := range map[uint8]string{isIgnored: `"'\^`, isBreak: " ,;\t\r\n", isOpening: "/("} {
		for i := range len(text) {
			t[text[i]] = class
		}
	}
	return t
}()

// cmdLine writes a command without what serves to disguise it: quotes go,
// separators become one space, none before / and (, and letters are small.
func cmdLine(dst, s []byte) ([]byte, bool) {
	i, space := 0, false
	for ; i < len(s); i++ {
		class := shell[s[i]]
		if class == isPlain {
			space = false
			continue
		}
		if class == isUpper || class == isIgnored || class == isBreak && (space || s[i] != ' ') || class == isOpening && space {
			break
		}
		space = class == isBreak
	}
	if i == len(s) {
		return s, false
	}
	dst = append(dst, s...) // what it becomes is not longer
	n := i
	for ; i < len(s); i++ {
		c := s[i]
		switch shell[c] {
		case isIgnored:
			continue
		case isBreak:
			if !space {
				dst[n] = ' '
				n++
			}
			space = true
			continue
		case isOpening:
			if space {
				n--
			}
		case isUpper:
			c += 'a' - 'A'
		}
		dst[n] = c
		n++
		space = false
	}
	return dst[:n], true
}

// commentMark gives the length of the mark of a comment at s[i], 0 if there is
// none.
func commentMark(s []byte, i int) int {
	rest := s[i:]
	switch rest[0] {
	case '#':
		return 1
	case '/':
		if len(rest) > 1 && rest[1] == '*' {
			return 2
		}
	case '*':
		if len(rest) > 1 && rest[1] == '/' {
			return 2
		}
	case '<':
		if bytes.HasPrefix(rest, []byte("<!--")) {
			return 4
		}
	case '-':
		if bytes.HasPrefix(rest, []byte("-->")) {
			return 3
		}
		if len(rest) > 1 && rest[1] == '-' {
			return 2
		}
	}
	return 0
}

var commentBytes = Bytes("/*<-#")

func firstComment(s []byte) int {
	for i, c := range s {
		if commentBytes.Has(c) && commentMark(s, i) > 0 {
			return i
		}
	}
	return -1
}

// removeCommentsChar takes the marks of comments away and leaves their text.
func removeCommentsChar(dst, s []byte) ([]byte, bool) {
	i := firstComment(s)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		if n := commentMark(s, i); n > 0 {
			i += n
			continue
		}
		dst = append(dst, s[i])
		i++
	}
	return dst, true
}

// removeComments takes comments away with their text. The byte after the end of
// a comment is copied as it is, a zero if there is none; -- and # end the
// value; an open comment leaves a space.
func removeComments(dst, s []byte) ([]byte, bool) {
	i := firstComment(s)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	inside, changed := false, false
	for i < len(s) {
		n := commentMark(s, i)
		opens := n > 0 && (s[i] == '/' || s[i] == '<')
		closes := n > 0 && s[i] == '*' || n == 3
		switch {
		case inside && closes:
			inside = false
			i += n
			if i < len(s) {
				dst = append(dst, s[i])
			} else {
				dst = append(dst, 0)
			}
			i++
		case inside:
			i++
		case opens:
			inside, changed = true, true
			i += n
		case n > 0 && s[i] != '*': // --, --> and #
			return dst, true
		default:
			dst = append(dst, s[i])
			i++
		}
	}
	if inside {
		dst = append(dst, ' ')
	}
	if !changed {
		return s, false
	}
	return dst, true
}

// replaceComments puts a space in the place of each comment of C.
func replaceComments(dst, s []byte) ([]byte, bool) {
	i := bytes.Index(s, []byte("/*"))
	if i < 0 {
		return s, false
	}
	for i >= 0 {
		dst = append(append(dst, s[:i]...), ' ')
		end := bytes.Index(s[i+2:], []byte("*/"))
		if end < 0 {
			return dst, true
		}
		s = s[i+2+end+2:]
		i = bytes.Index(s, []byte("/*"))
	}
	return append(dst, s...), true
}
