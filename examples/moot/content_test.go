// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// form makes a multipart body with one part, and its Content-Type.
func form(t *testing.T, field, name, mediaType, content string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	head := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, field, name)}}
	if mediaType != "" {
		head.Set("Content-Type", mediaType)
	}
	part, err := w.CreatePart(head)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestAFileComesBackAsItWasSent(t *testing.T) {
	content := "\x89PNG\r\n\x1a\n\x00\xff"
	multi, multiType := form(t, "file", "logo 1.png", "image/png", content)
	bare, bareType := form(t, "file", "logo 1.png", "", content)
	for _, c := range []struct{ name, query, body, contentType, want string }{
		{"as multipart", "", multi, multiType, "image/png"},
		{"as multipart without a type", "", bare, bareType, "application/octet-stream"},
		{"as the body itself", "?name=logo%201.png", content, "image/png", "image/png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTester(t)
			var f Attachment
			x.do("cy", "POST /spaces/lobby/attachments"+c.query, c.body, "Content-Type", c.contentType).want(201).into(&f)
			if f.Name != "logo 1.png" || f.Type != c.want || f.Size != len(content) || f.Uploader != "cy" || len(f.SHA256) != 64 {
				t.Errorf("described as %+v", f)
			}
			w := x.do("dan", "GET /spaces/lobby/attachments/"+f.ID, "").want(200)
			h := w.Header()
			if w.Body.String() != content || h.Get("Content-Type") != c.want || h.Get("X-Content-Type-Options") != "nosniff" ||
				h.Get("Content-Disposition") != `attachment; filename="logo 1.png"` {
				t.Errorf("sent back %q as %v", w.Body, h)
			}
			x.do("cy", "DELETE /spaces/lobby/attachments/"+f.ID, "").want(204)
			x.do("cy", "GET /spaces/lobby/attachments/"+f.ID, "").want(404)
		})
	}
}

func TestFaultyUploadsAreRefusedAndNothingIsKept(t *testing.T) {
	other, otherType := form(t, "other", "a.txt", "text/plain", "x")
	climb, climbType := form(t, "file", "../council/minutes.txt", "text/plain", "x")
	big, bigType := form(t, "file", "a.txt", "text/plain", strings.Repeat("x", maxFile+1))
	huge, hugeType := form(t, "file", "a.txt", "text/plain", strings.Repeat("x", 2*maxFile))
	for _, c := range []struct {
		name, user, query, body, contentType string
		want                                 int
	}{
		{"an outsider's", "dan", "?name=a.txt", "x", "text/plain", 403},
		{"one that would run in a browser", "cy", "?name=a.html", "x", "text/html", 415},
		{"one without a type", "cy", "?name=a.txt", "x", "", 415},
		{"one without a name", "cy", "", "x", "text/plain", 400},
		{"one whose name climbs", "cy", "?name=../council/minutes.txt", "x", "text/plain", 400},
		{"one whose form name climbs", "cy", "", climb, climbType, 400},
		{"a hidden file's name", "cy", "?name=.profile", "x", "text/plain", 400},
		{"a name with a line break", "cy", "?name=a%0d%0ab", "x", "text/plain", 400},
		{"a name above 100 characters", "cy", "?name=" + strings.Repeat("a", 101), "x", "text/plain", 400},
		{"a name that is taken", "cy", "?name=welcome.txt", "x", "text/plain", 409},
		{"a form without a file", "cy", "", other, otherType, 400},
		{"a form that is cut off", "cy", "", other[:20], otherType, 400},
		{"a form without a boundary", "cy", "", other, "multipart/form-data", 400},
		{"a file above the bound", "cy", "?name=a.txt", strings.Repeat("x", maxFile+1), "text/plain", 413},
		{"a file far above the bound", "cy", "?name=a.txt", strings.Repeat("x", 2*maxFile), "text/plain", 413},
		{"a file in a form above the bound", "cy", "", big, bigType, 413},
		{"a file in a form far above the bound", "cy", "", huge, hugeType, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTester(t)
			files, size := len(x.api.files), x.api.size
			x.do(c.user, "POST /spaces/lobby/attachments"+c.query, c.body, "Content-Type", c.contentType).want(c.want)
			if len(x.api.files) != files || x.api.size != size {
				t.Error("something was kept")
			}
		})
	}
}

func TestFilesAreBoundedInNumberAndSum(t *testing.T) {
	x := newTester(t)
	upload := func(name string) *reply {
		return x.do("cy", "POST /spaces/lobby/attachments?name="+name, "x", "Content-Type", "text/plain")
	}
	for n := 1; n < maxAttachments; n++ { // one is there already
		upload(fmt.Sprintf("f%d", n)).want(201)
	}
	upload("last").want(507)
	x.do("cy", "DELETE /spaces/lobby/attachments/a-000003", "").want(204)
	x.api.size = maxFiles
	upload("last").want(507)
	x.api.size = maxFiles - 1
	upload("last").want(201)
}

func TestTheSizeOfAllFilesIsKeptRight(t *testing.T) {
	x := newTester(t)
	sum := func() (n int) {
		for _, content := range x.api.files {
			n += len(content)
		}
		return n
	}
	x.do("cy", "POST /spaces/council/attachments?name=b", "12345", "Content-Type", "text/plain").want(201)
	if x.api.size != sum() {
		t.Errorf("size %d, files hold %d", x.api.size, sum())
	}
	x.do("ada", "DELETE /spaces/council", "").want(204)
	if x.api.size != sum() || len(x.api.files) != 1 {
		t.Errorf("size %d, files hold %d in %d", x.api.size, sum(), len(x.api.files))
	}
}

