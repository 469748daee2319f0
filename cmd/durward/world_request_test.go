// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdRequest: "request STATUS METHOD PATH [-H 'Name: value'] [BODY]" sends one
// request to $GATEWAY, checks the status, and gives status line, sorted header
// and body as stdout. PATH may be a whole URL. -tls FILE trusts a CA, -h2 and
// -h2c speak HTTP/2, -host NAME sends another Host, -n COUNT sends it so many
// times and gives the last answer, -body FILE takes the content from a file,
// -gzip compresses it, -cert NAME shows the certificate NAME.crt. With the STATUS
// 0 no answer must come at all.
func (w *world) cmdRequest(ts *testscript.TestScript, args []string) error {
	o, err := parseRequest(ts, args)
	if err != nil {
		return err
	}
	defer w.over() // what comes next does not find it in flight
	return o.send(w.stdout(ts))
}

type requestOptions struct {
	status, count           int
	method, url, body, host string
	header                  http.Header
	h2, h2c, gzip           bool
	roots                   *x509.CertPool
	serverName              string
	certs                   []tls.Certificate
}

// send makes the exchange and writes the answer to out.
func (o *requestOptions) send(out io.Writer) error {
	client := o.client()
	defer client.CloseIdleConnections()
	var resp *http.Response
	var body []byte
	for range o.count {
		req, err := http.NewRequest(o.method, o.url, strings.NewReader(o.body))
		if err != nil {
			return err
		}
		if o.body == "" {
			req.Body, req.ContentLength = nil, 0
		}
		if req.Header = o.header.Clone(); o.host != "" {
			req.Host = o.host
		}
		if resp, err = client.Do(req); err != nil && o.status == 0 {
			fmt.Fprintln(out, err)
			return nil
		} else if err != nil {
			return err
		}
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return fmt.Errorf("%s, then the answer was cut: %w", resp.Status, err)
		}
	}
	fmt.Fprintf(out, "%s %s\n", resp.Proto, resp.Status)
	writeFields(out, "", resp.Header)
	fmt.Fprintf(out, "\n%s\n", body)
	writeFields(out, "trailer ", resp.Trailer)
	if resp.StatusCode != o.status {
		return fmt.Errorf("got %s, want %d: %s", resp.Status, o.status, body)
	}
	return nil
}

func writeFields(out io.Writer, before string, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			fmt.Fprintf(out, "%s%s: %s\n", before, name, v)
		}
	}
}

func parseRequest(ts *testscript.TestScript, args []string) (*requestOptions, error) {
	o := &requestOptions{header: http.Header{}, count: 1}
	var rest []string
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-h2":
			o.h2 = true
		case "-h2c":
			o.h2c = true
		case "-gzip":
			o.gzip = true
		case "-H", "-host", "-tls", "-n", "-sni", "-body", "-cert":
			if i++; i == len(args) {
				return nil, fmt.Errorf("%s needs a value", args[i-1])
			}
			if err := o.set(ts, args[i-1], args[i]); err != nil {
				return nil, err
			}
		default:
			rest = append(rest, args[i])
		}
	}
	if len(rest) < 3 {
		return nil, errors.New("usage: request STATUS METHOD PATH [-H F] [BODY]")
	}
	if _, err := fmt.Sscan(rest[0], &o.status); err != nil {
		return nil, err
	}
	o.method, o.url = rest[1], expand(ts, rest[2])
	if strings.HasPrefix(o.url, "/") {
		scheme := "http://"
		if o.roots != nil {
			scheme = "https://"
		}
		o.url = scheme + ts.Getenv("GATEWAY") + o.url
	}
	if len(rest) > 3 {
		o.body = expand(ts, strings.Join(rest[3:], " "))
	}
	if o.gzip {
		o.body = gzipped(o.body)
		o.header.Set("Content-Encoding", "gzip")
	}
	return o, nil
}

func (o *requestOptions) set(ts *testscript.TestScript, name, value string) (err error) {
	switch name {
	case "-H":
		field, content, _ := strings.Cut(value, ":")
		o.header.Add(field, strings.TrimSpace(expand(ts, content)))
	case "-host":
		o.host = value
	case "-sni":
		o.serverName = value
	case "-body":
		o.body = expand(ts, ts.ReadFile(value))
	case "-n":
		o.count, err = strconv.Atoi(value)
	case "-tls":
		o.roots, err = readRoots(ts, value)
	case "-cert":
		var pair tls.Certificate
		pair, err = tls.LoadX509KeyPair(ts.MkAbs(value+".crt"), ts.MkAbs(value+".key"))
		o.certs = append(o.certs, pair)
	}
	return err
}

func readRoots(ts *testscript.TestScript, file string) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(file))) {
		return nil, errors.New("no certificate in " + file)
	}
	return roots, nil
}

func (o *requestOptions) client() *http.Client {
	t := &http.Transport{
		Protocols: new(http.Protocols), DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: o.roots, ServerName: o.serverName},
	}
	if len(o.certs) > 0 { // whatever authorities the server names
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &o.certs[0], nil }
	}
	t.Protocols.SetHTTP1(!o.h2 && !o.h2c)
	t.Protocols.SetHTTP2(o.h2)
	t.Protocols.SetUnencryptedHTTP2(o.h2c)
	return &http.Client{Transport: t, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// background is a request that goes on while the script does.
type background struct {
	out  bytes.Buffer
	done chan error
}

// cmdBackground: "background NAME STATUS METHOD PATH ..." sends a request as
// "request" does and does not wait for its answer; "finish NAME" does.
func (w *world) cmdBackground(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: background NAME STATUS METHOD PATH ...")
	}
	o, err := parseRequest(ts, args[1:])
	if err != nil {
		return err
	}
	b := &background{done: make(chan error, 1)}
	w.started[args[0]] = b
	go func() { b.done <- o.send(&b.out) }()
	return nil
}

func (w *world) cmdFinish(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 || w.started[args[0]] == nil {
		return errors.New("usage: finish NAME, after background NAME")
	}
	b := w.started[args[0]]
	err := <-b.done
	delete(w.started, args[0])
	b.out.WriteTo(w.stdout(ts))
	return err
}

// cmdUntil: "until REGEXP COMMAND ARG..." runs one of the other commands again
// and again until it succeeds with a stdout that matches, at most sixty
// seconds. It gives that stdout.
func (w *world) cmdUntil(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 || polled[args[1]] == nil {
		return errors.New("usage: until REGEXP request|records|metrics|handshake|connections ARG...")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	defer func() { w.captured = nil }()
	for deadline := time.Now().Add(60 * time.Second); ; {
		w.captured = new(bytes.Buffer)
		err := polled[args[1]](w, ts, args[2:])
		if err == nil && re.Match(w.captured.Bytes()) {
			_, err = w.captured.WriteTo(ts.Stdout())
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still not %q: %v\n%s", args[0], err, w.captured)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// polled are the commands that "until" repeats.
var polled = map[string]command{
	"request": (*world).cmdRequest, "records": (*world).cmdRecords,
	"metrics": (*world).cmdMetrics, "handshake": (*world).cmdHandshake, "connections": (*world).cmdConnections,
}
