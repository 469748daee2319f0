// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"slices"
	"strings"

	"durward/probe/identity"
	"durward/probe/spec"
)

// ranks are words for those who may do more than others, in roles and names.
var ranks = []string{"admin", "root", "super", "manager", "owner", "staff", "moderator", "operator", "support", "editor", "maintainer", "auditor"}

// Privileged tells that a user may do more than an ordinary one.
func Privileged(u *identity.Identity) bool {
	for _, r := range append(slices.Clone(u.Roles), u.Name) {
		if slices.ContainsFunc(ranks, func(w string) bool { return strings.Contains(strings.ToLower(r), w) }) {
			return true
		}
	}
	return false
}

// Pair is somebody who has something, and somebody else who should not get it.
type Pair struct{ Owner, Other *identity.Identity }

// Pairs makes the pairs of users in which the other may not do more than the
// owner: ordinary users first, both ways; none when there are not two.
func Pairs(users []*identity.Identity) []Pair {
	var common, high []*identity.Identity
	for _, u := range users {
		if Privileged(u) {
			high = append(high, u)
		} else {
			common = append(common, u)
		}
	}
	var out []Pair
	add := func(a, b *identity.Identity) { out = append(out, Pair{a, b}) }
	switch {
	case len(common) >= 2:
		// Users of one kind first: other kinds may have other rights.
		for i, a := range common {
			for _, b := range common[i+1:] {
				if sameRoles(a, b) {
					add(a, b)
					add(b, a)
				}
			}
		}
		if len(out) == 0 {
			add(common[0], common[1])
			add(common[1], common[0])
		}
	case len(common) == 1 && len(high) > 0:
		add(high[0], common[0])
	case len(high) >= 2 && sameRoles(high[0], high[1]):
		add(high[0], high[1])
		add(high[1], high[0])
	}
	return out[:min(len(out), 4)]
}

func sameRoles(a, b *identity.Identity) bool {
	x, y := slices.Sorted(slices.Values(a.Roles)), slices.Sorted(slices.Values(b.Roles))
	return slices.Equal(x, y)
}

// Secured tells what the document says of an operation: that it needs a
// credential, that it needs none, or nothing (said is false).
func Secured(op *spec.Operation) (needs, said bool) {
	if op.Security == nil {
		return false, false
	}
	for _, alternative := range op.Security {
		if len(alternative) == 0 {
			return false, true
		}
	}
	return len(op.Security) > 0, true
}

// Words are the parts of an operation's path, identifier and tags, in lower case
// and without plurals.
func Words(op *spec.Operation) []string {
	var out []string
	for _, text := range append([]string{op.Path, op.ID}, op.Tags...) {
		for _, w := range split(text) {
			if w = singular(w); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// split cuts a text into words at separators and at changes of case.
func split(text string) []string {
	var out []string
	start := 0
	flush := func(end int) {
		if end > start {
			out = append(out, strings.ToLower(text[start:end]))
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		switch {
		case !letter:
			flush(i)
			start = i + 1
		case i > start && c >= 'A' && c <= 'Z' && text[i-1] >= 'a' && text[i-1] <= 'z':
			flush(i)
			start = i
		}
	}
	flush(len(text))
	return out
}

func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us"):
		return w[:len(w)-1]
	}
	return w
}

// Noun is what an operation is about: the last fixed segment of its path before
// the last parameter, or the last of all.
func Noun(op *spec.Operation) string {
	noun := ""
	segments := strings.Split(strings.Trim(op.Path, "/"), "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			continue
		}
		if i+1 < len(segments) && strings.HasPrefix(segments[i+1], "{") || noun == "" {
			noun = s
		}
	}
	if !strings.Contains(op.Path, "{") && len(segments) > 0 {
		noun = segments[len(segments)-1]
	}
	if w := split(noun); len(w) > 0 {
		return singular(w[len(w)-1])
	}
	return ""
}

// private are things that are somebody's own by nature, public those that are
// for all to see.
var (
	private = []string{"order", "invoice", "payment", "claim", "expense", "address", "account", "card", "wallet", "cart", "basket",
		"receipt", "booking", "reservation", "appointment", "prescription", "diagnosis", "record", "transfer", "transaction",
		"subscription", "notification", "session", "token", "key", "secret", "credential", "payslip", "salary", "passphrase",
		"passport", "vehicle", "medical", "statement", "preference", "draft", "note", "vault"}
	public = []string{"post", "article", "product", "catalog", "catalogue", "profile", "review", "idea", "news", "event", "forum",
		"topic", "feed", "tag", "category", "public", "shared", "comment", "user", "member", "people", "person", "colleague", "video",
		"question", "answer", "rating", "poll", "page", "blog"}
)

// Private tells that what an operation is about is somebody's own by nature, or
// that the document says so.
func Private(op *spec.Operation) bool {
	return slices.Contains(private, Noun(op)) || SaysOwn(op)
}

// Public tells that what an operation is about is for all to see by nature.
func Public(op *spec.Operation) bool { return slices.Contains(public, Noun(op)) }

// SaysOwn tells that the document says that an operation is about the caller's
// own things.
func SaysOwn(op *spec.Operation) bool {
	text := " " + strings.ToLower(op.Summary)
	for _, a := range op.Answers {
		if strings.HasPrefix(a.Status, "2") {
			text += " " + strings.ToLower(a.Description)
		}
	}
	if strings.Contains(text, "others") || strings.Contains(text, "everybody") || strings.Contains(text, "shared") {
		return false
	}
	return slices.ContainsFunc([]string{" own ", "caller's", " my ", "user's own", "only the owner", "current user's", "logged in user's",
		"authenticated user's", " your ", "belonging to the"}, func(s string) bool { return strings.Contains(text, s) })
}
