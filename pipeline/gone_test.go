// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/listen"
)

func TestAClientThatLeavesIsNobodysFailure(t *testing.T) {
	left, leave := context.WithCancel(context.Background())
	leave()
	timedOut, stop := context.WithTimeout(context.Background(), 0)
	defer stop()
	canceled := errors.Join(errors.New("store"), context.Canceled)
	for name, tc := range map[string]struct {
		ctx      context.Context
		decision durward.Decision
		mode     durward.Mode
		onError  durward.OnError
		gone     bool
		code     durward.Code
	}{
		"while the audit log was waited for":      {left, durward.Failed(durward.CodeAuditUnavailable, context.Canceled), durward.Enforce, durward.DenyOnError, true, ""},
		"and whose policy would be to proceed":    {left, durward.Failed(durward.CodeAuditUnavailable, context.Canceled), durward.Enforce, durward.ProceedOnError, true, ""},
		"while the store was asked":               {left, durward.Failed(durward.CodeStoreUnavailable, canceled), durward.Enforce, durward.DenyOnError, true, ""},
		"in the content":                          {left, durward.Refuse(durward.CodeMalformed, durward.ErrBodyAborted), durward.Report, durward.DenyOnError, true, ""},
		"but was refused for a reason of its own": {left, durward.Refuse(durward.CodeUnauthenticated, errors.New("bad key")), durward.Enforce, durward.DenyOnError, false, durward.CodeUnauthenticated},
		"but the log failed all the same":         {left, durward.Failed(durward.CodeAuditUnavailable, errors.New("disk full")), durward.Enforce, durward.DenyOnError, false, durward.CodeAuditUnavailable},
		"or not: something else was canceled":     {context.Background(), durward.Failed(durward.CodeStoreUnavailable, canceled), durward.Enforce, durward.DenyOnError, false, durward.CodeStoreUnavailable},
		"or not: a body was too slow":             {timedOut, durward.Refuse(durward.CodeBodyTimeout, durward.ErrBodyTimeout), durward.Enforce, durward.DenyOnError, false, durward.CodeBodyTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallest, nil)
			b.operation("open").before(decides(tc.decision), tc.mode, tc.onError)
			got, ev := b.serve(tc.ctx, b.request("GET", "/open"))
			if ev.Code != tc.code || ev.Stage != "test" || got.aborted != tc.gone {
				t.Errorf("%+v, recorded %q at %q: %s", got, ev.Code, ev.Stage, ev.Reason)
			}
			if tc.gone && (ev.Status != 0 || len(ev.Steps) != 0 || ev.Reason != errClientGone.Error() || ev.Upstream.Attempts != 0) {
				t.Errorf("recorded %+v", ev)
			}
		})
	}
}

// hanging is an upstream that tells when a request has come and when its
// client has gone.
func hanging() (http.HandlerFunc, chan bool, chan bool) {
	came, gone := make(chan bool, 1), make(chan bool, 1)
	return func(w http.ResponseWriter, r *http.Request) {
		came <- true
		<-r.Context().Done()
		gone <- true
	}, came, gone
}

// protocols are those that are spoken to upstreams.
var protocols = map[string]string{"over HTTP/1.1": "auto", "over HTTP/2": "h2c"}

// speaking makes a document's upstream a server of both protocols that h runs on.
func speaking(t *testing.T, document, protocol string, h http.HandlerFunc) *bench {
	t.Helper()
	document = strings.Replace(document, `["${UPSTREAM}"]`, `["${UPSTREAM}"], protocol: `+protocol, 1)
	b := newBench(t, document, nil)
	server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	b.upstream.Close()
	b.upstream.URL = "http://" + ln.Addr().String()
	b.Swap(b.compile(document))
	return b
}

func TestTheUpstreamsRequestEndsWithItsClient(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			h, came, gone := hanging()
			b := speaking(t, smallest, protocol, h)
			ctx, leave := context.WithCancel(context.Background())
			go func() { <-came; leave() }()
			got, ev := b.serve(ctx, b.request("GET", "/open"))
			if !got.aborted || got.status != 0 || ev.Status != 0 || ev.Code != "" || ev.Reason != errClientGone.Error() || ev.Stage != "upstream" {
				t.Errorf("%+v, recorded %+v", got, ev)
			}
			select {
			case <-gone:
			case <-time.After(time.Minute):
				t.Error("the upstream still works")
			}
		})
	}
}

// over serves a pipeline on a real socket.
func (b *bench) over(limits listen.Limits) string {
	b.t.Helper()
	s := listen.NewSet(b.Pipeline, b.env.Log)
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		s.Shutdown(ctx)
	})
	ch, err := s.Prepare(context.Background(), []listen.Config{{Address: "127.0.0.1:0", Limits: limits}}, nil, time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	ch.Commit()
	return s.Addresses()["127.0.0.1:0"].String()
}

func TestOverASocketAClientThatLeavesEndsTheUpstreamsWork(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			h, came, gone := hanging()
			b := newBench(t, smallest, h)
			address := b.over(listen.Limits{})
			tr := &http.Transport{Protocols: new(http.Protocols)}
			tr.Protocols.SetHTTP1(proto == "HTTP/1.1")
			tr.Protocols.SetUnencryptedHTTP2(proto == "HTTP/2")
			defer tr.CloseIdleConnections()
			ctx, leave := context.WithCancel(context.Background())
			go func() { <-came; leave() }()
			req, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+"/open", nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := tr.RoundTrip(req); err == nil {
				resp.Body.Close()
				t.Error(resp.Status)
			}
			if ev := b.outcome(); ev.Status != 0 || ev.Code != "" || ev.Reason != errClientGone.Error() {
				t.Errorf("recorded %+v", ev)
			}
			<-gone
		})
	}
}

// A slow body cancels the request's context as well, in net/http. It must not
// be taken for a client that left: it is a 408.
func TestASlowStreamedBodyIsA408(t *testing.T) {
	document := strings.Replace(smallest, "    authenticate:", "    validation: {mode: off}\n    authenticate:", 1)
	for name, protocol := range protocols {
		b := speaking(t, document, protocol, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		address := b.over(listen.Limits{BodyTimeout: limit(300 * time.Millisecond)})
		for kind, body := range map[string]string{
			"of known length": "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 20000),
			"in chunks":       "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				io.WriteString(c, "POST /open HTTP/1.1\r\nHost: api.test\r\nContent-Type: text/plain\r\n"+body)
				answer, _ := io.ReadAll(c)
				if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), `"code":"body-timeout"`) {
					t.Errorf("%q", answer)
				}
				if ev := b.outcome(); ev.Status != 408 || ev.Code != durward.CodeBodyTimeout {
					t.Errorf("recorded %+v", ev)
				}
			})
		}
	}
}
