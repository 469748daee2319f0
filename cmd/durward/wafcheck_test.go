// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"durward"
	"durward/waf"
)

func TestARequestIsReadAsItStandsInAFile(t *testing.T) {
	for name, test := range map[string]struct {
		text, method, target, host, body string
		fields                           int
		fault                            string
	}{
		"with CRLF":                  {text: "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n", method: "GET", target: "/a?b=c", host: "h", fields: 1},
		"with LF and no last line":   {text: "GET /a\nx-a: 1", method: "GET", target: "/a", fields: 1},
		"with content of any length": {text: "POST /a HTTP/1.1\nContent-Length: 1\n\nline\n\nline", method: "POST", target: "/a", body: "line\n\nline"},
		"after empty lines":          {text: "\r\n\nGET / HTTP/1.0\n\n", method: "GET", target: "/"},
		"no request":                 {text: "hello", fault: "want a request"},
		"nothing":                    {fault: "want a request"},
		"a field without a colon":    {text: "GET /\nHost h\n", fault: "Name: value"},
		"a field with a space":       {text: "GET /\nHost : h\n", fault: "Name: value"},
		"chunks":                     {text: "POST /\nTransfer-Encoding: chunked\n\n0\n", fault: "content as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := rawRequest(test.text)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Fatalf("%v, want %q", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if q.Method != test.method || q.Target != test.target || q.Host != test.host || string(q.Body) != test.body || len(q.Header) != test.fields {
				t.Errorf("%+v", q)
			}
		})
	}
}

func FuzzRawRequest(f *testing.F) {
	f.Add("POST /a?b HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\nc")
	f.Add("GET /\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := rawRequest(text)
		if err != nil {
			return
		}
		again := q.Method + " " + q.Target + "\n"
		if q.Host != "" {
			again += "Host: " + q.Host + "\n"
		}
		for _, f := range q.Header {
			again += f.Name + ": " + f.Value + "\n"
		}
		r, err := rawRequest(again + "\n" + string(q.Body))
		if err != nil {
			t.Fatal(err)
		}
		if r.Method != q.Method || r.Target != q.Target || r.Host != q.Host || string(r.Body) != string(q.Body) || len(r.Header) != len(q.Header) {
			t.Errorf("%q is read as %+v, and that as %+v", text, q, r)
		}
	})
}

func TestAVerdictTellsNothingThatATerminalObeys(t *testing.T) {
	v := newWAFVerdict(&durward.Operation{API: "a", ID: "op"}, &waf.Trial{
		Decision: durward.Proceed(),
		Verdict:  waf.Verdict{Score: 5, Rules: []int{1, 2}, Findings: []durward.Finding{{Rule: 1, In: "query", Name: "\x1b[2J"}}},
		Looks:    []waf.Look{{Missed: true}}, Rules: map[int]waf.RuleText{2: {Message: "told though it has no finding"}},
	})
	var b strings.Builder
	if err := v.write(&b); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, want := range []string{"op of a: found\n", "FAULT", `1  query \x1b[2J` + "\n", "2  told though it has no finding\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in %q", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
}
