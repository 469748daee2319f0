// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"encoding/binary"
	"strings"

	"durward"
)

// Classes of bytes. A byte of none of them cannot stand in a field name.
const (
	lower = 1 << iota
	upper
	tokenOther
	authority // may stand in a host with a port (RFC 3986, section 3.2.2)
	token     = lower | upper | tokenOther
)

var classes = func() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = lower | authority
		t[c-'a'+'A'] = upper | authority
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = tokenOther | authority
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		t[c] |= tokenOther
	}
	for _, c := range []byte("-._~!$&'()*+,;=%:[]") {
		t[c] |= authority
	}
	return t
}()

// all tells that s is not empty and every byte of it is of the class.
func all[S string | []byte](s S, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return len(s) > 0
}

// names are the canonical forms of common field names by their lower-case
// ones, so that a client that writes lower case costs no allocation.
var names = func() map[string]string {
	m := map[string]string{}
	for n := range strings.FieldsSeq(`Accept Accept-Charset Accept-Encoding Accept-Language
		Access-Control-Request-Headers Access-Control-Request-Method Authorization Baggage
		Cache-Control Connection Content-Encoding Content-Language Content-Length Content-Type
		Cookie Date Dnt Dpop Etag Expect Forwarded From Host Http2-Settings Idempotency-Key
		If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive
		Max-Forwards Origin Pragma Prefer Priority Proxy-Authorization Proxy-Connection Range
		Referer Sec-Ch-Ua Sec-Ch-Ua-Mobile Sec-Ch-Ua-Platform Sec-Fetch-Dest Sec-Fetch-Mode
		Sec-Fetch-Site Sec-Fetch-User Sec-Gpc Sec-Websocket-Extensions Sec-Websocket-Key
		Sec-Websocket-Protocol Sec-Websocket-Version Signature Signature-Input Te Traceparent
		Tracestate Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Via
		X-Api-Key X-Correlation-Id X-Csrf-Token X-Forwarded-For X-Forwarded-Host
		X-Forwarded-Port X-Forwarded-Proto X-Real-Ip X-Request-Id X-Requested-With`) {
		m[strings.ToLower(n)] = n
	}
	return m
}()

// canonical gives the canonical form of a token that is not in it.
func canonical(name string) string {
	var low [40]byte
	if len(name) <= len(low) {
		for i := range len(name) {
			low[i] = name[i]
			if classes[name[i]]&upper != 0 {
				low[i] |= 0x20
			}
		}
		if n, ok := names[string(low[:len(name)])]; ok {
			return n
		}
	}
	return durward.CanonicalName(name)
}

// span is where a field line's parts lie in the head.
type span struct {
	name, colon, value, end uint32
	canonical               bool // the name is in canonical form
	tab                     bool // a tab stands around the value
}

// parseField reads a field line without its end (RFC 9112, section 5), which
// begins at offset at of the head.
func parseField(line []byte, at int) (f span, err *fault) {
	i, wantUpper, canon := 0, true, true
	for ; i < len(line); i++ {
		c := classes[line[i]] & token
		if c == 0 {
			break
		}
		if wantUpper && c == lower || !wantUpper && c == upper {
			canon = false
		}
		wantUpper = line[i] == '-'
	}
	if i == 0 || i == len(line) || line[i] != ':' {
		return f, nameFault(line, i)
	}
	from, to, tab := i+1, len(line), false
	for ; from < to && blank(line[from]); from++ {
		tab = tab || line[from] == '\t'
	}
	for ; to > from && blank(line[to-1]); to-- {
		tab = tab || line[to-1] == '\t'
	}
	if !textual(line[from:to]) {
		return f, errValueByte
	}
	return span{uint32(at), uint32(at + i), uint32(at + from), uint32(at + to), canon, tab}, nil
}

// nameFault says what is wrong with a field name that ends at byte i.
func nameFault(line []byte, i int) *fault {
	switch {
	case i == 0 && len(line) > 0 && blank(line[0]):
		return errFold
	case i == 0 && len(line) > 0 && line[0] == ':':
		return errNameEmpty
	case i == len(line):
		return errNoColon
	case blank(line[i]):
		return errNameSpace
	}
	return errNameByte
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// textual tells that a field value has no control byte but tabs (RFC 9110,
// section 5.5). It looks at eight bytes at a time, as values are most of what
// a request has.
func textual(b []byte) bool {
	const ones = 0x0101010101010101
	const highs = 0x80 * ones
	for len(b) >= 8 {
		v := binary.LittleEndian.Uint64(b)
		del := v ^ 0x7f*ones
		// A byte below 0x20 borrows from its high bit, and so does a zero of
		// del. Bytes that have that bit themselves do not count.
		if ((v-0x20*ones)&^v|(del-ones)&^del)&highs != 0 && !textualSlow(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return textualSlow(b)
}

func textualSlow(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// listed tells whether a comma-separated list has the token, in any case of
// its letters.
func listed(list, token string) bool {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(strings.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}
