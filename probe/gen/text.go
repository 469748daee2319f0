// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"strings"
	"unicode/utf8"

	"durward/probe/spec"
)

// text makes a string: by its pattern, format or name, within its lengths.
func (g *generator) text(s *spec.Schema, name string) string {
	least, most := 0, -1
	if s.MinLength != nil {
		least = *s.MinLength
	}
	if s.MaxLength != nil {
		most = *s.MaxLength
	}
	if s.Pattern != "" {
		return g.ofPattern(s, name, least, most)
	}
	if make := formats[s.Format]; make != nil {
		return g.fit(make(g, name), least, most, s.Format)
	}
	return g.fit(g.named(name), least, most, "")
}

// ofPattern prefers what looks real and matches as well.
func (g *generator) ofPattern(s *spec.Schema, name string, least, most int) string {
	p := compile(s.Pattern)
	if p == nil {
		return g.fit(g.named(name), least, most, "")
	}
	within := func(t string) bool {
		n := utf8.RuneCountInString(t)
		return n >= least && (most < 0 || n <= most) && p.match(t)
	}
	for range 3 {
		real := g.named(name)
		if make := formats[s.Format]; make != nil {
			real = make(g, name)
		}
		if real = g.fit(real, least, most, s.Format); within(real) {
			return real
		}
	}
	if len(p.must) > 0 { // as of passwords
		if t := g.fit(g.password(), max(least, 12), most, ""); within(t) {
			return t
		}
	}
	last := ""
	for try := range 60 {
		more := 3 + try/2
		if least > 0 {
			more = max(more, least*(1+try%3))
		}
		t := p.make(g.r, min(more, 20_000))
		if n := least - utf8.RuneCountInString(t); n > 0 && !p.anchoredEnd() {
			t += g.letters(n)
		}
		if is := known[s.Format]; is != nil && !is(t) { // the end of an address, say
			t = g.letters(5) + t
		}
		if within(t) {
			return t
		}
		last = t
	}
	return last
}

// fit makes a text as long as asked for: longer by letters, shorter by cutting
// what comes first of an address, or the end of others.
func (g *generator) fit(t string, least, most int, format string) string {
	n := utf8.RuneCountInString(t)
	switch {
	case n < least && (format == "email" || format == "uri" || format == "url") && least < maxText:
		if format == "email" {
			// A local part has 64 characters, a label 63 (RFC 5321, RFC 1035).
			local, domain, _ := strings.Cut(t, "@")
			for n < least {
				k := min(least-n, 40)
				domain = g.letters(max(k-1, 1)) + "." + domain
				n = len(local) + 1 + len(domain)
			}
			return local + "@" + domain
		}
		return t + g.letters(least-n)
	case n < least:
		return t + g.letters(min(least, 10*maxText)-n)
	case most >= 0 && n > most:
		switch format {
		case "email":
			if at := strings.IndexByte(t, '@'); most < n && most >= 6 {
				short := "@" + g.letters(1) + ".io"
				return t[:min(at, most-len(short))] + short
			}
		case "uri", "url":
			if most >= 10 {
				return "http://" + g.letters(min(most-10, 8)) + ".io"[:3]
			}
		case "", "password", "byte", "binary", "hostname":
		default:
			return t // a shorter date is none
		}
		runes := []rune(t)
		// The end is what makes it unique.
		return string(runes[n-most:])
	}
	return t
}

func (g *generator) letters(n int) string {
	var out strings.Builder
	for range n {
		out.WriteByte(letters[g.r.IntN(len(letters))])
	}
	return out.String()
}

func (g *generator) digits(n int) string {
	var out strings.Builder
	for range n {
		out.WriteByte('0' + byte(g.r.IntN(10)))
	}
	return out.String()
}

func (g *generator) hex(n int) string {
	var out strings.Builder
	for range n {
		out.WriteByte("0123456789abcdef"[g.r.IntN(16)])
	}
	return out.String()
}

func (g *generator) one(all ...string) string { return all[g.r.IntN(len(all))] }
