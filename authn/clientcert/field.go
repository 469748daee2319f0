// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"encoding/base64"
	"errors"
	"strings"

	"durward"
	"durward/internal/clientca"
)

// The fields of RFC 9440, section 2.
const (
	fieldCert  = "Client-Cert"
	fieldChain = "Client-Cert-Chain"
)

// maxField bounds the text of a field, in bytes: base64 of the most that
// clientca takes, with room for separators.
const maxField = 48 << 10

var (
	errFieldForm = errors.New("client certificate: Client-Cert is not one byte sequence (RFC 9440, 2.2)")
	errChainForm = errors.New("client certificate: Client-Cert-Chain is not a list of byte sequences (RFC 9440, 2.3)")
	errChainSize = errors.New("client certificate: Client-Cert-Chain is too long")
)

// fromField gives the certificates that a trusted proxy passes on, leaf first.
func fromField(h durward.Header) ([][]byte, error) {
	switch h.Count(fieldCert) {
	case 0:
		return nil, clientca.ErrNone
	case 1:
	default:
		return nil, errTwo
	}
	leaf, ok := byteSequence(strings.Trim(h.Get(fieldCert), " "))
	if !ok {
		return nil, errFieldForm
	}
	ders := append(make([][]byte, 0, 2), leaf)
	for i := range h {
		if h[i].Name != fieldChain {
			continue
		}
		var err error
		if ders, err = appendChain(ders, h[i].Value); err != nil {
			return nil, err
		}
	}
	return ders, nil
}

// appendChain reads one line of Client-Cert-Chain (RFC 9651, section 4.2.1).
func appendChain(ders [][]byte, value string) ([][]byte, error) {
	if len(value) > maxField {
		return nil, errChainSize
	}
	rest := strings.Trim(value, " ")
	for more := rest != ""; more; {
		var one string
		one, rest, more = strings.Cut(rest, ",")
		der, ok := byteSequence(strings.Trim(one, " \t"))
		if !ok {
			return nil, errChainForm
		}
		if ders = append(ders, der); len(ders) > clientca.MaxChain {
			return nil, errChainSize
		}
	}
	return ders, nil
}

var base64std = base64.StdEncoding.Strict()

// byteSequence reads :base64: in its one canonical spelling. Parameters have no
// meaning here and are not taken.
func byteSequence(s string) ([]byte, bool) {
	if len(s) < 6 || len(s) > maxField || s[0] != ':' || s[len(s)-1] != ':' {
		return nil, false
	}
	s = s[1 : len(s)-1]
	if strings.ContainsAny(s, "\r\n") {
		return nil, false // the decoder would skip them
	}
	der, err := base64std.DecodeString(s)
	if err != nil {
		return nil, false
	}
	return der, true
}
