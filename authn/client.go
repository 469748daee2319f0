// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"time"
)

// newClient makes a client for issuers that chain to roots (nil: the system's).
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    3 * time.Second,
			ResponseHeaderTimeout:  fetchTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: noRedirect,
	}
}

// noRedirect keeps an answer from sending the gateway somewhere that the
// configuration does not name.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// readPool reads certificates and gives a hash of them.
func readPool(path string) (*x509.CertPool, string, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, "", errors.New("cannot be read")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, "", errors.New("holds no certificate (PEM)")
	}
	sum := sha256.Sum256(pem)
	return pool, string(sum[:]), nil
}
