// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachRoleGetsWhatItMay(t *testing.T) {
	users := []string{"ada", "bob", "cy", "dan"} // owner, moderator, member, outsider
	for _, c := range []struct {
		line, body string
		want       [4]int
	}{
		{"GET /spaces/lobby", "", [4]int{200, 200, 200, 200}},
		{"GET /spaces/council", "", [4]int{200, 200, 200, 404}},
		{"GET /spaces/studio", "", [4]int{404, 404, 404, 200}},
		{"GET /spaces/nowhere", "", [4]int{404, 404, 404, 404}},
		{"PATCH /spaces/lobby", `{"topic":"x"}`, [4]int{200, 200, 403, 403}},
		{"PATCH /spaces/lobby", `{"title":"x"}`, [4]int{200, 403, 403, 403}},
		{"PATCH /spaces/council", `{"visibility":"public"}`, [4]int{200, 403, 403, 404}},
		{"DELETE /spaces/lobby", "", [4]int{204, 403, 403, 403}},
		{"DELETE /spaces/council", "", [4]int{204, 403, 403, 404}},
		{"GET /spaces/council/members", "", [4]int{200, 200, 200, 404}},
		{"PUT /spaces/lobby/members/eve", `{}`, [4]int{200, 200, 403, 403}},
		{"PUT /spaces/lobby/members/eve", `{"role":"member"}`, [4]int{200, 200, 403, 403}},
		{"PUT /spaces/lobby/members/eve", `{"role":"moderator"}`, [4]int{200, 403, 403, 403}},
		{"PUT /spaces/lobby/members/cy", `{"role":"moderator"}`, [4]int{200, 403, 403, 403}},
		{"PUT /spaces/lobby/members/cy", `{"nickname":"x"}`, [4]int{200, 403, 200, 403}},
		{"PUT /spaces/lobby/members/ada", `{"role":"member"}`, [4]int{409, 403, 403, 403}},
		{"PUT /spaces/lobby/members/dan", `{"role":"member"}`, [4]int{200, 200, 403, 403}},
		{"DELETE /spaces/lobby/members/cy", "", [4]int{204, 204, 204, 403}},
		{"DELETE /spaces/lobby/members/bob", "", [4]int{204, 204, 403, 403}},
		{"DELETE /spaces/lobby/members/ada", "", [4]int{409, 403, 403, 403}},
		{"DELETE /spaces/lobby/members/eve", "", [4]int{404, 404, 404, 403}},
		{"POST /spaces/lobby/members/cy/mute", `{"minutes":5}`, [4]int{200, 200, 403, 403}},
		{"POST /spaces/lobby/members/bob/mute", `{"minutes":5}`, [4]int{200, 403, 403, 403}},
		{"POST /spaces/lobby/members/eve/mute", `{"minutes":5}`, [4]int{404, 404, 403, 403}},
		{"GET /spaces/lobby/messages", "", [4]int{200, 200, 200, 200}},
		{"GET /spaces/council/messages", "", [4]int{200, 200, 200, 404}},
		{"POST /spaces/lobby/messages", `{"text":"x"}`, [4]int{201, 201, 201, 403}},
		{"POST /spaces/council/messages", `{"text":"x"}`, [4]int{201, 201, 201, 404}},
		{"GET /spaces/council/messages/m-000005", "", [4]int{200, 200, 200, 404}},
		{"GET /spaces/lobby/messages/m-000005", "", [4]int{404, 404, 404, 404}}, // of council
		{"PATCH /spaces/lobby/messages/m-000003", `{"text":"x"}`, [4]int{403, 403, 200, 403}},
		{"PATCH /spaces/council/messages/m-000005", `{"text":"x"}`, [4]int{200, 403, 403, 404}},
		{"DELETE /spaces/lobby/messages/m-000003", "", [4]int{204, 204, 204, 403}},
		{"DELETE /spaces/lobby/messages/m-000001", "", [4]int{204, 204, 403, 403}},
		{"POST /spaces/lobby/messages/m-000001/reports", `{"reason":"spam"}`, [4]int{201, 201, 201, 201}},
		{"POST /spaces/council/messages/m-000005/reports", `{"reason":"spam"}`, [4]int{201, 201, 201, 404}},
		{"GET /spaces/lobby/reports", "", [4]int{200, 200, 403, 403}},
		{"GET /spaces/council/reports", "", [4]int{200, 200, 403, 404}},
		{"POST /spaces/lobby/reports/r-000001/resolve", `{"action":"hide"}`, [4]int{200, 200, 403, 403}},
		{"GET /spaces/council/attachments/a-000002", "", [4]int{200, 200, 200, 404}},
		{"GET /spaces/lobby/attachments/a-000002", "", [4]int{404, 404, 404, 404}},
		{"DELETE /spaces/council/attachments/a-000002", "", [4]int{204, 204, 403, 404}},
		{"GET /spaces/council/stream", "", [4]int{0, 0, 0, 404}}, // the others would stay
		{"GET /spaces/lobby/live", "", [4]int{426, 426, 426, 403}},
	} {
		for n, user := range users {
			if c.want[n] == 0 {
				continue
			}
			if got := newTester(t).do(user, c.line, c.body).Code; got != c.want[n] {
				t.Errorf("%s: %s %s: answer %d, want %d", user, c.line, c.body, got, c.want[n])
			}
		}
		if got := newTester(t).do("", c.line, c.body).Code; got != 401 {
			t.Errorf("nobody: %s: answer %d, want 401", c.line, got)
		}
	}
}

