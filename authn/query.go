// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"net/url"
	"strings"
)

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

// dropParam removes a parameter, so that the upstream and its logs do not get
// the key.
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
