// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"durward"
)

const guarded = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /t:
    get:
      operationId: t
      responses:
        "200":
          description: ok
          content:
            application/json: {schema: {$ref: "#/components/schemas/T"}}
            text/csv: {}
            text/event-stream: {}
            "application/*": {schema: {$ref: "#/components/schemas/T"}}
        "204": {description: none}
        4XX: {description: wrong, content: {application/problem+json: {}}}
        "404": {description: gone, content: {application/json: {schema: {type: object, properties: {why: {}}}}}}
  /silent:
    get: {operationId: silent, responses: {default: {description: ok}}}
  /nothing:
    get: {operationId: nothing}
components:
  schemas:
    T: {type: object, required: [a], properties: {a: {type: integer}, n: {type: string}, s: {x-durward-sensitive: true}}}
`

// guard makes the stage of an operation.
func guard(t testing.TB, op string, cfg ResponseConfig) *Answers {
	t.Helper()
	d, err := Parse("t.yaml", []byte(guarded))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Response(op, &cfg, ResponseOptions{ErrorsMasked: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answered makes an exchange whose upstream answered. The header is in pairs.
func answered(status int, content string, length int64, header ...string) *durward.Exchange {
	x := &durward.Exchange{In: durward.Request{Method: "GET"}, Upstream: durward.UpstreamFacts{Status: status}}
	x.Response = &durward.Response{Status: status, Length: length, Body: io.NopCloser(strings.NewReader(content))}
	for i := 0; i < len(header); i += 2 {
		x.Response.Header.Add(header[i], header[i+1])
	}
	return x
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

func TestAnAnswerIsHeldAgainstTheDocument(t *testing.T) {
	const kind, json = "Content-Type", "application/json"
	long := `{"a":1,"n":"` + strings.Repeat("x", 9000) + `","z":1}`
	for name, tc := range map[string]struct {
		op      string
		cfg     ResponseConfig
		status  int
		content string
		header  []string
		want    string // content; "problem" for one, "refused" for a refusal
		guard   string // stripped, invalid, unguarded
	}{
		"a clean one":                      {status: 200, content: `{"a":1}`, header: []string{kind, json}, want: `{"a":1}`},
		"with undeclared members":          {status: 200, content: `{"a":1,"b":1}`, header: []string{kind, json}, want: `{"a":1}`, guard: "1 0 "},
		"the same, blocked":                {cfg: ResponseConfig{UndeclaredFields: Block}, status: 200, content: `{"a":1,"b":1}`, header: []string{kind, json}, want: "refused", guard: "1 0 "},
		"the same, allowed":                {cfg: ResponseConfig{UndeclaredFields: Allow}, status: 200, content: `{"a":1,"b":1}`, header: []string{kind, json}, want: `{"a":1,"b":1}`},
		"the same, reported":               {cfg: ResponseConfig{Mode: durward.Report}, status: 200, content: `{"a":1,"b":1}`, header: []string{kind, json}, want: "refused", guard: "1 0 "},
		"with a wrong type":                {status: 200, content: `{"a":"x"}`, header: []string{kind, json}, want: `{"a":"x"}`, guard: "0 1 "},
		"the same, blocked for it":         {cfg: ResponseConfig{Invalid: Block}, status: 200, content: `{"a":"x"}`, header: []string{kind, json}, want: "refused", guard: "0 1 "},
		"without a required member":        {cfg: ResponseConfig{Invalid: Block}, status: 200, content: `{}`, header: []string{kind, json}, want: "refused", guard: "0 1 "},
		"of the type with a parameter":     {status: 200, content: `{"a":1,"b":1}`, header: []string{kind, "Application/JSON; charset=UTF-8"}, want: `{"a":1}`, guard: "1 0 "},
		"in another charset":               {status: 200, content: `{"a":1}`, header: []string{kind, json + "; charset=utf-16"}, want: "refused"},
		"of a range of types":              {status: 200, content: `{"a":1,"b":1}`, header: []string{kind, "application/x+json"}, want: `{"a":1}`, guard: "1 0 "},
		"of a range, but not JSON":         {status: 200, content: `<a/>`, header: []string{kind, "application/xml"}, want: `<a/>`, guard: "0 0 media-type"},
		"of an undeclared type":            {status: 200, content: `<a/>`, header: []string{kind, "text/html"}, want: "refused"},
		"of an undeclared type, allowed":   {cfg: ResponseConfig{UndeclaredType: Allow}, status: 200, content: `<a/>`, header: []string{kind, "text/html"}, want: `<a/>`, guard: "0 0 undeclared"},
		"without a type":                   {status: 200, content: `{"a":1}`, want: "refused"},
		"without type and content":         {status: 200, content: ``, want: ``},
		"with two types":                   {status: 200, content: `{"a":1}`, header: []string{kind, json, kind, "text/csv"}, want: "refused"},
		"of events":                        {status: 200, content: "data: 1", header: []string{kind, "text/event-stream"}, want: "data: 1", guard: "0 0 stream"},
		"of a table":                       {status: 200, content: "a,b", header: []string{kind, "text/csv"}, want: "a,b", guard: "0 0 media-type"},
		"of a table, refused":              {cfg: ResponseConfig{Unguarded: Refuse}, status: 200, content: "a,b", header: []string{kind, "text/csv"}, want: "refused", guard: "0 0 media-type"},
		"of an undeclared status":          {status: 201, content: `{"a":1}`, header: []string{kind, json}, want: "refused"},
		"of an undeclared status, allowed": {cfg: ResponseConfig{UndeclaredStatus: Allow}, status: 201, content: `{"a":1}`, header: []string{kind, json}, want: `{"a":1}`, guard: "0 0 undeclared"},
		"of a status itself":               {status: 404, content: `{"why":1,"sql":2}`, header: []string{kind, json}, want: `{"why":1}`, guard: "1 0 "},
		"of a range of statuses":           {status: 409, content: `{"x":1}`, header: []string{kind, "application/problem+json"}, want: `{"x":1}`, guard: "0 0 schema"},
		"of an error of undeclared type":   {status: 409, content: `<pre>`, header: []string{kind, "text/html"}, want: "problem"},
		"a failure, masked later":          {status: 500, content: `trace`, want: `trace`},
		"not modified":                     {status: 304, content: ``, want: ``},
		"no content":                       {status: 204, content: ``, want: ``},
		"of an operation that says little": {op: "silent", status: 200, content: `x`, want: `x`, guard: "0 0 schema"},
		"of one that says nothing":         {op: "nothing", status: 200, content: `x`, want: `x`, guard: "0 0 schema"},
		"of one that says nothing, strict": {op: "nothing", cfg: ResponseConfig{Unguarded: Refuse}, status: 200, content: `x`, want: `refused`, guard: "0 0 schema"},
		"compressed and clean":             {status: 200, content: zipped(`{"a":1}`), header: []string{kind, json, "Content-Encoding", "gzip"}, want: zipped(`{"a":1}`)},
		"compressed":                       {status: 200, content: zipped(`{"a":1,"b":1}`), header: []string{kind, json, "Content-Encoding", "gzip"}, want: `{"a":1}`, guard: "1 0 "},
		"compressed by another coding":     {status: 200, content: `x`, header: []string{kind, json, "Content-Encoding", "br"}, want: "refused"},
		"compressed twice":                 {status: 200, content: zipped(`{}`), header: []string{kind, json, "Content-Encoding", "gzip, gzip"}, want: "refused"},
		"compressed badly":                 {status: 200, content: `x`, header: []string{kind, json, "Content-Encoding", "gzip"}, want: "refused"},
		"a bomb":                           {status: 200, content: zipped(strings.Repeat(" ", 1<<20) + `{"a":1}`), header: []string{kind, json, "Content-Encoding", "gzip"}, want: "refused"},
		"malformed":                        {status: 200, content: `{"a":`, header: []string{kind, json}, want: "refused"},
		"larger than is kept":              {cfg: ResponseConfig{MaxBody: 100}, status: 200, content: long, header: []string{kind, json}, want: strings.Replace(long, `,"z":1`, "", 1), guard: "1 0 "},
		"larger, compressed":               {cfg: ResponseConfig{MaxBody: 50}, status: 200, content: zipped(`{"a":1,"n":"kvjhgqwoeiuryt1029384756zmxnbvalskdjf","z":1}`), header: []string{kind, json, "Content-Encoding", "gzip"}, want: `{"a":1,"n":"kvjhgqwoeiuryt1029384756zmxnbvalskdjf"}`, guard: "1 0 "},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.op == "" {
				tc.op = "t"
			}
			x := answered(tc.status, tc.content, -1, tc.header...)
			d := guard(t, tc.op, tc.cfg).Response(context.Background(), x)
			got := d.Verdict.String()
			switch d.Verdict {
			case durward.Deny:
				got = "refused"
			case durward.Allow, durward.Answer:
				content, err := io.ReadAll(x.Response.Body)
				if got = string(content); err != nil || x.Response.Length >= 0 && int(x.Response.Length) != len(content) {
					t.Errorf("%v, length %d", err, x.Response.Length)
				}
				if d.Verdict == durward.Answer && strings.Contains(got, `"status":409`) && x.Response.Status == 409 {
					got = "problem"
				}
			}
			if got != tc.want || got != "refused" && (d.Verdict == durward.Deny) {
				t.Errorf("%q, want %q; %+v", got, tc.want, d)
			}
			if (d.Verdict == durward.Deny || d.Verdict == durward.Answer) && d.Code != durward.CodeUndeclaredResponse {
				t.Errorf("code %s", d.Code)
			}
			if tc.guard == "" {
				tc.guard = "0 0 "
			}
			g := x.Guard
			if facts := strings.Join([]string{string(rune('0' + g.Stripped)), string(rune('0' + g.Invalid)), g.Unguarded}, " "); facts != tc.guard {
				t.Errorf("facts %q, want %q", facts, tc.guard)
			}
		})
	}
}

func TestLargeContentIsStrippedWhileItPasses(t *testing.T) {
	large := `{"a":1,"x":"` + strings.Repeat(`\"y`, 40000) + `","n":"` + strings.Repeat("z", 70000) + `","s":1}`
	const want = 2 + 5 + 1 + 4 + 70002
	for name, tc := range map[string]struct {
		cfg     ResponseConfig
		content string
		cut     bool
		length  int
	}{
		"what is undeclared is left out":       {ResponseConfig{}, large, false, want},
		"what is blocked cuts":                 {ResponseConfig{UndeclaredFields: Block}, large, true, 0},
		"what is reported passes":              {ResponseConfig{Mode: durward.Report}, large, false, len(large)},
		"what is malformed cuts":               {ResponseConfig{}, large[:len(large)-1], true, 0},
		"what is malformed passes in a report": {ResponseConfig{Mode: durward.Report}, large[:len(large)-1], false, len(large) - 1},
		"a name that is too long cuts":         {ResponseConfig{}, `{"` + strings.Repeat("x", 100000) + `":1}`, true, 0},
		"a wrong value cuts at the end":        {ResponseConfig{Invalid: Block}, strings.Replace(large, `"a":1`, `"a":{}`, 1), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.MaxBody = 1000
			x := answered(200, tc.content, int64(len(tc.content)), "Content-Type", "application/json", "Etag", `"x"`, "Content-Md5", "x")
			if d := guard(t, "t", tc.cfg).Response(context.Background(), x); d.Verdict != durward.Allow || !x.Guard.Streamed {
				t.Fatalf("%+v", d)
			}
			out, err := io.ReadAll(x.Response.Body)
			if (err != nil) != tc.cut || !tc.cut && len(out) != tc.length {
				t.Errorf("%d bytes, %v; want %d", len(out), err, tc.length)
			}
			changed := tc.cfg.Mode == durward.Enforce
			if has := x.Response.Header.Has("Content-Md5"); has == changed || changed != (x.Response.Length == -1) || changed != (x.Response.Header.Get("Etag") == `W/"x"`) {
				t.Errorf("length %d, %v", x.Response.Length, x.Response.Header)
			}
			if !tc.cut && !strings.Contains(name, "malformed") && x.Guard.Stripped != 2 {
				t.Errorf("facts %+v", x.Guard)
			}
		})
	}
}

func TestReportModeDeclaresWhatItDoesNotLookInto(t *testing.T) {
	long := `{"a":1,"n":"` + strings.Repeat("some words ", 20_000) + `","z":1}`
	for _, coding := range []string{"identity", "gzip"} {
		content := long
		if coding == "gzip" {
			content = zipped(long)
		}
		x := answered(200, content, -1, "Content-Type", "application/json", "Content-Encoding", coding)
		guard(t, "t", ResponseConfig{Mode: durward.Report, MaxBody: 100}).Response(context.Background(), x)
		got, err := io.ReadAll(x.Response.Body)
		if err != nil || string(got) != content {
			t.Errorf("%s: it was changed: %v", coding, err)
		}
		if x.Guard.Streamed != (coding == "identity") || x.Guard.Streamed == (x.Guard.Unguarded != "") {
			t.Errorf("%s: %+v", coding, x.Guard)
		}
	}
}

func TestALargeBombIsCut(t *testing.T) {
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = "0123456789abcdefghijklmnopqrstuv"[(i*i*7919>>3)%32]
	}
	content := zipped(`{"a":1,"n":"` + string(noise) + strings.Repeat("z", 20<<20) + `"}`)
	x := answered(200, content, -1, "Content-Type", "application/json", "Content-Encoding", "gzip")
	if d := guard(t, "t", ResponseConfig{MaxBody: 500}).Response(context.Background(), x); d.Verdict != durward.Allow || !x.Guard.Streamed {
		t.Fatalf("%+v", d)
	}
	if n, err := io.Copy(io.Discard, x.Response.Body); !errors.Is(err, errInflated) || n > int64(len(content))*maxRatio {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAnAnswerThatBreaksOffIsNotSentUnseen(t *testing.T) {
	broken := errors.New("broken")
	x := answered(200, "", -1, "Content-Type", "application/json")
	x.Response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"s":1,`), brokenOff{broken}))
	d := guard(t, "t", ResponseConfig{}).Response(context.Background(), x)
	if d.Verdict != durward.Deny || d.Code != durward.CodeUpstreamInvalid || !errors.Is(d.Err, broken) {
		t.Errorf("%+v", d)
	}
}

