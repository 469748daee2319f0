// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// page is what a caller asks of a list of messages.
type page struct {
	limit  int
	before uint64 // sequence number; 0 is from the newest on
	query  string
}

func (a *API) readPage(q url.Values) (page, error) {
	p := page{limit: 20, query: q.Get("q")}
	var err error
	if q.Has("limit") {
		p.limit, err = strconv.Atoi(q.Get("limit"))
		if err != nil || p.limit < 1 || p.limit > 100 && !a.flaws[noPageLimit] {
			return p, invalid("limit is from 1 to 100.")
		}
	}
	if q.Has("cursor") {
		p.before, err = strconv.ParseUint(q.Get("cursor"), 36, 64)
		if err != nil || p.before == 0 {
			return p, invalid("cursor is not one that this API gave out.")
		}
	}
	return p, text("q", p.query, 0, 100)
}

// listMessages gives the messages of a space, newest first.
func (a *API) listMessages(w http.ResponseWriter, r *http.Request, c caller) error {
	p, err := a.readPage(r.URL.Query())
	if err != nil {
		return err
	}
	list := messageList{Items: []json.RawMessage{}}
	err = a.read(r, c, Outsider, func(s *room, role Role) error {
		if a.flaws[filterInjection] && p.query != "" {
			return a.injectable(s, p, &list)
		}
		list.fill(s, p, func(m *Message) bool {
			return (!m.Hidden || role >= Moderator) && containsFold(m.Text, p.query)
		})
		return nil
	})
	if err != nil {
		return err
	}
	if a.flaws[reflectHTML] && strings.Contains(r.Header.Get("Accept"), "text/html") {
		writePage(w, p.query, list.Items)
		return nil
	}
	return answer(w, http.StatusOK, list)
}

// messageList holds messages in their JSON form.
type messageList items[json.RawMessage]

// fill adds the messages of one page, of which there must be room for one.
func (l *messageList) fill(s *room, p page, match func(*Message) bool) {
	end := len(s.order)
	if p.before > 0 {
		end = s.position(p.before)
	}
	var last *Message
	for i := end - 1; i >= 0; i-- {
		m := s.order[i]
		if !match(m) {
			continue
		}
		if len(l.Items) == p.limit {
			l.Next = strconv.FormatUint(last.sequence, 36)
			return
		}
		l.Items = append(l.Items, m.encoded)
		last = m
	}
}

func containsFold(text, part string) bool {
	return part == "" || strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// writePage is the page of the flaw reflect-html: it forgets to escape the query.
func writePage(w http.ResponseWriter, query string, list []json.RawMessage) {
	var b strings.Builder
	b.WriteString("<!doctype html><title>Search</title><h1>Results for " + query + "</h1><ul>")
	for _, item := range list {
		b.WriteString("<li>" + html.EscapeString(string(item)))
	}
	b.WriteString("</ul>")
	write(w, http.StatusOK, "text/html; charset=utf-8", []byte(b.String()))
}
