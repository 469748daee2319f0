// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/durwardtest"
	"durward/internal/allocs"
)

// sink takes answers without keeping them.
type sink struct{ status int }

func (*sink) Inform(int, durward.Header) error { return nil }
func (s *sink) Respond(r *durward.Response, _ durward.Header) (int64, error) {
	s.status = r.Status
	if r.Body == nil {
		return 0, nil
	}
	var n int64
	for buf := make([]byte, 0, 512); ; {
		m, err := r.Body.Read(buf[:cap(buf)])
		n += int64(m)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
func (*sink) Abort() {}

var browser = []string{
	"Accept", "text/html,application/xhtml+xml", "Accept-Encoding", "gzip, deflate, br", "Accept-Language", "en-GB,en;q=0.5",
	"Cache-Control", "no-cache", "Connection", "keep-alive", "Dnt", "1", "Pragma", "no-cache", "Sec-Fetch-Dest", "document",
	"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
}

// TestAllocationsOfTheWholePath pins what an exchange costs between the
// listener and the client's connection, the upstream's connection included.
// A ceiling may go down; it goes up only with a reason in the commit.
func TestAllocationsOfTheWholePath(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and empties pools at random")
	}
	limited := strings.Replace(smallest, "apis:", "rate_limit: {total: {rate: 1/h, burst: 1}}\napis:", 1)
	for name, tc := range map[string]struct {
		document, target string
		status           int
		ceiling          float64
	}{
		"a proxied GET":                     {smallest, "/open", 200, 11},
		"a refusal without a credential":    {smallest, "/notes", 401, 6},
		"a refusal of an unknown operation": {smallest, "/nowhere", 404, 5},
		"a refusal by a rate limit":         {limited, "/open", 429, 6},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.document, nil)
			b.follower.Stop()
			// An upstream that allocates nothing, so that all is ours.
			b.upstream.URL = "http://" + durwardtest.Raw(t, fixedAnswers)
			<-b.Swap(b.compile(tc.document))
			var out sink
			once := func() {
				x := b.request("GET", tc.target, browser...)
				b.Serve(context.Background(), x, upgradeless{&out})
			}
			for range 50 {
				once()
			}
			if out.status != tc.status {
				t.Fatalf("status %d", out.status)
			}
			if n := allocs.PerRun(200, once); n > tc.ceiling {
				t.Errorf("%.0f allocations, at most %.0f are allowed", n, tc.ceiling)
			} else {
				t.Logf("%.0f allocations", n)
			}
		})
	}
}

// fixedAnswers answers each request without content with the same bytes.
func fixedAnswers(c net.Conn) {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfine")
	buf := make([]byte, 8<<10)
	for n := 0; ; {
		m, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		if n += m; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
			c.Write(answer)
			n = 0
		}
	}
}

// upgradeless is a sink with the method that no test of it needs.
type upgradeless struct{ *sink }

func (upgradeless) Upgrade(context.Context, *durward.Response, durward.Header, time.Duration) (int64, int64, error) {
	return 0, 0, nil
}