type brokenOff struct{ err error }

func (f brokenOff) Read([]byte) (int, error) { return 0, f.err }

func TestAnswersOfTheGatewaysOwnAreNotJudged(t *testing.T) {
	x := answered(418, "short and stout", -1)
	x.Upstream.Status = 0
	if d := guard(t, "t", ResponseConfig{}).Response(context.Background(), x); d.Verdict != durward.Allow {
		t.Errorf("%+v", d)
	}
}

func TestAHEADTellsNoLengthThatAGETMayNotHave(t *testing.T) {
	x := answered(200, "", 100, "Content-Type", "application/json")
	x.In.Method, x.Response.Body = "HEAD", nil
	if d := guard(t, "t", ResponseConfig{}).Response(context.Background(), x); d.Verdict != durward.Allow || x.Response.Length != -1 {
		t.Errorf("%+v, length %d", d, x.Response.Length)
	}
}

func TestTrailersStayWithWhatIsLeft(t *testing.T) {
	x := answered(200, `{"a":1,"z":1}`, -1, "Content-Type", "application/json")
	x.Response.Trailer = func() durward.Header { return durward.Header{{Name: "Checksum", Value: "x"}} }
	guard(t, "t", ResponseConfig{}).Response(context.Background(), x)
	if out, _ := io.ReadAll(x.Response.Body); string(out) != `{"a":1}` || x.Response.Trailer == nil || x.Response.Length != -1 {
		t.Errorf("%s, length %d", out, x.Response.Length)
	}
}

