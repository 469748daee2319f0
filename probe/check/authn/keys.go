// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"

	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/client"
	"durward/probe/spec"
)

// keyPaths are where services publish their keys.
var keyPaths = []string{"/.well-known/jwks.json", "/.well-known/openid-configuration", "/jwks.json", "/jwks", "/oauth/jwks", "/oauth2/jwks",
	"/oauth2/v1/keys", "/auth/jwks", "/auth/jwks.json", "/keys", "/public-key", "/publickey", "/public.pem", "/.well-known/public-key.pem",
	"/identity/api/auth/jwks.json", "/auth/public-key"}

// latest remembers the keys of the latest run: the checks of a run share them.
var latest struct {
	mu   sync.Mutex
	ring *keyRing
}

type keyRing struct {
	api  *spec.API
	once sync.Once
	keys []any
	err  error
}

// keysOf gives the public keys that the service publishes, asking once in a run.
func keysOf(ctx context.Context, env *check.Env) ([]any, error) {
	latest.mu.Lock()
	if latest.ring == nil || latest.ring.api != env.API {
		latest.ring = &keyRing{api: env.API}
	}
	ring := latest.ring
	latest.mu.Unlock()
	ring.once.Do(func() { ring.keys, ring.err = fetchKeys(ctx, env) })
	return ring.keys, ring.err
}

func fetchKeys(ctx context.Context, env *check.Env) ([]any, error) {
	paths := keyPaths
	if base := basePath(env); base != "" {
		for _, p := range keyPaths[:8] {
			paths = append(paths[:len(paths):len(paths)], base+p)
		}
	}
	for _, p := range paths {
		e, err := env.World.Do(ctx, &client.Request{Method: "GET", Target: p, Header: []client.Field{{Name: "Accept", Value: "application/json, */*"}}})
		if err != nil {
			return nil, err
		}
		if !oracle.Accepted(e.Answer) {
			continue
		}
		if keys := publicKeys(e.Answer.Body); len(keys) > 0 {
			return keys, nil
		}
		var about struct {
			JWKS string `json:"jwks_uri"`
		}
		if json.Unmarshal(e.Answer.Body, &about) != nil || about.JWKS == "" {
			continue
		}
		if u, err := url.Parse(about.JWKS); err == nil && u.Path != "" {
			// On the tested server only, whatever host the document names.
			e, err := env.World.Do(ctx, &client.Request{Method: "GET", Target: u.RequestURI()})
			if err != nil {
				return nil, err
			}
			if keys := publicKeys(e.Answer.Body); len(keys) > 0 && oracle.Accepted(e.Answer) {
				return keys, nil
			}
		}
	}
	return nil, nil
}

// basePath is the path that the operations are below, by the document.
func basePath(env *check.Env) string {
	for _, s := range env.API.Servers {
		if u, err := url.Parse(s); err == nil {
			if p := strings.TrimRight(u.Path, "/"); p != "" {
				return p
			}
		}
	}
	return ""
}
