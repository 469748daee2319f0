// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"

	"durward"
)

// framing is what the fields say about the connection and the content.
type framing struct {
	length    int64 // -1 when the request gives none
	host      string
	upgrade   string
	hosts     int
	upgrades  int
	chunked   bool
	coded     bool // a Transfer-Encoding was there
	close     bool // Connection: close
	keepAlive bool // Connection: keep-alive
	upgrading bool // Connection: upgrade
	expects   bool // Expect: 100-continue
	trailing  bool // a Trailer was there
}

// fill writes the fields of the head s into in and judges those that this
// package answers for. Host, Transfer-Encoding and Trailer are not handed on:
// they are in Request.Host, Body and Trailer. All fields are there even when
// one of them is at fault, for the record.
func (h *head) fill(in *durward.Request, s string) (fr framing, err *fault) {
	fr.length = -1
	for i := range h.fields {
		f := &h.fields[i]
		name, value := s[f.name:f.colon], s[f.value:f.end]
		if !f.canonical {
			name = canonical(name)
		}
		own, bad := fr.take(name, value, h.line.minor)
		if f.tab && bad == nil && (name == "Content-Length" || name == "Transfer-Encoding") {
			bad = errFramingTab // what is white space there is not the same to all
		}
		if bad != nil && err == nil {
			err = bad
		}
		if !own {
			in.Header = append(in.Header, durward.Field{Name: name, Value: value})
		}
	}
	if err == nil {
		err = fr.judge(in, h, s)
	}
	return fr, err
}

// take looks at one field. own tells that it is not handed on.
func (fr *framing) take(name, value string, minor int) (own bool, err *fault) {
	switch len(name) {
	case 4:
		if name == "Host" {
			fr.host = value
			fr.hosts++
			return true, nil
		}
	case 6:
		if name == "Expect" {
			if fr.expects || !strings.EqualFold(value, "100-continue") {
				return false, errExpectation
			}
			fr.expects = true
		}
	case 7:
		switch name {
		case "Trailer":
			fr.trailing = true
			return true, checkAnnounced(value)
		case "Upgrade":
			fr.upgrade = value
			fr.upgrades++
		}
	case 10:
		if name == "Connection" {
			fr.takeConnection(value)
		}
	case 14:
		if name == "Content-Length" {
			return false, fr.takeLength(value)
		}
	case 17:
		if name == "Transfer-Encoding" {
			if minor == 0 {
				return true, errCodingOld
			}
			if fr.coded || !strings.EqualFold(value, "chunked") {
				fr.coded = true
				return true, errCoding
			}
			fr.coded, fr.chunked = true, true
			return true, nil
		}
	}
	return false, nil
}

func (fr *framing) takeConnection(value string) {
	if value == "keep-alive" {
		fr.keepAlive = true
		return
	}
	fr.close = fr.close || listed(value, "close")
	fr.keepAlive = fr.keepAlive || listed(value, "keep-alive")
	fr.upgrading = fr.upgrading || listed(value, "upgrade")
}

// takeLength reads a Content-Length: digits and nothing else. A second one is
// refused even when it is equal, for two parties wrote them, and the next two
// may differ.
func (fr *framing) takeLength(s string) *fault {
	if fr.length >= 0 {
		return errLengthTwice
	}
	if s == "" || len(s) > 18 {
		return errLengthForm
	}
	n := int64(0)
	for i := range len(s) {
		if !digit(s[i]) {
			return errLengthForm
		}
		n = n*10 + int64(s[i]-'0')
	}
	fr.length = n
	return nil
}

// judge decides what only all fields together show.
func (fr *framing) judge(in *durward.Request, h *head, s string) *fault {
	if fr.chunked && fr.length >= 0 {
		return errBoth
	}
	switch l := &h.line; {
	case fr.hosts > 1:
		return errHostTwice
	case fr.hosts == 1 && !all(fr.host, authority):
		return errHostForm // and out of the record, for it may hold a password
	case fr.hosts == 0 && l.minor == 1:
		return errHostMissing
	}
	in.Host = fr.host
	if l := &h.line; l.absolute {
		if l.https != (in.Scheme == "https") {
			return errScheme
		}
		in.Host = s[l.authority[0]:l.authority[1]]
		if fr.hosts == 1 && !strings.EqualFold(in.Host, fr.host) {
			return errHostOther
		}
	}
	if h.line.minor == 0 {
		// What HTTP/1.0 does not have is ignored (RFC 9110, sections 7.8 and 10.1.1).
		fr.expects, fr.trailing = false, false
		return nil
	}
	if fr.upgrading && fr.upgrades == 1 {
		in.Upgrade = strings.ToLower(fr.upgrade)
	}
	return nil
}

// keep tells that the client takes further requests on the connection (RFC
// 9112, section 9.3).
func (fr *framing) keep(minor int) bool {
	return !fr.close && (minor == 1 || fr.keepAlive)
}

// checkAnnounced refuses a Trailer field that names what must not be there.
func checkAnnounced(list string) *fault {
	for list != "" {
		var name string
		name, list, _ = strings.Cut(list, ",")
		if name = strings.Trim(name, " \t"); name != "" && (!all(name, token) || untrailed(name)) {
			return errTrailerName
		}
	}
	return nil
}

// untrailed tells that a field means something only ahead of the content:
// framing, routing, access, conditions, and how to read the content (RFC 9110,
// section 6.5.1). Every odd character is read as a hyphen, as upstreams do that
// map names to variables.
func untrailed(name string) bool {
	var low [40]byte
	if len(name) > len(low) {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case classes[c]&upper != 0:
			low[i] = c | 0x20
		case classes[c]&lower != 0, digit(c):
			low[i] = c
		default:
			low[i] = '-'
		}
	}
	n := string(low[:len(name)])
	switch n {
	case "content-digest":
		return false // RFC 9530 has it there
	case "authorization", "cache-control", "connection", "cookie", "cookie2", "expect", "forwarded", "host",
		"keep-alive", "max-forwards", "origin", "pragma", "range", "referer", "te", "trailer",
		"transfer-encoding", "upgrade", "via", "x-http-method", "x-method-override",
		"x-original-url", "x-original-host", "x-original-uri", "x-rewrite-url", "x-api-key",
		"x-client-cert", "true-client-ip", "client-ip", "cf-connecting-ip", "x-cluster-client-ip", "x-client-ip":
		return true
	}
	for _, start := range [...]string{"content-", "if-", "proxy", "set-cookie", "access-control-", "sec-",
		"x-forwarded", "x-real-", "x-remote-", "remote-", "x-http-method-"} {
		if strings.HasPrefix(n, start) {
			return true
		}
	}
	return false
}
