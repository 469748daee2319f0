// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/egress/leak"
)

// What is found is put together here, so that the file itself holds none.
const (
	cardText = "4111 1111" + " 1111 1111"
	bareCard = "41111111" + "11111111"
	privKey  = "-----BEGIN " + `PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END ` + "PRIVATE KEY-----"
	token    = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "eyJzdWIiOiJncmV0ZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
	trace    = `{"error":"boom","trace":"java.lang.X\n\tat a.B.c(B.java:12)"}`
)

func textOf(status int, kind, body string) *durward.Exchange {
	return answer(status, durward.Header{{Name: "Content-Type", Value: kind}, {Name: "X-Content-Type-Options", Value: "nosniff"}}, body)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func guarded(cfg *Config, operation string, x *durward.Exchange) durward.Decision {
	return Compile(cfg, "").Stage(operation).Response(context.Background(), x)
}

func TestLeaksInAnswers(t *testing.T) {
	const kind = "application/json"
	for _, row := range []struct {
		name      string
		cfg       Config
		operation string
		body      string
		want      string // "" is a refusal
		leaks     []durward.Leak
	}{
		{"a card number is masked, and its length stays", Config{}, "", `{"card":"` + cardText + `"}`, `{"card":"***************1111"}`,
			[]durward.Leak{{Detector: "card_number", Action: "mask", Place: "content", Offset: 9, Count: 1}}},
		{"a card number that is a number stays one", Config{}, "", `{"card":` + bareCard + `}`, `{"card":9999999999999999}`,
			[]durward.Leak{{Detector: "card_number", Action: "mask", Place: "content", Offset: 8, Count: 1}}},
		{"a private key is blocked", Config{}, "", `{"key":"` + privKey + `"}`, "",
			[]durward.Leak{{Detector: "private_key", Action: "block", Place: "content", Offset: 8, Count: 1}}},
		{"a token is only reported: a login returns one", Config{}, "", `{"access_token":"` + token + `"}`, `{"access_token":"` + token + `"}`,
			[]durward.Leak{{Detector: "jwt", Action: "report", Place: "content", Offset: 17, Count: 1}}},
		{"a detector can have another action", Config{Leaks: LeakConfig{Detectors: map[string]string{"jwt": "block"}}}, "", `{"t":"` + token + `"}`, "",
			[]durward.Leak{{Detector: "jwt", Action: "block", Place: "content", Offset: 6, Count: 1}}},
		{"but not where the operation may tell it", Config{Leaks: LeakConfig{Detectors: map[string]string{"jwt": "block"}, Allow: map[string][]string{"login": {"jwt"}}}}, "login",
			`{"t":"` + token + `"}`, `{"t":"` + token + `"}`, nil},
		{"nor is what is off looked for", Config{Leaks: LeakConfig{Default: "off"}}, "", `{"card":"` + cardText + `"}`, `{"card":"` + cardText + `"}`, nil},
		{"an internal address is reported where nothing failed", Config{}, "", `{"peer":"10.1.2.3"}`, `{"peer":"10.1.2.3"}`,
			[]durward.Leak{{Detector: "internal_address", Action: "report", Place: "content", Offset: 9, Count: 1}}},
		{"or masked", Config{Disclosures: "mask"}, "", `{"peer":"10.1.2.3"}`, `{"peer":"********"}`,
			[]durward.Leak{{Detector: "internal_address", Action: "mask", Place: "content", Offset: 9, Count: 1}}},
		{"several of a kind are one entry", Config{Disclosures: "mask"}, "", `["10.1.2.3","10.1.2.4"]`, `["********","********"]`,
			[]durward.Leak{{Detector: "internal_address", Action: "mask", Place: "content", Offset: 2, Count: 2}}},
		{"a national id is looked for where it is asked for", Config{Leaks: LeakConfig{Detectors: map[string]string{"us_ssn": "mask"}}}, "", `{"ssn":"123-45-6789"}`, `{"ssn":"*******6789"}`,
			[]durward.Leak{{Detector: "us_ssn", Action: "mask", Place: "content", Offset: 8, Count: 1}}},
		{"and not otherwise", Config{}, "", `{"ssn":"123-45-6789"}`, `{"ssn":"123-45-6789"}`, nil},
		{"a pattern of one's own", Config{Leaks: LeakConfig{Patterns: []PatternConfig{{Name: "staff", Pattern: "S-[0-9]{5}", Words: []string{"staff"}}}}}, "",
			`{"staff_no":"S-12345","no":"S-12346"}`, `{"staff_no":"*******","no":"S-12346"}`,
			[]durward.Leak{{Detector: "staff", Action: "mask", Place: "content", Offset: 13, Count: 1}}},
		{"report mode changes nothing", Config{Mode: durward.Report, BrowserHeaders: "off"}, "", `{"card":"` + cardText + `"}`, `{"card":"` + cardText + `"}`,
			[]durward.Leak{{Detector: "card_number", Action: "report", Place: "content", Offset: 9, Count: 1}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := row.cfg.Check(); err != nil {
				t.Fatal(err)
			}
			x := textOf(200, kind, row.body)
			d := guarded(&row.cfg, row.operation, x)
			if refused := d.Verdict == durward.Deny; refused != (row.want == "") || refused && d.Code != durward.CodeUpstreamInvalid {
				t.Errorf("%v %s", d.Verdict, d.Code)
			}
			if row.want != "" {
				if got := bodyOf(t, x); got != row.want || !json.Valid([]byte(got)) {
					t.Errorf("got %s, want %s", got, row.want)
				}
			}
			if diff := cmp.Diff(row.leaks, x.Guard.Leaks); diff != "" {
				t.Error(diff)
			}
			if d.Err != nil && (strings.Contains(d.Err.Error(), "4111") || strings.Contains(d.Err.Error(), "eyJ")) {
				t.Error("the reason holds the value")
			}
		})
	}
}

func TestErrorsOfClientsThatTellTooMuch(t *testing.T) {
	for _, row := range []struct {
		name     string
		cfg      Config
		status   int
		body     string
		replaced bool
	}{
		{"a stack trace in a 400", Config{}, 400, trace, true},
		{"an error of a database in a 409", Config{}, 409, `{"e":"pq: duplicate key value violates unique constraint \"u\""}`, true},
		{"a default page in a 404", Config{}, 404, "<html><hr><center>nginx/1.18.0</center></html>", true},
		{"an internal address in a 403", Config{}, 403, `{"e":"no route from 10.2.3.4"}`, true},
		{"a path in a 422", Config{}, 422, `{"e":"cannot open /var/www/html/x.php"}`, true},
		{"the API's own words", Config{}, 422, `{"e":"name must not be empty"}`, false},
		{"a trace in a 200", Config{}, 200, trace, false},
		{"a trace where errors pass", Config{Errors: "pass"}, 400, trace, false},
		{"a path where paths are only reported", Config{Leaks: LeakConfig{Detectors: map[string]string{"file_path": "report"}}}, 422, `{"e":"/var/www/html/x.php"}`, false},
		{"report mode", Config{Mode: durward.Report}, 400, trace, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := textOf(row.status, "application/json", row.body)
			x.Response.Header.Add("Www-Authenticate", "Bearer")
			x.Response.Header.Add("X-Where", "db7")
			d := guarded(&row.cfg, "", x)
			got := bodyOf(t, x)
			if !row.replaced {
				if got != row.body || d.Verdict == durward.Answer {
					t.Errorf("%v, %s", d.Verdict, got)
				}
				return
			}
			if d.Verdict != durward.Answer || d.Code != durward.CodeUpstreamError || x.Response.Status != row.status ||
				!strings.Contains(got, `"code":"upstream-error"`) || x.Response.Header.Has("X-Where") || !x.Response.Header.Has("Www-Authenticate") {
				t.Errorf("%v %s: %d %v %s", d.Verdict, d.Code, x.Response.Status, x.Response.Header, got)
			}
		})
	}
	x := textOf(400, "application/json", trace)
	if d := guarded(&Config{Mode: durward.Report}, "", x); d.Verdict != durward.Allow || len(x.Guard.Leaks) == 0 || x.Guard.Leaks[0].Action != "report" {
		t.Errorf("report mode: %v, %v", d.Verdict, x.Guard.Leaks)
	}
}

