// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"net/url"
	"strings"

	"durward"
)

// HideQuery makes the stage that takes credentials out of Exchange.Out.RawQuery,
// so that neither the upstream nor its logs get them. It belongs behind the
// stage that fills Exchange.Out. It is nil when cfg reads no credential from
// the query.
func HideQuery(cfg Config) durward.Stage {
	if names := CredentialParameters(cfg); len(names) > 0 {
		return hideQuery(names)
	}
	return nil
}

type hideQuery []string

func (hideQuery) Name() string { return "authn-hide" }

func (h hideQuery) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	for _, name := range h {
		x.Out.RawQuery = dropParam(x.Out.RawQuery, name)
	}
	return durward.Proceed()
}

// named tells whether a query pair has that name, however it is escaped.
func named(pair, name string) bool {
	k, _, _ := strings.Cut(pair, "=")
	if k == name {
		return true
	}
	if !strings.ContainsAny(k, "%+") {
		return false
	}
	k, err := url.QueryUnescape(k)
	return err == nil && k == name
}

func countParam(query, name string) int {
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		if named(pair, name) {
			n++
		}
	}
	return n
}

func paramValue(query, name string) (string, bool) {
	for pair := range strings.SplitSeq(query, "&") {
		if named(pair, name) {
			_, v, _ := strings.Cut(pair, "=")
			v, err := url.QueryUnescape(v)
			return v, err == nil
		}
	}
	return "", false
}

// dropParam removes a parameter, however often it occurs.
func dropParam(query, name string) string {
	if countParam(query, name) == 0 {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !named(pair, name) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
