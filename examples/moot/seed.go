// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import "time"

// Data is what an API starts with. Identifiers of messages, attachments and
// reports are given in this order, each kind from 1: m-000001, a-000001, r-000001.
type Data struct {
	Users       []User
	Spaces      []SeedSpace
	Messages    []Message    // ID, Format and Created are filled in
	Attachments []SeedFile   // in the spaces they name
	Reports     []SeedReport // all open
}

// SeedSpace is a space with its members.
type SeedSpace struct {
	Space
	Roles map[string]Role
}

// SeedFile is an attachment with its content.
type SeedFile struct {
	Attachment
	Content string
}

// SeedReport is a report about a message of a space.
type SeedReport struct {
	Report
	Space string
}

// SeedTime is when everything in Seed was created.
var SeedTime = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)

// Seed gives the same data at each call: the public space lobby and the private
// space council, both with ada as owner, bob as moderator and cy as member;
// and the private space studio, of dan alone, who is an outsider to the others.
func Seed() Data {
	team := map[string]Role{"ada": Owner, "bob": Moderator, "cy": Member}
	return Data{
		Users: []User{
			{"ada", "ada@moot.example", "+44 1632 960001"},
			{"bob", "bob@moot.example", "+44 1632 960002"},
			{"cy", "cy@moot.example", "+44 1632 960003"},
			{"dan", "dan@moot.example", "+44 1632 960004"},
		},
		Spaces: []SeedSpace{
			{Space{ID: "lobby", Title: "Lobby", Topic: "Say hello", Visibility: "public"}, team},
			{Space{ID: "council", Title: "Council", Topic: "Decisions", Visibility: "private"}, team},
			{Space{ID: "studio", Title: "Studio", Topic: "Dan's drafts", Visibility: "private"}, map[string]Role{"dan": Owner}},
		},
		Messages: []Message{
			{Space: "lobby", Author: "ada", Text: "Welcome to the lobby."},
			{Space: "lobby", Author: "bob", Text: "Please keep it friendly.", ReplyTo: "m-000001"},
			{Space: "lobby", Author: "cy", Text: "Hello, everyone!", Mentions: []string{"ada", "bob"}},
			{Space: "lobby", Author: "cy", Text: "Buy my watches, very cheap."},
			{Space: "council", Author: "ada", Text: "The budget for spring is 4,200.", Attachments: []string{"a-000002"}},
			{Space: "council", Author: "bob", Text: "Agreed.", ReplyTo: "m-000005"},
			{Space: "studio", Author: "dan", Text: "First draft of the poster."},
		},
		Attachments: []SeedFile{
			{Attachment{Space: "lobby", Name: "welcome.txt", Type: "text/plain", Uploader: "ada"}, "House rules: be kind.\n"},
			{Attachment{Space: "council", Name: "minutes.txt", Type: "text/plain", Uploader: "bob"}, "Minutes: the budget was agreed.\n"},
		},
		Reports: []SeedReport{
			{Report{Message: "m-000004", Reporter: "bob", Reason: "spam"}, "lobby"},
		},
	}
}

// load replaces all data.
func (a *API) load(d Data) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rooms, a.users = make(map[string]*room), make(map[string]User)
	a.files, a.size, a.numbers, a.sequence = make(map[string][]byte), 0, make(map[string]int), 0
	for _, u := range d.Users {
		a.users[u.ID] = u
	}
	for _, s := range d.Spaces {
		s.Created = SeedTime
		room := newRoom(s.Space)
		for user, role := range s.Roles {
			room.members[user] = &Membership{User: user, Role: role, Joined: SeedTime}
		}
		a.rooms[s.ID] = room
	}
	for _, m := range d.Messages {
		m.Created, m.Format = SeedTime, "plain"
		a.add(a.rooms[m.Space], &m)
	}
	for _, f := range d.Attachments {
		f.Created = SeedTime
		a.keep(a.rooms[f.Space], &f.Attachment, []byte(f.Content))
	}
	for _, r := range d.Reports {
		r.ID, r.Created, r.State = a.number("r"), SeedTime, "open"
		a.rooms[r.Space].reports = append(a.rooms[r.Space].reports, &r.Report)
	}
}
