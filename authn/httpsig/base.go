// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"encoding/base64"
	"errors"
	"slices"
	"sync"

	"durward"
)

// The fields of a signature, in canonical form.
const (
	headerInput     = "Signature-Input"
	headerSignature = "Signature"
)

// Bounds of a signature.
const (
	maxComponents = 32
	maxBase       = 64 << 10 // bytes of a signature base
	maxSignature  = 1024     // bytes of a signature value: RSA of 8192 bits
	maxText       = 256      // bytes of keyid, nonce and tag
)

// Why a signature cannot be judged, for the audit record.
var (
	errInput     = errors.New("signature: Signature-Input is malformed or too large")
	errSignature = errors.New("signature: Signature is malformed or too large")
	errNone      = errors.New("signature: no signature has the label or tag that is taken")
	errMany      = errors.New("signature: more than one signature, and nothing says which one counts")
	errPair      = errors.New("signature: Signature and Signature-Input do not have the same label")
	errParams    = errors.New("signature: a parameter is malformed")
	errBase      = errors.New("signature: covers more than can be checked")
)

// work is the memory of one check or signature. It is pooled.
type work struct {
	input, signature, other field
	comps                   []component
	base                    []byte
	text                    [(maxSignature + 2) / 3 * 4]byte
	raw                     [maxSignature + 3]byte // the signature value, decoded from text
}

var works = sync.Pool{New: func() any { return new(work) }}

// release gives w back without what it holds of a request.
func (w *work) release() {
	w.input.reset()
	w.signature.reset()
	w.other.reset()
	clear(w.comps)
	w.comps = w.comps[:0]
	if cap(w.base) > maxBase {
		w.base = nil
	}
	works.Put(w)
}

// signed is one signature with its parameters (RFC 9421, section 2.3).
type signed struct {
	member             *member // of Signature-Input
	sig                []byte
	created, expires   int64 // Unix seconds
	hasCreated         bool
	hasExpires         bool
	hasKeyID, hasNonce bool
	hasAlg, hasTag     bool
	keyID, nonce       string
	alg, tag           string
}

// read parses both fields.
func (w *work) read(h durward.Header) error {
	input, signature := 0, 0
	for i := range h {
		switch v := h[i].Value; h[i].Name {
		case headerInput:
			if input += len(v); input > maxFieldBytes || w.input.dictionary(v) != nil {
				return errInput
			}
		case headerSignature:
			if signature += len(v); signature > maxFieldBytes || w.signature.dictionary(v) != nil {
				return errSignature
			}
		}
	}
	if input == 0 {
		return errInput
	}
	if signature == 0 {
		return errSignature
	}
	return nil
}

// pick finds the one signature that counts. Without a label or tag in the
// configuration, a request has exactly one.
func (w *work) pick(label, tag string) (s signed, err error) {
	found := -1
	for i := range w.input.members {
		m := &w.input.members[i]
		if label != "" && m.key != label || tag != "" && w.tagOf(m) != tag {
			continue
		}
		if found >= 0 {
			return s, errMany
		}
		found = i
	}
	if found < 0 {
		return s, errNone
	}
	if label == "" && tag == "" && len(w.signature.members) != 1 {
		return s, errMany
	}
	s.member = &w.input.members[found]
	if !s.member.inner {
		return s, errInput
	}
	value := w.signature.find(s.member.key)
	if value == nil {
		return s, errPair
	}
	if value.inner || value.val.kind != kindBytes || value.p0 != value.p1 || len(value.val.text) > len(w.text) {
		return s, errSignature
	}
	n, err := base64.StdEncoding.Decode(w.raw[:], w.text[:copy(w.text[:], value.val.text)])
	if err != nil || n == 0 {
		return s, errSignature
	}
	s.sig = w.raw[:n]
	return s, w.params(&s)
}

func (w *work) tagOf(m *member) string {
	for _, p := range w.input.params[m.p0:m.p1] {
		if p.key == "tag" && p.val.kind == kindString {
			return p.val.text
		}
	}
	return ""
}

// params reads the signature's parameters. One that is not registered is
// signed like the others, and means nothing.
func (w *work) params(s *signed) error {
	text := func(p *param, to *string, has *bool) bool {
		*to, *has = p.val.text, true
		return p.val.kind == kindString && len(p.val.text) <= maxText
	}
	seconds := func(p *param, to *int64, has *bool) bool {
		*to, *has = p.val.num, true
		return p.val.kind == kindInteger && p.val.num >= 0
	}
	params := w.input.params[s.member.p0:s.member.p1]
	for i := range params {
		p, ok := &params[i], true
		switch p.key {
		case "created":
			ok = seconds(p, &s.created, &s.hasCreated)
		case "expires":
			ok = seconds(p, &s.expires, &s.hasExpires)
		case "keyid":
			ok = text(p, &s.keyID, &s.hasKeyID)
		case "nonce":
			ok = text(p, &s.nonce, &s.hasNonce) && s.nonce != ""
		case "alg":
			ok = text(p, &s.alg, &s.hasAlg)
		case "tag":
			ok = text(p, &s.tag, &s.hasTag)
		}
		if !ok {
			return errParams
		}
	}
	return nil
}

// components reads the identifiers that s covers into w.comps.
func (w *work) components(s *signed) error {
	if s.member.i1-s.member.i0 > maxComponents {
		return errBase
	}
	w.comps = w.comps[:0]
	for i := s.member.i0; i < s.member.i1; i++ {
		c, err := w.input.componentOf(&w.input.items[i])
		if err != nil {
			return err
		}
		if slices.Contains(w.comps, c) {
			return errTwice
		}
		w.comps = append(w.comps, c)
	}
	return nil
}

// makeBase builds the signature base in w.base (section 2.5).
func (w *work) makeBase(m *message, s *signed) (err error) {
	b := w.base[:0]
	for i := range w.comps {
		b = append(w.input.appendItem(b, &w.input.items[s.member.i0+i]), ':', ' ')
		if b, err = w.appendComponent(b, m, &w.comps[i]); err != nil {
			return err
		}
		if b = append(b, '\n'); len(b) > maxBase {
			return errBase
		}
	}
	b = append(b, `"@signature-params": `...)
	w.base = w.input.appendMember(b, s.member)
	return nil
}
