// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	issuer     = "https://shop.example"
	audience   = "shop-api"
	keyID      = "k1"
	weakSecret = "secret123"
)

// key is made once for the process: the flaws are not in its strength.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

type header struct {
	Alg  string          `json:"alg"`
	Typ  string          `json:"typ,omitempty"`
	Kid  string          `json:"kid,omitempty"`
	JWK  json.RawMessage `json:"jwk,omitempty"`
	JKU  string          `json:"jku,omitempty"`
	Crit []string        `json:"crit,omitempty"`
}

type claims struct {
	Iss  string `json:"iss"`
	Aud  string `json:"aud"`
	Sub  string `json:"sub"`
	Role string `json:"role"`
	Iat  int64  `json:"iat"`
	Nbf  int64  `json:"nbf,omitempty"`
	Exp  int64  `json:"exp"`
	Jti  string `json:"jti"`
}

var b64 = base64.RawURLEncoding.Strict()

func uuid() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func mac(secret []byte, text string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func (s *shop) issue(u *user) string {
	h := header{Alg: "RS256", Typ: "JWT", Kid: keyID}
	if s.flaws["jwt-weak-secret"] {
		h = header{Alg: "HS256", Typ: "JWT"}
	}
	now := s.now().Unix()
	hj, _ := json.Marshal(h)
	cj, _ := json.Marshal(claims{issuer, audience, u.ID, u.Role, now, 0, now + 3600, uuid()})
	text := b64.EncodeToString(hj) + "." + b64.EncodeToString(cj)
	if s.flaws["jwt-weak-secret"] {
		return text + "." + b64.EncodeToString(mac([]byte(weakSecret), text))
	}
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + b64.EncodeToString(sig)
}

var errToken = errors.New("the token is not valid")

// verify takes a token apart and decides whether it is one of the shop's.
// Legacy tells that an old part of the shop asks.
func (s *shop) verify(token string, legacy bool) (*claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errToken
	}
	hj, err1 := b64.DecodeString(parts[0])
	cj, err2 := b64.DecodeString(parts[1])
	sig, err3 := b64.DecodeString(parts[2])
	var h header
	var c claims
	if err := errors.Join(err1, err2, err3); err != nil || json.Unmarshal(hj, &h) != nil || json.Unmarshal(cj, &c) != nil {
		return nil, errToken
	}
	if len(h.Crit) > 0 || !(legacy && s.flaws["jwt-unverified"]) && !s.signed(h, parts[0]+"."+parts[1], sig) {
		return nil, errToken
	}
	now := s.now().Unix()
	if !s.flaws["jwt-expired"] && c.Exp <= now || c.Nbf > now ||
		!s.flaws["jwt-audience"] && c.Aud != audience || !s.flaws["jwt-issuer"] && c.Iss != issuer {
		return nil, errToken
	}
	if s.revoked[c.Jti] && !s.flaws["logout-without-effect"] || s.user(c.Sub) == nil {
		return nil, errToken
	}
	return &c, nil
}

func (s *shop) signed(h header, text string, sig []byte) bool {
	sum := sha256.Sum256([]byte(text))
	if s.flaws["jwt-alg-none"] && strings.EqualFold(h.Alg, "none") && len(sig) == 0 {
		return true
	}
	switch h.Alg {
	case "RS256":
		keys := []*rsa.PublicKey{&key().PublicKey}
		if s.flaws["jwt-jwk"] && h.JWK != nil {
			keys = append(keys, publicKey(h.JWK))
		}
		if s.flaws["jwt-jku"] && h.JKU != "" {
			keys = append(keys, fetchKey(h.JKU))
		}
		return slices.ContainsFunc(keys, func(k *rsa.PublicKey) bool {
			return k != nil && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
		})
	case "HS256":
		return slices.ContainsFunc(s.secrets(h), func(k []byte) bool { return hmac.Equal(mac(k, text), sig) })
	}
	return false
}

var union = regexp.MustCompile(`(?i)'\s*union\s+(?:all\s+)?select\s+'([^']*)'`)

func (s *shop) secrets(h header) [][]byte {
	var keys [][]byte
	if s.flaws["jwt-weak-secret"] {
		keys = append(keys, []byte(weakSecret))
	}
	if s.flaws["jwt-alg-confusion"] {
		der, err := x509.MarshalPKIXPublicKey(&key().PublicKey)
		if err != nil {
			panic(err)
		}
		keys = append(keys, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	// The key's file is keys/ and the key's name below the working directory.
	if s.flaws["jwt-kid-path"] && h.Kid != "" && path.Join("/srv/shop/keys", h.Kid) == "/dev/null" {
		keys = append(keys, nil)
	}
	// The key is SELECT secret FROM keys WHERE id = '…'.
	if m := union.FindStringSubmatch(h.Kid); s.flaws["jwt-kid-sql"] && m != nil {
		keys = append(keys, []byte(m[1]))
	}
	return keys
}

func (s *shop) jwks(w http.ResponseWriter, _ *http.Request) {
	k := key().PublicKey
	write(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": b64.EncodeToString(k.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}}})
}

func publicKey(jwk []byte) *rsa.PublicKey {
	var k struct{ Kty, N, E string }
	if json.Unmarshal(jwk, &k) != nil || k.Kty != "RSA" {
		return nil
	}
	n, err1 := b64.DecodeString(k.N)
	e, err2 := b64.DecodeString(k.E)
	if errors.Join(err1, err2) != nil || len(e) == 0 || len(e) > 4 {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

// fetchKey gets a key set from where the token says, loopback only: this is a
// test's target, and calls nobody else.
func fetchKey(at string) *rsa.PublicKey {
	u, err := url.Parse(at)
	if err != nil || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
		return nil
	}
	client := &http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(at)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var set struct{ Keys []json.RawMessage }
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&set) != nil || len(set.Keys) == 0 {
		return nil
	}
	return publicKey(set.Keys[0])
}
