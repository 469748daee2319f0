// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/durwardtest"
)

const upstreamUsage = `usage: upstream [-name N] [-tls CERT] [-client-ca yes] [-h2c]
       upstream [-name N] answer STATUS [-H F]... [-gzip] [BODY] | trailers NAME=VALUE... | echo | hang | stall | cut | drop | hold | release | down
       upstream [-name N] raw FILE`

// cmdUpstream: without a verb it starts one and sets $UPSTREAM, or $UPSTREAM_N
// for one with a name. The verbs tell it what to do with requests.
func (w *world) cmdUpstream(ts *testscript.TestScript, args []string) error {
	o, args, err := options(args, "h2c")
	if err != nil {
		return err
	}
	variable := "UPSTREAM"
	if o["name"] != "" {
		variable += "_" + strings.ToUpper(o["name"])
	}
	if len(args) == 0 {
		u, err := startUpstream(w.dir, o)
		if err != nil {
			return err
		}
		w.upstreams[o["name"]] = u
		ts.Setenv(variable, u.URL)
		return nil
	}
	if args[0] == "raw" && len(args) == 2 { // answers each request with a file's bytes
		answer := strings.ReplaceAll(expand(ts, ts.ReadFile(args[1])), "\n", "\r\n")
		addr, stop, err := serveRaw(durwardtest.Replay(answer, true))
		if err != nil {
			return err
		}
		ts.Defer(stop)
		ts.Setenv(variable, "http://"+addr)
		return nil
	}
	u := w.upstreams[o["name"]]
	if u == nil {
		return errors.New("no such upstream was started")
	}
	return u.tell(ts, args)
}

func startUpstream(dir string, o map[string]string) (*upstream, error) {
	u := &upstream{Upstream: durwardtest.NewUpstream()}
	if o["tls"] == "" && o["h2c"] == "" {
		return u, nil
	}
	handler := u.Config.Handler
	u.Close()
	u.Server = httptest.NewUnstartedServer(handler)
	u.Config.Protocols = new(http.Protocols)
	if o["h2c"] != "" {
		u.Config.Protocols.SetUnencryptedHTTP2(true)
		u.Start()
		return u, nil
	}
	u.Config.Protocols.SetHTTP1(true)
	u.Config.Protocols.SetHTTP2(true)
	u.EnableHTTP2 = true
	base := filepath.Join(dir, o["tls"])
	pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		return nil, err
	}
	u.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if o["client-ca"] != "" {
		ca, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
		if err != nil {
			return nil, err
		}
		u.TLS.ClientCAs, u.TLS.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		u.TLS.ClientCAs.AddCert(ca.Leaf)
	}
	u.StartTLS()
	return u, nil
}

func (u *upstream) tell(ts *testscript.TestScript, args []string) error {
	switch verb, args := args[0], args[1:]; {
	case verb == "down":
		u.CloseClientConnections()
		u.Close()
	case verb == "answer" && len(args) > 0:
		return u.answer(ts, args)
	case verb == "trailers": // the way of gRPC
		u.Answer(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/grpc")
			io.WriteString(rw, "\x00\x00\x00\x00\x05hello")
			for _, pair := range args {
				name, value, _ := strings.Cut(pair, "=")
				rw.Header().Set(http.TrailerPrefix+name, value)
			}
		})
	case verb == "echo":
		u.Answer(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			io.Copy(rw, r.Body)
		})
	case verb == "hang":
		u.Answer(func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	case verb == "cut": // promises more than it sends
		u.Answer(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "1000")
			io.WriteString(rw, "short")
		})
	case verb == "stall": // begins, and then says no more
		u.Answer(func(rw http.ResponseWriter, r *http.Request) {
			io.WriteString(rw, "begun")
			http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		})
	case verb == "drop": // closes the connection without an answer
		u.Answer(func(rw http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	case verb == "hold": // until release
		held := make(chan struct{})
		u.held = held
		u.Answer(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-held:
			case <-r.Context().Done():
			}
			io.WriteString(rw, "held")
		})
	case verb == "release":
		u.release()
	default:
		return errors.New(upstreamUsage)
	}
	return nil
}

func (u *upstream) release() {
	if u.held != nil {
		close(u.held)
		u.held = nil
	}
}

func (u *upstream) answer(ts *testscript.TestScript, args []string) error {
	status, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	header, rest, err := headerArgs(args[1:])
	if err != nil {
		return err
	}
	zip := len(rest) > 0 && rest[0] == "-gzip"
	if zip {
		rest = rest[1:]
	}
	body := expand(ts, strings.Join(rest, " "))
	if zip {
		header.Set("Content-Encoding", "gzip")
		body = gzipped(body)
	}
	u.Answer(func(rw http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(status)
		io.WriteString(rw, body)
	})
	return nil
}

func headerArgs(args []string) (http.Header, []string, error) {
	header := http.Header{}
	for len(args) >= 2 && args[0] == "-H" {
		name, value, ok := strings.Cut(args[1], ":")
		if !ok {
			return nil, nil, fmt.Errorf("-H %q has no colon", args[1])
		}
		header.Add(name, strings.TrimSpace(value))
		args = args[2:]
	}
	return header, args, nil
}

func serveRaw(serve func(net.Conn)) (string, func(), error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
	return ln.Addr().String(), func() { ln.Close() }, nil
}

// cmdSaw: "saw [-name N] [COUNT]" gives the requests that reached the upstream
// since the last time, and checks how many there were: 1 when not said; "0|7"
// is either.
// "saw -within TIME COUNT" waits until so many have come, and shows none.
func (w *world) cmdSaw(ts *testscript.TestScript, args []string) error {
	o, args, err := options(args)
	if err != nil {
		return err
	}
	want := []string{"1"}
	if len(args) > 0 {
		want = strings.Split(args[0], "|")
	}
	u := w.upstreams[o["name"]]
	if u == nil {
		return errors.New("no such upstream was started")
	}
	if o["within"] != "" {
		return u.await(want[0], o["within"])
	}
	seen := u.Seen()
	for _, s := range seen {
		fmt.Fprintln(w.stdout(ts), s)
	}
	if !slices.Contains(want, strconv.Itoa(len(seen))) {
		return fmt.Errorf("%d requests reached the upstream, not %s", len(seen), args)
	}
	return nil
}

// await takes requests until there were so many.
func (u *upstream) await(count, within string) error {
	want, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(within)
	if err != nil {
		return err
	}
	got := 0
	for deadline := time.Now().Add(d); got < want; {
		got += len(u.Seen())
		if time.Now().After(deadline) {
			return fmt.Errorf("%d requests reached the upstream, not %d", got, want)
		}
		<-time.After(5 * time.Millisecond)
	}
	return nil
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}
