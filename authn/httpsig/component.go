// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"encoding/base64"
	"errors"
	"strings"

	"durward"
)

// Why a component has no value, for the audit record.
var (
	errComponent = errors.New("signature: a covered component is unknown, malformed, or not one of requests")
	errTwice     = errors.New("signature: a component is covered twice")
	errMissing   = errors.New("signature: a covered component is not in the request")
	errValue     = errors.New("signature: a covered component has a value that cannot be signed")
	errQuery     = errors.New("signature: a covered query parameter occurs more than once")
)

// message is what components are derived from.
type message struct {
	method    string
	scheme    string
	authority string // lower case, without the scheme's default port
	path      string // canonical; at least "/"
	rawPath   string // as on the wire, for @request-target
	query     string // without its question mark
	header    durward.Header
}

// messageOf is the request as the client sent it.
func messageOf(x *durward.Exchange) message {
	m := message{
		method: x.In.Method, scheme: x.Client.Scheme, authority: x.In.Host,
		path: x.In.Path, rawPath: x.In.RawPath, query: x.In.RawQuery, header: x.In.Header,
	}
	if m.scheme == "" {
		m.scheme = x.In.Scheme
	}
	if m.scheme != x.In.Scheme {
		// The host was made canonical for the connection's scheme; a client
		// before a proxy that ends TLS knows another default port.
		m.authority = withoutDefaultPort(m.scheme, m.authority)
	}
	if m.path == "" {
		m.path = "/"
	}
	if m.rawPath == "" {
		m.rawPath = m.path
	}
	return m
}

func withoutDefaultPort(scheme, authority string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return strings.TrimSuffix(authority, port)
}

// component is a component identifier (RFC 9421, section 2).
type component struct {
	name    string // lower case
	key     string // of the key parameter
	param   string // of the name parameter of @query-param
	sf, bs  bool
	hasKey  bool
	hasName bool
}

// componentOf reads an identifier. Parameters that it does not know change a
// value in a way that nobody knows, so they are refused; so is what belongs to
// responses (req, @status), and tr, for a trailer cannot be checked before the
// request is passed on.
func (f *field) componentOf(it *item) (c component, err error) {
	if it.val.kind != kindString {
		return c, errComponent
	}
	c.name = it.val.text
	for _, p := range f.params[it.p0:it.p1] {
		text, flag := p.val.kind == kindString, p.val.kind == kindBoolean && p.val.num == 1
		switch {
		case p.key == "sf" && flag:
			c.sf = true
		case p.key == "bs" && flag:
			c.bs = true
		case p.key == "key" && text:
			c.key, c.hasKey = p.val.text, true
		case p.key == "name" && text:
			c.param, c.hasName = p.val.text, true
		default:
			return c, errComponent
		}
	}
	if !c.valid() {
		return c, errComponent
	}
	return c, nil
}

func (c *component) valid() bool {
	if strings.HasPrefix(c.name, "@") {
		if c.sf || c.bs || c.hasKey || c.hasName != (c.name == "@query-param") {
			return false
		}
		switch c.name {
		case "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param":
			return true
		}
		return false
	}
	for i := range len(c.name) {
		if b := c.name[i]; !isFieldByte(b) || b >= 'A' && b <= 'Z' {
			return false
		}
	}
	return c.name != "" && !c.hasName && !(c.bs && (c.sf || c.hasKey))
}

// appendComponent appends the value of c (RFC 9421, sections 2.1 and 2.2).
func (w *work) appendComponent(dst []byte, m *message, c *component) ([]byte, error) {
	switch c.name {
	case "@method":
		return append(dst, m.method...), nil
	case "@scheme":
		return append(dst, m.scheme...), nil
	case "@authority":
		return append(dst, m.authority...), nil
	case "@target-uri":
		dst = append(append(append(dst, m.scheme...), "://"...), m.authority...)
		return appendQuery(append(dst, m.path...), m.query), nil
	case "@request-target":
		return appendQuery(append(dst, m.rawPath...), m.query), nil
	case "@path":
		return append(dst, m.path...), nil
	case "@query":
		return append(append(dst, '?'), m.query...), nil
	case "@query-param":
		return appendQueryParam(dst, m.query, c.param)
	}
	return w.appendField(dst, m, c)
}

func appendQuery(dst []byte, query string) []byte {
	if query == "" {
		return dst
	}
	return append(append(dst, '?'), query...)
}

// appendField appends the value of a field.
func (w *work) appendField(dst []byte, m *message, c *component) ([]byte, error) {
	if c.sf || c.hasKey {
		return w.appendStructured(dst, m, c)
	}
	found := false
	for i := range m.header {
		if !sameName(m.header[i].Name, c.name) {
			continue
		}
		if found {
			dst = append(dst, ',', ' ')
		}
		found = true
		v := trim(m.header[i].Value)
		if c.bs {
			dst = append(dst, ':')
			dst = base64.StdEncoding.AppendEncode(dst, []byte(v))
			dst = append(dst, ':')
			continue
		}
		for i := range len(v) {
			if v[i] < 0x20 && v[i] != '\t' || v[i] > 0x7e {
				return dst, errValue // the base is ASCII, and its lines are its structure
			}
		}
		dst = append(dst, v...)
	}
	if !found && c.name == "host" && !c.bs {
		return append(dst, m.authority...), nil // the listener keeps it apart
	}
	if !found {
		return dst, errMissing
	}
	return dst, nil
}

// structured are the types of fields that are known to be structured, beside
// what key says of itself.
var structured = map[string]func(*field, string) error{
	"accept-signature":    (*field).dictionary,
	"content-digest":      (*field).dictionary,
	"priority":            (*field).dictionary,
	"repr-digest":         (*field).dictionary,
	"signature":           (*field).dictionary,
	"signature-input":     (*field).dictionary,
	"want-content-digest": (*field).dictionary,
	"want-repr-digest":    (*field).dictionary,
	"cache-status":        (*field).list,
	"client-cert-chain":   (*field).list,
	"proxy-status":        (*field).list,
	"client-cert":         (*field).single,
	"idempotency-key":     (*field).single,
}

// appendStructured appends a field, or the member that key names, in its
// strict form (sections 2.1.1 and 2.1.2).
func (w *work) appendStructured(dst []byte, m *message, c *component) ([]byte, error) {
	read := structured[c.name]
	if c.hasKey {
		read = (*field).dictionary
	}
	if read == nil {
		return dst, errComponent
	}
	f := &w.other
	f.reset()
	found, size := 0, 0
	for i := range m.header {
		h := &m.header[i]
		if !sameName(h.Name, c.name) {
			continue
		}
		found++
		if size += len(h.Value); size > maxFieldBytes || read(f, trim(h.Value)) != nil {
			return dst, errValue
		}
	}
	switch {
	case found == 0:
		return dst, errMissing
	case !c.hasKey:
		if c.name == "client-cert" || c.name == "idempotency-key" {
			if found > 1 {
				return dst, errValue
			}
		}
		return f.appendAll(dst), nil
	}
	member := f.find(c.key)
	if member == nil {
		return dst, errMissing
	}
	return f.appendMember(dst, member), nil
}
