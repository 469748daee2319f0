// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"durward/probe/client"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// tokenNames are the members that hold a token in answers to logins, the surest
// first, without case and separators.
var tokenNames = []string{"accesstoken", "authtoken", "authenticationtoken", "jwt", "jwttoken", "bearertoken", "token",
	"idtoken", "sessiontoken", "sessionid", "session", "apikey", "key", "bearer", "authorization"}

// plain is a name without case and separators.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// Detect finds the credentials in the answer to a login that nobody described:
// a field Authorization, a member that is named like a token (as deep as three
// levels), cookies.
func Detect(a *client.Answer) []Credential {
	for _, name := range []string{"Authorization", "X-Auth-Token", "X-Access-Token"} {
		if v := a.Header.Get(name); v != "" {
			return []Credential{(&TokenRecipe{SendName: name}).credential(v)}
		}
	}
	var v any
	if json.Unmarshal(a.Body, &v) == nil {
		if s, ok := v.(string); ok && len(s) >= 16 && !strings.Contains(s, " ") {
			return []Credential{(&TokenRecipe{}).credential(s)}
		}
		if t := findToken(v); t != "" {
			return []Credential{(&TokenRecipe{}).credential(t)}
		}
	}
	if s := strings.TrimSpace(string(a.Body)); strings.Count(s, ".") == 2 && strings.HasPrefix(s, "eyJ") && !strings.ContainsAny(s, " \n") {
		return []Credential{(&TokenRecipe{}).credential(s)}
	}
	return cookies(a)
}

func findToken(v any) string {
	best, rank := "", len(tokenNames)
	walk(v, "", 3, func(_, name string, value any) {
		s, ok := value.(string)
		if r := slices.Index(tokenNames, plain(name)); ok && r >= 0 && r < rank && len(s) >= 8 {
			best, rank = s, r
		}
	})
	return best
}

// walk calls f for each scalar member, with the name of the object that holds it,
// in the order of names.
func walk(v any, holder string, depth int, f func(holder, name string, value any)) {
	if depth < 0 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			switch m := v[name].(type) {
			case map[string]any, []any:
				walk(m, name, depth-1, f)
			default:
				f(holder, name, m)
			}
		}
	case []any:
		for _, item := range v[:min(len(v), 1)] {
			walk(item, holder, depth-1, f)
		}
	}
}

// pointer follows a JSON pointer (RFC 6901). One without the leading slash is
// taken, as some files have it.
func pointer(v any, ptr string) any {
	ptr = strings.TrimPrefix(ptr, "/")
	if ptr == "" {
		return v
	}
	for _, part := range strings.Split(ptr, "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// scalar is a value as text; empty for objects, lists and null.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Claims decodes the payload of a JWT without looking at its signature; nil for
// other tokens.
func Claims(token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var m map[string]any
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// learn notes what the login's answer and the tokens say of the user: ids and
// names, roles and scopes.
func (i *Identity) learn(a *client.Answer, creds []Credential) {
	var v any
	if a != nil && json.Unmarshal(a.Body, &v) == nil {
		walk(v, "", 3, func(holder, name string, value any) { i.know(holder, name, value) })
	}
	for _, c := range creds {
		claims := Claims(c.Secret)
		walk(claims, "", 2, func(holder, name string, value any) { i.know(holder, name, value) })
		i.mu.Lock()
		if s, _ := claims["scope"].(string); s != "" && len(i.Scopes) == 0 {
			i.Scopes = strings.Fields(s)
		}
		if s, _ := claims["role"].(string); s != "" && len(i.Roles) == 0 {
			i.Roles = []string{s}
		}
		i.mu.Unlock()
	}
}

// Learn notes what an answer about the user's own account says.
func (i *Identity) Learn(a *client.Answer) { i.learn(a, nil) }

// userNames are members that say who a user is.
var userNames = []string{"id", "userid", "uid", "uuid", "sub", "username", "user", "login", "email", "mail",
	"name", "customerid", "accountid", "account", "memberid", "profileid", "phone", "number", "nickname"}

func (i *Identity) know(holder, name string, value any) {
	text := scalar(value)
	if !slices.Contains(userNames, plain(name)) || text == "" || len(text) > 200 {
		return
	}
	if _, ok := value.(float64); ok {
		value = json.Number(text) // large ones keep their digits
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.Known == nil {
		i.Known = map[string]any{}
	}
	if holder != "" && plain(name) == "id" && plain(holder) != "data" && plain(holder) != "result" {
		name = holder + "_id"
	}
	if _, had := i.Known[name]; !had {
		i.Known[name] = value
	}
}

// Knows gives what is known of the user by that name, without case and
// separators.
func (i *Identity) Knows(name string) (any, bool) {
	if i == nil {
		return nil, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	names := make([]string, 0, len(i.Known))
	for n := range i.Known {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if plain(n) == plain(name) {
			return i.Known[n], true
		}
	}
	return nil, false
}

// Is tells that text is an id or a name of the user.
func (i *Identity) Is(text string) bool {
	if i == nil || text == "" {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, v := range i.Known {
		if scalar(v) == text {
			return true
		}
	}
	return false
}
