// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"durward"
)

// failure is a question without a useful answer.
type failure struct {
	err error
	// ofToken: the server may have refused just this token, so that others can
	// still be asked about.
	ofToken bool
}

func (f *failure) Error() string { return "introspection: " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// newHTTPClient makes a client that goes to the configured server only.
func newHTTPClient(c *Config) (*http.Client, error) {
	var roots *x509.CertPool
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, durward.Invalid("ca", "cannot be read")
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, durward.Invalid("ca", "holds no certificate (PEM)")
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: c.Timeout.Std()}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    c.Timeout.Std(),
			ResponseHeaderTimeout:  c.Timeout.Std(),
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    c.MaxConcurrent,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// authorization is how the gateway shows who it is: the parts of HTTP Basic
// are form-encoded first (RFC 6749, 2.3.1).
func authorization(c *Config) string {
	if c.BearerToken != "" {
		return "Bearer " + c.BearerToken
	}
	pair := url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// post asks about a token (RFC 7662, 2.1) and gives the content of the answer.
// Its errors are *failure, and hold neither the token nor the URL.
func (c *Client) post(ctx context.Context, token string) ([]byte, error) {
	form := "token=" + url.QueryEscape(token) + "&token_type_hint=access_token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, strings.NewReader(form))
	if err != nil {
		return nil, &failure{err: errors.New("the URL cannot be used")}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", c.auth)
	resp, err := c.http.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok { // its text repeats the URL
			err = ue.Err
		}
		return nil, &failure{err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		// 400 and the like can be about the one token; the rest is about the
		// server, the URL or the gateway's own credential.
		s := resp.StatusCode
		own := s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusNotFound ||
			s == http.StatusMethodNotAllowed || s == http.StatusTooManyRequests
		return nil, &failure{err: fmt.Errorf("the server answered %d", s), ofToken: s >= 400 && s < 500 && !own}
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &failure{err: errors.New("the answer is not application/json")}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &failure{err: err}
	case len(body) > maxAnswer:
		return nil, &failure{err: errors.New("the answer is larger than 64 KiB")}
	}
	return body, nil
}

// wellFormed tells whether s has the form of a bearer token: b64token of RFC
// 6750, section 2.1.
func wellFormed(s string) bool {
	if len(s) == 0 || len(s) > maxToken {
		return false
	}
	end := len(s)
	for end > 0 && s[end-1] == '=' {
		end--
	}
	for i := range end {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return end > 0
}

var tokenByte = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/" {
		set[c] = true
	}
	return set
}()
