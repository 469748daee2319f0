// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"cmp"
	"net/http"
	"slices"
	"unicode/utf8"
)

// text checks a string's length in characters.
func text(name, s string, least, most int) error {
	if n := utf8.RuneCountInString(s); n < least || n > most {
		return invalid("The length of " + name + " is out of bounds.")
	}
	return nil
}

func validVisibility(s string) error {
	if s != "public" && s != "private" {
		return invalid("visibility is public or private.")
	}
	return nil
}

// validSpaceID says whether a text is ^[a-z][a-z0-9-]{1,31}$.
func validSpaceID(s string) bool {
	if len(s) < 2 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

func (a *API) whoAmI(w http.ResponseWriter, _ *http.Request, c caller) error {
	type place struct {
		Space string `json:"space"`
		Role  Role   `json:"role"`
	}
	me := struct {
		User   string  `json:"user"`
		Admin  bool    `json:"admin"`
		Spaces []place `json:"spaces"`
	}{c.id, c.admin, []place{}}
	a.mu.RLock()
	for _, s := range a.rooms {
		if m, ok := s.members[c.id]; ok {
			me.Spaces = append(me.Spaces, place{s.ID, m.Role})
		}
	}
	a.mu.RUnlock()
	slices.SortFunc(me.Spaces, func(x, y place) int { return cmp.Compare(x.Space, y.Space) })
	return answer(w, http.StatusOK, me)
}

// listSpaces gives the spaces that the caller may see, by identifier.
func (a *API) listSpaces(w http.ResponseWriter, r *http.Request, c caller) error {
	visibility := r.URL.Query().Get("visibility")
	if visibility != "" {
		if err := validVisibility(visibility); err != nil {
			return err
		}
	}
	list := items[Space]{Items: []Space{}}
	a.mu.RLock()
	for _, s := range a.rooms {
		seen := s.Visibility == "public" || s.role(c) > Outsider
		if seen && (visibility == "" || visibility == s.Visibility) {
			list.Items = append(list.Items, s.show())
		}
	}
	a.mu.RUnlock()
	slices.SortFunc(list.Items, func(x, y Space) int { return cmp.Compare(x.ID, y.ID) })
	return answer(w, http.StatusOK, list)
}

// createSpace makes a space with the caller as its owner.
func (a *API) createSpace(w http.ResponseWriter, r *http.Request, c caller) error {
	in := struct{ ID, Title, Topic, Visibility string }{Visibility: "private"}
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if !validSpaceID(in.ID) {
		return invalid("id is not a space's identifier.")
	}
	if err := cmp.Or(text("title", in.Title, 1, 80), text("topic", in.Topic, 0, 200), validVisibility(in.Visibility)); err != nil {
		return err
	}
	out, err := a.found(Space{ID: in.ID, Title: in.Title, Topic: in.Topic, Visibility: in.Visibility, Created: a.now()}, c)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}

func (a *API) found(space Space, c caller) (Space, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.rooms[space.ID]; ok {
		return Space{}, conflict("A space of this id exists.")
	}
	if len(a.rooms) == maxSpaces {
		return Space{}, full
	}
	s := newRoom(space)
	s.members[c.id] = &Membership{User: c.id, Role: Owner, Joined: s.Created}
	a.rooms[s.ID] = s
	return s.show(), nil
}

func (a *API) getSpace(w http.ResponseWriter, r *http.Request, c caller) error {
	var out Space
	err := a.read(r, c, Outsider, func(s *room, _ Role) error {
		out = s.show()
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// updateSpace changes what the body names. A moderator may set the topic only.
func (a *API) updateSpace(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct{ Title, Topic, Visibility, Owner *string }
	loose := a.flaws[massAssignmentSpaceOwner]
	if err := decode(w, r, &in, loose); err != nil {
		return err
	}
	if in.Owner != nil && !loose {
		return invalid("The body is not the JSON that is documented.")
	}
	if in.Title == nil && in.Topic == nil && in.Visibility == nil && in.Owner == nil {
		return invalid("The body changes nothing.")
	}
	var out Space
	err := a.update(r, c, Moderator, func(s *room, role Role) error {
		if role < Owner && (in.Title != nil || in.Visibility != nil) {
			return forbidden
		}
		next := s.Space
		var faults [3]error
		if in.Title != nil {
			next.Title, faults[0] = *in.Title, text("title", *in.Title, 1, 80)
		}
		if in.Topic != nil {
			next.Topic, faults[1] = *in.Topic, text("topic", *in.Topic, 0, 200)
		}
		if in.Visibility != nil {
			next.Visibility, faults[2] = *in.Visibility, validVisibility(*in.Visibility)
		}
		if err := cmp.Or(faults[:]...); err != nil {
			return err
		}
		if in.Owner != nil {
			if m, ok := s.members[*in.Owner]; ok {
				m.Role = Owner
			}
		}
		s.Space = next
		out = s.show()
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) deleteSpace(w http.ResponseWriter, r *http.Request, c caller) error {
	err := a.update(r, c, Owner, func(s *room, _ Role) error {
		for _, f := range s.attachments {
			a.discard(s, f)
		}
		delete(a.rooms, s.ID)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