func TestFieldsAreLookedIntoAsWell(t *testing.T) {
	x := textOf(302, "text/plain", "")
	x.Response.Header.Add("Location", "http://10.0.0.5:8080/login")
	x.Response.Header.Add("Set-Cookie", "session="+token)
	x.Response.Header.Add("X-Debug", cardText)
	guarded(&Config{Disclosures: "mask"}, "", x)
	if got := x.Response.Header.Get("Location"); got != "http://********:8080/login" {
		t.Error(got)
	}
	if got := x.Response.Header.Get("X-Debug"); got != "***************1111" {
		t.Error(got)
	}
	var places []string
	for _, l := range x.Guard.Leaks {
		places = append(places, l.Place+" "+l.Detector)
	}
	if want := []string{"Location internal_address", "X-Debug card_number"}; !slices.Equal(places, want) {
		t.Error(places)
	}
	blocked := textOf(200, "text/plain", "fine")
	blocked.Response.Header.Add("X-Key", strings.ReplaceAll(privKey, `\n`, " "))
	if d := guarded(&Config{}, "", blocked); d.Verdict != durward.Deny {
		t.Errorf("%v", d.Verdict)
	}
}

func TestWhatCannotBeGuardedIsDeclared(t *testing.T) {
	for _, row := range []struct {
		reason string
		change func(*durward.Response)
	}{
		{"content-coding", func(r *durward.Response) { r.Header.Add("Content-Encoding", "br") }},
		{"content-coding", func(r *durward.Response) { r.Header.Add("Content-Encoding", "gzip, gzip") }},
		{"content-coding", func(r *durward.Response) { r.Header.Add("Content-Encoding", "gzip") }}, // and it is not
		{"media-type", func(r *durward.Response) { r.Header.Set("Content-Type", "image/png") }},
		{"media-type", func(r *durward.Response) { r.Header.Set("Content-Type", "application/grpc+proto") }},
		{"media-type", func(r *durward.Response) { r.Header.Set("Content-Type", "application/octet-stream") }},
		{"charset", func(r *durward.Response) { r.Header.Set("Content-Type", "text/plain; charset=UTF-16LE") }},
		{"partial", func(r *durward.Response) { r.Status = 206 }},
		{"upgrade", func(r *durward.Response) { r.Upgraded = nowhere{} }},
	} {
		t.Run(row.reason, func(t *testing.T) {
			x := textOf(200, "application/json", `{"card":"`+cardText+`"}`)
			row.change(x.Response)
			if d := guarded(&Config{}, "", x); d.Verdict != durward.Allow || x.Guard.Unguarded != row.reason {
				t.Errorf("%v, %q", d.Verdict, x.Guard.Unguarded)
			}
			if d := guarded(&Config{Unguarded: "refuse"}, "", x); d.Verdict != durward.Deny || d.Code != durward.CodeUpstreamInvalid {
				t.Errorf("%v, %q", d.Verdict, d.Code)
			}
		})
	}
	for _, kind := range []string{"application/json; charset=utf-8", "application/vnd.api+json", "text/csv", "image/svg+xml", "application/xml", "application/x-amz-json-1.1", "application/json-seq", "application/jsonl", ""} {
		x := textOf(200, kind, "fine")
		if guarded(&Config{}, "", x); x.Guard.Unguarded != "" {
			t.Errorf("%q: %s", kind, x.Guard.Unguarded)
		}
	}
}

