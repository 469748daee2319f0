// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/waf/gate"
)

// Answer is an answer of the server behind the firewall.
type Answer struct {
	Status int
	Header durward.Header
	Body   []byte
}

// answerOf is how the tests' backend answers: what is sent to /reflect says.
func answerOf(uri, data string) Answer {
	a := Answer{Status: 200}
	if !strings.HasPrefix(uri, "/reflect") {
		return a
	}
	var want struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Encoded string            `json:"encodedBody"`
	}
	if json.Unmarshal([]byte(data), &want) != nil {
		return Answer{Status: 400}
	}
	if want.Status != 0 {
		a.Status = want.Status
	}
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		a.Header.Add(durward.CanonicalName(name), want.Headers[name])
	}
	a.Body = []byte(want.Body)
	if want.Encoded != "" {
		a.Body, _ = base64.StdEncoding.DecodeString(want.Encoded)
	}
	if !a.Header.Has("Content-Type") {
		a.Header.Add("Content-Type", "text/plain")
	}
	return a
}

// parse lets a server of the standard library read the raw requests, so that
// the rules see of them what they see behind a real one.
func parse(all []Case) error {
	var got *gate.Request
	l := &pipes{next: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler:  http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = requestOf(r) }),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	for i := range all {
		for j := range all[i].Stages {
			s := &all[i].Stages[j]
			got = nil
			status, err := l.exchange(s.Raw)
			switch {
			case err != nil || status != 200:
				s.Refused, s.Request = max(status, 1), s.direct
			case got == nil: // the server answered by itself: OPTIONS *
				s.Request = s.direct
			default:
				s.Request = got
				if got.Host == "" && bytes.Contains(s.Raw, []byte("\nHost:")) {
					got.Header.Add("Host", "") // which net/http does not show
				}
			}
		}
	}
	err := server.Close()
	<-ended
	return err
}

// requestOf is what of a request goes to the rules.
func requestOf(r *http.Request) *gate.Request {
	q := &gate.Request{
		Method: r.Method, URI: r.RequestURI, Protocol: r.Proto, Host: r.Host, ServerName: r.Host,
		ClientAddr: "127.0.0.1", ClientPort: 40000, ServerAddr: "127.0.0.1", ServerPort: 80,
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			q.Header.Add(name, value)
		}
	}
	for _, coding := range r.TransferEncoding {
		q.Header.Add("Transfer-Encoding", coding)
	}
	body, _ := io.ReadAll(r.Body) // as far as it came
	q.Body, q.Inspect = body, len(body) > 0
	return q
}

// pipes is a listener of connections in memory.
type pipes struct {
	next chan net.Conn
	done chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// exchange sends raw bytes and gives the status of the answer. The handler has
// returned when it is there.
func (p *pipes) exchange(raw []byte) (int, error) {
	client, server := net.Pipe()
	defer client.Close()
	p.next <- server
	if err := client.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return 0, err
	}
	go func() { _, _ = client.Write(raw) }() // a server that refuses reads no further
	r, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		return 0, errors.New("no answer")
	}
	_ = r.Body.Close()
	return r.StatusCode, nil
}
