// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"unsafe"
)

const (
	maxProof   = 8 << 10
	sha256Text = 43 // a SHA-256 in base64url
)

// proof is a DPoP proof taken apart (RFC 9449, 4.2). Its slices point into one
// buffer of its own, or into the field.
type proof struct {
	alg   algorithm
	key   jwk
	jkt   [sha256.Size]byte
	input string // what is signed: header.payload
	sig   []byte

	jti, htm, htu, ath, nonce []byte
	iat, exp, nbf             int64 // seconds; exp and nbf 0 when absent
}

var base64url = base64.RawURLEncoding.Strict()

var isBase64url = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		set[c] = true
	}
	return set
}()

// view is the bytes of s, not to be written to or kept. A conversion would copy
// them to the heap, because hashes are reached through assembly.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// decode appends what s stands for to b. It takes canonical base64url only: no
// padding, no line breaks (which the decoder would skip), no loose bits.
func decode(b []byte, s string) (all, part []byte, ok bool) {
	for i := range len(s) {
		if !isBase64url[s[i]] {
			return b, nil, false
		}
	}
	from := len(b)
	b, err := base64url.AppendDecode(b, view(s))
	if err != nil || len(b) == from {
		return b, nil, false
	}
	return b, b[from:len(b):len(b)], true
}

// parse takes a proof apart and checks what can be checked of it alone: checks 2
// to 6 of RFC 9449, 4.3, but for the configured algorithms.
func (p *proof) parse(raw string) error {
	if len(raw) > maxProof {
		return errForm
	}
	header, rest, ok := strings.Cut(raw, ".")
	if !ok {
		return errForm
	}
	payload, sig, ok := strings.Cut(rest, ".")
	if !ok {
		return errForm
	}
	p.input = raw[:len(header)+1+len(payload)]
	buf := make([]byte, 0, len(raw))
	var head, body []byte
	if buf, head, ok = decode(buf, header); !ok {
		return errForm
	}
	if buf, body, ok = decode(buf, payload); !ok {
		return errForm
	}
	if buf, p.sig, ok = decode(buf, sig); !ok {
		return errForm
	}
	if err := p.header(head, buf); err != nil {
		return err
	}
	return p.payload(body)
}

// header reads the JOSE header. Parameters that are not known are ignored (RFC
// 7515, 4), but for those that would change what the proof means.
func (p *proof) header(data, buf []byte) error {
	o, ok := openDocument(data)
	if !ok {
		return errHeader
	}
	var typ, alg, key []byte
	for o.next() {
		switch string(o.name) {
		case "typ":
			ok = once(&typ, o.value)
		case "alg":
			ok = once(&alg, o.value)
		case "jwk":
			ok = once(&key, o.value)
		case "crit", "b64", "zip", "enc", "jku", "x5u", "x5c":
			return errParam
		}
		if !ok {
			return errHeader
		}
	}
	if o.bad || typ == nil || alg == nil || key == nil {
		return errHeader
	}
	if string(typ) != `"dpop+jwt"` {
		return errType
	}
	name, ok := text(alg)
	if !ok {
		return errHeader
	}
	if p.alg = algorithmOf(string(name)); p.alg == unknownAlgorithm {
		return errAlgorithm
	}
	if err := p.key.parse(key); err != nil {
		return err
	}
	if !p.key.fits(p.alg) {
		return errKey
	}
	p.jkt = p.key.thumbprint(buf[len(buf):])
	return nil
}

func (p *proof) payload(data []byte) error {
	o, ok := openDocument(data)
	if !ok {
		return errPayload
	}
	var iat, exp, nbf []byte
	for o.next() {
		switch string(o.name) {
		case "jti":
			ok = onceText(&p.jti, o.value)
		case "htm":
			ok = onceText(&p.htm, o.value)
		case "htu":
			ok = onceText(&p.htu, o.value)
		case "ath":
			ok = onceText(&p.ath, o.value)
		case "nonce":
			ok = onceText(&p.nonce, o.value)
		case "iat":
			ok = once(&iat, o.value)
		case "exp":
			ok = once(&exp, o.value)
		case "nbf":
			ok = once(&nbf, o.value)
		}
		if !ok {
			return errPayload
		}
	}
	if o.bad || p.jti == nil || p.htm == nil || p.htu == nil || iat == nil ||
		!seconds(&p.iat, iat) || !seconds(&p.exp, exp) || !seconds(&p.nbf, nbf) || exp != nil && p.exp == 0 {
		return errPayload
	}
	if len(p.jti) == 0 || len(p.jti) > maxJTI {
		return errJTI
	}
	return nil
}

// boundTo tells whether the proof's key is the one that jkt names.
func (p *proof) boundTo(jkt string) error {
	if jkt == "" {
		return errUnbound
	}
	var own [sha256Text]byte
	base64url.Encode(own[:], p.jkt[:])
	if subtle.ConstantTimeCompare(own[:], view(jkt)) != 1 {
		return errBinding
	}
	return nil
}

// id is what the proof is remembered by. A client vouches only for its own jti,
// so that nobody can use up those of another.
func (p *proof) id() [sha256.Size]byte {
	var b bytes.Buffer
	b.Grow(sha256.Size + maxJTI)
	b.Write(p.jkt[:])
	b.Write(p.jti)
	return sha256.Sum256(b.Bytes())
}
