// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"durward"
)

// SigningKey signs requests. It is immutable, and safe for concurrent use.
type SigningKey struct {
	id, alg string
	private any
}

// NewSigningKey reads the text of a private key: PEM (PKCS #8, SEC 1, PKCS #1)
// or a JWK, without passphrase, or else a shared secret, as it stands or behind
// "base64:". alg may be "", since each kind of key has one algorithm; another
// one is an error. The error holds nothing of the key.
func NewSigningKey(id, alg string, text []byte) (*SigningKey, error) {
	if !validText(id) {
		return nil, errors.New("key id: must be 1 to 256 bytes of printable ASCII")
	}
	private, err := parsePrivate(text)
	if err != nil {
		return nil, errors.New("key: " + err.Error())
	}
	k := &SigningKey{id: id, alg: HMACSHA256, private: private}
	if secret, ok := private.([]byte); ok {
		if len(secret) < minSecret {
			return nil, errors.New("key: is neither PEM nor a JWK, and as a secret it has less than 32 bytes")
		}
	} else {
		signer, ok := private.(crypto.Signer)
		if !ok {
			return nil, errors.New("key: cannot sign")
		}
		if k.alg, err = algorithmOf(signer.Public()); err != nil {
			return nil, errors.New("key: " + err.Error())
		}
	}
	if alg != "" && alg != k.alg {
		return nil, errors.New("key: is for " + k.alg)
	}
	return k, nil
}

// Algorithm is the key's algorithm.
func (k *SigningKey) Algorithm() string { return k.alg }

// SignOptions are the parameters of a signature. The zero value is what a
// gateway takes by default.
type SignOptions struct {
	// Components are covered. Empty is "@method" and "@target-uri", with
	// content-digest when there is content and content-type when it is given.
	Components []string
	Created    time.Time     // zero: now
	Lifetime   time.Duration // of the signature; 0 leaves out expires
	Nonce      string        // "": a random one
	NoNonce    bool          // leaves it out
	Tag        string
	Label      string // "": sig1
}

// Sign gives the field lines that a request must have beside those of header to
// be signed by k: Content-Digest, when there is content and header has none,
// Signature-Input and Signature. The request must then be sent with exactly
// this method, URL, header and content. body is nil or empty when there is no
// content. The URL's path is signed in its canonical form (RFC 9110, section
// 4.2.3), and its fragment is not.
func Sign(method, rawURL string, header durward.Header, body []byte, k *SigningKey, o SignOptions) (durward.Header, error) {
	m, err := messageTo(method, rawURL)
	if err != nil {
		return nil, err
	}
	var added durward.Header
	for _, f := range header {
		m.header.Add(durward.CanonicalName(f.Name), f.Value)
	}
	if len(body) > 0 {
		if !m.header.Has("Content-Digest") {
			added.Add("Content-Digest", ContentDigest(body))
			m.header = append(m.header, added...)
		}
		if !m.header.Has("Content-Length") {
			m.header.Add("Content-Length", strconv.Itoa(len(body)))
		}
	}
	input, err := inputText(&m, k.id, &o, len(body) > 0)
	if err != nil {
		return nil, err
	}
	w := works.Get().(*work)
	defer w.release()
	if err := w.input.dictionary(input); err != nil || len(w.input.members) != 1 || !w.input.members[0].inner {
		return nil, errors.New("signature: a label or parameter cannot be written")
	}
	s := signed{member: &w.input.members[0]}
	if err := errors.Join(w.params(&s), w.components(&s)); err != nil {
		return nil, err
	}
	if err := w.makeBase(&m, &s); err != nil {
		return nil, err
	}
	sig, err := sign(k.private, w.base)
	if err != nil {
		return nil, errors.New("signature: the key cannot sign")
	}
	added.Add(headerInput, strings.Clone(input))
	added.Add(headerSignature, s.member.key+"=:"+base64.StdEncoding.EncodeToString(sig)+":")
	return added, nil
}

// messageTo is a request for a URL, as a gateway will see it.
func messageTo(method, rawURL string) (m message, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return m, errors.New("url: must be http or https, with a host and without user information")
	}
	if method == "" || strings.ContainsFunc(method, func(r rune) bool { return r > 0x7e || !isFieldByte(byte(r)) }) {
		return m, errors.New("method: is not a token")
	}
	m = message{method: method, scheme: u.Scheme, query: u.RawQuery, path: canonicalPath(u.EscapedPath())}
	m.authority = withoutDefaultPort(u.Scheme, strings.ToLower(u.Host))
	if m.rawPath = u.EscapedPath(); m.rawPath == "" {
		m.rawPath = "/"
	}
	return m, nil
}

// canonicalPath decodes what needs no escape and writes hex digits in upper
// case (RFC 3986, section 6.2.2).
func canonicalPath(p string) string {
	if p == "" {
		return "/"
	}
	if strings.IndexByte(p, '%') < 0 {
		return p
	}
	b := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] != '%' || len(p)-i < 3 || !isHex(p[i+1]) || !isHex(p[i+2]) {
			b = append(b, p[i])
			continue
		}
		c := unhex(p[i+1])<<4 | unhex(p[i+2])
		i += 2
		if isLower(c|0x20) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

// inputText writes the value of Signature-Input.
func inputText(m *message, id string, o *SignOptions, content bool) (string, error) {
	names := o.Components
	if len(names) == 0 {
		names = slices.Clone(defaultComponents)
		if content {
			names = append(names, fieldDigest)
		}
		if m.header.Has("Content-Type") {
			names = append(names, "content-type")
		}
	}
	b := []byte("sig1=(")
	if o.Label != "" {
		b = []byte(o.Label + "=(")
	}
	for i, name := range names {
		var f field
		if _, err := parseIdentifier(&f, name); err != nil {
			return "", errors.New("component " + quoteShort(name) + " is not one of requests")
		}
		if i > 0 {
			b = append(b, ' ')
		}
		b = f.appendItem(b, &f.members[0].item)
	}
	created := o.Created
	if created.IsZero() {
		created = time.Now()
	}
	b = strconv.AppendInt(append(b, ");created="...), created.Unix(), 10)
	if o.Lifetime > 0 {
		b = strconv.AppendInt(append(b, ";expires="...), created.Add(o.Lifetime).Unix(), 10)
	}
	b = appendQuoted(append(b, ";keyid="...), id)
	switch {
	case o.NoNonce:
	case o.Nonce != "":
		b = appendQuoted(append(b, ";nonce="...), o.Nonce)
	default:
		b = appendQuoted(append(b, ";nonce="...), rand.Text())
	}
	if o.Tag != "" {
		b = appendQuoted(append(b, ";tag="...), o.Tag)
	}
	return string(b), nil
}
