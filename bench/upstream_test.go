// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestRequestSize(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		size int
		bad  bool
	}{
		"nothing":                    {"", 0, false},
		"half a head":                {"GET / HTTP/1.1\r\nHost: x\r\n", 0, false},
		"no content":                 {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, false},
		"content, in any case":       {"POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\nhello", 45, false},
		"content still to come":      {"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhel", 89, false},
		"the next request is not it": {"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 18, false},
		"chunked":                    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, true},
		"a negative length":          {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 0, true},
		"a huge length":              {"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			size, err := requestSize([]byte(test.in))
			if size != test.size || (err != nil) != test.bad {
				t.Errorf("got %d, %v; want %d, error %v", size, err, test.size, test.bad)
			}
		})
	}
}

// trickle gives its text a few bytes at a time and keeps what is written.
type trickle struct {
	text string
	step int
	out  bytes.Buffer
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(p, r.text[:min(r.step, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

func (r *trickle) Write(p []byte) (int, error) { return r.out.Write(p) }

func TestEveryRequestIsAnsweredHoweverItArrives(t *testing.T) {
	const two = "POST /items HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n"
	for _, step := range []int{1, 2, 7, 1000} {
		conn := &trickle{text: two, step: step}
		if err := answerAll(conn); err != io.EOF {
			t.Errorf("step %d: %v", step, err)
		}
		if got := strings.Count(conn.out.String(), "HTTP/1.1 200 OK"); got != 2 {
			t.Errorf("step %d: %d answers", step, got)
		}
	}
	if err := answerAll(&trickle{text: strings.Repeat("x", 80<<10), step: 4096}); err == nil || err == io.EOF {
		t.Errorf("a head without end: %v", err)
	}
}

func TestTheAnswerIsAboutTwoHundredBytesOfJSON(t *testing.T) {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !json.Valid(body) || len(body) < 150 || len(body) > 250 {
		t.Errorf("%d bytes, %v: %s", len(body), err, body)
	}
}

// testUpstream serves the upstream's answer on a free port.
func testUpstream(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = answerAll(conn) // the client's end of the connection
			}()
		}
	}()
	return l.Addr().String()
}

func TestServeUpstreamSaysWhenItCannotListen(t *testing.T) {
	if err := serveUpstream(t.Context(), "127.0.0.1:99999"); err == nil {
		t.Error("it listens on a port that there is not")
	}
}

func FuzzRequestSize(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"))
	f.Fuzz(func(t *testing.T, in []byte) {
		size, err := requestSize(in)
		if size < 0 || (err != nil && size != 0) {
			t.Errorf("%d, %v", size, err)
		}
	})
}