func TestThreeReportsHideAMessageUntilAModeratorDecides(t *testing.T) {
	x := newTester(t)
	const message, reports = "/spaces/lobby/messages/m-000001", "/spaces/lobby/messages/m-000001/reports"
	for _, user := range []string{"cy", "dan", "eve"} {
		x.do("zoe", "GET "+message, "").want(200)
		x.do(user, "POST "+reports, `{"reason":"abuse"}`).want(201)
		if user == "cy" {
			x.do(user, "POST "+reports, `{"reason":"spam"}`).want(409)
		}
	}
	x.do("zoe", "GET "+message, "").want(404)
	x.do("zoe", "POST "+reports, `{"reason":"abuse"}`).want(404)
	if got := x.do("cy", "GET /spaces/lobby/messages", "").ids("id"); strings.Contains(got, "m-000001") {
		t.Errorf("a member's list still has it: %s", got)
	}
	var m Message
	x.do("bob", "GET "+message, "").want(200).into(&m)
	if !m.Hidden {
		t.Error("moderators do not see that it is hidden")
	}
	x.do("bob", "POST /spaces/lobby/reports/r-000002/resolve", `{"action":"dismiss"}`).want(200)
	x.do("zoe", "GET "+message, "").want(200)
	x.do("bob", "POST /spaces/lobby/reports/r-000002/resolve", `{"action":"hide"}`).want(409)
	x.do("bob", "POST /spaces/lobby/reports/r-000003/resolve", `{"action":"hide"}`).want(200)
	x.do("zoe", "GET "+message, "").want(404)
	x.do("bob", "POST /spaces/lobby/reports/r-000004/resolve", `{"action":"delete"}`).want(200)
	x.do("bob", "GET "+message, "").want(404)
	if got := x.do("ada", "GET /spaces/lobby/reports?state=open", "").ids("id"); got != "r-000001" {
		t.Errorf("open reports: %s", got)
	}
	if got := x.do("ada", "GET /spaces/lobby/reports?state=resolved", "").ids("action"); got != "dismiss hide delete" {
		t.Errorf("actions: %s", got)
	}
	x.do("ada", "GET /spaces/lobby/reports?state=lost", "").want(400)
}

func TestAMutedMemberReadsButNeitherPostsNorUploadsNorEditsUntilTheTimeIsOver(t *testing.T) {
	x := newTester(t)
	x.do("bob", "POST /spaces/lobby/members/cy/mute", `{"minutes":10,"reason":"watches"}`).want(200)
	try := func(post, upload, edit int) {
		t.Helper()
		x.do("cy", "GET /spaces/lobby/messages", "").want(200)
		x.do("cy", "POST /spaces/lobby/messages", `{"text":"x"}`).want(post)
		x.do("cy", "POST /spaces/lobby/attachments?name=a", "x", "Content-Type", "text/plain").want(upload)
		x.do("cy", "PATCH /spaces/lobby/messages/m-000003", `{"text":"x"}`).want(edit)
	}
	x.now = x.now.Add(10*time.Minute - time.Millisecond)
	try(403, 403, 403)
	x.do("cy", "POST /spaces/council/messages", `{"text":"x"}`).want(201)
	x.now = x.now.Add(time.Millisecond)
	try(201, 201, 200)
}

func TestMembersLeaveButTheLastOwnerStays(t *testing.T) {
	x := newTester(t)
	x.do("ada", "DELETE /spaces/lobby/members/ada", "").want(409)
	x.do("ada", "PUT /spaces/lobby/members/bob", `{"role":"owner"}`).want(200)
	x.do("ada", "DELETE /spaces/lobby/members/ada", "").want(204)
	x.do("bob", "PUT /spaces/lobby/members/bob", `{"role":"member"}`).want(409)
	if got := x.do("cy", "GET /spaces/lobby/members", "").ids("role"); got != "owner member" {
		t.Errorf("roles %s", got)
	}
	x.do("cy", "DELETE /spaces/council/members/cy", "").want(204)
	x.do("cy", "GET /spaces/council", "").want(404)
}

func TestSpacesMembersAndReportsAreBounded(t *testing.T) {
	x := newTester(t)
	for n := len(x.api.rooms); n < maxSpaces; n++ {
		x.do("eve", "POST /spaces", fmt.Sprintf(`{"id":"s%d","title":"x","visibility":"private"}`, n)).want(201)
	}
	x.do("eve", "POST /spaces", `{"id":"one-more","title":"x"}`).want(507)
	x.do("ada", "GET /spaces/s200", "").want(404)
	s := x.api.rooms["lobby"]
	for n := len(s.members); n < maxMembers; n++ {
		x.do("ada", fmt.Sprintf("PUT /spaces/lobby/members/u%d", n), `{}`).want(200)
	}
	x.do("ada", "PUT /spaces/lobby/members/one-more", `{}`).want(507)
	x.do("ada", "PUT /spaces/lobby/members/u99", `{"role":"moderator"}`).want(200)
	for n := len(s.reports); n < maxReports; n++ {
		s.reports = append(s.reports, &Report{State: "resolved"})
	}
	x.do("ada", "POST /spaces/lobby/messages/m-000001/reports", `{"reason":"other"}`).want(507)
}