func TestAnAdminActsAsOwnerEverywhere(t *testing.T) {
	x := newTester(t)
	x.do("root", "GET /spaces/studio", "").want(404)
	x.do("root", "GET /spaces/studio", "", RolesField, "administrator, member").want(404)
	x.do("root", "GET /spaces/studio", "", RolesField, "member, admin").want(200)
	x.do("root", "DELETE /spaces/studio", "", RolesField, "admin").want(204)
}

func TestTheCallersNameMustComeOnceAndBeAName(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string
		want   int
	}{
		{"a name", []string{"ada"}, 200},
		{"a name with every sign", []string{"0a.b_c@d:e-f"}, 200},
		{"none", nil, 401},
		{"an empty one", []string{""}, 401},
		{"two", []string{"ada", "bob"}, 401},
		{"a list", []string{"ada, bob"}, 401},
		{"one that begins with a sign", []string{"-ada"}, 401},
		{"one above 64 characters", []string{strings.Repeat("a", 65)}, 401},
	} {
		x := newTester(t)
		r := httptest.NewRequest("GET", "/me?user=ada", nil)
		r.Header[UserField] = c.values
		w := httptest.NewRecorder()
		x.api.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: answer %d, want %d", c.name, w.Code, c.want)
		}
	}
}

func TestAnonymousNamesCallersOnlyWhereItIsSet(t *testing.T) {
	a, err := New(Options{Anonymous: "cy"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/me", nil))
	if !strings.Contains(w.Body.String(), `"user":"cy"`) {
		t.Errorf("answer %s", w.Body)
	}
	if _, err := New(Options{Anonymous: "no name"}); err == nil {
		t.Error("a faulty name was taken")
	}
}

func TestWhoAmIAndListSpacesShowOnlyWhatTheCallerMaySee(t *testing.T) {
	x := newTester(t)
	var me map[string]any
	x.do("bob", "GET /me", "").want(200).into(&me)
	want := map[string]any{"user": "bob", "admin": false, "spaces": []any{
		map[string]any{"space": "council", "role": "moderator"}, map[string]any{"space": "lobby", "role": "moderator"},
	}}
	if diff := cmp.Diff(want, me); diff != "" {
		t.Error(diff)
	}
	for user, want := range map[string]string{"ada": "council lobby", "dan": "lobby studio", "eve": "lobby"} {
		if got := x.do(user, "GET /spaces", "").ids("id"); got != want {
			t.Errorf("%s sees %q, want %q", user, got, want)
		}
	}
	if got := x.do("ada", "GET /spaces?visibility=private", "").ids("id"); got != "council" {
		t.Errorf("private spaces of ada: %q", got)
	}
	x.do("ada", "GET /spaces?visibility=secret", "").want(400)
}

func TestErrorsAreProblemsAndUnknownMethodsNameTheKnownOnes(t *testing.T) {
	x := newTester(t)
	for _, c := range []struct {
		line   string
		status int
		allow  string
	}{
		{"GET /nothing", 404, ""},
		{"GET /internal/users", 404, ""},
		{"POST /health", 405, "GET, HEAD"},
		{"PURGE /spaces/lobby", 405, "GET, HEAD, PATCH, DELETE"},
		{"PUT /spaces/lobby/messages/m-000001", 405, "GET, HEAD, PATCH, DELETE"},
		{"GET /spaces/lobby/attachments", 405, "POST"},
	} {
		w := x.do("ada", c.line, "")
		var p problem
		w.want(c.status).into(&p)
		if p.Status != c.status || p.Type != "about:blank" || p.Title == "" || p.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s: %+v, Allow %q", c.line, p, w.Header().Get("Allow"))
		}
	}
}

func TestTheSeedIsTheSameEachTimeAndItsOwnCopy(t *testing.T) {
	if diff := cmp.Diff(Seed(), Seed(), cmp.AllowUnexported(Message{})); diff != "" {
		t.Error(diff)
	}
	x, y := newTester(t), newTester(t)
	x.do("ada", "DELETE /spaces/lobby", "").want(204)
	y.do("ada", "GET /spaces/lobby", "").want(200)
	var m Message
	y.do("cy", "GET /spaces/lobby/messages/m-000003", "").want(200).into(&m)
	if m.Text != "Hello, everyone!" || !m.Created.Equal(SeedTime) || m.Author != "cy" {
		t.Errorf("seeded message %+v", m)
	}
}

func TestRolesReadAndWriteTheirNames(t *testing.T) {
	for _, r := range []Role{Member, Moderator, Owner} {
		data, err := json.Marshal(r)
		var back Role
		if err != nil || json.Unmarshal(data, &back) != nil || back != r {
			t.Errorf("%v became %s became %v", r, data, back)
		}
	}
	var r Role
	for _, text := range []string{`"outsider"`, `"Owner"`, `""`, `3`} {
		if json.Unmarshal([]byte(text), &r) == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
