// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durwardtest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-B", "2")
	req.Header.Set("X-A", "1")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

func TestAnUpstreamRecordsAndAnswersAsItIsTold(t *testing.T) {
	u := NewUpstream()
	defer u.Close()
	if status, body := fetch(t, "POST", u.URL+"/a%2Fb?c", "hello"); status != 200 || body != `{"from":"upstream"}` {
		t.Errorf("%d %q", status, body)
	}
	u.Answer(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(418)
		w.Write(body)
	})
	if status, body := fetch(t, "POST", u.URL, "again"); status != 418 || body != "again" {
		t.Errorf("%d %q: the content can be read again", status, body)
	}
	seen := u.Seen()
	if len(seen) != 2 || seen[0].Target != "/a%2Fb?c" || string(seen[0].Body) != "hello" || seen[1].Target != "/" {
		t.Fatalf("%+v", seen)
	}
	text := seen[0].String()
	if !strings.HasPrefix(text, "POST /a%2Fb?c\nHost: 127.0.0.1:") || !strings.Contains(text, "X-A: 1\nX-B: 2\n") || !strings.HasSuffix(text, "\n\nhello\n") {
		t.Errorf("%q", text)
	}
	if len(u.Seen()) != 0 {
		t.Error("seen twice")
	}
}

func TestReplayGivesTheSameBytesAgain(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for name, last := range map[string]bool{"and goes on": false, "and ends": true} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", Raw(t, Replay(answer, last)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got := make([]byte, len(answer))
			for i := range 2 {
				io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
				if _, err := io.ReadFull(c, got); (err == nil) != (i == 0 || !last) || err == nil && string(got) != answer {
					t.Errorf("answer %d: %q, %v", i, got, err)
				}
			}
		})
	}
}
