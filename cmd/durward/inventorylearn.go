// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"durward"
	"durward/inventory"
)

// inventoryLearnCmd is a tool for one's own machine: it protects nothing, so it
// listens on loopback only.
type inventoryLearnCmd struct {
	Upstream string `required:"" help:"Where the API runs." placeholder:"URL"`
	Listen   string `default:"127.0.0.1:8080" help:"Loopback address to listen on."`
	Out      string `short:"o" default:"learned.openapi.yaml" help:"File to write at the end; it must not exist."`
	Title    string `default:"Learned" help:"Title of the draft."`
}

func (c *inventoryLearnCmd) Run(ctx context.Context, s streams) error {
	to, err := url.Parse(c.Upstream)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return errors.New("--upstream must be a URL such as http://127.0.0.1:9000")
	}
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return err
	}
	if !address.IP.IsLoopback() {
		return errors.New("--listen must be a loopback address: nothing is protected while learning")
	}
	if _, err := os.Stat(c.Out); err == nil {
		return fmt.Errorf("%s exists", plain(c.Out))
	}
	l, err := net.ListenTCP("tcp", address)
	if err != nil {
		return err
	}
	p := newPupil(to)
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	fmt.Fprintf(s.out, "learning: call http://%s in place of %s; Ctrl-C writes %s\n", l.Addr(), to.Redacted(), plain(c.Out))
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	calls, draft, err := p.draft(c.Title)
	if err != nil {
		return err
	}
	if calls == 0 {
		return errors.New("nothing was called; no draft is written")
	}
	if err := writeDraft(s, c.Out, draft); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "wrote %s from %d calls; read it before you use it\n", plain(c.Out), calls)
	return nil
}

// pupil is a proxy that learns.
type pupil struct {
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	api   inventory.API
	calls int
}

func newPupil(to *url.URL) *pupil {
	return &pupil{
		api: inventory.API{Since: time.Now()},
		proxy: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Header.Del("Accept-Encoding") // shapes are read from plain content
			},
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		},
	}
}

// ServeHTTP passes a request on and notes it. Content passes whole; the first
// bytes are kept until the exchange has ended.
func (p *pupil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &durward.Exchange{Started: time.Now()}
	x.In.Method, x.In.Path, x.In.RawQuery = r.Method, r.URL.EscapedPath(), r.URL.RawQuery
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		x.Client.Address = peer.Addr().Unmap()
	}
	var request head
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &request), r.Body}
	}
	kind := r.Header.Get("Content-Type")
	answer := &noted{ResponseWriter: w}
	p.proxy.ServeHTTP(answer, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.api.Learn(x, answer.status, kind, request.whole(), answer.Header().Get("Content-Type"), answer.content.whole())
}

func (p *pupil) draft(title string) (int, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := p.api.Draft(title)
	return p.calls, text, err
}

// head keeps content that is small enough to learn from. A request's may still
// be read when its answer has ended.
type head struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	over bool
}

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over = h.over || h.buf.Len()+len(b) > inventory.MaxContent; !h.over {
		h.buf.Write(b)
	}
	return len(b), nil
}

func (h *head) whole() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil
	}
	return bytes.Clone(h.buf.Bytes())
}

// noted is an answer of which the status and the content are kept.
type noted struct {
	http.ResponseWriter
	status  int
	content head
}

func (n *noted) WriteHeader(status int) {
	if status >= 200 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	_, _ = n.content.Write(b)
	return n.ResponseWriter.Write(b)
}

// Unwrap lets net/http find what else the writer can do.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
