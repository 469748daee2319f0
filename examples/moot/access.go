// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"net/http"
	"strings"
	"time"
)

// The fields that whoever stands before the API sets for each request.
const (
	UserField  = "Moot-User"  // the caller's name, once
	RolesField = "Moot-Roles" // the caller's roles anywhere, separated by commas
)

// caller is who a request comes from.
type caller struct {
	id    string
	admin bool // has the role "admin" and so acts as owner of every space
}

// identify believes the fields; see the package comment.
func (a *API) identify(r *http.Request) (caller, error) {
	values := r.Header[UserField]
	if a.flaws[authQueryUser] && r.URL.Query().Has("user") {
		values = []string{r.URL.Query().Get("user")}
	}
	c := caller{id: a.options.Anonymous}
	if len(values) == 1 {
		c.id = values[0]
	}
	if len(values) > 1 || !validUser(c.id) {
		return caller{}, &fault{http.StatusUnauthorized, "The request does not say whose it is."}
	}
	for _, list := range r.Header[RolesField] {
		for role := range strings.SplitSeq(list, ",") {
			if strings.TrimSpace(role) == "admin" {
				c.admin = true
			}
		}
	}
	return c, nil
}

func (s *room) role(c caller) Role {
	if c.admin {
		return Owner
	}
	if m, ok := s.members[c.id]; ok {
		return m.Role
	}
	return Outsider
}

// enter runs fn for a caller who has at least the role in a space. To an
// outsider a private space looks like none. The lock must be held.
func (a *API) enter(c caller, space string, need Role, fn func(*room, Role) error) error {
	s, ok := a.rooms[space]
	if !ok {
		return notFound
	}
	role := s.role(c)
	if role == Outsider && s.Visibility != "public" {
		return notFound
	}
	if role < need {
		return forbidden
	}
	return fn(s, role)
}

// read is enter for the space that the path names, with the lock to look.
func (a *API) read(r *http.Request, c caller, need Role, fn func(*room, Role) error) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.enter(c, r.PathValue("space"), need, fn)
}

// update is enter for the space that the path names, with the lock to change.
func (a *API) update(r *http.Request, c caller, need Role, fn func(*room, Role) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.enter(c, r.PathValue("space"), need, fn)
}

// mayPost refuses those who are muted now.
func (s *room) mayPost(c caller, now time.Time) error {
	if m, ok := s.members[c.id]; ok && m.MutedUntil != nil && now.Before(*m.MutedUntil) {
		return muted
	}
	return nil
}

// validUser says whether a text is a user's name: 1 to 64 of A-Z a-z 0-9 . _ @ : -
// and first a letter or digit.
func validUser(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'; alphanumeric {
			continue
		}
		if i == 0 || strings.IndexByte("._@:-", c) < 0 {
			return false
		}
	}
	return true
}
