// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func (x *tester) serve() *httptest.Server {
	x.t.Helper()
	server := httptest.NewServer(x.api.Handler())
	x.t.Cleanup(server.Close)
	x.t.Cleanup(x.api.Close) // before the server, which waits for its connections
	return server
}

// stream opens a space's events and reads past the first comment, so that
// whatever happens from now on is in it.
func (x *tester) stream(server *httptest.Server, user, space, since string) *bufio.Reader {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 30*time.Second)
	x.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/spaces/"+space+"/stream", nil)
	if err != nil {
		x.t.Fatal(err)
	}
	r.Header.Set(UserField, user)
	if since != "" {
		r.Header.Set("Last-Event-ID", since)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		x.t.Fatalf("stream: %d %v", response.StatusCode, response.Header)
	}
	b := bufio.NewReader(response.Body)
	if got := x.frame(b); got != ": following" {
		x.t.Fatalf("stream begins with %q", got)
	}
	return b
}

func (x *tester) frame(b *bufio.Reader) string {
	x.t.Helper()
	var lines []string
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			x.t.Fatalf("stream ended within %q: %v", lines, err)
		}
		if line == "\n" {
			return strings.Join(lines, "|")
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
}

func TestAStreamTellsWhatHappensInItsSpaceOnly(t *testing.T) {
	x := newTester(t)
	b := x.stream(x.serve(), "dan", "lobby", "")
	x.do("cy", "POST /spaces/council/messages", `{"text":"secret"}`).want(201)
	posted := x.do("cy", "POST /spaces/lobby/messages", `{"text":"two\nlines"}`).want(201).Body.String()
	edited := x.do("cy", "PATCH /spaces/lobby/messages/m-000009", `{"text":"one"}`).want(200).Body.String()
	x.do("cy", "DELETE /spaces/lobby/messages/m-000009", "").want(204)
	x.do("bob", "POST /spaces/lobby/reports/r-000001/resolve", `{"action":"hide"}`).want(200)
	for _, want := range []string{
		"event: posted|id: m-000009|data: " + posted,
		"event: edited|id: m-000009|data: " + edited,
		`event: deleted|id: m-000009|data: {"id":"m-000009"}`,
		`event: deleted|id: m-000004|data: {"id":"m-000004"}`,
	} {
		if diff := cmp.Diff(want, x.frame(b)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAStreamRepeatsWhatWasMissedButNothingHidden(t *testing.T) {
	x := newTester(t)
	x.do("bob", "POST /spaces/lobby/reports/r-000001/resolve", `{"action":"hide"}`).want(200)
	server := x.serve()
	for user, want := range map[string]string{"dan": "m-000003 m-000008", "bob": "m-000003 m-000004"} {
		b := x.stream(server, user, "lobby", "m-000002")
		if user == "dan" {
			x.do("cy", "POST /spaces/lobby/messages", `{"text":"new"}`).want(201)
			defer x.do("cy", "DELETE /spaces/lobby/messages/m-000008", "")
		}
		var got []string
		for range 2 {
			_, rest, _ := strings.Cut(x.frame(b), "id: ")
			id, _, _ := strings.Cut(rest, "|")
			got = append(got, id)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s got %v, want %s", user, got, want)
		}
	}
}

func TestAStreamEndsWhenTheCallerMayNoLongerSeeTheSpace(t *testing.T) {
	x := newTester(t)
	b := x.stream(x.serve(), "cy", "council", "")
	x.do("ada", "DELETE /spaces/council/members/cy", "").want(204)
	x.do("ada", "POST /spaces/council/messages", `{"text":"cy is gone"}`).want(201)
	if rest, err := io.ReadAll(b); err != nil || len(rest) > 0 {
		t.Errorf("after losing the right: %q, %v", rest, err)
	}
}

func TestAnIdleStreamHasAHeartbeat(t *testing.T) {
	x := newTester(t)
	x.api.options.Heartbeat = time.Millisecond
	b := x.stream(x.serve(), "cy", "lobby", "")
	if got := x.frame(b); got != ": still here" {
		t.Errorf("heartbeat %q", got)
	}
}

func TestCloseEndsStreamsAndRefusesNewOnes(t *testing.T) {
	x := newTester(t)
	server := x.serve()
	b := x.stream(server, "cy", "lobby", "")
	conn := x.dial(server, "cy", "lobby", "")
	go func() { // answers the closing handshake
		_, _, _ = conn.Read(t.Context())
	}()
	x.api.Close()
	if rest, err := io.ReadAll(b); err != nil || len(rest) > 0 {
		t.Errorf("the stream went on: %q, %v", rest, err)
	}
	x.do("cy", "GET /spaces/lobby/stream", "").want(503)
}

func TestASlowSubscriberIsCutOffAndTheOthersAreNot(t *testing.T) {
	h := newHub()
	slow, _ := h.subscribe("lobby")
	other, _ := h.subscribe("council")
	for range queued + 1 {
		h.publish(event{space: "lobby"})
	}
	n := 0
	for range slow.events {
		n++
	}
	if n != queued || other.gone {
		t.Errorf("%d events before the cut, want %d; the other is cut: %v", n, queued, other.gone)
	}
	h.publish(event{space: "lobby"}) // to a subscriber that is cut off: must not panic
	h.leave(slow)
	h.leave(other)
	if len(h.subs) != 0 {
		t.Error("a subscriber stays after leaving")
	}
}

func TestTheNumberOfStreamsIsBounded(t *testing.T) {
	h := newHub()
	for range maxStreams {
		if _, err := h.subscribe("lobby"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.subscribe("lobby"); err != busy {
		t.Errorf("one too many: %v", err)
	}
}

func (x *tester) dial(server *httptest.Server, user, space, origin string) *websocket.Conn {
	x.t.Helper()
	fields := http.Header{UserField: {user}}
	if origin != "" {
		fields.Set("Origin", origin)
	}
	conn, response, err := websocket.Dial(x.t.Context(), server.URL+"/spaces/"+space+"/live", &websocket.DialOptions{HTTPHeader: fields})
	if err != nil {
		if response != nil {
			x.t.Fatalf("dial: %d %v", response.StatusCode, err)
		}
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { conn.CloseNow() })
	return conn
}

func (x *tester) receive(conn *websocket.Conn) (f liveFrame) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 30*time.Second)
	defer cancel()
	_, data, err := conn.Read(ctx)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		x.t.Fatal(err)
	}
	return f
}

func (x *tester) transmit(conn *websocket.Conn, text string) {
	x.t.Helper()
	if err := conn.Write(x.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		x.t.Fatal(err)
	}
}

func TestWhatIsSaidOverAWebSocketReachesEverybodyThere(t *testing.T) {
	x := newTester(t)
	server := x.serve()
	cy, bob := x.dial(server, "cy", "lobby", ""), x.dial(server, "bob", "lobby", server.URL)
	x.transmit(cy, `{"text":"hello"}`)
	stored := x.receive(cy)
	if diff := cmp.Diff(stored, x.receive(bob)); diff != "" {
		t.Error(diff)
	}
	var m Message
	if err := json.Unmarshal(stored.Message, &m); err != nil || stored.Event != "posted" || m.Author != "cy" || m.Text != "hello" {
		t.Errorf("event %s %s, %v", stored.Event, stored.Message, err)
	}
	x.do("dan", "GET /spaces/lobby/messages/"+m.ID, "").want(200)
}

func TestFaultyPostsOverAWebSocketAreAnsweredAndTheConnectionStays(t *testing.T) {
	x := newTester(t)
	conn := x.dial(x.serve(), "cy", "lobby", "")
	for _, text := range []string{"not JSON", `{"text":""}`, `{"text":"x","reply_to":"m-000005"}`} {
		x.transmit(conn, text)
		if f := x.receive(conn); f.Event != "error" || f.Error == "" {
			t.Errorf("%s: %+v", text, f)
		}
	}
	x.do("bob", "POST /spaces/lobby/members/cy/mute", `{"minutes":1}`).want(200)
	x.transmit(conn, `{"text":"x"}`)
	if f := x.receive(conn); f.Error != muted.detail {
		t.Errorf("a muted member's post: %+v", f)
	}
}

func TestAWebSocketEndsForThoseWhoAreRemovedAndForFramesThatAreTooLarge(t *testing.T) {
	x := newTester(t)
	server := x.serve()
	conn := x.dial(server, "cy", "council", "")
	x.do("ada", "DELETE /spaces/council/members/cy", "").want(204)
	x.do("ada", "POST /spaces/council/messages", `{"text":"cy is gone"}`).want(201)
	if _, data, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("read %q, %v", data, err)
	}
	conn = x.dial(server, "cy", "lobby", "")
	x.transmit(conn, strings.Repeat(" ", maxFrame+1))
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("after a frame that is too large: %v", err)
	}
}

func TestPagesOfOtherOriginsOpenNoWebSocketUnlessAllowed(t *testing.T) {
	a, err := New(Options{Origins: []string{"app.example"}})
	if err != nil {
		t.Fatal(err)
	}
	x := &tester{t: t, api: a}
	server := x.serve()
	x.dial(server, "cy", "lobby", "https://app.example")
	for _, origin := range []string{"https://evil.example", "https://app.example.evil.example", "null"} {
		_, response, err := websocket.Dial(t.Context(), server.URL+"/spaces/lobby/live",
			&websocket.DialOptions{HTTPHeader: http.Header{UserField: {"cy"}, "Origin": {origin}}})
		if err == nil || response.StatusCode != 403 || response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
