// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

// Overwrite masks a finding in b, which begins at base of the content. The
// length stays, and so does the form of JSON: quotes, escapes and control
// characters are left, and a bare number becomes nines, since a number may not
// begin with a zero and stars are none.
func Overwrite(b []byte, base int64, f Finding) {
	start, end := int(max(f.Start-base, 0)), int(min(f.End-base, int64(len(b))))
	if start >= end {
		return
	}
	if f.Bare {
		for i := start; i < end; i++ {
			b[i] = '9'
		}
		return
	}
	last := end
	for kept := 0; last > start && kept < f.Keep; {
		last--
		if class[b[last]]&alnum != 0 {
			kept++
		}
	}
	for i := start; i < last; i++ {
		switch c := b[i]; {
		case c == '\\':
			i++ // what is escaped stays
			if i < last && b[i] == 'u' {
				i += 4
			}
		case c == '"' || c < 0x20 || c == '<' || c == '>' || c == '&':
		default:
			b[i] = '*'
		}
	}
}

// bareNumber tells whether the span is a number of JSON: digits alone, between
// what stands before and behind a value.
func bareNumber(b []byte, start, end int) bool {
	for _, c := range b[start:end] {
		if class[c]&digit == 0 {
			return false
		}
	}
	return between(b, start-1, -1, ":,[") && between(b, end, 1, ",]}")
}

func between(b []byte, i, step int, marks string) bool {
	for ; i >= 0 && i < len(b); i += step {
		switch c := b[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		default:
			for k := range len(marks) {
				if c == marks[k] {
					return true
				}
			}
			return false
		}
	}
	return true
}
