// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"durward"
	"durward/authn/httpsig"
)

const signSecret = "a secret of at least thirty-two bytes"

type noUses struct{}

func (noUses) Use(context.Context, string, [32]byte, int, time.Time) (bool, error) { return true, nil }

// signedServer answers 204 to what is signed with signSecret, 401 to the rest.
func signedServer(t *testing.T) string {
	t.Helper()
	m, err := httpsig.New(httpsig.Config{Keys: map[string]httpsig.Key{"k1": {Algorithm: httpsig.HMACSHA256, Secret: signSecret}}},
		httpsig.Deps{Uses: noUses{}})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		x := &durward.Exchange{In: durward.Request{
			Method: r.Method, Scheme: "http", Host: r.Host, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		}}
		for name, values := range r.Header {
			for _, v := range values {
				x.In.Header.Add(name, v)
			}
		}
		x.In.Body.Init(nil, 0)
		if r.ContentLength > 0 {
			x.In.Body.Init(r.Body, r.ContentLength)
			_ = x.In.Body.SetLimit(1 << 20)
		}
		if _, err := m.Authenticate(r.Context(), x); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, "taken")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// runSign runs `durward sign` with these words.
func runSign(t *testing.T, words ...string) (stdout, stderr string, err error) {
	t.Helper()
	var c struct {
		Sign signCmd `cmd:""`
	}
	parser, err := kong.New(&c, kong.Exit(func(int) { t.Fatal("kong ended the program") }))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"sign"}, words...))
	if err != nil {
		return "", "", err
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	var out, errs bytes.Buffer
	err = parsed.Run(streams{&out, &errs})
	return out.String(), errs.String(), err
}

func TestSignSendsARequestThatIsTaken(t *testing.T) {
	t.Setenv("SIGN_SECRET", signSecret)
	url := signedServer(t)
	file := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(file, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		words  []string
		status string
		out    string
		failed bool
	}{
		{"a GET", []string{url + "/a?b=c"}, "204 No Content", "", false},
		{"a POST with text", []string{"-d", "text", url + "/a"}, "200 OK", "taken", false},
		{"a POST with a file", []string{"-d", "@" + file, "-H", "Content-Type: application/json", url + "/a"}, "200 OK", "taken", false},
		{"a DELETE", []string{"-X", "DELETE", url + "/a"}, "204 No Content", "", false},
		{"a path that is not canonical on the wire", []string{url + "/caf%C3%A9"}, "204 No Content", "", false},
		{"too little covered", []string{"--cover", "@method", url + "/a"}, "401 Unauthorized", "signature: does not cover all that it must\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, err := runSign(t, append([]string{"--key-id", "k1", "--secret-env", "SIGN_SECRET", "--send"}, c.words...)...)
			if (err != nil) != c.failed || out != c.out || !strings.Contains(errs, c.status) {
				t.Errorf("out %q, err %q, %v", out, errs, err)
			}
		})
	}
}

func TestSignPrintsWhatCurlTakes(t *testing.T) {
	t.Setenv("SIGN_SECRET", signSecret)
	url := signedServer(t)
	out, _, err := runSign(t, "--key-id", "k1", "--secret-env", "SIGN_SECRET", "-H", "X-Note: it's", "-d", "it's", "--output", "curl", url+"/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"curl -X 'POST' ", `-H 'X-Note: it'\''s'`, "-H 'Content-Digest: sha-256=:", "-H 'Signature-Input: sig1=(", `--data-raw 'it'\''s'`, "'" + url + "/a?b=c'"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nhas no %s", out, want)
		}
	}
	headers, _, err := runSign(t, "--key-id", "k1", "--secret-env", "SIGN_SECRET", url+"/a")
	if err != nil || !strings.HasPrefix(headers, "Signature-Input: sig1=(\"@method\" \"@target-uri\");created=") || strings.Count(headers, "\n") != 2 {
		t.Errorf("headers %q %v", headers, err)
	}
	if strings.Contains(out+headers, signSecret) {
		t.Error("the output has the secret")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl to try the output with")
	}
	run := exec.CommandContext(t.Context(), "sh", "-c", strings.TrimSpace(out)+" -sS -w '%{http_code}' -o /dev/null --noproxy '*'")
	if got, err := run.CombinedOutput(); err != nil || string(got) != "200" {
		t.Errorf("the command: %s %v", got, err)
	}
	run = exec.CommandContext(t.Context(), "curl", "-sS", "-w", "%{http_code}", "--noproxy", "*", "-H", "@-", url+"/a")
	run.Stdin = strings.NewReader(headers)
	if got, err := run.CombinedOutput(); err != nil || string(got) != "204" {
		t.Errorf("the headers: %s %v", got, err)
	}
}

func TestSignPrintsJSON(t *testing.T) {
	t.Setenv("SIGN_SECRET", signSecret)
	out, _, err := runSign(t, "--key-id", "k1", "--secret-env", "SIGN_SECRET", "--output", "json", "-H", "a: b", "https://a.example/?b&c")
	if err != nil {
		t.Fatal(err)
	}
	var lines []struct{ Name, Value string }
	if err := json.Unmarshal([]byte(out), &lines); err != nil || len(lines) != 3 || lines[0].Name != "A" || lines[2].Name != "Signature" {
		t.Errorf("%s %v", out, err)
	}
}

func TestSignRefusesWhatItCannotUse(t *testing.T) {
	t.Setenv("SIGN_SECRET", signSecret)
	t.Setenv("SIGN_SHORT", "hush")
	public := filepath.Join(t.TempDir(), "public.pem")
	if err := os.WriteFile(public, []byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []string{"--key-id", "k1", "--secret-env", "SIGN_SECRET"}
	for _, c := range []struct {
		name  string
		words []string
		want  string
	}{
		{"no key", []string{"--key-id", "k1", "https://a.example/"}, "--key"},
		{"a key and a secret", append(good, "--key", public, "https://a.example/"), "--key"},
		{"no key id", []string{"--secret-env", "SIGN_SECRET", "https://a.example/"}, "--key-id"},
		{"a variable that is not set", []string{"--key-id", "k1", "--secret-env", "SIGN_NONE", "https://a.example/"}, "SIGN_NONE"},
		{"a short secret", []string{"--key-id", "k1", "--secret-env", "SIGN_SHORT", "https://a.example/"}, "less than 32 bytes"},
		{"a public key", []string{"--key-id", "k1", "--key", public, "https://a.example/"}, "private key"},
		{"a file that is not there", []string{"--key-id", "k1", "--key", public + "x", "https://a.example/"}, "no such file"},
		{"another algorithm", append(good, "--alg", "ed25519", "https://a.example/"), "is for hmac-sha256"},
		{"a header without colon", append(good, "-H", "x", "https://a.example/"), "NAME: VALUE"},
		{"a header of two lines", append(good, "-H", "x: a\r\ny: b", "https://a.example/"), "NAME: VALUE"},
		{"a relative URL", append(good, "/a"), "http or https"},
		{"standard input for curl", append(good, "-d", "@-", "--output", "curl", "https://a.example/"), "a second time"},
		{"a file of content that is not there", append(good, "-d", "@"+public+"x", "https://a.example/"), "no such file"},
		{"an unknown output", append(good, "--output", "xml", "https://a.example/"), "--output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := runSign(t, c.words...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q %v, want %q", out, err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), signSecret)) {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}
