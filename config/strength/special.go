// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

type value = reflect.Value

// mode is the rule of enforce, report or off.
func mode() rule { return ranked("enforce", "enforce", "report", "off") }

// revocation is the rule of revocation lists: with none, nothing is revoked,
// and with some, what none of them is about is refused.
func revocation() rule {
	return rule{leaf: func(old, new value) verdict {
		switch {
		case new.Len() == 0:
			return weaker("nothing is revoked any more")
		case old.Len() == 0:
			return stronger("certificates can be revoked")
		}
		return weaker("cannot be compared: other authorities' lists are there")
	}}
}

// ends is the rule of a time after which something is refused.
func ends() rule {
	return rule{fallback: "never", leaf: func(old, new value) verdict {
		if new.IsZero() {
			return weaker("it never ends")
		}
		n, err := time.Parse(time.RFC3339, text(new))
		if err != nil {
			return weaker("cannot be compared: no time")
		}
		o, err := time.Parse(time.RFC3339, text(old))
		switch {
		case old.IsZero() || err == nil && n.Before(o):
			return stronger("it ends earlier")
		case err == nil && n.Equal(o):
			return unmoved("the same time")
		}
		return weaker("it ends later")
	}}
}

// upgrades is the rule of protocols to switch to. Left out is not the same as
// empty: then the contract says whether there is one.
func upgrades() rule {
	const declared = "as the contract declares"
	return rule{fallback: declared, leaf: func(old, new value) verdict {
		list := func(v value) []string {
			if v.IsNil() {
				return []string{declared}
			}
			return words(v, "")
		}
		return within(list(old), list(new), "takes more than before: protocols that are not inspected", "takes less than before: protocols that are not inspected")
	}}
}

// environments is the rule of kinds of API keys. Empty takes all but those of
// other gateways.
func environments(old, new value) verdict {
	const foreign = "ext"
	o, n := words(old, ""), words(new, "")
	switch {
	case len(o) == 0 && len(n) > 0 && !slices.Contains(n, foreign):
		return stronger("fewer kinds of key are taken")
	case len(o) == 0 || len(n) == 0:
		return weaker("other kinds of key are taken")
	}
	return within(o, n, "more kinds of key are taken", "fewer kinds of key are taken")
}

// targets judges an upstream's targets as a whole: who may call is not decided
// there, but whether what is sent can be read on the way is.
func targets(old, new value) verdict {
	clear := func(v value) bool {
		for i := range v.Len() {
			if strings.HasPrefix(itemKey("url")(v.Index(i)), "http:") {
				return true
			}
		}
		return false
	}
	switch o, n := clear(old), clear(new); {
	case n && !o:
		return weaker("requests go to a target in clear text")
	case o && !n:
		return stronger("requests no longer go to any target in clear text")
	}
	return unmoved("who may call is not decided by the target")
}

// itemKey tells items of a list apart by one of their fields.
func itemKey(name string) func(value) string {
	return func(v value) string {
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		return text(v.FieldByIndex(fieldOf(v.Type(), name).Index))
	}
}

// itemPlace pairs items by their place: the engine counts equal keys up.
func itemPlace(value) string { return "" }
