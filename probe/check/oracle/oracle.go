// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package oracle has what the tests of access share: whether an answer is a yes,
// what it shows, and whether that is somebody's own.
//
// The texts of an answer are compared rather than its bytes, so that times,
// counters and the order of members make no difference. Bounded: at most 2,000
// leaves of one answer are looked at.
package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/probe/client"
)

// Leaf is one scalar of an answer.
type Leaf struct {
	// Pointer is where it stands (RFC 6901), Name its nearest member name.
	Pointer, Name string
	// Text is the value as JSON has it, strings without quotes.
	Text   string
	String bool
}

const maxLeaves = 2000

// Decode reads JSON with numbers as they are written; nil when it is none.
func Decode(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if len(body) == 0 || d.Decode(&v) != nil {
		return nil
	}
	return v
}

// Leaves lists the scalars of a JSON text; of another, the text itself.
func Leaves(body []byte) []Leaf {
	v := Decode(body)
	if v == nil {
		if len(body) == 0 || len(body) > 1<<16 {
			return nil
		}
		return []Leaf{{Text: string(body), String: true}}
	}
	return Of(v)
}

// Of lists the scalars of a decoded value.
func Of(v any) []Leaf {
	var out []Leaf
	walk(v, "", "", &out)
	return out
}

func walk(v any, pointer, name string, out *[]Leaf) {
	if len(*out) >= maxLeaves {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			walk(v[n], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(n), n, out)
		}
	case []any:
		for i, item := range v {
			walk(item, fmt.Sprintf("%s/%d", pointer, i), name, out)
		}
	case string:
		*out = append(*out, Leaf{pointer, name, v, true})
	case nil:
	default:
		*out = append(*out, Leaf{pointer, name, fmt.Sprint(v), false})
	}
}

// Texts is the set of what leaves hold.
func Texts(leaves []Leaf) map[string]bool {
	set := make(map[string]bool, len(leaves))
	for _, l := range leaves {
		set[l.Text] = true
	}
	return set
}

// Plain is a name without case and separators.
func Plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == '.' || r == ' ':
			return -1
		}
		return r
	}, name)
}

// Accepted tells that an answer is a yes: of class 2, and its body does not say
// that nothing was done, as some services do.
func Accepted(a *client.Answer) bool {
	if !a.OK() {
		return false
	}
	m, ok := Decode(a.Body).(map[string]any)
	return !ok || !refuses(m)
}

func refuses(m map[string]any) bool {
	for name, v := range m {
		switch Plain(name) {
		case "status", "result", "state", "statuscode", "code":
			switch v := v.(type) {
			case string:
				if slices.Contains([]string{"fail", "failed", "failure", "error", "denied", "unauthorized", "forbidden"}, strings.ToLower(v)) {
					return true
				}
			case json.Number:
				if n, err := v.Int64(); err == nil && n >= 400 && n < 600 && len(m) <= 4 {
					return true
				}
			}
		case "success", "ok", "successful", "authenticated":
			if b, is := v.(bool); is && !b {
				return true
			}
		case "error", "errors", "err":
			switch v := v.(type) {
			case string:
				return v != "" && len(m) <= 4
			case map[string]any:
				return len(v) > 0 && len(m) <= 4
			case []any:
				return len(v) > 0 && len(m) <= 4
			case bool:
				return v
			}
		case "message", "msg", "detail":
			if s, is := v.(string); is && len(m) <= 2 && denial(s) {
				return true
			}
		}
	}
	return false
}

// denial tells that a message alone says no.
func denial(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{"unauthorized", "not authorized", "unauthenticated", "access denied", "permission denied",
		"forbidden", "not allowed", "invalid token", "token is missing", "login required", "not found"},
		func(s string) bool { return strings.Contains(text, s) })
}

// Denied tells that an answer is a no for want of rights or of a credential: not
// a fault of the service and not of the request's form.
func Denied(a *client.Answer) bool {
	return a != nil && !Accepted(a) && a.Status < 500
}

// volatile are members that change from answer to answer.
var volatile = []string{"time", "date", "timestamp", "now", "iat", "exp", "nonce", "requestid", "traceid", "correlationid", "csrf",
	"updatedat", "createdat", "created", "updated", "modified", "edited", "lastseen", "took", "duration", "uptime", "etag"}

// Volatile tells that a member says nothing of whose an answer is.
func Volatile(l Leaf) bool {
	return slices.Contains(volatile, Plain(l.Name)) || !l.String && (l.Text == "true" || l.Text == "false")
}

// Shown lists the leaves of an owner's answer that an other answer has too, and
// that are nobody else's: they are not among the texts that a request held, nor
// among what is known otherwise.
func Shown(owner, other []byte, known ...map[string]bool) []Leaf {
	theirs := Texts(Leaves(other))
	var out []Leaf
	for _, l := range Leaves(owner) {
		if Volatile(l) || len(l.Text) < 2 || !theirs[l.Text] ||
			slices.ContainsFunc(known, func(k map[string]bool) bool { return k[l.Text] }) {
			continue
		}
		out = append(out, l)
	}
	return out
}

// Telling tells that leaves are enough to say whose an answer is: one text of
// six characters or more, or three values.
func Telling(leaves []Leaf) bool {
	return len(leaves) >= 3 || slices.ContainsFunc(leaves, func(l Leaf) bool { return len(l.Text) >= 6 })
}

// Same tells that two answers say the same, times and the like aside.
func Same(a, b []byte) bool {
	x, y := Leaves(a), Leaves(b)
	if len(x) == 0 || len(y) == 0 {
		return len(a) == len(b) && bytes.Equal(a, b)
	}
	has := Texts(y)
	same, all := 0, 0
	for _, l := range x {
		if Volatile(l) {
			continue
		}
		all++
		if has[l.Text] {
			same++
		}
	}
	return all == 0 && shape(a) == shape(b) || all > 0 && same*10 >= all*8
}

// Alike tells that two answers have the same form, whatever they hold: most of
// their members, as some may be left out.
func Alike(a, b []byte) bool {
	x, y := form(a), form(b)
	if len(x) == 0 || len(y) == 0 {
		return len(x) == len(y) && shape(a) != "" && shape(a) == shape(b)
	}
	both := 0
	for n := range x {
		if y[n] {
			both++
		}
	}
	return both*10 >= (len(x)+len(y)-both)*6
}

// form is the set of member names of an answer down to three levels, with those
// above them.
func form(body []byte) map[string]bool {
	set := map[string]bool{}
	members(Decode(body), "", 4, set)
	return set
}

func members(v any, above string, depth int, into map[string]bool) {
	if depth == 0 || len(into) > maxLeaves {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for n, m := range v {
			into[above+"/"+n] = true
			members(m, above+"/"+n, depth-1, into)
		}
	case []any:
		for _, item := range v[:min(len(v), 3)] {
			members(item, above+"/*", depth-1, into)
		}
	}
}

// shape is the kind of an answer that has no members: "[]", "{}", or a scalar.
func shape(body []byte) string {
	switch v := Decode(body).(type) {
	case nil:
		return ""
	case map[string]any:
		return "{}"
	case []any:
		if len(v) > 0 {
			return "[.]"
		}
		return "[]"
	default:
		return "."
	}
}
