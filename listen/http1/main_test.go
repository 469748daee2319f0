// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"durward"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler serves exchanges with a function. It keeps one exchange at a time,
// as the pipeline does.
type handler struct {
	pool  sync.Pool
	serve func(ctx context.Context, x *durward.Exchange, out durward.Responder)
}

func (h *handler) Acquire() *durward.Exchange {
	if x, ok := h.pool.Get().(*durward.Exchange); ok {
		return x
	}
	return new(durward.Exchange)
}

func (h *handler) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	defer func() {
		x.Reset()
		h.pool.Put(x)
	}()
	if x.In.Fault != "" {
		refuse(x, out)
		return
	}
	if err := x.In.Body.SetLimit(1 << 30); err != nil {
		panic(err)
	}
	h.serve(ctx, x, out)
}

// refuse answers a fault with its reason as the content.
func refuse(x *durward.Exchange, out durward.Responder) {
	status := durward.Lookup(x.In.Fault).Status
	answer(out, status, x.In.FaultErr.Error())
}

func answer(out durward.Responder, status int, content string, header ...durward.Field) {
	out.Respond(text(status, content, header...), nil)
}

func text(status int, content string, header ...durward.Field) *durward.Response {
	return &durward.Response{Status: status, Header: header, Body: io.NopCloser(strings.NewReader(content)), Length: int64(len(content))}
}

// echo answers with what it saw of the request.
func echo(_ context.Context, x *durward.Exchange, out durward.Responder) {
	answer(out, 200, describe(x))
}

// describe writes down everything that a stage can see of a request.
func describe(x *durward.Exchange) string {
	var b strings.Builder
	in := &x.In
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%s|%s\n", in.Method, in.Host, in.RawPath, in.RawQuery, in.Proto, in.Scheme, in.Upgrade)
	for _, f := range in.Header {
		fmt.Fprintf(&b, "%s=%s\n", f.Name, f.Value)
	}
	if !in.Body.Empty() {
		content, err := in.Body.Bytes()
		fmt.Fprintf(&b, "%d:%s", in.Body.Taken(), content)
		if err != nil {
			fmt.Fprintf(&b, "!%v", err)
		}
	}
	if in.Trailer != nil {
		fmt.Fprintf(&b, "%v", in.Trailer())
	}
	return b.String()
}

// tape is a connection that plays bytes in pieces of at most step and then
// ends. What is written to it is kept.
type tape struct {
	data   []byte
	step   int
	wrote  bytes.Buffer
	writes int
	shut   bool
}

func (p *tape) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.step)], p.data)
	p.data = p.data[n:]
	return n, nil
}

func (p *tape) Write(b []byte) (int, error) {
	if p.shut {
		return 0, errors.New("write behind the end")
	}
	p.writes++
	return p.wrote.Write(b)
}

func (p *tape) CloseWrite() error              { p.shut = true; return nil }
func (*tape) Close() error                     { return nil }
func (*tape) LocalAddr() net.Addr              { return nil }
func (*tape) RemoteAddr() net.Addr             { return nil }
func (*tape) SetDeadline(time.Time) error      { return nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

var dateLine = regexp.MustCompile(`(?m)^Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// play gives what the server answers to the bytes, without Date lines. Every
// final answer must have had one.
func play(t testing.TB, s *Server, data string, step int) string {
	t.Helper()
	p := &tape{data: []byte(data), step: step}
	s.ServeConn(context.Background(), p, Info{})
	return dateLine.ReplaceAllString(p.wrote.String(), "")
}

// newServer makes a server that ends with the test.
func newServer(t testing.TB, serve func(context.Context, *durward.Exchange, durward.Responder), change ...func(*Options)) *Server {
	t.Helper()
	var o Options
	for _, f := range change {
		f(&o)
	}
	s := New(&handler{serve: serve}, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	return s
}

// listen serves a loopback port until the test ends.
func listen(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				if !s.ServeConn(context.Background(), plain{c}, infoOf(c)) {
					c.Close()
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		wg.Wait()
	})
	return l.Addr().String()
}

// plain has no methods of a *net.TCPConn but this one, as package listen's.
type plain struct{ net.Conn }

func (p plain) SyscallConn() (syscall.RawConn, error) { return p.Conn.(syscall.Conn).SyscallConn() }

func infoOf(c net.Conn) Info {
	return Info{Peer: addrPort(c.RemoteAddr()), Local: addrPort(c.LocalAddr())}
}

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t testing.TB, c io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}
