// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package tamper

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward/probe/call"
	"durward/probe/client"
	"durward/probe/gen"
)

// Bounds of the changes of one operation.
const (
	maxChanges  = 40
	maxExotic   = 8
	maxAtPlace  = 5
	maxDeletes  = 6
	maxLogins   = 12
	maxNegative = 4
)

// plan lists the changes: the ones that harm first, then one of each place after
// the other, exotic ones last.
func plan(r *rand.Rand, c *call.Call, login bool) []gen.Mutation {
	most := maxChanges
	switch {
	case c.Op.Method == "DELETE":
		most = maxDeletes
	case login:
		most = maxLogins
	}
	all := negatives(c)
	var exotic []gen.Mutation
	byPlace := map[string][]gen.Mutation{}
	var order []string
	for _, m := range slices.Concat(gen.Mutations(r, c), gen.Malformed(c)) {
		if Own(c, m.Place) {
			continue
		}
		if m.Exotic {
			exotic = append(exotic, m)
			continue
		}
		key := m.Place.String()
		if byPlace[key] == nil {
			order = append(order, key)
		}
		byPlace[key] = append(byPlace[key], m)
	}
	for _, at := range byPlace {
		slices.SortStableFunc(at, func(a, b gen.Mutation) int { return rank(a) - rank(b) })
	}
	for i := range maxAtPlace {
		for _, key := range order {
			if i < len(byPlace[key]) {
				all = append(all, byPlace[key][i])
			}
		}
	}
	all = all[:min(len(all), most)]
	if c.Op.Method == "DELETE" || login {
		return all
	}
	return append(all, exotic[:min(len(exotic), maxExotic)]...)
}

// rank puts first what harms most, and one value of a wrong type before others.
func rank(m gen.Mutation) int {
	i := slices.Index([]string{"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "required", "maxLength", "pattern", "format"}, m.Keyword)
	if i < 0 {
		return 100
	}
	return i
}

// Own tells of places of an object that is changed which hold what a user logs
// in with: the run would lock itself out.
func Own(c *call.Call, p call.Place) bool {
	if p.In != "body" || c.Op.Method != "PUT" && c.Op.Method != "PATCH" && !changes.MatchString(c.Op.Path+" "+c.Op.ID) {
		return false
	}
	name := strings.ToLower(p.Name)
	return slices.ContainsFunc([]string{"passw", "email", "mail", "username", "login", "role", "admin"}, func(w string) bool {
		return strings.Contains(name, w)
	})
}

// counted are words of names that count or measure what is never below zero;
// paid are those that may be, in a ledger say.
var (
	counted = []string{"quantity", "qty", "nights", "seats", "tickets", "guests", "tip", "units", "copies", "stock", "hours", "points", "credits", "coins", "shares", "price", "fee"}
	paid    = []string{"amount", "total", "sum", "cost", "count", "value", "discount", "balance", "number"}
	trade   = regexp.MustCompile(`(?i)transfer|payment|pay\b|order|withdraw|deposit|purchase|checkout|cart|basket|redeem|refund|tip|donat|bid|book|reserv|buy|sell|invest|claim|expense|invoice|topup|top-up|loan|gift|voucher|wallet`)
)

// negatives are the numbers of a call that should not be negated: those whose
// document says so, and those that count by their name.
func negatives(c *call.Call) []gen.Mutation {
	var all []gen.Mutation
	for _, p := range c.Places() {
		v, there := c.Get(p)
		f, number := gen.Float(v)
		if !there || !number || p.In == "path" || p.In == "header" || Own(c, p) || len(all) == maxNegative {
			continue
		}
		if !countable(c, p) {
			continue
		}
		f = min(-f, f, -1)
		all = append(all, gen.Mutation{Place: p, Keyword: "negative", Value: json.Number(strconv.FormatFloat(f, 'f', -1, 64))})
	}
	return all
}

// countable tells whether a number may not be below zero.
func countable(c *call.Call, p call.Place) bool {
	bounded := false
	if p.Schema != nil {
		flat := p.Schema.Flat()
		for _, low := range []*float64{flat.Minimum, flat.ExclusiveMinimum} {
			if low == nil {
				continue
			}
			if *low < 0 {
				return false
			}
			bounded = true
		}
	}
	name := p.Name[strings.LastIndexByte(p.Name, '/')+1:]
	ws := gen.Words(name)
	has := func(list []string) bool {
		return slices.ContainsFunc(ws, func(w string) bool { return slices.Contains(list, w) })
	}
	return has(counted) || has(paid) && (bounded || trade.MatchString(c.Op.Path+" "+c.Op.ID))
}

// changes tells of operations that change something though they are POST.
var changes = regexp.MustCompile(`(?i)change|update|reset|edit|modify`)

var exoticText = regexp.MustCompile(`(?i)%00|\\u0000|%ff|%fe|%c0|\xff|\d{10,}|[0-9.]e\+?\d{3}`)

const longText = 2000

// Exotic tells of requests that careful services seldom think of.
func Exotic(r *client.Request) bool {
	return exoticText.MatchString(r.Target) || exoticText.Match(r.Body) || len(r.Target) > longText || len(r.Body) > 4*longText
}
