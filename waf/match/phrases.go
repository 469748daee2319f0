// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

// phraseItems makes the items of a phrase list. It fails when a phrase is empty:
// the list then matches everything.
func phraseItems(phrases []string, pattern uint32) ([]item, bool) {
	var out []item
	for _, phrase := range phrases {
		if phrase == "" {
			return nil, false
		}
		phrase = asciiLower(phrase)
		w := make(window, len(phrase))
		for i := range len(phrase) {
			c := phrase[i]
			w[i].add(int(c))
			if 'a' <= c && c <= 'z' {
				w[i].add(int(c) - 'a' + 'A')
			}
		}
		at, least := 0, 2.0
		for i := range w {
			rest := w[i:min(len(w), i+4)]
			if chance := rest.symbols().chance(); chance < least && (i == 0 || len(rest) == 4) {
				at, least = i, chance
			}
		}
		out = append(out, item{window: w[at:min(len(w), at+4)], pattern: pattern, offset: int32(at), phrase: phrase})
	}
	return out, true
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// standsAt says whether text has the phrase, which is in lower case, at a place.
func standsAt(text string, at int, phrase string) bool {
	if at < 0 || len(text)-at < len(phrase) {
		return false
	}
	for i := range len(phrase) {
		if lower(text[at+i]) != phrase[i] {
			return false
		}
	}
	return true
}
