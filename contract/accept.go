// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"

	"durward"
)

const reasonAccept = "names no media type that this operation answers with"

// readOffers lists the media types of an operation's successful answers; none
// when they declare no content.
func readOffers(op cursor) ([]string, error) {
	var out []string
	for status, answer := range op.get("responses").members() {
		if status != "default" && (status == "" || status[0] > '3') {
			continue
		}
		answer, err := answer.follow()
		if err != nil {
			return nil, err
		}
		for name := range answer.get("content").members() {
			base, _, _ := strings.Cut(name, ";")
			out = append(out, strings.ToLower(strings.TrimSpace(base)))
		}
	}
	return out, nil
}

// acceptable tells that a request's Accept field takes one of the offered media
// types (RFC 9110, 12.5.1). A request without the field takes any; so does one
// whose field is empty.
func acceptable(h durward.Header, offers []string) bool {
	if len(offers) == 0 {
		return true
	}
	said := false
	for i := range h {
		said = said || h[i].Name == "Accept" && strings.Trim(h[i].Value, " \t,") != ""
	}
	if !said {
		return true
	}
	for _, offer := range offers {
		best, taken := -1, false
		for i := range h {
			if h[i].Name != "Accept" {
				continue
			}
			for rest := h[i].Value; rest != ""; {
				var one string
				one, rest = cutElement(rest)
				if grade, q := matchRange(one, offer); grade > best {
					best, taken = grade, q
				} else if grade == best {
					taken = taken || q
				}
			}
		}
		if best >= 0 && taken {
			return true
		}
	}
	return false
}

// cutElement cuts the first element of a list at its comma, which may stand in
// a quoted string before.
func cutElement(s string) (first, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// matchRange tells how closely a media range matches an offered type, from 0
// (*/*) to 2, -1 when it does not, and whether its weight is above 0.
// Parameters other than the weight are not told apart.
func matchRange(one, offer string) (grade int, wanted bool) {
	name, params, _ := strings.Cut(one, ";")
	kind, sub, ok := strings.Cut(strings.Trim(name, " \t"), "/")
	offeredKind, offeredSub, _ := strings.Cut(offer, "/")
	if !ok || !isToken(kind) || !isToken(sub) || kind == "*" && sub != "*" {
		return -1, false
	}
	matches := func(a, b string) bool { return a == "*" || b == "*" || strings.EqualFold(a, b) }
	if !matches(kind, offeredKind) || !matches(sub, offeredSub) {
		return -1, false
	}
	if grade = 2; sub == "*" {
		grade = 1
	}
	if kind == "*" {
		grade = 0
	}
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		if name, weight, _ := strings.Cut(strings.Trim(p, " \t"), "="); strings.EqualFold(name, "q") {
			return grade, strings.Trim(weight, "0.") != ""
		}
	}
	return grade, true
}
