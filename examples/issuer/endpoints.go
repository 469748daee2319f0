// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	maxForm = 8 << 10 // bytes of a token request
	maxTTL  = 24 * time.Hour
)

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	base := i.URL()
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                base,
		"jwks_uri":                              base + "/jwks.json",
		"token_endpoint":                        base + "/token",
		"grant_types_supported":                 []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": i.options.Algorithms,
	})
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	if s := int(i.options.MaxAge / time.Second); s > 0 {
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", s))
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(i.JWKS()) // the client is gone when this fails
}

// grant is the client_credentials grant (RFC 6749, 4.4): the client is the user,
// authenticated by HTTP Basic or by form fields (2.3.1).
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		refuseRemote(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	id, secret, basic := r.BasicAuth()
	if basic { // both are form-encoded inside of Basic (RFC 6749, 2.3.1)
		var err1, err2 error
		id, err1 = url.QueryUnescape(id)
		secret, err2 = url.QueryUnescape(secret)
		basic = err1 == nil && err2 == nil
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	roles, known := i.options.Users[id]
	if !sameSecret(secret, i.options.Secret) || !known {
		if basic {
			w.Header().Set("WWW-Authenticate", `Basic realm="test issuer"`)
		}
		writeError(w, http.StatusUnauthorized, "invalid_client", "unknown client or wrong secret")
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		writeError(w, http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is")
		return
	}
	i.answer(w, r.PostForm, id, roles)
}

// anyToken gives whoever asks from this machine a token for anybody:
// GET /token?sub=cy&roles=member,moderator&alg=ES256&ttl=60s&aud=moot&scope=a+b.
func (i *Issuer) anyToken(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		refuseRemote(w)
		return
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || q.Get("sub") == "" {
		writeError(w, http.StatusBadRequest, "invalid_request", "sub is missing, or the query cannot be read")
		return
	}
	roles := strings.FieldsFunc(q.Get("roles"), func(c rune) bool { return c == ',' || c == ' ' })
	i.answer(w, q, q.Get("sub"), roles)
}

// answer reads the optional alg, ttl, aud, scope and format, and sends the token.
func (i *Issuer) answer(w http.ResponseWriter, form url.Values, sub string, roles []string) {
	ttl := i.options.TTL
	if text := form.Get("ttl"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second || d > maxTTL {
			writeError(w, http.StatusBadRequest, "invalid_request", "ttl must be from 1s to 24h")
			return
		}
		ttl = d
	}
	options := []MintOption{Alg(form.Get("alg")), TTL(ttl)}
	if aud := form["aud"]; len(aud) > 0 {
		options = append(options, Audience(aud...))
	}
	claims := Claims{"sub": sub, "roles": append([]string{}, roles...)}
	if scope := form.Get("scope"); scope != "" {
		claims["scope"] = scope
	}
	token, err := i.Mint(claims, options...)
	if errors.Is(err, errAlgorithm) {
		writeError(w, http.StatusBadRequest, "invalid_request", "no key of this alg")
		return
	}
	if err != nil {
		writeError(w, http.StatusInternalServerError, "server_error", "signing failed")
		return
	}
	w.Header().Set("Cache-Control", "no-store") // RFC 6749, 5.1
	if form.Get("format") == "text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(token))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(ttl / time.Second),
	})
}

// local says whether a request comes from this machine and means it: a page on
// another site that rebinds its DNS name to 127.0.0.1 still sends its own name
// as Host.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// sameSecret compares without telling by its time where, or in length, they differ.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func refuseRemote(w http.ResponseWriter) {
	writeError(w, http.StatusForbidden, "access_denied", "this test issuer serves its own machine only")
}

// writeError answers in the form of RFC 6749, 5.2.
func writeError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}
