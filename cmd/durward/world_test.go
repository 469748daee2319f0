// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward"
	"durward/authn"
	"durward/durwardtest"
	"durward/examples/issuer"
	"durward/gateway"
)

// world is what one script has set up.
type world struct {
	dir      string
	upstream *durwardtest.Upstream
	issuer   *issuer.Issuer
	issues   *httptest.Server
	gateway  *gateway.Gateway
	log      *os.File
}

func (w *world) stop(ctx context.Context) {
	if w.gateway != nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		w.gateway.Shutdown(ctx, 0)
		w.gateway = nil
	}
	if w.upstream != nil {
		w.upstream.CloseClientConnections()
		w.upstream.Close()
	}
	if w.issues != nil {
		w.issues.Close()
	}
	if w.log != nil {
		w.log.Close()
	}
}

// cmdUpstream: "upstream" starts one and sets $UPSTREAM; "upstream answer
// STATUS [-H 'Name: value'] [BODY]" tells it what to say; "upstream down" ends it.
func (w *world) cmdUpstream(ts *testscript.TestScript, args []string) error {
	switch {
	case len(args) == 0:
		w.upstream = durwardtest.NewUpstream()
		ts.Setenv("UPSTREAM", w.upstream.URL)
		return nil
	case args[0] == "down":
		w.upstream.CloseClientConnections()
		w.upstream.Close()
		return nil
	case args[0] == "answer" && len(args) >= 2:
		var status int
		if _, err := fmt.Sscan(args[1], &status); err != nil {
			return err
		}
		header, rest, err := headerArgs(args[2:])
		if err != nil {
			return err
		}
		body := strings.Join(rest, " ")
		w.upstream.Answer(func(rw http.ResponseWriter, r *http.Request) {
			for name, values := range header {
				rw.Header()[name] = values
			}
			rw.WriteHeader(status)
			io.WriteString(rw, body)
		})
		return nil
	case args[0] == "hang":
		w.upstream.Answer(func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		return nil
	case args[0] == "cut": // promises more than it sends
		w.upstream.Answer(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "1000")
			io.WriteString(rw, "short")
		})
		return nil
	case args[0] == "raw" && len(args) == 2: // answers each request with a file's bytes
		answer := strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n")
		addr, stop, err := serveRaw(durwardtest.Replay(answer, true))
		if err != nil {
			return err
		}
		ts.Defer(stop)
		ts.Setenv("UPSTREAM", "http://"+addr)
		return nil
	}
	return errors.New("usage: upstream [answer STATUS [-H F] [BODY] | hang | cut | down | raw FILE]")
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

// cmdIssuer: "issuer" starts one and sets $ISSUER; "issuer down|up|rotate".
func (w *world) cmdIssuer(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		var err error
		if w.issuer, err = issuer.New(issuer.Options{}); err != nil {
			return err
		}
		w.issues = httptest.NewServer(w.issuer.Handler())
		w.issuer.SetURL(w.issues.URL)
		ts.Setenv("ISSUER", w.issues.URL)
		return nil
	}
	switch args[0] {
	case "down":
		w.issuer.SetDown(true)
	case "up":
		w.issuer.SetDown(false)
	case "rotate":
		return w.issuer.Rotate()
	default:
		return errors.New("usage: issuer [down|up|rotate]")
	}
	return nil
}

// cmdToken: "token VARIABLE SUBJECT [-roles a,b] [-alg A] [-ttl D] [-aud A]
// [-typ T] [-claim name=value]" mints a token into an environment variable.
func (w *world) cmdToken(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: token VARIABLE SUBJECT [-roles a,b] ...")
	}
	claims := issuer.Claims{"sub": args[1]}
	var options []issuer.MintOption
	for i := 2; i+1 < len(args); i += 2 {
		value := args[i+1]
		switch args[i] {
		case "-roles":
			claims["roles"] = strings.Split(value, ",")
		case "-alg":
			options = append(options, issuer.Alg(value))
		case "-aud":
			options = append(options, issuer.Audience(value))
		case "-typ":
			options = append(options, issuer.Type(value))
		case "-ttl":
			d, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			options = append(options, issuer.TTL(d))
		case "-claim":
			name, v, _ := strings.Cut(value, "=")
			claims[name] = v
		default:
			return fmt.Errorf("token: unknown option %s", args[i])
		}
	}
	token, err := w.issuer.Mint(claims, options...)
	if err != nil {
		return err
	}
	ts.Setenv(args[0], token)
	return nil
}

