// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	sendTime  = 30 * time.Second
	maxAnswer = 64 << 10
)

// retryLater is an answer that says when to come again.
type retryLater struct {
	status int
	after  time.Duration
}

func (e *retryLater) Error() string {
	return fmt.Sprintf("the server answers %d", e.status)
}

// poster posts to one URL.
type poster struct {
	url    string
	client *http.Client
}

func newPoster(url, ca string) (*poster, error) {
	roots, err := readRoots(ca)
	if err != nil {
		return nil, err
	}
	return &poster{url: url, client: &http.Client{
		Timeout: sendTime,
		// A redirect could lead the records, and the credential, elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		},
	}}, nil
}

// readRoots reads a file of authorities; nil stands for those of the system.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("the file of authorities holds no certificate")
	}
	return roots, nil
}

// post gives the answer's content when the server took what was sent. Any
// other answer is an error, and so is a 4xx: a record is not left out because
// a server was set up wrongly.
func (p *poster) post(ctx context.Context, body []byte, header map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "durward")
	for name, value := range header {
		req.Header[name] = []string{value}
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return nil, &retryLater{res.StatusCode, time.Duration(min(max(seconds, 0), 3600)) * time.Second}
	}
	return answer, nil
}

func (p *poster) close() error {
	p.client.CloseIdleConnections()
	return nil
}
