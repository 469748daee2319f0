// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/internal/allocs"
)

func TestFaultyBodiesAreRefusedAndChangeNothing(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ü", n) }
	for _, c := range []struct {
		name, line, body string
		want             int
	}{
		{"an unknown field", "POST /spaces/lobby/messages", `{"text":"x","author":"ada"}`, 400},
		{"a wrong type", "POST /spaces/lobby/messages", `{"text":1}`, 400},
		{"two values", "POST /spaces/lobby/messages", `{"text":"x"}{}`, 400},
		{"cut-off JSON", "POST /spaces/lobby/messages", `{"text":"x"`, 400},
		{"trailing rubbish", "POST /spaces/lobby/messages", `{"text":"x"} ]`, 400},
		{"no text", "POST /spaces/lobby/messages", `{}`, 400},
		{"a text above 4000 characters", "POST /spaces/lobby/messages", `{"text":"` + long(4001) + `"}`, 400},
		{"a body above 64 KiB", "POST /spaces/lobby/messages", `{"text":"` + long(40000) + `"}`, 413},
		{"a long tail above 64 KiB", "POST /spaces/lobby/messages", `{"text":"x"}` + strings.Repeat(" ", 70000), 413},
		{"an unknown format", "POST /spaces/lobby/messages", `{"text":"x","format":"html"}`, 400},
		{"a reply to another space's message", "POST /spaces/lobby/messages", `{"text":"x","reply_to":"m-000005"}`, 400},
		{"another space's attachment", "POST /spaces/lobby/messages", `{"text":"x","attachments":["a-000002"]}`, 400},
		{"a faulty mention", "POST /spaces/lobby/messages", `{"text":"x","mentions":["a b"]}`, 400},
		{"21 mentions", "POST /spaces/lobby/messages", `{"text":"x","mentions":["a"` + strings.Repeat(`,"a"`, 20) + `]}`, 400},
		{"an empty edit", "PATCH /spaces/lobby/messages/m-000001", `{"text":""}`, 400},
		{"an unknown reason", "POST /spaces/lobby/messages/m-000001/reports", `{"reason":"bored"}`, 400},
		{"a long note", "POST /spaces/lobby/messages/m-000001/reports", `{"reason":"spam","note":"` + long(501) + `"}`, 400},
		{"an unknown action", "POST /spaces/lobby/reports/r-000001/resolve", `{"action":"burn"}`, 400},
		{"an unknown report", "POST /spaces/lobby/reports/r-000009/resolve", `{"action":"hide"}`, 404},
		{"0 minutes", "POST /spaces/lobby/members/cy/mute", `{"minutes":0}`, 400},
		{"more than a week", "POST /spaces/lobby/members/cy/mute", `{"minutes":10081}`, 400},
		{"a long reason", "POST /spaces/lobby/members/cy/mute", `{"minutes":1,"reason":"` + long(201) + `"}`, 400},
		{"an unknown role", "PUT /spaces/lobby/members/eve", `{"role":"king"}`, 400},
		{"a long nickname", "PUT /spaces/lobby/members/eve", `{"nickname":"` + long(41) + `"}`, 400},
		{"a faulty user", "PUT /spaces/lobby/members/-eve", `{}`, 400},
		{"a taken id", "POST /spaces", `{"id":"council","title":"x"}`, 409},
		{"a faulty id", "POST /spaces", `{"id":"Lobby 2","title":"x"}`, 400},
		{"an id of one character", "POST /spaces", `{"id":"a","title":"x"}`, 400},
		{"no title", "POST /spaces", `{"id":"new"}`, 400},
		{"an unknown visibility", "POST /spaces", `{"id":"new","title":"x","visibility":"secret"}`, 400},
		{"an owner from outside", "PATCH /spaces/lobby", `{"owner":"bob"}`, 400},
		{"a change of nothing", "PATCH /spaces/lobby", `{}`, 400},
		{"a title that is too long", "PATCH /spaces/lobby", `{"title":"` + long(81) + `"}`, 400},
		{"a topic that is too long", "PATCH /spaces/lobby", `{"topic":"` + long(201) + `"}`, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTester(t)
			state := func() string {
				s := x.do("ada", "GET /spaces/lobby", "").Body.String() + x.do("ada", "GET /spaces", "").Body.String()
				return s + x.do("ada", "GET /spaces/lobby/messages", "").Body.String() + x.do("ada", "GET /spaces/lobby/members", "").Body.String()
			}
			before := state()
			x.do("ada", c.line, c.body).want(c.want)
			if diff := cmp.Diff(before, state()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyJSONIsTakenWhereJSONIsDocumented(t *testing.T) {
	x := newTester(t)
	for _, mediaType := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", ";"} {
		x.do("cy", "POST /spaces/lobby/messages", `{"text":"x"}`, "Content-Type", mediaType).want(415)
	}
	x.do("cy", "POST /spaces/lobby/messages", `{"text":"x"}`, "Content-Type", "application/json; charset=utf-8").want(201)
}

func TestAMessageGoesThroughItsLife(t *testing.T) {
	x := newTester(t)
	var m Message
	x.do("cy", "POST /spaces/lobby/messages", `{"text":"Hi *all*","format":"markdown","reply_to":"m-000001","mentions":["ada"],"attachments":["a-000001"]}`).want(201).into(&m)
	want := Message{
		ID: "m-000008", Space: "lobby", Author: "cy", Text: "Hi *all*", Format: "markdown", ReplyTo: "m-000001",
		Mentions: []string{"ada"}, Attachments: []string{"a-000001"}, Created: x.now,
	}
	if diff := cmp.Diff(want, m, cmp.AllowUnexported(Message{})); diff != "" {
		t.Fatal(diff)
	}
	x.now = x.now.Add(time.Minute)
	x.do("cy", "PATCH /spaces/lobby/messages/m-000008", `{"text":"Bye"}`).want(200)
	m = Message{}
	x.do("dan", "GET /spaces/lobby/messages/m-000008", "").want(200).into(&m)
	edited := x.now
	want.Text, want.Edited = "Bye", &edited
	if diff := cmp.Diff(want, m, cmp.AllowUnexported(Message{})); diff != "" {
		t.Error(diff)
	}
	x.do("cy", "DELETE /spaces/lobby/messages/m-000008", "").want(204)
	x.do("cy", "GET /spaces/lobby/messages/m-000008", "").want(404)
	x.do("cy", "DELETE /spaces/lobby/messages/m-000008", "").want(404)
}

func TestPagesGoFromTheNewestToTheOldestWithoutGapOrRepeat(t *testing.T) {
	x := newTester(t)
	for n := range 5 {
		x.do("cy", "POST /spaces/lobby/messages", fmt.Sprintf(`{"text":"more %d"}`, n)).want(201)
	}
	x.do("cy", "DELETE /spaces/lobby/messages/m-000010", "").want(204) // a gap
	var got []string
	target := "/spaces/lobby/messages?limit=3"
	for range 9 {
		w := x.do("dan", "GET "+target, "")
		got = append(got, w.ids("id"))
		var list items[Message]
		w.into(&list)
		if list.Next == "" {
			break
		}
		target = "/spaces/lobby/messages?limit=3&cursor=" + list.Next
	}
	want := []string{"m-000012 m-000011 m-000009", "m-000008 m-000004 m-000003", "m-000002 m-000001"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := x.do("dan", "GET /spaces/lobby/messages?q=MORE&limit=2", "").ids("id"); got != "m-000012 m-000011" {
		t.Errorf("search found %q", got)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "limit=", "cursor=", "cursor=-1", "cursor=0", "cursor=%27", "q=" + strings.Repeat("a", 101)} {
		x.do("dan", "GET /spaces/lobby/messages?"+query, "").want(400)
	}
}

func TestASearchForATextInAQueryLanguageFindsTheText(t *testing.T) {
	x := newTester(t)
	x.do("cy", "POST /spaces/lobby/messages", `{"text":"I say ' OR 1=1 -- often"}`).want(201)
	if got := x.do("cy", "GET /spaces/lobby/messages?q=%27%20or%201=1%20--", "").ids("id"); got != "m-000008" {
		t.Errorf("found %q", got)
	}
}

func TestASpaceKeepsItsNewestMessages(t *testing.T) {
	a := newTester(t).api
	s := a.rooms["lobby"]
	for range maxMessages + 10 {
		a.add(s, &Message{Space: "lobby", Author: "cy", Text: "x"})
	}
	if len(s.order) != maxMessages || len(s.messages) != maxMessages {
		t.Errorf("%d in order, %d by id; want %d", len(s.order), len(s.messages), maxMessages)
	}
	for at, m := range s.order {
		if s.position(m.sequence) != at || s.messages[m.ID] != m {
			t.Fatalf("%s is lost", m.ID)
		}
	}
}

func TestReadingOneMessageIsCheap(t *testing.T) {
	a := newTester(t).api
	r := httptest.NewRequest("GET", "/spaces/lobby/messages/m-000001", nil)
	r.Header[UserField] = []string{"cy"}
	w := &discard{header: make(http.Header)}
	allocs := allocs.PerRun(200, func() {
		clear(w.header)
		a.Handler().ServeHTTP(w, r)
	})
	if w.status != 200 || allocs > 10 {
		t.Errorf("status %d, %v allocations, want at most 10", w.status, allocs)
	}
}

// discard is a ResponseWriter that keeps the status only.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header            { return d.header }
func (d *discard) WriteHeader(status int)         { d.status = status }
func (d *discard) Write(data []byte) (int, error) { return len(data), nil }

func BenchmarkGetMessage(b *testing.B) {
	a, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/spaces/lobby/messages/m-000001", nil)
	r.Header[UserField] = []string{"cy"}
	w := &discard{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		a.Handler().ServeHTTP(w, r)
	}
}