func TestTheUpstreamIsAskedForWhatCanBeRead(t *testing.T) {
	for accepts, want := range map[string]string{
		"": "identity", "br": "identity", "gzip": "gzip", "br;q=1, x-gzip;q=0.5": "gzip", "gzip;q=0": "identity", "GZIP ; q=1": "gzip", "gzip;q=x": "identity",
	} {
		var x durward.Exchange
		if accepts != "" {
			x.Out.Header.Add("Accept-Encoding", accepts)
		}
		x.Out.Header.Add("Range", "bytes=0-")
		x.Out.Header.Add("If-Range", "x")
		guard(t, "t", ResponseConfig{}).Request(context.Background(), &x)
		if got := x.Out.Header.Get("Accept-Encoding"); got != want || len(x.Out.Header) != 1 {
			t.Errorf("%q becomes %v, want %s", accepts, x.Out.Header, want)
		}
	}
	if guard(t, "silent", ResponseConfig{}).Asks() {
		t.Error("an operation without JSON changes what the upstream is asked")
	}
}

func TestAMalformedExtensionIsAFault(t *testing.T) {
	for _, bad := range []string{"null", "false", "3", "{}", "{scopes: x}", "{roles: [1]}", "{roles: ['']}", "{role: [a]}", "[a]", "{roles: []}"} {
		d, err := Parse("t.yaml", []byte(strings.Replace(guarded, "x-durward-sensitive: true", "x-durward-sensitive: "+bad, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = d.Response("t", &ResponseConfig{}, ResponseOptions{}); err == nil || !strings.Contains(err.Error(), "t.yaml:") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestResponseConfigsThatCannotBeUsed(t *testing.T) {
	c := ResponseConfig{UndeclaredFields: "x", UndeclaredStatus: "x", UndeclaredType: "strip", WriteOnly: "x", Invalid: "x", Unguarded: "x", MaxBody: 1 << 30}
	if n := len(durward.Flatten(c.Check())); n != 7 {
		t.Errorf("%d faults: %v", n, c.Check())
	}
	if err := (&ResponseConfig{}).Check(); err != nil {
		t.Error(err)
	}
}
