// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// keySet is the set of keys at one time. It is immutable.
type keySet struct {
	keys  []*key // in the order of their times
	fixed bool   // the first one signs, always
	body  []byte // RFC 7517, section 5
	etag  string
}

func newKeySet(keys []*key, fixed bool) *keySet {
	body := []byte(`{"keys":[`)
	for i, k := range keys {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, k.jwk...)
	}
	body = append(body, `]}`...)
	sum := sha256.Sum256(body)
	return &keySet{keys: keys, fixed: fixed, body: body, etag: `"` + b64.EncodeToString(sum[:12]) + `"`}
}

// keep puts the objects of s in place of equal ones that were read again, so
// that what was prepared for a private key is not prepared again.
func (s *keySet) keep(keys []*key) {
	if s == nil {
		return
	}
	for i, k := range keys {
		for _, old := range s.keys {
			if old.id == k.id && old.seq == k.seq && old.active.Equal(k.active) {
				keys[i] = old
			}
		}
	}
}

// signing gives the key that signs at a time. With a clock that went back
// behind all of them it is the oldest: that one is published for longest.
func (s *keySet) signing(now time.Time) *key {
	k := s.keys[0]
	if s.fixed {
		return k
	}
	for _, next := range s.keys[1:] {
		if next.active.After(now) {
			break
		}
		k = next
	}
	return k
}

// Sign appends the token of a payload (a JSON object of claims) to dst, in the
// compact form of RFC 7515, section 7.1. typ is the header's typ; it must need
// no escaping in JSON. The payload's exp may be at most MaxLifetime away.
func (k *Keys) Sign(dst []byte, typ string, payload []byte) ([]byte, error) {
	return k.set.Load().signing(k.now()).token(dst, typ, payload)
}

func (k *key) token(dst []byte, typ string, payload []byte) ([]byte, error) {
	var buf [256]byte
	header := append(buf[:0], `{"alg":"`...)
	header = append(header, k.alg...)
	header = append(header, `","kid":"`...)
	header = append(header, k.id...)
	header = append(header, `","typ":"`...)
	header = append(header, typ...)
	header = append(header, `"}`...)
	from := len(dst)
	dst = base64.RawURLEncoding.AppendEncode(dst, header)
	dst = append(dst, '.')
	dst = base64.RawURLEncoding.AppendEncode(dst, payload)
	var sig [64]byte
	s, err := k.sign(sig[:0], dst[from:])
	if err != nil {
		return dst[:from], err
	}
	dst = append(dst, '.')
	return base64.RawURLEncoding.AppendEncode(dst, s), nil
}

// KeyStatus is the state of one key, for operators.
type KeyStatus struct {
	ID        string    `json:"id"` // the kid
	Algorithm string    `json:"algorithm"`
	State     string    `json:"state"`           // next, signing, retired
	Active    time.Time `json:"active,omitzero"` // from when on it signs; zero for key files
}

// Status lists the keys that are published.
func (k *Keys) Status() []KeyStatus {
	s, now := k.set.Load(), k.now()
	signing := s.signing(now)
	state := "retired"
	out := make([]KeyStatus, 0, len(s.keys))
	for _, one := range s.keys {
		if one == signing {
			state = "signing"
		}
		out = append(out, KeyStatus{ID: one.id, Algorithm: one.alg, State: state, Active: one.active})
		if one == signing {
			state = "next"
			if s.fixed {
				state = "published"
			}
		}
	}
	return out
}

// JWKS gives the published key set (RFC 7517), its entity tag, and how long it
// may be kept. The bytes must not be changed.
func (k *Keys) JWKS() (body []byte, etag string, maxAge time.Duration) {
	s := k.set.Load()
	return s.body, s.etag, k.config.maxAge()
}

// Handler serves the key set to GET and HEAD, whatever the path. It holds
// nothing secret.
func (k *Keys) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, etag, age := k.JWKS()
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(age/time.Second)))
		h.Set("Etag", etag)
		h.Set("X-Content-Type-Options", "nosniff")
		if strings.Contains(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "application/jwk-set+json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body) //nolint:errcheck // a client that is gone needs no key set
	})
}
