// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"durward"
)

// What of consumers, keys and objects an action tells: names, never a hash and
// never the value of an object's field.

func toldTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func prefixTexts(all []netip.Prefix) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.String()
	}
	return strings.Join(texts, " ")
}

func tellConsumer(a *durward.AdminAction, before, after *durward.Consumer) {
	a.Change("name", before.Name, after.Name)
	a.Change("roles", strings.Join(before.Roles, " "), strings.Join(after.Roles, " "))
	a.Change("addresses", prefixTexts(before.Addresses), prefixTexts(after.Addresses))
	a.Change("denied", prefixTexts(before.Denied), prefixTexts(after.Denied))
	a.Change("plan", before.Plan, after.Plan)
	a.Change("disabled", strconv.FormatBool(before.Disabled), strconv.FormatBool(after.Disabled))
}

func tellKey(a *durward.AdminAction, before, after *durward.Key) {
	a.Change("consumer", before.Consumer, after.Consumer)
	a.Change("environment", before.Environment, after.Environment)
	a.Change("name", before.Name, after.Name)
	a.Persons = append(append(a.Persons, before.Holders...), after.Holders...)
	a.Change("holders", strings.Join(before.Holders, " "), strings.Join(after.Holders, " "))
	a.Change("roles", strings.Join(before.Roles, " "), strings.Join(after.Roles, " "))
	a.Change("scopes", strings.Join(before.Scopes, " "), strings.Join(after.Scopes, " "))
	a.Change("addresses", prefixTexts(before.Addresses), prefixTexts(after.Addresses))
	a.Change("denied", prefixTexts(before.Denied), prefixTexts(after.Denied))
	a.Change("plan", before.Plan, after.Plan)
	a.Change("expires", toldTime(before.Expires), toldTime(after.Expires))
	a.Change("revoked", toldTime(before.Revoked), toldTime(after.Revoked))
}

// tellFields tells which fields of an object are others now.
func tellFields(a *durward.AdminAction, before, after Fields) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		switch old, had := before[name]; {
		case !had:
			a.Change(name, "", "added")
		case !bytes.Equal(old, after[name]):
			a.Change(name, "", "changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, has := after[name]; !has {
			a.Change(name, "", "removed")
		}
	}
}

func tellRevision(a *durward.AdminAction, r *Revision) {
	a.Target("revision", strconv.FormatInt(r.Number, 10))
	a.Change("state", "", string(r.State))
	a.Change("author", "", r.Author)
	a.Change("decided_by", "", r.DecidedBy)
	a.Change("fingerprint", "", r.Fingerprint)
	if r.Weaker {
		a.Change("weaker", "", "true")
	}
	if r.Restores > 0 {
		a.Change("restores", "", strconv.FormatInt(r.Restores, 10))
	}
}
