// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"durward/probe/call"
)

// Shrink looks for the smallest call that fails as a given one does: it leaves
// out, shortens and simplifies, keeps what still fails, and begins anew until
// nothing more can go or fails was asked steps times. The call that is given
// must fail. It gives how often fails was asked.
func Shrink(c *call.Call, fails func(*call.Call) bool, steps int) (*call.Call, int) {
	best, asked := c, 0
	for changed := true; changed; {
		changed = false
		tried := 0
		for {
			all := smaller(best)
			if tried >= len(all) || asked >= steps {
				break
			}
			asked++
			if d := all[tried]; fails(d) {
				best, changed = d, true // the rest of the list is of what is left
				continue
			}
			tried++
		}
		if asked >= steps {
			break
		}
	}
	return best, asked
}

// smaller lists calls that are one step smaller, largest steps first.
func smaller(c *call.Call) []*call.Call {
	var all []*call.Call
	places := c.Places()
	if c.HasBody {
		d := c.Clone()
		d.Body, d.HasBody = nil, false
		all = append(all, d)
	}
	for _, p := range places {
		if p.In == "path" || p.In == "body" && p.Name == "" {
			continue
		}
		d := c.Clone()
		if d.Remove(p) {
			all = append(all, d)
		}
	}
	for _, p := range places {
		v, there := c.Get(p)
		if !there {
			continue
		}
		for _, w := range simpler(v) {
			d := c.Clone()
			if d.Set(p, w) {
				all = append(all, d)
			}
		}
	}
	if raw, ok := c.Body.(call.Raw); ok && len(raw) > 1 {
		for _, half := range []call.Raw{raw[:len(raw)/2], raw[len(raw)/2:]} {
			d := c.Clone()
			d.Body = half
			all = append(all, d)
		}
	}
	return all
}

// simpler gives values that say less. Each is smaller by size, so that shrinking
// ends.
func simpler(v any) []any {
	switch v := v.(type) {
	case string:
		var all []any
		if n := len([]rune(v)); n > 1 {
			runes := []rune(v)
			all = append(all, string(runes[:n/2]), string(runes[n/2:]), string(runes[:n-1]), string(runes[1:]))
		}
		return all
	case call.Raw:
		if len(v) > 1 {
			return []any{v[:len(v)/2], v[len(v)/2:]}
		}
	case json.Number:
		// A shorter number: 0, then without its fraction or last digit.
		s := v.String()
		all := []any{}
		if len(s) > 1 {
			all = append(all, json.Number("0"))
		}
		if whole, _, ok := strings.Cut(s, "."); ok && !strings.ContainsAny(s, "eE") {
			all = append(all, json.Number(whole))
		} else if len(s) > 2 && !strings.ContainsAny(s, "eE.") {
			all = append(all, json.Number(s[:len(s)-1]))
		}
		return all
	case map[string]any:
		if len(v) > 3 { // half of it at once
			keys := slices.Sorted(maps.Keys(v))
			var all []any
			for _, half := range [][]string{keys[:len(keys)/2], keys[len(keys)/2:]} {
				m := map[string]any{}
				for _, k := range half {
					m[k] = v[k]
				}
				all = append(all, m)
			}
			return all
		}
	case []any:
		if len(v) > 3 {
			return []any{slices.Clone(v[:len(v)/2]), slices.Clone(v[len(v)/2:])}
		}
	}
	return nil
}
