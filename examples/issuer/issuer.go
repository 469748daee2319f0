// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package issuer is an identity provider FOR TESTS AND DEMONSTRATIONS ONLY. It
// signs a token for any subject with any roles, for whoever asks from the same
// machine. Never let it listen on anything but loopback, and never let a
// gateway that guards real data trust its keys.
//
// It decides nothing about who somebody is. It publishes discovery metadata
// (OpenID Connect Discovery 1.0, section 4; RFC 8414), a JWK Set (RFC 7517) and
// access tokens in the form of RFC 9068, so that a resource server can be tried
// against rotation of keys, several algorithms and an issuer that is down.
//
// Its one guard is that the token endpoint answers only callers on a loopback
// address that name a loopback host, which keeps other machines and pages with
// a rebound DNS name out; all else is refused with 403. State: the keys of this
// generation and the one before, in memory, lost when the process ends.
package issuer

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// DefaultTTL is how long a token lives when nothing else is said.
const DefaultTTL = 10 * time.Minute

// Options say what an Issuer is made of. The zero value is usable.
type Options struct {
	// Algorithms are the signature algorithms (RFC 7518, 3.1; RFC 8037), one key
	// each: RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA. The
	// first one signs when a caller names none. Default: RS256, ES256, EdDSA.
	// Symmetric algorithms and "none" are an error.
	Algorithms []string
	// Audience is the "aud" of tokens that name none. Default "moot".
	Audience string
	// TTL is the life of tokens that name none. Default DefaultTTL.
	TTL time.Duration
	// MaxAge is what the JWK Set's Cache-Control allows; 0 sends no such field.
	MaxAge time.Duration
	// Users may use the client_credentials grant, all with the same Secret();
	// the value of each is the list of roles in the token. Default: DemoUsers().
	Users map[string][]string
	// Secret is shared by all Users. Default: a fresh random one.
	Secret string
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// DemoUsers are the callers that the sample API's data knows, with the roles
// that the demo gives them.
func DemoUsers() map[string][]string {
	return map[string][]string{
		"ada": {"member", "moderator", "owner"},
		"bob": {"member", "moderator"},
		"cy":  {"member"},
		"dan": {},
	}
}

// Issuer signs tokens and publishes the keys to check them. All methods are
// safe for concurrent use.
type Issuer struct {
	options Options
	url     atomic.Pointer[string]
	down    atomic.Bool
	fetches atomic.Int64

	mu      sync.RWMutex
	current *generation
	earlier *generation // still published, no longer signing; nil when retired
	count   int
}

// New makes an issuer with fresh keys. It has no URL until SetURL.
func New(o Options) (*Issuer, error) {
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{"RS256", "ES256", "EdDSA"}
	}
	if o.Audience == "" {
		o.Audience = "moot"
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Users == nil {
		o.Users = DemoUsers()
	}
	if o.Secret == "" {
		o.Secret = rand.Text()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Algorithms, o.Users = slices.Clone(o.Algorithms), maps.Clone(o.Users)
	i := &Issuer{options: o}
	i.SetURL("")
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	return i, nil
}

// SetURL sets the issuer identifier, which is also the base of its endpoints:
// scheme and authority, without a slash at the end.
func (i *Issuer) SetURL(url string) { i.url.Store(&url) }

// URL gives what SetURL set.
func (i *Issuer) URL() string { return *i.url.Load() }

// Secret is the client secret of all Users.
func (i *Issuer) Secret() string { return i.options.Secret }

// SetDown makes every endpoint answer 503 (true) or work again (false).
func (i *Issuer) SetDown(down bool) { i.down.Store(down) }

// Fetches counts the requests for the JWK Set so far, refused ones included.
func (i *Issuer) Fetches() int { return int(i.fetches.Load()) }

// Rotate makes a new key for each algorithm, which signs from now on. The keys
// that it replaces stay published, so that their tokens stay valid; those
// before them go.
func (i *Issuer) Rotate() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	next, err := newGeneration(i.options.Algorithms)
	if err != nil {
		return err
	}
	i.earlier, i.current = i.current, next
	i.count++
	return nil
}

// Retire ends the overlap: only the keys that sign now stay published.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.earlier = nil
}

// JWKS is the JWK Set as it is published now (RFC 7517, section 5). It holds
// public keys only.
func (i *Issuer) JWKS() []byte {
	i.mu.RLock()
	defer i.mu.RUnlock()
	set := i.current.public()
	if i.earlier != nil {
		set = append(set, i.earlier.public()...)
	}
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: set})
	if err != nil {
		panic(fmt.Sprintf("issuer: own public keys do not marshal: %v", err))
	}
	return data
}

// Handler serves the metadata, the JWK Set and the token endpoint.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", i.discovery)
	mux.HandleFunc("GET /jwks.json", i.jwks)
	mux.HandleFunc("POST /token", i.grant)
	mux.HandleFunc("GET /token", i.anyToken)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jwks.json" {
			i.fetches.Add(1)
		}
		if i.down.Load() {
			writeError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the issuer was told to be down")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

var errAlgorithm = errors.New("issuer: no key of this algorithm")