// cmdKey: "key VARIABLE CONSUMER [ROLE...]" makes a key in the running
// gateway's store; VARIABLE_ID gets its id.
func (w *world) cmdKey(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: key VARIABLE CONSUMER [ROLE...]")
	}
	st, ctx := w.gateway.Store(), context.Background()
	if _, err := st.Consumer(ctx, args[1]); errors.Is(err, durward.ErrNotFound) {
		if err := st.CreateConsumer(ctx, durward.Consumer{ID: args[1], Name: args[1]}); err != nil {
			return err
		}
	}
	text, id, hash, err := authn.MintKey(st.Pepper(), "test")
	if err != nil {
		return err
	}
	ts.Setenv(args[0], text)
	ts.Setenv(args[0]+"_ID", id)
	return st.CreateKey(ctx, durward.Key{ID: id, Environment: "test", Consumer: args[1], Hash: hash, Roles: args[2:]})
}

// cmdGateway: "gateway start FILE" serves in this process, with the script's
// environment for ${VAR}, and sets $GATEWAY and $ADMIN; "gateway reload",
// "gateway stop".
func (w *world) cmdGateway(ts *testscript.TestScript, args []string) error {
	ctx := context.Background()
	switch {
	case len(args) == 2 && args[0] == "start":
		log, err := os.OpenFile(filepath.Join(w.dir, "gateway.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		w.log = log
		w.gateway, err = gateway.Start(ctx, gateway.Options{
			Path: ts.MkAbs(args[1]), Log: newLog(log, "info", "text"), Build: build(),
			Environment: func(name string) (string, bool) { v := ts.Getenv(name); return v, v != "" },
		})
		if err != nil {
			fmt.Fprintln(ts.Stderr(), err)
			return err
		}
		for _, bound := range w.gateway.Addresses() {
			ts.Setenv("GATEWAY", bound.String())
		}
		if admin := w.gateway.Admin(); admin != nil {
			ts.Setenv("ADMIN", admin.String())
		}
		return nil
	case len(args) == 1 && args[0] == "reload":
		if err := w.gateway.Reload(ctx); err != nil {
			fmt.Fprintln(ts.Stderr(), err)
			return err
		}
		return nil
	case len(args) == 1 && args[0] == "stop":
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err := w.gateway.Shutdown(ctx, 0)
		w.gateway = nil
		return err
	}
	return errors.New("usage: gateway start FILE | reload | stop")
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

// cmdRequest: "request STATUS METHOD PATH [-H 'Name: value'] [BODY]" sends one
// request to $GATEWAY, checks the status, and gives status line, sorted header
// and body as stdout. PATH may be a whole URL. -tls FILE trusts a CA, -h2 and
// -h2c speak HTTP/2, -host NAME sends another Host, -n COUNT sends it so many
// times and gives the last answer.
func (w *world) cmdRequest(ts *testscript.TestScript, args []string) error {
	o, err := parseRequest(ts, args)
	if err != nil {
		return err
	}
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
		req.Header = o.header.Clone()
		if o.host != "" {
			req.Host = o.host
		}
		if resp, err = client.Do(req); err != nil {
			return err
		}
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return fmt.Errorf("%s, then the answer was cut: %w", resp.Status, err)
		}
	}
	out := ts.Stdout()
	fmt.Fprintf(out, "%s %s\n", resp.Proto, resp.Status)
	for _, name := range slices.Sorted(keysOf(resp.Header)) {
		for _, v := range resp.Header[name] {
			fmt.Fprintf(out, "%s: %s\n", name, v)
		}
	}
	fmt.Fprintf(out, "\n%s\n", body)
	for name, values := range resp.Trailer {
		fmt.Fprintf(out, "trailer %s: %s\n", name, strings.Join(values, ","))
	}
	if resp.StatusCode != o.status {
		return fmt.Errorf("got %s, want %d: %s", resp.Status, o.status, body)
	}
	return nil
}

func keysOf(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range h {
			if !yield(k) {
				return
			}
		}
	}
}

