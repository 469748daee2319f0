// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"slices"
	"strings"

	"durward"
)

// targeted are the fields that speak to caches on the way alone (RFC 9213, and
// those that came before it). They win over Cache-Control there.
var targeted = []string{"Surrogate-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Vercel-Cdn-Cache-Control", "X-Accel-Expires", "Edge-Control"}

// cache makes that no shared cache keeps an answer that was given to somebody
// in particular. RFC 9111, section 3.5 lets a shared cache store the answer to a
// request with Authorization where the answer says public, s-maxage or
// must-revalidate, and knows nothing of API keys in other fields.
func (s *stage) cache(x *durward.Exchange) {
	if s.cfg.Cache == "upstream" || !x.Principal.Known() {
		return
	}
	h := &x.Response.Header
	h.Filter(func(f durward.Field) bool { return !slices.Contains(targeted, f.Name) })
	kept, private, store := directives(*h)
	switch {
	case !store:
		return
	case s.cfg.Cache != "private" && !private:
		h.Del("Expires")
		h.Set("Cache-Control", "no-store")
		return
	}
	h.Set("Cache-Control", kept)
	s.varies(h)
}

// directives gives the upstream's Cache-Control without what lets shared caches
// store, and with private; whether that was there, and whether anybody may
// store at all.
func directives(h durward.Header) (kept string, private, store bool) {
	out := []string{"private"}
	public := false
	for i := range h {
		if h[i].Name != "Cache-Control" {
			continue
		}
		for d := range strings.SplitSeq(h[i].Value, ",") {
			d = strings.TrimSpace(d)
			name, _, fields := strings.Cut(strings.ToLower(d), "=")
			switch name {
			case "no-store":
				return "", false, false
			case "private":
				private = private || !fields // private="field" is about that field
			case "public", "s-maxage", "proxy-revalidate":
				public = public || name != "proxy-revalidate"
			case "":
			default:
				out = append(out, d)
			}
		}
	}
	return strings.Join(out, ", "), private && !public, true
}

// varies says that another credential gets another answer, for caches of
// clients that several people use.
func (s *stage) varies(h *durward.Header) {
	if s.vary == "" {
		return
	}
	var have []string
	for _, v := range h.Values(nil, "Vary") {
		for name := range strings.SplitSeq(v, ",") {
			have = append(have, durward.CanonicalName(strings.TrimSpace(name)))
		}
	}
	if slices.Contains(have, "*") {
		return
	}
	for name := range strings.SplitSeq(s.vary, ", ") {
		if !slices.Contains(have, durward.CanonicalName(name)) {
			have = append(have, durward.CanonicalName(name))
		}
	}
	h.Set("Vary", strings.Join(have, ", "))
}
