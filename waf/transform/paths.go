// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"path"
	"strings"
	"unsafe"
)

// normalizePath resolves . and .. and double slashes. As in Coraza, the root
// alone becomes two slashes, and a path that comes to nothing becomes empty.
func normalizePath(dst, s []byte) ([]byte, bool) {
	if len(s) == 0 || isClean(s) {
		return s, false
	}
	// Clean keeps nothing of its argument but in its result, which is copied.
	clean := path.Clean(unsafe.String(&s[0], len(s)))
	if clean == "." {
		return s[:0], true
	}
	slash := s[len(s)-1] == '/'
	if slash && len(clean) == len(s)-1 || !slash && len(clean) == len(s) {
		// Clean never lengthens, and what has its length is unchanged, but for
		// the slash at the end that it took away.
		if strings.HasPrefix(unsafe.String(&s[0], len(s)), clean) {
			return s, false
		}
	}
	dst = append(dst, clean...)
	if slash {
		dst = append(dst, '/')
	}
	return dst, true
}

// isClean tells that a path has no part that says nothing. The root alone is
// not clean.
func isClean(s []byte) bool {
	if s[0] == '/' {
		if s = s[1:]; len(s) == 0 {
			return false
		}
	}
	for len(s) > 0 {
		end := bytes.IndexByte(s, '/')
		if end < 0 {
			end = len(s)
		}
		if end == 0 || s[0] == '.' && (end == 1 || end == 2 && s[1] == '.') {
			return false
		}
		s = s[min(end+1, len(s)):]
	}
	return true
}

// normalizePathWin does so for paths of Windows, where a backslash is a slash,
// a colon in the last part begins the name of a stream, and dots and spaces at
// the end of a part do not count.
func normalizePathWin(dst, s []byte) ([]byte, bool) {
	if len(s) == 0 {
		return s, false
	}
	if isCleanOfWindows(s) {
		return s, false
	}
	slashed := s
	if bytes.IndexByte(s, '\\') >= 0 {
		slashed = bytes.ReplaceAll(s, []byte(`\`), []byte("/"))
	}
	clean, _ := normalizePath(nil, slashed)
	clean = cutStream(clean)
	if hasTrimmed(clean) {
		clean = trimParts(dst, clean)
	}
	if bytes.Equal(clean, s) {
		return s, false
	}
	return clean, true
}

// isCleanOfWindows tells of many paths, and of most texts that are none, that
// they stay as they are.
func isCleanOfWindows(s []byte) bool {
	if bytes.IndexByte(s, '\\') >= 0 || !isClean(s) {
		return false
	}
	for {
		end := bytes.IndexByte(s, '/')
		if end < 0 {
			break
		}
		if end > 0 && (s[end-1] == '.' || s[end-1] == ' ') {
			return false
		}
		if end+1 == len(s) { // a slash ends it, and the part before counts as the last
			s = s[:end]
			break
		}
		s = s[end+1:]
	}
	return len(s) > 0 && s[len(s)-1] != '.' && s[len(s)-1] != ' ' && bytes.IndexByte(s, ':') < 0
}

// cutStream takes the stream off the last part, which a slash may follow. A
// drive at the beginning is none.
func cutStream(s []byte) []byte {
	drive := 0
	if len(s) >= 2 && s[1] == ':' && (upperASCII.Has(s[0]) || lowerASCII.Has(s[0])) {
		drive = 2
	}
	end := len(s)
	slash := end > drive && s[end-1] == '/'
	if slash {
		end--
	}
	last := drive + bytes.LastIndexByte(s[drive:end], '/') + 1
	colon := bytes.IndexByte(s[last:end], ':')
	if colon < 0 {
		return s
	}
	cut := bytes.Clone(s[:last+colon])
	if slash {
		cut = append(cut, '/')
	}
	return cut
}

// allDots tells . and .. and longer ones, which stay, and the empty part.
func allDots(s []byte) bool { return len(bytes.TrimLeft(s, ".")) == 0 }

func hasTrimmed(s []byte) bool {
	for p := range bytes.SplitSeq(s, []byte("/")) {
		if !allDots(p) && (p[len(p)-1] == '.' || p[len(p)-1] == ' ') {
			return true
		}
	}
	return false
}

// trimParts takes dots and spaces off the end of each part; a part that has
// nothing else is dropped with its slash.
func trimParts(dst, s []byte) []byte {
	first := true
	for p := range bytes.SplitSeq(s, []byte("/")) {
		if !allDots(p) {
			if p = bytes.TrimRight(p, ". "); len(p) == 0 {
				continue
			}
		}
		if !first {
			dst = append(dst, '/')
		}
		dst = append(dst, p...)
		first = false
	}
	return dst
}
