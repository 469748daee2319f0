// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// document is what a fetch brought.
type document struct {
	body   []byte
	same   bool          // nothing has changed since the last accepted one
	maxAge time.Duration // as the issuer says; -1 when it does not
}

// fetcher gets a key set. It is called by one goroutine at a time.
type fetcher interface {
	fetch(ctx context.Context) (document, error)
	// accepted tells that the last document was good, so that the next fetch
	// may ask whether it has changed.
	accepted()
}

// discoveryURL is the metadata document of an issuer's URL (OpenID Connect
// Discovery 1.0, section 4); the URL of a document is left alone.
func discoveryURL(s string) string {
	if s == "" || strings.Contains(s, wellKnown) {
		return s
	}
	return strings.TrimSuffix(s, "/") + wellKnown + "openid-configuration"
}

type httpFetcher struct {
	client    *http.Client
	issuer    string
	discovery string // "" when jwks is configured
	jwks      string // as configured, or as last discovered

	etag, pending string // of the accepted document, and of the last one
	pendingURL    string
	acceptedURL   string
}

func (f *httpFetcher) accepted() { f.etag, f.acceptedURL = f.pending, f.pendingURL }

func (f *httpFetcher) fetch(ctx context.Context) (document, error) {
	if f.discovery != "" {
		found, err := f.discover(ctx)
		switch {
		case err == nil:
			f.jwks = found
		case f.jwks == "" || errors.Is(err, errMetadata):
			return document{}, err
		}
		// Where the key set was is still known: a metadata document that is
		// away for a while does not keep keys from being renewed.
	}
	etag := f.etag
	if f.jwks != f.acceptedURL {
		etag = ""
	}
	doc, tag, err := f.get(ctx, f.jwks, etag)
	if err == nil && !doc.same {
		f.pending, f.pendingURL = tag, f.jwks
	}
	return doc, err
}

var errMetadata = errors.New("jwks: metadata document is not the issuer's")

func (f *httpFetcher) discover(ctx context.Context) (string, error) {
	doc, _, err := f.get(ctx, f.discovery, "")
	if err != nil {
		return "", err
	}
	var meta struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(doc.body, &meta); err != nil {
		return "", fmt.Errorf("%w: not JSON", errMetadata)
	}
	if meta.Issuer != f.issuer {
		return "", fmt.Errorf("%w: it is of another issuer", errMetadata)
	}
	if err := checkURL(meta.JWKSURI); err != nil {
		return "", fmt.Errorf("%w: jwks_uri %w", errMetadata, err)
	}
	return meta.JWKSURI, nil
}

func (f *httpFetcher) get(ctx context.Context, from, etag string) (doc document, tag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return doc, "", errURL
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) { // its text repeats the URL
			err = ue.Err
		}
		return doc, "", fmt.Errorf("jwks: %w", err)
	}
	defer resp.Body.Close()
	doc.maxAge = maxAge(resp.Header.Get("Cache-Control"))
	if resp.StatusCode == http.StatusNotModified && etag != "" {
		doc.same = true
		return doc, etag, nil
	}
	if resp.StatusCode != http.StatusOK {
		return doc, "", fmt.Errorf("jwks: answered %d", resp.StatusCode)
	}
	if doc.body, err = readBounded(resp.Body); err != nil {
		return doc, "", err
	}
	tag = resp.Header.Get("Etag")
	if len(tag) > 256 {
		tag = ""
	}
	return doc, tag, nil
}

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	if len(body) > maxKeySet {
		return nil, errors.New("jwks: document is larger than 1 MiB")
	}
	return body, nil
}

// maxAge reads a Cache-Control field (RFC 9111, 5.2.2): 0 for one that forbids
// reuse, -1 when it does not say.
func maxAge(field string) time.Duration {
	age := time.Duration(-1)
	for d := range strings.SplitSeq(strings.ToLower(field), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, "\""), 10, 31); err == nil {
				age = time.Duration(n) * time.Second
			}
		}
	}
	return age
}