type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

func TestCompressedAnswers(t *testing.T) {
	dirty := `{"card":"` + cardText + `"}`
	var b strings.Builder
	for i := range 40000 {
		fmt.Fprintf(&b, " %x", i*i*7919)
	}
	long := b.String()
	for _, row := range []struct {
		name, plain, want string
		compressed        bool
	}{
		{"a clean one stays as it came", `{"a":1}`, `{"a":1}`, true},
		{"another is sent plain and masked", dirty, `{"card":"***************1111"}`, false},
		{"a large one is looked into while it is sent", dirty + long, `{"card":"***************1111"}` + long, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			came := zipped(row.plain)
			x := textOf(200, "application/json", came)
			x.Response.Header.Add("Content-Encoding", "gzip")
			x.Response.Header.Add("Etag", `"v1"`)
			x.Response.Header.Add("Content-Digest", "sha-256=:x:")
			d := guarded(&Config{MaxBody: 64 << 10}, "", x)
			content, err := io.ReadAll(x.Response.Body)
			if err != nil || d.Verdict != durward.Allow {
				t.Fatal(err, d.Verdict)
			}
			h := x.Response.Header
			if row.compressed {
				if string(content) != came || h.Get("Content-Encoding") != "gzip" || h.Get("Etag") != `"v1"` || !h.Has("Content-Digest") {
					t.Errorf("%v", h)
				}
			} else if string(content) != row.want || h.Has("Content-Encoding") || h.Get("Etag") != `W/"v1"` || h.Has("Content-Digest") ||
				x.Response.Length >= 0 && x.Response.Length != int64(len(content)) {
				t.Errorf("%d bytes, length %d, %v", len(content), x.Response.Length, h)
			}
		})
	}
}

