// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// runHandshakes is a load generator: each request has a TLS 1.3 connection of
// its own, without resumption. wrk cannot do that, since it resumes sessions.
// The key exchange is X25519, which all gateways know; with Go's default the
// Go gateways alone would also do ML-KEM.
func runHandshakes(ctx context.Context, target, material string, workers int, length time.Duration) (outcome, error) {
	u, err := url.Parse(target)
	if err != nil {
		return outcome{}, err
	}
	request, config, err := handshakeRequest(u, material)
	if err != nil {
		return outcome{}, err
	}
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		all   []time.Duration
		sum   outcome
	)
	begin := time.Now()
	end := begin.Add(length)
	for range workers {
		group.Go(func() {
			var times []time.Duration
			var refused, broken int64
			for ctx.Err() == nil && time.Now().Before(end) {
				at := time.Now()
				status, err := oneHandshake(ctx, u.Host, config, request)
				switch {
				case err != nil:
					broken++
					continue
				case status >= 400:
					refused++
				}
				times = append(times, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, times...)
			sum.refused += refused
			sum.broken += broken
		})
	}
	group.Wait()
	sum.duration = time.Since(begin)
	sum.requests = int64(len(all))
	sum.p50, sum.p99 = percentile(all, 50), percentile(all, 99)
	return sum, nil
}

// handshakeRequest prepares what every connection needs.
func handshakeRequest(u *url.URL, material string) ([]byte, *tls.Config, error) {
	headers, err := requestHeaders(material)
	if err != nil {
		return nil, nil, err
	}
	text := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	for _, h := range headers {
		text = fmt.Appendf(text, "%s: %s\r\n", h[0], h[1])
	}
	text = append(text, "Connection: close\r\n\r\n"...)
	roots, err := rootsOf(material)
	if err != nil {
		return nil, nil, err
	}
	return text, &tls.Config{
		RootCAs: roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519}, NextProtos: []string{"http/1.1"},
	}, nil
}

// rootsOf trusts the bench's certificate and no other.
func rootsOf(material string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(filepath.Join(material, "server.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("server.crt holds no certificate")
	}
	return roots, nil
}

// oneHandshake connects, asks once, and reads the answer to its end.
func oneHandshake(ctx context.Context, address string, config *tls.Config, request []byte) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a connection that is gone fails at the write
	}
	if conn.(*tls.Conn).ConnectionState().DidResume {
		return 0, errors.New("the session was resumed")
	}
	if _, err := conn.Write(request); err != nil {
		return 0, err
	}
	return readAnswer(bufio.NewReader(conn))
}

// readAnswer reads one answer with its content and gives its status.
func readAnswer(r *bufio.Reader) (int, error) {
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if err := discardAll(answer.Body); err != nil {
		return 0, err
	}
	return answer.StatusCode, nil
}

// percentile gives the time that p percent of the requests did not exceed. It
// sorts its argument.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)*p/100, len(times)-1)]
}
