// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

var lastOwner = conflict("A space must keep an owner.")

func (a *API) listMembers(w http.ResponseWriter, r *http.Request, c caller) error {
	list := items[Membership]{Items: []Membership{}}
	err := a.read(r, c, Outsider, func(s *room, _ Role) error {
		for _, m := range s.members {
			v := *m
			if a.flaws[excessiveDataMemberEmail] {
				v.private = &private{a.users[m.User].Email, a.users[m.User].Phone}
			}
			list.Items = append(list.Items, v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list.Items, func(x, y Membership) int { return cmp.Compare(x.User, y.User) })
	return answer(w, http.StatusOK, list)
}

// setMember adds a member or changes one. Owners set any role; moderators add
// members; everybody names themselves.
func (a *API) setMember(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Role     *Role
		Nickname *string
	}
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	user := r.PathValue("user")
	if !validUser(user) {
		return invalid("That is not a user's name.")
	}
	if in.Nickname != nil {
		if err := text("nickname", *in.Nickname, 0, 40); err != nil {
			return err
		}
	}
	var out Membership
	err := a.update(r, c, Member, func(s *room, role Role) error {
		m, known := s.members[user]
		if !known {
			m = &Membership{User: user, Role: Member, Joined: a.now()}
			if in.Role != nil {
				m.Role = *in.Role
			}
			if role < Moderator || m.Role > Member && role < Owner {
				return forbidden
			}
			if len(s.members) == maxMembers {
				return full
			}
		} else if err := a.mayChange(s, c, role, m, in.Role); err != nil {
			return err
		}
		if in.Role != nil {
			m.Role = *in.Role
		}
		if in.Nickname != nil {
			m.Nickname = *in.Nickname
		}
		s.members[user] = m
		out = *m
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// mayChange decides whether a caller may change an existing member's record.
func (a *API) mayChange(s *room, c caller, role Role, m *Membership, to *Role) error {
	if to != nil && *to != m.Role {
		if role < Owner && !(a.flaws[massAssignmentMemberRole] && m.User == c.id) {
			return forbidden
		}
		if m.Role == Owner && s.owners() == 1 {
			return lastOwner
		}
	}
	if m.User != c.id && role < Owner {
		return forbidden
	}
	return nil
}

// removeMember lets members leave, and moderators remove those below them.
func (a *API) removeMember(w http.ResponseWriter, r *http.Request, c caller) error {
	user := r.PathValue("user")
	err := a.update(r, c, Member, func(s *room, role Role) error {
		m, ok := s.members[user]
		if !ok {
			return notFound
		}
		if user != c.id && (role < Moderator || m.Role >= role && role < Owner) {
			return forbidden
		}
		if m.Role == Owner && s.owners() == 1 {
			return lastOwner
		}
		delete(s.members, user)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// muteMember keeps somebody below the caller's role from posting for a while.
func (a *API) muteMember(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Minutes int
		Reason  string
	}
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if in.Minutes < 1 || in.Minutes > 7*24*60 {
		return invalid("minutes is from 1 to 10080.")
	}
	if err := text("reason", in.Reason, 0, 200); err != nil {
		return err
	}
	var out Membership
	err := a.update(r, c, Moderator, func(s *room, role Role) error {
		m, ok := s.members[r.PathValue("user")]
		if !ok {
			return notFound
		}
		if m.Role >= role {
			return forbidden
		}
		until := a.now().Add(time.Duration(in.Minutes) * time.Minute)
		m.MutedUntil = &until
		a.options.Log.InfoContext(r.Context(), "muted", "space", s.ID, "user", m.User, "by", c.id, "minutes", in.Minutes, "reason", in.Reason)
		out = *m
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}
