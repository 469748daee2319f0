// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity holds the users that a test run acts as, how each gets its
// credentials, and how they are put on requests and renewed.
//
// The users' file is that of the Web Fuzzing Commons (WFC Authentication), with
// additions for roles, OAuth 2.0 (RFC 6749), Basic (RFC 7617), API keys and a
// registration before the login.
//
// Failure: a user that cannot log in is reported and left out; it is never
// replaced by an anonymous one. Secrets are in no error.
package identity

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"durward/probe/client"
)

// Credential is one thing that shows who calls, as it is sent.
type Credential struct {
	// Scheme is the name of the document's security scheme that it is for; empty
	// when none is known.
	Scheme string
	// In is header, query or cookie, Name the field's, Prefix what stands before
	// the secret ("Bearer ").
	In, Name, Prefix string
	Secret           string
}

// Identity is one user. It is safe for concurrent use.
type Identity struct {
	Name  string
	Roles []string
	// Scopes are those that its tokens have, where that is known.
	Scopes []string
	// Known is what is known of the user besides its credentials, by member
	// name: username, email, id. Passwords are not in it.
	Known map[string]any

	// password is what a login recipe sends, to keep the user's password as it is.
	password string

	source source // how credentials are got; nil for fixed ones

	// renewal is held while credentials are got, and guards failed and waits.
	renewal sync.Mutex
	failed  error
	waits   int // for a login that gives other credentials

	mu      sync.Mutex // guards Scopes, Roles and Known while a login runs, too
	creds   []Credential
	turn    int // counts renewals
	expires time.Duration
	since   time.Time
}

// Static is a user with credentials that do not change.
func Static(name string, creds ...Credential) *Identity {
	return &Identity{Name: name, creds: creds}
}

// Credentials are the present ones.
func (i *Identity) Credentials() []Credential {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.creds)
}

// Turn tells how often credentials were renewed, for Renew.
func (i *Identity) Turn() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.turn
}

// Password is the user's, where a login recipe names it; for calls that must name
// it, too. It is never shown.
func (i *Identity) Password() string {
	if i == nil {
		return ""
	}
	return i.password
}

// Variable names the shell variable for the n-th secret of a user.
func Variable(user string, n int) string {
	var b strings.Builder
	b.WriteString("TOKEN_")
	for _, ch := range strings.ToUpper(user) {
		if ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' {
			b.WriteRune(ch)
		} else {
			b.WriteByte('_')
		}
	}
	if n > 0 {
		b.WriteString("_" + strconv.Itoa(n+1))
	}
	return b.String()
}

// Apply puts the user's credentials on a request. nil leaves it as it is.
func (i *Identity) Apply(r *client.Request) {
	if i == nil {
		return
	}
	r.As = i.Name
	if len(i.password) >= short {
		r.Hide("PASSWORD"+strings.TrimPrefix(Variable(i.Name, 0), "TOKEN"), i.password)
	}
	Apply(r, i.Name, i.Credentials())
}

// short texts are no secrets: a header field with the user's name is not hidden.
const short = 6

// Apply puts credentials on a request, in place of what it has there.
func Apply(r *client.Request, user string, creds []Credential) {
	var cookies []string
	for n, c := range creds {
		text := c.Prefix + c.Secret
		hide := r.Hide
		if len(c.Secret) < short {
			hide = func(string, string) {}
		}
		switch c.In {
		case "query":
			r.Target = withQuery(r.Target, c.Name, text)
			hide(Variable(user, n), queryEscape(text))
		case "cookie":
			cookies = append(cookies, c.Name+"="+text)
			hide(Variable(user, n), c.Secret)
		default:
			r.Set(c.Name, text)
			hide(Variable(user, n), c.Secret)
		}
	}
	if len(cookies) > 0 {
		if old := r.Get("Cookie"); old != "" {
			cookies = append([]string{old}, cookies...)
		}
		r.Set("Cookie", strings.Join(cookies, "; "))
	}
}

// withQuery sets one parameter in a target, which is otherwise left as it is.
func withQuery(target, name, value string) string {
	path, query, _ := strings.Cut(target, "?")
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(p string) bool {
		k, _, _ := strings.Cut(p, "=")
		return k == queryEscape(name) || p == ""
	})
	return path + "?" + strings.Join(append(pairs, queryEscape(name)+"="+queryEscape(value)), "&")
}
