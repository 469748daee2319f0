// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"errors"
	"net/http"
	"strings"
)

// This file is a directory with LDAP search filters (RFC 4515) in prefix form:
// and, or, not, presence, equality with wildcards.

var people = []map[string]string{
	{"objectClass": "person", "uid": "ada", "cn": "Ada Low", "mail": "ada@warehouse.example"},
	{"objectClass": "person", "uid": "ben", "cn": "Ben Ash", "mail": "ben@warehouse.example"},
	{"objectClass": "person", "uid": "cyd", "cn": "Cyd Fox", "mail": "cyd@warehouse.example"},
	{"objectClass": "service", "uid": "backup", "cn": "Backup", "mail": "backup@warehouse.example"},
}

func (a *app) directoryRoutes() []operation {
	return []operation{{"GET /directory", false, a.directory}}
}

// directory looks a person up. Flaw directory-filter: the value is not escaped.
func (a *app) directory(w http.ResponseWriter, r *http.Request) {
	uid := r.URL.Query().Get("uid")
	if !a.has["directory-filter"] {
		uid = strings.NewReplacer(`\`, `\5c`, "*", `\2a`, "(", `\28`, ")", `\29`, "\x00", `\00`).Replace(uid)
	}
	out := []object{}
	for _, p := range people {
		ok, rest, err := search(p, "(&(objectClass=person)(uid="+uid+"))")
		if err != nil || rest != "" {
			fail(w, http.StatusInternalServerError, "internal error")
			return
		}
		if ok {
			out = append(out, object{"uid": p["uid"], "cn": p["cn"], "mail": p["mail"]})
		}
	}
	reply(w, http.StatusOK, object{"entries": out})
}

var errFilter = errors.New("malformed filter")

// search evaluates the filter at the front of text and gives what is behind it.
func search(entry map[string]string, text string) (bool, string, error) {
	if !strings.HasPrefix(text, "(") || len(text) < 3 {
		return false, "", errFilter
	}
	switch op := text[1]; op {
	case '&', '|', '!':
		result, n := op == '&', 0
		rest := text[2:]
		for strings.HasPrefix(rest, "(") {
			one, after, err := search(entry, rest)
			if err != nil {
				return false, "", err
			}
			switch op {
			case '&':
				result = result && one
			case '|':
				result = result || one
			default:
				result = !one
			}
			rest, n = after, n+1
		}
		if !strings.HasPrefix(rest, ")") || op == '!' && n != 1 {
			return false, "", errFilter
		}
		return result, rest[1:], nil
	}
	item, rest, ok := strings.Cut(text[1:], ")")
	name, want, has := strings.Cut(item, "=")
	if !ok || !has || strings.ContainsAny(item, "(") {
		return false, "", errFilter
	}
	return like(entry[name], want), rest, nil
}

// like compares with a value that may have wildcards and \xx escapes.
func like(have, want string) bool {
	unescape := strings.NewReplacer(`\5c`, `\`, `\2a`, "*", `\28`, "(", `\29`, ")").Replace
	parts := strings.Split(want, "*")
	if len(parts) == 1 {
		return have == unescape(want)
	}
	if have == "" || !strings.HasPrefix(have, unescape(parts[0])) {
		return false
	}
	have = have[len(unescape(parts[0])):]
	for _, p := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(have, unescape(p))
		if !ok {
			return false
		}
		have = after
	}
	return strings.HasSuffix(have, unescape(parts[len(parts)-1]))
}
