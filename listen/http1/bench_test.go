// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"durward"
)

// bearer makes a request of the size that an API client sends.
const bearer = "GET /v1/spaces/lobby/messages?limit=20 HTTP/1.1\r\nHost: api.example.test\r\nUser-Agent: bench/1.0\r\n" +
	"Accept: application/json\r\nAccept-Encoding: identity\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n" +
	"X-Request-Id: 01M7ZSJK90PJRJWBM5MEYF5Q28\r\n\r\n"

const small = `{"messages":[{"id":1,"text":"hello"},{"id":2,"text":"world"}],"next":null}`

// fixed answers with the same small JSON each time, and makes no garbage.
type fixed struct {
	response durward.Response
	header   [1]durward.Field
	reader   strings.Reader
}

func (f *fixed) Close() error               { return nil }
func (f *fixed) Read(p []byte) (int, error) { return f.reader.Read(p) }

type fixedHandler struct{ exchanges, answers sync.Pool }

func newFixedHandler() *fixedHandler {
	return &fixedHandler{exchanges: sync.Pool{New: func() any { return new(durward.Exchange) }}, answers: sync.Pool{New: func() any {
		f := new(fixed)
		f.header[0] = durward.Field{Name: "Content-Type", Value: "application/json"}
		f.response = durward.Response{Status: 200, Header: f.header[:], Body: f, Length: int64(len(small))}
		return f
	}}}
}

func (h *fixedHandler) Acquire() *durward.Exchange { return h.exchanges.Get().(*durward.Exchange) }

func (h *fixedHandler) Serve(_ context.Context, x *durward.Exchange, out durward.Responder) {
	f := h.answers.Get().(*fixed)
	f.reader.Reset(small)
	out.Respond(&f.response, nil)
	h.answers.Put(f)
	x.Reset()
	h.exchanges.Put(x)
}

func (h *fixedHandler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(small))}
	io.WriteString(w, small)
}

// startOurs serves on loopback until stop is called.
func startOurs(b testing.TB) (addr string, stop func()) {
	s := New(newFixedHandler(), Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.ServeConn(context.Background(), c, infoOf(c))
		}
	}()
	return l.Addr().String(), func() {
		l.Close()
		s.Shutdown(context.Background())
	}
}

// roundTrips sends the request n times over one connection.
func roundTrips(b testing.TB, addr, request string, n int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	buf := make([]byte, 4096)
	for range n {
		if _, err := io.WriteString(c, request); err != nil {
			b.Error(err)
			return
		}
		got := 0
		for !bytes.HasSuffix(buf[:got], []byte(small[len(small)-8:])) {
			m, err := c.Read(buf[got:])
			if err != nil {
				b.Error(err)
				return
			}
			got += m
		}
	}
}
