// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"durward"
	"durward/route"
)

// take gives what a stage sees of in, with its content and trailer section.
func take(in *durward.Request) *snapshot {
	s := &snapshot{method: in.Method, host: in.Host, path: in.RawPath, query: in.RawQuery, proto: in.Proto, upgrade: in.Upgrade, chunked: in.Body.Length() < 0}
	s.header = append(s.header, in.Header...)
	var b []byte
	b, s.failed = in.Body.Bytes()
	s.content = bytes.Clone(b)
	if in.Trailer != nil {
		s.trailing = true
		s.trailer = in.Trailer()
	}
	return s
}

// captureAll gives every request of a connection that is accepted to the last
// byte of its content.
func captureAll(t testing.TB, data []byte) (all []*snapshot) {
	s := New(&handler{serve: func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if s := take(&x.In); s.failed == nil {
			all = append(all, s)
		}
		answer(out, 200, "")
	}}, Options{})
	play(t, s, string(data), 1<<20)
	return all
}

// routed tells whether package route goes on with the request, which stands
// behind this package wherever it is used.
func (s *snapshot) routed() bool {
	in := durward.Request{Method: s.method, Scheme: "http", Host: s.host, RawPath: s.path, RawQuery: s.query, Proto: s.proto}
	in.Header = append(in.Header, s.header...)
	return route.Canonicalise(&in, new(route.Limits)).Verdict == durward.Allow
}

// target takes a request target apart as a snapshot has it. authority is that
// of a target in absolute form.
func target(raw string) (authority, path, query string) {
	path, query, _ = strings.Cut(raw, "?")
	if i := strings.Index(path, "://"); i >= 0 && path[0] != '/' {
		authority, path, _ = strings.Cut(path[i+3:], "/")
		path = "/" + path
	}
	return authority, path, query
}

// agreeWithNetHTTP reads the connection with net/http and compares. It gives
// how many of the requests were compared: what net/http refuses, and all
// behind it, is not; package route must refuse it too.
func agreeWithNetHTTP(t testing.TB, data []byte, all []*snapshot) int {
	t.Helper()
	br := bufio.NewReaderSize(bytes.NewReader(data), 64<<10)
	for i, s := range all {
		// The one empty line that RFC 9112, section 2.2, has a server read over.
		if b, _ := br.Peek(2); string(b) == "\r\n" {
			br.Discard(2)
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			if s.routed() {
				t.Fatalf("%q: net/http refuses request %d: %v", data, i, err)
			}
			return i
		}
		if err := s.compare(r); err != nil {
			t.Fatalf("%q: request %d: %v", data, i, err)
		}
	}
	return len(all)
}

// compare says where net/http's reading of a request differs from ours.
func (s *snapshot) compare(r *http.Request) error {
	_, path, query := target(r.RequestURI)
	if r.Method != s.method || path != s.path || query != s.query || r.Host != s.host || r.Proto != s.proto {
		return fmt.Errorf("net/http has %s %q %q %q %s, we have %+v", r.Method, path, query, r.Host, r.Proto, s)
	}
	delete(r.Header, "Trailer")
	fields := 0
	for name, values := range r.Header {
		if name == "Cache-Control" && s.header.Has("Pragma") && !s.header.Has(name) {
			continue // net/http adds it
		}
		got := s.header.Values(nil, name)
		fields += len(values)
		if fmt.Sprint(got) != fmt.Sprint(values) {
			return fmt.Errorf("net/http has %s %q, we have %q", name, values, got)
		}
	}
	if fields != len(s.header) {
		return fmt.Errorf("net/http has %d fields, we have %d: %q and %q", fields, len(s.header), r.Header, s.header)
	}
	content, err := io.ReadAll(r.Body)
	if s.failed == nil && (err != nil || !bytes.Equal(content, s.content)) {
		return fmt.Errorf("net/http reads %q, %v, we read %q", content, err, s.content)
	}
	for _, f := range s.trailer {
		if values := r.Trailer[f.Name]; s.failed == nil && fmt.Sprint(values) != fmt.Sprint(s.trailer.Values(nil, f.Name)) {
			return fmt.Errorf("net/http has the trailer %s %q, we have %q", f.Name, values, s.trailer)
		}
	}
	return nil
}

var corpusBytes = regexp.MustCompile(`(?m)^\[\]byte\((".*")\)$`)

// corpus gives connections: both tables, with and without a request behind
// each, what the fuzz targets found, and as many generated ones.
func corpus(t testing.TB, generated int) (all [][]byte) {
	t.Helper()
	for _, c := range hostile {
		all = append(all, []byte(fillIn(c.request)), []byte(fillIn(c.request)+get))
	}
	for _, c := range accepted {
		all = append(all, []byte(fillIn(c.request)), []byte(fillIn(c.request)+get))
	}
	found, err := filepath.Glob("testdata/fuzz/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range corpusBytes.FindAllSubmatch(text, -1) {
			raw, err := strconv.Unquote(string(m[1]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, []byte(raw), []byte(chunkedRequest+raw))
		}
	}
	for i := range generated {
		all = append(all, generate(1, uint64(i)))
	}
	return all
}

// generatedConnections are as many as a test of a second or two takes.
const generatedConnections = 50_000

func TestAcceptedRequestsAreReadAlikeByNetHTTP(t *testing.T) {
	connections, requests, compared := 0, 0, 0
	for _, data := range corpus(t, generatedConnections) {
		all := captureAll(t, data)
		connections++
		requests += len(all)
		compared += agreeWithNetHTTP(t, data, all)
	}
	t.Logf("%d connections, %d requests accepted, %d of them compared", connections, requests, compared)
	if requests < connections/2 || compared < requests*9/10 {
		t.Error("the generator makes too little that is accepted")
	}
}

// FuzzConnection holds that net/http reads every accepted request of a
// connection alike, so that both agree on where each ends.
func FuzzConnection(f *testing.F) {
	for _, data := range corpus(f, 200) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= 16<<10 {
			agreeWithNetHTTP(t, data, captureAll(t, data))
		}
	})
}

// FuzzGenerated does the same for what the generator makes of the seed.
func FuzzGenerated(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) {
		data := generate(2, seed)
		agreeWithNetHTTP(t, data, captureAll(t, data))
	})
}
