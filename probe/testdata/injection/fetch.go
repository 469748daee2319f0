// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

func (a *app) fetchRoutes() []operation {
	return []operation{
		{"POST /imports", false, a.imports},
		{"POST /webhooks", false, a.webhook},
	}
}

// partners are the hosts that an honest service would fetch from. They do not
// exist, and nobody is ever asked outside of loopback.
var partners = map[string]bool{"suppliers.example": true, "hooks.example": true}

var loopback = &http.Client{
	Timeout: 3 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(address)
			if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
				return nil, errors.New("only loopback is reached")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	},
}

func fetch(ctx context.Context, address string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := loopback.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	return answer.StatusCode, data, err
}

func partner(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && partners[u.Hostname()]
}

// imports takes a price list from an address. Flaw fetch: from any.
func (a *app) imports(w http.ResponseWriter, r *http.Request) {
	var in struct{ URL string }
	if !a.body(w, r, &in) {
		return
	}
	if !a.has["fetch"] && !partner(in.URL) {
		fail(w, http.StatusUnprocessableEntity, "no supplier of ours")
		return
	}
	out := object{"imported": 0, "source": in.URL}
	if _, data, err := fetch(r.Context(), in.URL); err != nil {
		out["problem"] = "the supplier did not answer"
	} else {
		out["imported"], out["head"] = len(data), string(data[:min(len(data), 200)])
	}
	reply(w, http.StatusOK, out)
}

// webhook registers an address that is told of events. Flaw fetch-later: any,
// and it is tried out at once, behind the caller's back.
func (a *app) webhook(w http.ResponseWriter, r *http.Request) {
	var in struct{ Event, Callback string }
	if !a.body(w, r, &in) {
		return
	}
	if !a.has["fetch-later"] && !partner(in.Callback) {
		fail(w, http.StatusUnprocessableEntity, "no partner of ours")
		return
	}
	if a.has["fetch-later"] {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			_, _, _ = fetch(ctx, in.Callback)
		}()
	}
	reply(w, http.StatusCreated, object{"registered": true, "event": in.Event})
}
