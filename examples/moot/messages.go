// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"cmp"
	"net/http"
	"slices"
)

// post is what a caller writes; the API fills in the rest.
type post struct {
	Text        string   `json:"text"`
	Format      string   `json:"format"`
	ReplyTo     string   `json:"reply_to"`
	Mentions    []string `json:"mentions"`
	Attachments []string `json:"attachments"`
}

// check is about the form alone; what a post names is looked up later.
func (p *post) check() error {
	p.Format = cmp.Or(p.Format, "plain")
	if p.Format != "plain" && p.Format != "markdown" {
		return invalid("format is plain or markdown.")
	}
	if len(p.Mentions) > 20 || len(p.Attachments) > 8 {
		return invalid("There are too many mentions or attachments.")
	}
	for _, user := range p.Mentions {
		if !validUser(user) {
			return invalid("A mention is not a user's name.")
		}
	}
	return text("text", p.Text, 1, 4000)
}

// say adds a post to a space that it may go to, and tells all who follow it.
func (a *API) say(s *room, c caller, p post) (*Message, error) {
	now := a.now()
	if err := s.mayPost(c, now); err != nil {
		return nil, err
	}
	if p.ReplyTo != "" {
		if _, err := s.seen(p.ReplyTo, s.role(c)); err != nil {
			return nil, invalid("reply_to is not a message of this space.")
		}
	}
	for _, id := range p.Attachments {
		if _, ok := s.attachments[id]; !ok {
			return nil, invalid("An attachment is not one of this space.")
		}
	}
	m := &Message{
		Space: s.ID, Author: c.id, Created: now, Text: p.Text, Format: p.Format, ReplyTo: p.ReplyTo,
		Mentions: slices.Clone(p.Mentions), Attachments: slices.Clone(p.Attachments),
	}
	a.add(s, m)
	a.hub.publish(event{s.ID, m.ID, "posted", m.encoded})
	return m, nil
}

func (a *API) postMessage(w http.ResponseWriter, r *http.Request, c caller) error {
	var in post
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	var out []byte
	err := a.update(r, c, Member, func(s *room, _ Role) error {
		m, err := a.say(s, c, in)
		if err == nil {
			out = m.encoded
		}
		return err
	})
	if err != nil {
		return err
	}
	write(w, http.StatusCreated, "application/json", out)
	return nil
}

func (a *API) getMessage(w http.ResponseWriter, r *http.Request, c caller) error {
	if a.flaws[bolaReadMessage] {
		c.admin = true
	}
	var out []byte
	err := a.read(r, c, Outsider, func(s *room, role Role) error {
		m, err := s.seen(r.PathValue("message"), role)
		if err == nil {
			out = m.encoded
		}
		return err
	})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, "application/json", out)
	return nil
}

// editMessage lets authors change their words.
func (a *API) editMessage(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct{ Text string }
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if err := text("text", in.Text, 1, 4000); err != nil {
		return err
	}
	var out []byte
	edit := func(s *room, m *Message) {
		now := a.now()
		m = s.change(m, func(m *Message) { m.Text, m.Edited = in.Text, &now })
		if !m.Hidden {
			a.hub.publish(event{s.ID, m.ID, "edited", m.encoded})
		}
		out = m.encoded
	}
	err := a.update(r, c, Outsider, func(s *room, role Role) error {
		if a.flaws[idorEditMessage] { // any message of any space, of anybody
			for _, other := range a.rooms {
				if m, ok := other.messages[r.PathValue("message")]; ok {
					edit(other, m)
					return nil
				}
			}
		}
		m, err := s.seen(r.PathValue("message"), role)
		if err != nil {
			return err
		}
		if role < Member || m.Author != c.id {
			return forbidden
		}
		if err := s.mayPost(c, a.now()); err != nil {
			return err
		}
		edit(s, m)
		return nil
	})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, "application/json", out)
	return nil
}

// deleteMessage is for authors and moderators.
func (a *API) deleteMessage(w http.ResponseWriter, r *http.Request, c caller) error {
	err := a.update(r, c, Member, func(s *room, role Role) error {
		m, err := s.seen(r.PathValue("message"), role)
		if err != nil {
			return err
		}
		if m.Author != c.id && role < Moderator {
			return forbidden
		}
		a.erase(s, m)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// erase removes a message and tells all who follow the space.
func (a *API) erase(s *room, m *Message) {
	s.remove(m)
	a.hub.publish(event{s.ID, m.ID, "deleted", []byte(`{"id":"` + m.ID + `"}`)})
}

// conceal hides a message from all but moderators; to the others it is deleted.
func (a *API) conceal(s *room, m *Message) {
	m = s.change(m, func(m *Message) { m.Hidden = true })
	a.hub.publish(event{s.ID, m.ID, "deleted", []byte(`{"id":"` + m.ID + `"}`)})
}
