// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"regexp"
	"strings"
)

// Selects returns the test that tells which members of the collection are
// targets, by their keys. It is made once, at load; the test itself may be used
// concurrently and allocates only to lower a key.
//
// Coraza, as it is built by default, keeps keys in lower case: names are
// compared so, and an expression sees the lowered key, so that one with capitals
// never matches. A name in a ..._NAMES collection is not lowered by it, so that
// ARGS_NAMES:Id selects nothing.
func (v Variable) Selects() func(key string) bool {
	names := strings.HasSuffix(v.Collection, "_NAMES")
	chosen := keyTest(v.Selector, !names)
	if len(v.Except) == 0 {
		return func(key string) bool { return chosen(strings.ToLower(key)) }
	}
	except := make([]func(string) bool, len(v.Except))
	for i, s := range v.Except {
		except[i] = keyTest(s, true)
	}
	return func(key string) bool {
		key = strings.ToLower(key)
		for _, out := range except {
			if out(key) {
				return false
			}
		}
		return chosen(key)
	}
}

// keyTest tests a lowered key. Expressions compile, or the rule would have been
// refused.
func keyTest(s Selector, lower bool) func(string) bool {
	switch {
	case s.Whole():
		return func(string) bool { return true }
	case s.Regexp:
		return regexp.MustCompile(s.Key).MatchString
	case lower:
		s.Key = strings.ToLower(s.Key)
	}
	return func(key string) bool { return key == s.Key }
}
