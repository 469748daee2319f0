// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"durward"
)

// Digest algorithms that are taken (RFC 9530, section 5). The others of the
// registry are insecure, or no digests.
const (
	sha256Name = "sha-256"
	sha512Name = "sha-512"
)

const (
	fieldDigest = "content-digest"
	fieldRepr   = "repr-digest"
)

// What is wrong with a digest, for the audit record.
var (
	errUncovered     = errors.New("signature: does not cover all that it must")
	errNoDigest      = errors.New("signature: does not cover a digest of the content")
	errDigestForm    = errors.New("signature: a digest field is malformed")
	errDigestUnknown = errors.New("signature: a digest field has no algorithm that is taken")
	errDigestWrong   = errors.New("signature: the content is not what its digest says")
)

// hasContent tells whether there is something that a digest must cover.
func hasContent(b *durward.Body) bool { return !b.Empty() && b.Length() != 0 }

// digestIn gives the digest field that a signature covers, "" when none does.
// Repr-Digest is the digest of the selected representation (RFC 9530, section
// 3), which is the content only when all of it is enclosed as it is.
func digestIn(comps []component, m *message) string {
	switch {
	case coversDigest(comps, fieldDigest):
		return fieldDigest
	case (m.method == "PUT" || m.method == "POST") && !m.header.Has("Content-Range") && coversDigest(comps, fieldRepr):
		return fieldRepr
	}
	return ""
}

// checkDigest holds content against every digest of the field that is known.
// Unknown ones are passed over, as long as one is known.
func (w *work) checkDigest(h durward.Header, name string, content []byte) error {
	f := &w.other
	f.reset()
	for i := range h {
		if sameName(h[i].Name, name) && f.dictionary(h[i].Value) != nil {
			return errDigestForm
		}
	}
	known := false
	for i := range f.members {
		m := &f.members[i]
		if m.inner || m.val.kind != kindBytes {
			return errDigestForm
		}
		var sum []byte
		switch m.key {
		case sha256Name:
			s := sha256.Sum256(content)
			sum = s[:]
		case sha512Name:
			s := sha512.Sum512(content)
			sum = s[:]
		default:
			continue
		}
		known = true
		var text [(sha512.Size + 2) / 3 * 4]byte
		n := base64.StdEncoding.EncodedLen(len(sum))
		base64.StdEncoding.Encode(text[:], sum)
		// Base64 is canonical here, so the texts are equal when the bytes are.
		if subtle.ConstantTimeCompare(text[:n], []byte(m.val.text)) != 1 {
			return errDigestWrong
		}
	}
	if !known {
		return errDigestUnknown
	}
	return nil
}

// ContentDigest is the Content-Digest value of content, with SHA-256.
func ContentDigest(content []byte) string {
	sum := sha256.Sum256(content)
	return sha256Name + "=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
