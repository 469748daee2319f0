// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"strings"

	"github.com/corazawaf/coraza/v3/types/variables"
)

// Macro is a text with %{COLLECTION.key} parts, which Coraza expands when a
// rule is evaluated.
type Macro []Token

// Token is literal text, or a variable if Collection is set.
type Token struct {
	// Text is the literal, or the variable as written between the braces: Coraza
	// leaves that in place if the collection has no such key.
	Text       string
	Collection string // in upper case, "" for a literal
	Key        string // in lower case
}

// Literal returns the text of a macro without variables.
func (m Macro) Literal() (text string, ok bool) {
	var b strings.Builder
	for _, t := range m {
		if t.Collection != "" {
			return "", false
		}
		b.WriteString(t.Text)
	}
	return b.String(), true
}

// Expand puts the macro together; lookup gives the value of a variable, and
// false if there is none.
func (m Macro) Expand(lookup func(collection, key string) (string, bool)) string {
	var b strings.Builder
	for _, t := range m {
		if t.Collection == "" {
			b.WriteString(t.Text)
		} else if v, ok := lookup(t.Collection, t.Key); ok {
			b.WriteString(v)
		} else {
			b.WriteString(t.Text)
		}
	}
	return b.String()
}

// String gives the macro as written, but for the case of a variable's name.
func (m Macro) String() string {
	var b strings.Builder
	for _, t := range m {
		if t.Collection == "" {
			b.WriteString(t.Text)
		} else {
			b.WriteString("%{" + t.Text + "}")
		}
	}
	return b.String()
}

var errUnclosedMacro = errors.New("a macro %{ without its closing brace")

// parseMacro takes a text apart. As in Coraza, a closing brace ends the macro
// at once, a second "%{" inside one starts it anew, and a text that ends in
// "%{" has no macro there at all.
func parseMacro(text string) (Macro, error) {
	if text == "" {
		return nil, errors.New("an empty text")
	}
	var m Macro
	literal := func(s string) {
		if s != "" {
			m = append(m, Token{Text: s})
		}
	}
	rest := text
	for {
		before, inside, found := strings.Cut(rest, "%{")
		literal(before)
		if !found || inside == "" {
			return m, nil
		}
		for {
			end := strings.IndexFunc(inside, func(r rune) bool { return !macroRune(r) })
			if end < 0 {
				return nil, errUnclosedMacro
			}
			if strings.HasPrefix(inside[end:], "%{") {
				literal(inside[:end])
				if inside = inside[end+2:]; inside == "" {
					return m, nil
				}
				continue
			}
			if inside[end] != '}' {
				return nil, fmt.Errorf("a macro %%{ with the character %q", inside[end])
			}
			t, err := variableToken(inside[:end])
			if err != nil {
				return nil, err
			}
			m = append(m, t)
			rest = inside[end+1:]
			break
		}
		if rest == "" {
			return m, nil
		}
	}
}

func variableToken(name string) (Token, error) {
	if strings.HasSuffix(name, ".") {
		return Token{}, fmt.Errorf("the macro %%{%s} names no key", name)
	}
	collection, key, _ := strings.Cut(name, ".")
	v, err := variables.Parse(collection)
	if err != nil {
		return Token{}, fmt.Errorf("the macro %%{%s} names no collection that there is", name)
	}
	if v == variables.Unknown {
		return Token{Text: name}, nil
	}
	return Token{Text: name, Collection: v.Name(), Key: strings.ToLower(key)}, nil
}

func macroRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("[]._-", r)
}
