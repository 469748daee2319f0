// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"durward"
)

// HTTP looks objects up by HTTP GET, through a cache. It follows no redirect
// and uses no proxy of the environment.
type HTTP struct {
	cfg    HTTPConfig
	client *http.Client
	cache  cache
}

// NewHTTP makes a directory of a checked configuration.
func NewHTTP(cfg HTTPConfig, now func() time.Time) *HTTP {
	cfg = cfg.withDefaults()
	return &HTTP{
		cfg: cfg,
		client: &http.Client{
			Timeout: time.Duration(cfg.Timeout),
			Transport: &http.Transport{
				MaxIdleConnsPerHost: min(cfg.Concurrent, 16), MaxConnsPerHost: cfg.Concurrent,
				IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		cache: cache{
			now: now, ttl: time.Duration(cfg.TTL), nothing: time.Duration(cfg.NegativeTTL), most: cfg.Entries,
			room: make(chan struct{}, cfg.Concurrent), kept: map[Ref]answer{}, flight: map[Ref]*call{},
		},
	}
}

// Look finds an object, from the cache where it can. It waits for the timeout
// at most.
func (h *HTTP) Look(ctx context.Context, t *Type, id string) (*Object, error) {
	at := Ref{t.Name, id}
	if o, known, err := h.cache.find(at); known {
		return o, err
	}
	return h.cache.get(ctx, at, func() (*Object, error) { return h.ask(t, id) })
}

// Close closes idle connections.
func (h *HTTP) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

func (h *HTTP) ask(t *Type, id string) (*Object, error) {
	// "." and ".." would name another object once the path is normalised.
	if id == "" || id == "." || id == ".." {
		return nil, durward.ErrNotFound
	}
	target := strings.NewReplacer("{type}", url.PathEscape(t.Name), "{id}", url.PathEscape(id)).Replace(h.cfg.URL)
	req, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return nil, away("the URL cannot be made")
	}
	req.Header.Set("Accept", "application/json")
	if h.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+h.cfg.Token)
	}
	res, err := h.client.Do(req)
	if err != nil {
		return nil, away("no answer")
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, durward.ErrNotFound
	default:
		return nil, away(fmt.Sprintf("answered with %d", res.StatusCode))
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, away("answered with something else than JSON")
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(h.cfg.MaxBytes)+1))
	if err != nil || int64(len(data)) > int64(h.cfg.MaxBytes) {
		return nil, away("the answer is cut or too large")
	}
	o, err := t.Read(data)
	if err != nil {
		return nil, away(err.Error())
	}
	return o, nil
}

// away says why a look-up failed, without the object's id or the URL.
func away(why string) error {
	return &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: fmt.Errorf("the directory could not be asked: %s", why)}
}
