// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import "bytes"

// expand adds what a value stands for, and what that stands for in turn.
func (f *Finder) expand(where at, text []byte, what kinds, before string) {
	if what&isJSON != 0 && f.cfg.JSON != off && f.leaves(where, text, before, "json") {
		return
	}
	if what&isToken != 0 && f.cfg.Base64 != off && f.token(where, text, before) {
		return
	}
	if what&isBase64 != 0 && f.cfg.Base64 != off {
		if plain, name := decodeBase64(text); plain != nil {
			f.deeper(where, plain, before, name)
			return
		}
	}
	if what&isEscaped != 0 && f.cfg.Escapes != off {
		if plain, name := unescape(text); plain != nil {
			f.deeper(where, plain, before, name)
		}
	}
}

// deeper goes on with a decoded text. What is JSON is inspected text by text: as
// a whole it looks like code to some rules.
func (f *Finder) deeper(where at, plain []byte, before, step string) {
	steps := join(before, step)
	what := look(plain)
	if what&isJSON != 0 && f.leaves(where, plain, before, step+"+json") {
		return
	}
	f.either(where, plain, what, before, steps)
}

// either adds what a text stands for in turn, or the text itself where it stands
// for nothing else: what is decoded further is no attack as it is.
func (f *Finder) either(where at, text []byte, what kinds, before, steps string) {
	n := len(f.Found)
	if before == "" && what != 0 {
		f.expand(where, text, what, steps)
	}
	if len(f.Found) == n {
		f.add(where, text, steps)
	}
}

// leaves goes on with the texts of JSON, and with names of members that are no
// names; false when it is not JSON.
func (f *Finder) leaves(where at, text []byte, before, step string) bool {
	if !valid(text) {
		return false
	}
	steps := join(before, step)
	w := walker{b: text, to: leafFunc(func(leaf []byte, member bool) bool {
		if len(leaf) == 0 || plainWord(leaf) && len(leaf) < shortest {
			return !f.Over
		}
		if member && plainWord(leaf) {
			return !f.Over
		}
		f.either(where, leaf, look(leaf), before, steps)
		return !f.Over
	})}
	w.value()
	return true
}

// token goes on with the header and the payload of a JSON web token.
func (f *Finder) token(where at, text []byte, before string) bool {
	parts := bytes.SplitN(text, []byte{'.'}, 3)
	found := false
	for _, part := range parts[:2] {
		if plain, _ := decodeBase64(part); plain != nil && look(plain)&isJSON != 0 {
			found = f.leaves(where, plain, before, "jwt") || found
		}
	}
	return found
}

// join names a step behind another. The names are few, so the texts are made once.
func join(before, step string) string {
	if before == "" {
		return step
	}
	return before + "+" + step
}

// plainWord tells whether a text is of letters, digits, - and _ only.
func plainWord(text []byte) bool {
	for _, c := range text {
		if class[c]&^(letter|dash) != 0 {
			return false
		}
	}
	return true
}
