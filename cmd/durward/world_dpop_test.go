// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	commands["holder"] = (*world).cmdHolder
	commands["proof"] = (*world).cmdProof
}

// holder is a client's DPoP key.
type holder struct {
	private crypto.Signer
	alg     jose.SignatureAlgorithm
}

// cmdHolder: "holder NAME [ALG]" makes a key that tokens are bound to, ES256
// when not said; NAME_JKT gets its thumbprint.
func (w *world) cmdHolder(ts *testscript.TestScript, args []string) (err error) {
	if len(args) == 1 {
		args = append(args, "ES256")
	}
	if len(args) != 2 {
		return errors.New("usage: holder NAME [ES256|EdDSA|RS256|PS256]")
	}
	h := holder{alg: jose.SignatureAlgorithm(args[1])}
	switch args[1] {
	case "ES256":
		h.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, h.private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256", "PS256":
		h.private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = errors.New("holder: unknown algorithm")
	}
	if err != nil {
		return err
	}
	print, err := (&jose.JSONWebKey{Key: h.private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return err
	}
	w.holders[args[0]] = h
	ts.Setenv(args[0]+"_JKT", base64.RawURLEncoding.EncodeToString(print))
	return nil
}

// cmdProof: "proof VARIABLE HOLDER TOKEN METHOD PATH [-age D] [-nonce N]
// [-ath TEXT] [-base URL] [-typ T] [-drop CLAIM] [-shown HOLDER]" makes a DPoP
// proof (RFC 9449, 4.2) for a request with the token. PATH is at $GATEWAY or,
// with -base, there. -ath is of another token; -shown names in the header the
// key of another holder than the one that signs.
func (w *world) cmdProof(ts *testscript.TestScript, args []string) error {
	if len(args) < 5 {
		return errors.New("usage: proof VARIABLE HOLDER TOKEN METHOD PATH ...")
	}
	o, rest, err := options(args[5:])
	h, ok := w.holders[args[1]]
	if err != nil || len(rest) > 0 || !ok {
		return fmt.Errorf("proof: %v, or no such holder, or too many arguments", err)
	}
	base, made := "http://"+ts.Getenv("GATEWAY"), time.Now()
	if o["base"] != "" {
		base = o["base"]
	}
	if o["age"] != "" {
		age, err := time.ParseDuration(o["age"])
		if err != nil {
			return err
		}
		made = made.Add(-age)
	}
	token := args[2]
	if o["ath"] != "" {
		token = o["ath"]
	}
	sum := sha256.Sum256([]byte(token))
	claims := map[string]any{
		"jti": rand.Text(), "htm": args[3], "htu": base + args[4], "iat": made.Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	if o["nonce"] != "" {
		claims["nonce"] = o["nonce"]
	}
	delete(claims, o["drop"])
	payload, err := json.Marshal(claims)
	if err != nil {
		return err
	}
	shown := h.private.Public()
	if other, ok := w.holders[o["shown"]]; ok {
		shown = other.private.Public()
	}
	signed, err := h.sign(payload, shown, o["typ"])
	ts.Setenv(args[0], signed)
	return err
}

func (h holder) sign(payload []byte, shown crypto.PublicKey, typ string) (string, error) {
	if typ == "" {
		typ = "dpop+jwt"
	}
	signing := &jose.SignerOptions{}
	signing.WithType(jose.ContentType(typ)).WithHeader("jwk", jose.JSONWebKey{Key: shown})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: h.alg, Key: h.private}, signing)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	text, err := signed.CompactSerialize()
	if strings.Count(text, ".") != 2 {
		return "", errors.New("proof: not a compact JWS")
	}
	return text, err
}
