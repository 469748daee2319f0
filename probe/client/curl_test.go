// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCurlLines(t *testing.T) {
	for _, test := range []struct {
		name string
		r    Request
		want string
	}{
		{"a plain one", Request{Method: "GET", Target: "/a?b=1"}, `curl -sS -g --path-as-is 'http://h:1/a?b=1'`},
		{"a secret in a field", Request{Method: "GET", Target: "/a", Header: []Field{{"Authorization", "Bearer s3cr3t"}}, Secrets: map[string]string{"TOKEN_ANN": "s3cr3t"}},
			`curl -sS -g --path-as-is -H 'Authorization: Bearer '"$TOKEN_ANN" http://h:1/a`},
		{"a secret within another", Request{Method: "GET", Target: "/s3cr3t-long/s3cr3t", Secrets: map[string]string{"A": "s3cr3t", "B": "s3cr3t-long"}},
			`curl -sS -g --path-as-is http://h:1/"$B"/"$A"`},
		{"quotes and dollars", Request{Method: "POST", Target: "/", Header: []Field{{"Content-Type", "a/b"}}, Body: []byte(`{"a":"it's $HOME"}`)},
			`curl -sS -g --path-as-is -X POST -H 'Content-Type: a/b' --data-binary '{"a":"it'\''s $HOME"}' http://h:1/`},
		{"lines", Request{Method: "PUT", Target: "/", Header: []Field{{"X", ""}}, Body: []byte("a\r\nb")},
			`curl -sS -g --path-as-is -X PUT -H 'X;' -H 'Content-Type:' --data-binary $'a\r\nb' http://h:1/`},
		{"a head only", Request{Method: "HEAD", Target: "/"}, `curl -sS -g --path-as-is -I http://h:1/`},
		{"a target that is no path", Request{Method: "GET", Target: "http://o/"}, `curl -sS -g --path-as-is --request-target http://o/ http://h:1/`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Curl("http://h:1", &test.r); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCurlIsOneLineWithoutSecrets(t *testing.T) {
	r := Request{Method: "POST", Target: "/?k=hidden-1", Header: []Field{{"A", "hidden-1\r\nB: hidden-2"}}, Body: []byte("x\nhidden-2\x00" + strings.Repeat("y", 9000)),
		Secrets: map[string]string{"ONE": "hidden-1", "TWO": "hidden-2"}}
	got := Curl("http://h", &r)
	if strings.ContainsAny(got, "\r\n\x00") || strings.Contains(got, "hidden") || len(got) > 2000 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func FuzzQuoteIsOneWordOfTheShell(f *testing.F) {
	sh, err := exec.LookPath("bash")
	if err != nil {
		f.Skip("there is no bash")
	}
	for _, s := range []string{"", "a b", "it's", "$(id)`id`", "\n\x01\xff\x7f1", "-n", "é\u2028", `\`, "!x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) || len(s) > 1000 {
			return
		}
		word := quote(s)
		if strings.ContainsAny(word, "\n\r") {
			t.Fatalf("%q is not one line", word)
		}
		out, err := exec.Command(sh, "-c", "printf %s. "+word).Output()
		if err != nil || string(out) != s+"." {
			t.Errorf("%q became %q, by %s: %v", s, out, word, err)
		}
	})
}