func TestStreamsAndLargeAnswers(t *testing.T) {
	events := textOf(200, "text/event-stream", "data: "+cardText+"\n\ndata: 2\n\n")
	events.Response.Length, events.Response.Stream = -1, true
	guarded(&Config{}, "", events)
	got, _ := io.ReadAll(events.Response.Body)
	if string(got) != "data: ***************1111\n\ndata: 2\n\n" || !events.Guard.Streamed || len(events.Guard.Leaks) != 1 {
		t.Errorf("%q %+v", got, events.Guard)
	}

	large := textOf(200, "application/json", `["`+strings.Repeat("abc, ", 1000)+cardText+`"]`)
	length := large.Response.Length
	guarded(&Config{MaxBody: 100}, "", large)
	if got := bodyOf(t, large); !strings.HasSuffix(got, `***************1111"]`) || large.Response.Length != length || int64(len(got)) != length {
		t.Errorf("%d bytes of %d", len(got), length)
	}

	cut := textOf(200, "application/json", `["`+strings.Repeat("abc, ", 9000)+privKey+`"]`)
	guarded(&Config{MaxBody: 100}, "", cut)
	sent, err := io.ReadAll(cut.Response.Body)
	if !errors.Is(err, leak.ErrBlocked) || strings.Contains(string(sent), "BEGIN") || len(cut.Guard.Leaks) != 1 || cut.Guard.Leaks[0].Action != "block" {
		t.Errorf("%v after %d bytes, %+v", err, len(sent), cut.Guard)
	}

	failed := textOf(404, "text/html", strings.Repeat("x ", 200)+"<center>nginx/1.18.0</center>")
	guarded(&Config{MaxBody: 100}, "", failed)
	if got := bodyOf(t, failed); strings.Contains(got, "nginx") || !strings.HasSuffix(got, "</center>") {
		t.Errorf("%q", got)
	}
}

func TestWhoMayStoreAnAnswer(t *testing.T) {
	for _, row := range []struct {
		name, mode, upstream string
		known                bool
		want, vary           string
	}{
		{"nobody, where the upstream says nothing", "", "", true, "no-store", ""},
		{"nobody, where it says public", "", "public, max-age=600", true, "no-store", ""},
		{"nobody, where it names a time for shared caches", "", "private, s-maxage=60", true, "no-store", ""},
		{"nobody, where only one field is private", "", `private="Set-Cookie", max-age=5`, true, "no-store", ""},
		{"the client, where it says private", "", "private, max-age=60", true, "private, max-age=60", "Authorization, X-Api-Key"},
		{"nobody, where it says so", "", "no-store, max-age=0", true, "no-store, max-age=0", ""},
		{"the client, where the configuration says private", "private", "public, max-age=600, s-maxage=10", true, "private, max-age=600", "Authorization, X-Api-Key"},
		{"whom the upstream says", "upstream", "public", true, "public", ""},
		{"whom the upstream says, where nobody showed a credential", "", "public", false, "public", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := textOf(200, "text/plain", "fine")
			x.Response.Header.Add("Surrogate-Control", "max-age=60")
			if row.upstream != "" {
				x.Response.Header.Add("Cache-Control", row.upstream)
			}
			if row.known {
				x.Principal.Method = "jwt"
			}
			Compile(&Config{Cache: row.mode}, "", "Authorization", "X-Api-Key").Stage("").Response(context.Background(), x)
			h := x.Response.Header
			if h.Get("Cache-Control") != row.want || h.Count("Cache-Control") > 1 || h.Get("Vary") != row.vary {
				t.Errorf("%q, %q", h.Get("Cache-Control"), h.Get("Vary"))
			}
			if h.Has("Surrogate-Control") == (row.known && row.mode != "upstream") {
				t.Errorf("what speaks to caches on the way: %v", h)
			}
		})
	}
}

func TestReportModeSaysWhatWouldChange(t *testing.T) {
	x := textOf(200, "text/plain", "fine")
	x.Response.Header.Add("Server", "Apache/2.4.1")
	x.Response.Header.Add("Surrogate-Control", "max-age=1")
	x.Principal.Method = "jwt"
	before := slices.Clone(x.Response.Header)
	d := guarded(&Config{Mode: durward.Report, SetHeaders: map[string]string{"x-team": "blue"}, BrowserHeaders: "strict"}, "", x)
	want := "would remove Server, Surrogate-Control; would set Cache-Control, X-Team, Content-Security-Policy, Referrer-Policy, Cross-Origin-Resource-Policy"
	if d.Verdict != durward.Allow || d.Err == nil || d.Err.Error() != want {
		t.Errorf("%v: %v", d.Verdict, d.Err)
	}
	if diff := cmp.Diff(before, x.Response.Header); diff != "" {
		t.Error(diff)
	}
	if d := guarded(&Config{Mode: durward.Report, BrowserHeaders: "off"}, "", textOf(200, "text/plain", "fine")); d.Err != nil {
		t.Error(d.Err)
	}
}

