// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

// canonicalPrefix tells whether p is a canonical path without a slash at its
// end, or "/". It is what package route makes of a path; another spelling
// would match nothing, and whoever made the token would not know why.
func canonicalPrefix(p []byte) bool {
	if len(p) == 0 || p[0] != '/' {
		return false
	}
	if len(p) == 1 {
		return true
	}
	start := 1 // of the segment
	for i := 1; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			switch {
			case p[i] == '%':
				if !canonicalEscape(p[i:]) {
					return false
				}
				i += 2
			case !isAlnum(p[i]) && !contains("-._~!$&'()*+,=:@", p[i]):
				return false
			}
			continue
		}
		if s := string(p[start:i]); s == "" || s == "." || s == ".." {
			return false
		}
		start = i + 1
	}
	return true
}

// canonicalEscape tells whether p begins with an escape in upper case of a
// byte that has to be escaped and is no structure.
func canonicalEscape(p []byte) bool {
	if len(p) < 3 {
		return false
	}
	hi, lo := hexDigit(p[1]), hexDigit(p[2])
	if hi < 0 || lo < 0 {
		return false
	}
	c := byte(hi<<4 | lo)
	return !isAlnum(c) && !contains("-._~/\\;", c) && c >= 0x20 && c != 0x7f
}

// hexDigit takes digits and upper-case letters; -1 is neither.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// below tells whether a canonical path is prefix, or below it.
func below(path string, prefix []byte) bool {
	n := len(prefix)
	if n == 1 {
		return path != "" && path[0] == '/'
	}
	return len(path) >= n && path[:n] == string(prefix) && (len(path) == n || path[n] == '/')
}