type requestOptions struct {
	status, count           int
	method, url, body, host string
	header                  http.Header
	h2, h2c                 bool
	roots                   *x509.CertPool
	serverName              string
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
		case "-H", "-host", "-tls", "-n", "-sni", "-body":
			if i++; i == len(args) {
				return nil, fmt.Errorf("%s needs a value", args[i-1])
			}
			switch args[i-1] {
			case "-H":
				name, value, _ := strings.Cut(args[i], ":")
				o.header.Add(name, strings.TrimSpace(value))
			case "-host":
				o.host = args[i]
			case "-sni":
				o.serverName = args[i]
			case "-body":
				o.body = ts.ReadFile(args[i])
			case "-n":
				fmt.Sscan(args[i], &o.count)
			case "-tls":
				o.roots = x509.NewCertPool()
				if !o.roots.AppendCertsFromPEM([]byte(ts.ReadFile(args[i]))) {
					return nil, errors.New("no certificate in " + args[i])
				}
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
	o.method, o.url = rest[1], rest[2]
	if strings.HasPrefix(o.url, "/") {
		scheme := "http://"
		if o.roots != nil {
			scheme = "https://"
		}
		o.url = scheme + ts.Getenv("GATEWAY") + o.url
	}
	if len(rest) > 3 {
		o.body = strings.Join(rest[3:], " ")
	}
	return o, nil
}

func (o *requestOptions) client() *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{RootCAs: o.roots, ServerName: o.serverName}}
	t.Protocols.SetHTTP1(!o.h2 && !o.h2c)
	t.Protocols.SetHTTP2(o.h2)
	t.Protocols.SetUnencryptedHTTP2(o.h2c)
	return &http.Client{Transport: t, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// cmdRaw: "raw FILE" sends the file's bytes, with LF made CRLF, to $GATEWAY
// and gives what comes back until the gateway closes or is silent for a second.
func (w *world) cmdRaw(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: raw FILE")
	}
	c, err := net.Dial("tcp", ts.Getenv("GATEWAY"))
	if err != nil {
		return err
	}
	defer c.Close()
	text := strings.ReplaceAll(os.Expand(ts.ReadFile(args[0]), ts.Getenv), "\n", "\r\n")
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	for {
		c.SetReadDeadline(time.Now().Add(time.Second))
		line, err := r.ReadString('\n')
		io.WriteString(ts.Stdout(), strings.ReplaceAll(line, "\r\n", "\n"))
		if err != nil {
			return nil
		}
	}
}

// cmdSaw: "saw [COUNT]" gives the requests that reached the upstream since the
// last time, and checks how many there were (1 when not said).
func (w *world) cmdSaw(ts *testscript.TestScript, args []string) error {
	want := 1
	if len(args) > 0 {
		fmt.Sscan(args[0], &want)
	}
	seen := w.upstream.Seen()
	for _, s := range seen {
		fmt.Fprintln(ts.Stdout(), s)
	}
	if len(seen) != want {
		return fmt.Errorf("%d requests reached the upstream, not %d", len(seen), want)
	}
	return nil
}

// cmdRecords: "records [KIND]" gives the audit records since the last time as
// they stand in the log, one a line. The log is closed and opened by nobody: it
// waits until the outcomes of all ended exchanges have been stored.
func (w *world) cmdRecords(ts *testscript.TestScript, args []string) error {
	if err := w.gateway.Audit().System("script", "looked"); err != nil { // everything before it is stored now
		return err
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "audit", "*.jsonl"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(content)) {
			var r struct{ Kind string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				return fmt.Errorf("a record is not JSON: %w", err)
			}
			if len(args) == 0 || r.Kind == args[0] {
				io.WriteString(ts.Stdout(), line)
			}
		}
	}
	return nil
}

// cmdMetrics gives the metrics page.
func (w *world) cmdMetrics(ts *testscript.TestScript, args []string) error {
	rec := httptest.NewRecorder()
	w.gateway.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	_, err := rec.Body.WriteTo(ts.Stdout())
	return err
}

// cmdUntil: "until REGEXP COMMAND ARG..." runs one of the commands above again
// and again until its stdout matches, at most five seconds.
func (w *world) cmdUntil(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: until REGEXP request ARG...")
	}
	re, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	o, err := parseRequest(ts, args[2:])
	if err != nil {
		return err
	}
	client := o.client()
	defer client.CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	for {
		req, err := http.NewRequest(o.method, o.url, nil)
		if err != nil {
			return err
		}
		req.Header = o.header.Clone()
		resp, err := client.Do(req)
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if re.MatchString(resp.Status + "\n" + string(body)) {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still not %q", args[0])
		}
		<-time.After(20 * time.Millisecond)
	}
}

// cmdCerts: "certs NAME HOST..." makes ca.pem, NAME.crt and NAME.key, valid for
// the hosts. A second call uses the same CA.
func (w *world) cmdCerts(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: certs NAME HOST...")
	}
	ca, caKey, err := loadOrMakeCA(w.dir)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: args[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range args[1:] {
		if ip := net.ParseIP(host); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return err
	}
	return writePair(filepath.Join(w.dir, args[0]), der, key)
}

func loadOrMakeCA(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	if pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")); err == nil {
		return pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey), nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "script CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	if err := writePair(filepath.Join(dir, "ca"), der, key); err != nil {
		return nil, nil, err
	}
	ca, err = x509.ParseCertificate(der)
	return ca, key, err
}

func writePair(base string, der []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
