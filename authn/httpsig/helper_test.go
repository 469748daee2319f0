// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
)

// created is when the examples of RFC 9421 were signed.
const created = 1618884473

func clockAt(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}

// memoryUses counts uses as the real store does, without its bounds.
type memoryUses struct {
	mu    sync.Mutex
	used  map[[32]byte]int
	until time.Time // of the last use
	err   error
}

func (u *memoryUses) Use(_ context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return false, u.err
	}
	if space == "" {
		return false, errors.New("no space")
	}
	if u.used == nil {
		u.used = map[[32]byte]int{}
	}
	u.used[id]++
	u.until = until
	return u.used[id] <= limit, nil
}

type consumers map[string]durward.Consumer

func (c consumers) LookUp(id string) (durward.Consumer, error) {
	if id == "broken" {
		return durward.Consumer{}, errors.New("store is away")
	}
	if found, ok := c[id]; ok {
		return found, nil
	}
	return durward.Consumer{}, durward.ErrNotFound
}

// request makes an exchange as the listener and package route would.
func request(method, scheme, host, path, query string, lines durward.Header, body string) *durward.Exchange {
	x := &durward.Exchange{In: durward.Request{
		Method: method, Scheme: scheme, Host: host, Path: path, RawPath: path, RawQuery: query, Header: lines,
	}}
	x.Client.Scheme = scheme
	if body == "" {
		x.In.Body.Init(nil, 0)
		return x
	}
	x.In.Body.Init(bytes.NewReader([]byte(body)), int64(len(body)))
	if err := x.In.Body.SetLimit(1 << 20); err != nil {
		panic(err)
	}
	return x
}

// files writes the public keys of the RFC, and gives their paths.
func files(t testing.TB) map[string]string {
	t.Helper()
	paths := map[string]string{}
	dir := t.TempDir()
	for name, text := range map[string]string{Ed25519: ed25519Public, ECDSAP256SHA256: eccPublic, RSAPSSSHA512: pssPublic} {
		paths[name] = filepath.Join(dir, name+".pem")
		if err := os.WriteFile(paths[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// rfcKeys are the test keys of RFC 9421 under their ids.
func rfcKeys(t testing.TB) map[string]Key {
	paths := files(t)
	return map[string]Key{
		"test-shared-secret": {Algorithm: HMACSHA256, Secret: "base64:" + sharedSecret, Roles: []string{"member"}},
		"test-key-ed25519":   {Algorithm: Ed25519, PublicKey: paths[Ed25519]},
		"test-key-ecc-p256":  {Algorithm: ECDSAP256SHA256, PublicKey: paths[ECDSAP256SHA256]},
		"test-key-rsa-pss":   {Algorithm: RSAPSSSHA512, PublicKey: paths[RSAPSSSHA512]},
	}
}

// signingKeys are their other halves.
func signingKeys(t testing.TB) map[string]*SigningKey {
	keys := map[string]*SigningKey{}
	for id, text := range map[string]string{
		"test-shared-secret": "base64:" + sharedSecret, "test-key-ed25519": ed25519Private,
		"test-key-ecc-p256": eccPrivate, "test-key-rsa-pss": pssPrivate,
	} {
		k, err := NewSigningKey(id, "", []byte(text))
		if err != nil {
			t.Fatal(id, err)
		}
		keys[id] = k
	}
	return keys
}

func newMethod(t testing.TB, cfg Config, deps Deps) *Method {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = rfcKeys(t)
	}
	if deps.Uses == nil {
		deps.Uses = &memoryUses{}
	}
	if deps.Now == nil {
		deps.Now = clockAt(created)
	}
	m, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// signedBy is a POST with content, signed by a key as options say.
func signedBy(t testing.TB, k *SigningKey, o SignOptions) *durward.Exchange {
	t.Helper()
	if o.Created.IsZero() {
		o.Created = time.Unix(created, 0)
	}
	lines := durward.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "*/*"}}
	const body = `{"hello": "world"}`
	added, err := Sign("POST", "https://example.com/foo?param=Value&Pet=dog", lines, []byte(body), k, o)
	if err != nil {
		t.Fatal(err)
	}
	return request("POST", "https", "example.com", "/foo", "param=Value&Pet=dog", append(lines, added...), body)
}

func mustPublic(t testing.TB, text string) crypto.PublicKey {
	t.Helper()
	key, err := parsePublic([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lines makes a header of "Name: value" lines.
func lines(all ...string) (h durward.Header) {
	for _, l := range all {
		name, value, _ := strings.Cut(l, ":")
		h.Add(durward.CanonicalName(name), trim(value))
	}
	return h
}
