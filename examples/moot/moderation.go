// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"net/http"
	"slices"
)

// reportMessage lets everybody who sees a message complain about it, once.
func (a *API) reportMessage(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct{ Reason, Note string }
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if !slices.Contains([]string{"spam", "abuse", "other"}, in.Reason) {
		return invalid("reason is spam, abuse or other.")
	}
	if err := text("note", in.Note, 0, 500); err != nil {
		return err
	}
	var out Report
	err := a.update(r, c, Outsider, func(s *room, role Role) error {
		m, err := s.seen(r.PathValue("message"), role)
		if err != nil {
			return err
		}
		open := 1 // with this one
		for _, other := range s.reports {
			if other.Message != m.ID || other.State != "open" {
				continue
			}
			if other.Reporter == c.id && !a.flaws[reportStuffing] {
				return conflict("You have reported this message.")
			}
			open++
		}
		if len(s.reports) == maxReports {
			return full
		}
		rep := &Report{
			ID: a.number("r"), Message: m.ID, Reporter: c.id, Reason: in.Reason, Note: in.Note,
			State: "open", Created: a.now(),
		}
		s.reports = append(s.reports, rep)
		if open >= hideAt && !m.Hidden {
			a.conceal(s, m)
		}
		out = *rep
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}

func (a *API) listReports(w http.ResponseWriter, r *http.Request, c caller) error {
	state := r.URL.Query().Get("state")
	if state != "" && state != "open" && state != "resolved" {
		return invalid("state is open or resolved.")
	}
	list := items[Report]{Items: []Report{}}
	err := a.read(r, c, Moderator, func(s *room, _ Role) error {
		for _, rep := range s.reports {
			if state == "" || rep.State == state {
				list.Items = append(list.Items, *rep)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list)
}

// resolveReport closes a report: dismiss shows the message again, hide hides it,
// delete removes it.
func (a *API) resolveReport(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct{ Action string }
	if err := decode(w, r, &in, false); err != nil {
		return err
	}
	if !slices.Contains([]string{"dismiss", "hide", "delete"}, in.Action) {
		return invalid("action is dismiss, hide or delete.")
	}
	need := Moderator
	if a.flaws[bflaResolveReport] {
		need = Member
	}
	var out Report
	err := a.update(r, c, need, func(s *room, _ Role) error {
		at := slices.IndexFunc(s.reports, func(rep *Report) bool { return rep.ID == r.PathValue("report") })
		if at < 0 {
			return notFound
		}
		rep := s.reports[at]
		if rep.State != "open" {
			return conflict("The report is resolved.")
		}
		rep.State, rep.Action, rep.ResolvedBy = "resolved", in.Action, c.id
		if m, ok := s.messages[rep.Message]; ok {
			a.act(s, m, in.Action)
		}
		out = *rep
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// act does to a message what a moderator decided.
func (a *API) act(s *room, m *Message, action string) {
	switch {
	case action == "delete":
		a.erase(s, m)
	case action == "hide" && !m.Hidden:
		a.conceal(s, m)
	case action == "dismiss" && m.Hidden:
		m = s.change(m, func(m *Message) { m.Hidden = false })
		a.hub.publish(event{s.ID, m.ID, "posted", m.encoded})
	}
}
