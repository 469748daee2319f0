// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"durward/probe/spec"
)

// formats make texts of the formats of JSON Schema and OpenAPI. Dates lie some
// years ahead, always the same ones, as bookings of the past are often refused.
var formats = map[string]func(g *generator, name string) string{
	"email":     func(g *generator, _ string) string { return g.email() },
	"idn-email": func(g *generator, _ string) string { return g.email() },
	"uuid":      func(g *generator, _ string) string { return g.uuid() },
	"guid":      func(g *generator, _ string) string { return g.uuid() },
	"date": func(g *generator, name string) string {
		if slices.Contains(words(name), "birth") || strings.Contains(strings.ToLower(name), "dob") {
			return g.date(1985)
		}
		return g.date(2031)
	},
	"date-time": func(g *generator, _ string) string {
		return g.date(2031) + "T10:" + fmt.Sprintf("%02d", g.r.IntN(60)) + ":00Z"
	},
	"time":     func(g *generator, _ string) string { return "10:" + fmt.Sprintf("%02d", g.r.IntN(60)) + ":00Z" },
	"duration": func(g *generator, _ string) string { return "P1D" },
	"uri":      func(g *generator, _ string) string { return "https://example.com/" + g.letters(6) },
	"url":      func(g *generator, _ string) string { return "https://example.com/" + g.letters(6) },
	"iri":      func(g *generator, _ string) string { return "https://example.com/" + g.letters(6) },

	"uri-reference": func(g *generator, _ string) string { return "/" + g.letters(6) },
	"iri-reference": func(g *generator, _ string) string { return "/" + g.letters(6) },
	"uri-template":  func(g *generator, _ string) string { return "/" + g.letters(4) + "/{id}" },
	"hostname":      func(g *generator, _ string) string { return g.letters(6) + ".example.com" },
	"idn-hostname":  func(g *generator, _ string) string { return g.letters(6) + ".example.com" },
	"ipv4":          func(g *generator, _ string) string { return fmt.Sprintf("192.0.2.%d", 1+g.r.IntN(250)) },
	"ip":            func(g *generator, _ string) string { return fmt.Sprintf("192.0.2.%d", 1+g.r.IntN(250)) },
	"ipv6":          func(g *generator, _ string) string { return "2001:db8::" + g.hex(3) + "1" },
	"byte":          func(g *generator, _ string) string { return base64.StdEncoding.EncodeToString([]byte(g.letters(9))) },
	"binary":        func(g *generator, _ string) string { return g.letters(24) },
	"password":      func(g *generator, _ string) string { return g.password() },
	"regex":         func(g *generator, _ string) string { return "^" + g.letters(4) + "$" },
	"json-pointer":  func(g *generator, _ string) string { return "/" + g.letters(4) },

	"relative-json-pointer": func(g *generator, _ string) string { return "0/" + g.letters(4) },
	"phone":                 func(g *generator, _ string) string { return g.phone() },
}

func (g *generator) email() string {
	if g.h.Unique != "" {
		return "sam." + g.h.Unique + "@example.com"
	}
	return g.letters(6) + g.digits(2) + "@example.com"
}

func (g *generator) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-" + g.one("8", "9", "a", "b") + g.hex(3) + "-" + g.hex(12)
}

func (g *generator) date(year int) string {
	return fmt.Sprintf("%04d-%02d-%02d", year, 1+g.r.IntN(12), 1+g.r.IntN(28))
}

// password has what rules of passwords ask for: lower and upper case, digits, a
// sign, twelve characters, no word.
func (g *generator) password() string {
	return g.one("Qz", "Xv", "Wk") + g.digits(3) + g.one("!", "#", "@", "$") + g.letters(6)
}

// phone is one of the numbers that are kept for fiction.
func (g *generator) phone() string { return "+1202555" + fmt.Sprintf("01%02d", g.r.IntN(100)) }

// vin is a vehicle's number with the right check digit (49 CFR 565.15).
func (g *generator) vin() string {
	const plain = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
	const value = "12345678123457923456789" + "0123456789"
	weights := [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	out, sum := make([]byte, 17), 0
	for i := range out {
		k := g.r.IntN(len(plain))
		if i >= 11 {
			k = len(plain) - 10 + g.r.IntN(10)
		}
		out[i] = plain[k]
		sum += weights[i] * int(value[k]-'0')
	}
	out[8] = "0123456789X"[sum%11]
	return string(out)
}

// Words are those of a name, in lower case: userName, user_name, user-name.
func Words(name string) []string { return words(name) }

func words(name string) []string {
	var all []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(name)
	for i, c := range runes {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			flush()
			continue
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		}
		word = append(word, c)
	}
	flush()
	return all
}

func singular(name string) string {
	if len(name) > 2 && strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss") {
		return name[:len(name)-1]
	}
	return name
}

// kindOfName guesses a type where the document says none.
func kindOfName(name string) string {
	for _, w := range words(name) {
		if _, ok := ranges[w]; ok && w != "pin" && w != "zip" && w != "zipcode" && w != "pincode" && w != "otp" {
			return "integer"
		}
	}
	return "string"
}

// unique are words of names whose values services want to have once.
var unique = []string{"username", "user", "login", "nickname", "handle", "email", "mail", "name", "title", "slug", "code", "sku", "isbn", "vin", "reference", "label", "phone", "mobile", "number"}

func wantsUnique(s *spec.Schema, name string) bool {
	if len(s.Enum) > 0 || s.HasConst || s.Kind() != "string" && s.Kind() != "" {
		return false
	}
	if s.Format == "email" || s.Format == "uuid" {
		return true
	}
	return slices.ContainsFunc(words(name), func(w string) bool { return slices.Contains(unique, w) })
}
