// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
	"durward/internal/units"
)

func answer(status int, header durward.Header, body string) *durward.Exchange {
	x := &durward.Exchange{ID: "req-1", Client: durward.Client{Scheme: "https"}}
	x.In.Method = "GET"
	x.Response = &durward.Response{Status: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Length: int64(len(body))}
	return x
}

func bodyOf(t *testing.T, x *durward.Exchange) string {
	t.Helper()
	if x.Response.Body == nil {
		return ""
	}
	b, err := io.ReadAll(x.Response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != x.Response.Length {
		t.Errorf("Length says %d, the body has %d bytes", x.Response.Length, len(b))
	}
	return string(b)
}

func TestFieldsThatNameTheSoftwareAreRemoved(t *testing.T) {
	x := answer(200, durward.Header{{Name: "Server", Value: "Apache/2.4.1"}, {Name: "X-Powered-By", Value: "PHP/5"}, {Name: "Etag", Value: `"1"`}, {Name: "X-Team", Value: "blue"}}, "hello")
	d := New(&Config{RemoveHeaders: []string{"x-team"}}, "").Response(context.Background(), x)
	if d.Verdict != durward.Allow {
		t.Fatalf("verdict %v", d.Verdict)
	}
	for _, name := range []string{"Server", "X-Powered-By", "X-Team"} {
		if x.Response.Header.Has(name) {
			t.Errorf("%s is still there", name)
		}
	}
	if x.Response.Header.Get("Etag") == "" || bodyOf(t, x) != "hello" {
		t.Error("an innocent field or the body was changed")
	}
	if x.Response.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("nosniff is not set")
	}
}

func TestAServerErrorIsMaskedWithItsStatusKept(t *testing.T) {
	trace := "panic: runtime error at /srv/app/main.go:12 password=hunter2"
	for _, status := range []int{500, 503, 599} {
		x := answer(status, durward.Header{{Name: "Content-Type", Value: "text/plain"}, {Name: "Retry-After", Value: "7"}, {Name: "X-Trace", Value: trace}}, trace)
		d := New(&Config{}, "").Response(context.Background(), x)
		if d.Verdict != durward.Answer || d.Code != durward.CodeUpstreamError {
			t.Fatalf("%d: %v %v", status, d.Verdict, d.Code)
		}
		body := bodyOf(t, x)
		var p struct {
			Status    int    `json:"status"`
			Code      string `json:"code"`
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if p.Status != status || x.Response.Status != status || p.Code != "upstream-error" || p.RequestID != "req-1" {
			t.Errorf("got %+v with status %d", p, x.Response.Status)
		}
		if x.Response.Header.Get("Retry-After") != "7" || x.Response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("header %v", x.Response.Header)
		}
		for _, f := range x.Response.Header {
			if strings.Contains(f.Value, "hunter2") {
				t.Errorf("field %s still tells the secret's place", f.Name)
			}
		}
		if strings.Contains(body, "hunter2") {
			t.Error("the body still has the trace")
		}
	}
}

func TestClientErrorsAndPassedErrorsKeepTheirBody(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cfg    Config
		status int
	}{
		{"a 404 is the API's own answer", Config{}, 404},
		{"a 500 passes where the configuration says so", Config{Errors: "pass"}, 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := answer(tt.status, nil, "own words")
			if d := New(&tt.cfg, "").Response(context.Background(), x); d.Verdict != durward.Allow {
				t.Fatalf("verdict %v", d.Verdict)
			}
			if bodyOf(t, x) != "own words" {
				t.Error("the body was replaced")
			}
		})
	}
}

func TestReportModeChangesNothing(t *testing.T) {
	x := answer(500, durward.Header{{Name: "Server", Value: "x"}}, "trace")
	d := New(&Config{Mode: durward.Report}, "").Response(context.Background(), x)
	if d.Verdict != durward.Deny || d.Code != durward.CodeUpstreamError {
		t.Errorf("the finding is not reported: %v", d.Verdict)
	}
	if bodyOf(t, x) != "trace" || !x.Response.Header.Has("Server") {
		t.Error("report mode changed the answer")
	}
	if New(&Config{Mode: durward.Off}, "") != nil {
		t.Error("off builds a stage")
	}
}

func TestHeaderPolicies(t *testing.T) {
	cfg := &Config{HSTS: units.Duration(365 * 24 * time.Hour), BrowserHeaders: "strict", SetHeaders: map[string]string{"cache-control": "no-store"}}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	x := answer(200, durward.Header{{Name: "Cache-Control", Value: "public"}, {Name: "Referrer-Policy", Value: "origin"}}, "")
	New(cfg, "").Response(context.Background(), x)
	for name, want := range map[string]string{
		"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
		"Cache-Control":                "no-store",
		"Referrer-Policy":              "origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := x.Response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	clear := answer(200, nil, "")
	clear.Client.Scheme = "http"
	New(cfg, "").Response(context.Background(), clear)
	if clear.Response.Header.Has("Strict-Transport-Security") {
		t.Error("HSTS was sent over cleartext (RFC 6797, section 7.2)")
	}
}

func TestAMaskedAnswerToHeadHasNoBody(t *testing.T) {
	x := answer(500, nil, "")
	x.In.Method = "HEAD"
	New(&Config{}, "").Response(context.Background(), x)
	if x.Response.Body != nil || x.Response.Length == 0 {
		t.Errorf("body %v, length %d", x.Response.Body, x.Response.Length)
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	cfg := Config{
		Errors: "hide", BrowserHeaders: "all", HSTS: units.Duration(1500 * time.Millisecond),
		RemoveHeaders: []string{"ok", "bad name", "Content-Length"},
		SetHeaders:    map[string]string{"X-Ok": "a\r\nb"},
	}
	err := cfg.Check()
	for _, want := range []string{"errors", "browser_headers", "hsts", "remove_headers[1]", "remove_headers[2]", "set_headers.X-Ok"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestACleanAnswerAllocatesNothing(t *testing.T) {
	s := New(&Config{}, "")
	header := durward.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Content-Type-Options", Value: "nosniff"}}
	x := answer(200, header, "")
	if n := allocs.PerRun(100, func() { s.Response(context.Background(), x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