func TestTheUpstreamIsAskedForCodingsThatCanBeRead(t *testing.T) {
	s := Compile(&Config{}, "").Asks()
	for offer, want := range map[string]string{
		"gzip, deflate, br": "gzip", "br": "identity", "gzip;q=0, br": "identity", "gzip;q=0.5": "gzip", "*": "identity", "": "", "identity": "identity", "br, GZIP": "gzip",
	} {
		x := new(durward.Exchange)
		if offer != "" {
			x.Out.Header.Add("Accept-Encoding", offer)
		}
		s.Request(context.Background(), x)
		if got := x.Out.Header.Get("Accept-Encoding"); got != want {
			t.Errorf("%q: %q, want %q", offer, got, want)
		}
	}
	if Compile(&Config{Disclosures: "off", Errors: "pass", Leaks: LeakConfig{Default: "off"}}, "").Asks() != nil {
		t.Error("nothing is looked for, and the upstream is asked")
	}
}

func TestNoClientHasTextSentPastTheGuardInPieces(t *testing.T) {
	for _, row := range []struct {
		cfg   Config
		types string
		parts bool
	}{
		{types: ""}, {types: "application/json"}, {types: "video/mp4 text/csv"}, {types: "*/*"}, {types: "application/*"}, {types: "Application/JSON"},
		{types: "video/mp4", parts: true},
		{types: "application/octet-stream image/png", parts: true},
		{cfg: Config{Mode: durward.Report}, types: "application/json", parts: true},
	} {
		x := new(durward.Exchange)
		x.Out.Header.Add("Range", "bytes=0-99")
		x.Out.Header.Add("If-Range", `"1"`)
		Compile(&row.cfg, "").Asks(strings.Fields(row.types)...).Request(context.Background(), x)
		if x.Out.Header.Has("Range") != row.parts || x.Out.Header.Has("If-Range") != row.parts {
			t.Errorf("%q: %v", row.types, x.Out.Header)
		}
	}
}

func TestTrailersAreGuarded(t *testing.T) {
	x := textOf(200, "application/grpc", "content")
	x.Response.Trailer = func() durward.Header {
		return durward.Header{
			{Name: "Grpc-Status", Value: "13"}, {Name: "Server", Value: "nginx/1.2"}, {Name: "Grpc-Message", Value: "no card " + cardText},
			{Name: "X-Key", Value: strings.ReplaceAll(privKey, `\n`, " ")},
		}
	}
	guarded(&Config{}, "", x)
	var names []string
	for _, f := range x.Response.Trailer() {
		if names = append(names, f.Name); strings.Contains(f.Value, cardText) {
			t.Errorf("%+v", f)
		}
	}
	if want := []string{"Grpc-Status", "Grpc-Message"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if len(x.Guard.Leaks) != 2 {
		t.Errorf("%+v", x.Guard.Leaks)
	}
}

func TestTwoMediaTypesHideNothing(t *testing.T) {
	for _, types := range [][2]string{{"image/png", "application/json"}, {"application/json", "image/png"}, {"image/png", "image/png"}} {
		x := textOf(200, types[0], `{"card":"`+cardText+`"}`)
		x.Response.Header.Add("Content-Type", types[1])
		guarded(&Config{}, "", x)
		if got := bodyOf(t, x); strings.Contains(got, cardText) {
			t.Errorf("%v: %s", types, got)
		}
	}
}

func TestCheckNamesTheFaultsOfLeaks(t *testing.T) {
	cfg := Config{
		Disclosures: "hide", Unguarded: "x", Cache: "x", MaxBody: 1 << 40,
		Leaks: LeakConfig{
			Default: "x", Detectors: map[string]string{"nothing": "mask", "jwt": "x"}, Allow: map[string][]string{"op": {"jwt", "nothing"}},
			Patterns: []PatternConfig{{Name: "Ä", Pattern: "(", Words: []string{"ab"}, Check: "x", Action: "off"}, {Name: "jwt", Pattern: "a*"}},
		},
	}
	err := cfg.Check()
	for _, want := range []string{
		"disclosures", "unguarded", "cache", "max_body", "leaks.default", "leaks.detectors.nothing", "leaks.detectors.jwt", "leaks.allow.op[1]",
		"leaks.patterns[0].name", "leaks.patterns[0].pattern", "leaks.patterns[0].words[0]", "leaks.patterns[0].check", "leaks.patterns[0].action",
		"leaks.patterns[1].name", "leaks.patterns[1].pattern", "leaks.patterns[1].words",
	} {
		if err == nil || !strings.Contains(err.Error(), want+":") && !strings.Contains(err.Error(), want+" ") {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}
