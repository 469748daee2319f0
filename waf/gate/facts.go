// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strconv"
	"strings"
	"unsafe"
)

// item is one member of a collection: its key as it was sent, and its value.
type item struct{ key, val string }

// facts are the collections that Coraza fills from a request in phases 1 and 2,
// one for one. Strings are views into the request or into the arena.
type facts struct {
	method, protocol, line string
	uriRaw, uri, query     string
	filename, basename     string
	remoteAddr, serverAddr string
	remotePort, serverPort string
	serverName             string
	uriParseError          bool
	headers, cookies       []item
	argsGet, argsPost      []item
	processor              string // REQBODY_PROCESSOR, in phase 2 the one that ran
	forceBody              bool   // ctl:forceRequestBodyVariable was on
	body                   string // REQUEST_BODY: "" for JSON
	bodyLength             int    // REQUEST_BODY_LENGTH
	jsonBody               bool   // TX:json_request_body is set
	contentType            bool   // a Content-Type field was read

	// arena holds the bytes that are not in the request as they are: decoded
	// values, names of JSON members. It may move when it grows; views into the
	// old memory stay valid, for nobody writes there again.
	arena []byte
	path  []byte // of the JSON member at hand
}

// limits are the settings of the engine that decide what the facts are.
type limits struct {
	arguments int   // SecArgumentsLimit
	depth     int   // SecRequestBodyJsonDepthLimit
	body      int64 // SecRequestBodyLimit
	access    bool  // SecRequestBodyAccess
}

// view returns the bytes as a string without a copy. The caller sees to it that
// they are not written as long as the string is used.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// reset lets go of everything that belongs to a request.
func (f *facts) reset() {
	clear(f.headers)
	clear(f.cookies)
	clear(f.argsGet)
	clear(f.argsPost)
	clear(f.arena)
	clear(f.path)
	*f = facts{
		headers: f.headers[:0], cookies: f.cookies[:0], argsGet: f.argsGet[:0], argsPost: f.argsPost[:0],
		arena: f.arena[:0], path: f.path[:0],
	}
}

// readHead fills what is known before the body. It returns false if Coraza's
// collections would not be those of f.
func (f *facts) readHead(r *Request, l *limits) bool {
	f.method, f.protocol, f.uriRaw = r.Method, r.Protocol, r.URI
	at := len(f.arena)
	f.arena = append(append(append(append(append(f.arena, r.Method...), ' '), r.URI...), ' '), r.Protocol...)
	f.line = view(f.arena[at:])
	f.remoteAddr, f.serverAddr, f.serverName = r.ClientAddr, r.ServerAddr, r.ServerName
	f.remotePort, f.serverPort = f.decimal(r.ClientPort), f.decimal(r.ServerPort)
	if !f.readURI(l) {
		return false
	}
	for i := range r.Header {
		if !f.readField(r.Header[i].Name, r.Header[i].Value) {
			return false
		}
	}
	return r.Host == "" || f.readField("Host", r.Host)
}

// readField takes one header field. A name that is not ASCII is refused: Coraza
// folds names by the rules of Unicode.
func (f *facts) readField(name, value string) bool {
	if name == "" {
		return true
	}
	if !isASCII(name) {
		return false
	}
	f.headers = append(f.headers, item{name, value})
	switch {
	case len(name) == len("cookie") && equalFold(name, "cookie"):
		f.readCookies(value)
	case len(name) == len("content-type") && equalFold(name, "content-type"):
		if f.contentType {
			return true
		}
		f.contentType = true
		// Only the first field chooses; letters and space by the rules of Unicode.
		value = strings.TrimSpace(strings.ToLower(value))
		if strings.HasPrefix(value, "application/x-www-form-urlencoded") {
			f.processor = "URLENCODED"
		} else if strings.HasPrefix(value, "multipart/form-data") {
			f.processor = "MULTIPART"
		}
	}
	return true
}

func (f *facts) decimal(n int) string {
	at := len(f.arena)
	f.arena = strconv.AppendInt(f.arena, int64(n), 10)
	return view(f.arena[at:])
}

// readCookies takes the pairs of one Cookie field.
func (f *facts) readCookies(raw string) {
	raw = trimControls(raw)
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, ";")
		if part = trimControls(part); part == "" {
			continue
		}
		name, val, _ := strings.Cut(part, "=")
		name, val = trimControls(name), trimControls(val)
		if name != "" || val != "" {
			f.cookies = append(f.cookies, item{name, val})
		}
	}
}

// trimControls removes controls, DEL and spaces at both ends.
func trimControls(s string) string {
	for s != "" && (s[0] <= ' ' || s[0] == 0x7f) {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7f) {
		s = s[:len(s)-1]
	}
	return s
}

// readBody fills what the body gives, after phase 1 has chosen the processor.
// False means that the body is not one that the gate reads as Coraza does.
func (f *facts) readBody(r *Request, l *limits) bool {
	if !l.access || !r.Inspect || len(r.Body) == 0 {
		return true
	}
	if int64(len(r.Body)) >= l.body {
		return false
	}
	if f.forceBody && f.processor == "" {
		f.processor = "URLENCODED"
	}
	switch f.processor {
	case "": // nothing reads the body
		return true
	case "URLENCODED":
		f.body = view(r.Body)
		f.bodyLength = len(r.Body)
		var ok bool
		f.argsPost, ok = f.readPairs(f.argsPost, f.body, l)
		// Fields whose names differ in case only overwrite each other in Coraza.
		return ok && !collides(f.argsPost)
	case "JSON":
		f.jsonBody = true
		return f.readJSON(r.Body, l)
	}
	return false
}

// readPairs takes the pairs of a query or of a form. False means that there are
// as many as the limit, or more.
func (f *facts) readPairs(to []item, query string, l *limits) ([]item, bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		if len(to) >= l.arguments {
			return to, false
		}
		key, val, _ := strings.Cut(pair, "=")
		to = append(to, item{f.unescape(key, true), f.unescape(val, true)})
	}
	return to, true
}

// unescape decodes percent escapes, leaving what is none as it is, and with
// plus also "+" as a space.
func (f *facts) unescape(s string, plus bool) string {
	i := 0
	for i < len(s) && s[i] != '%' && (s[i] != '+' || !plus) {
		i++
	}
	if i == len(s) {
		return s
	}
	at := len(f.arena)
	f.arena = append(f.arena, s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+' && plus:
			c = ' '
		case c == '%' && i+2 < len(s) && unhex[s[i+1]] < 16 && unhex[s[i+2]] < 16:
			c = unhex[s[i+1]]<<4 | unhex[s[i+2]]
			i += 2
		}
		f.arena = append(f.arena, c)
	}
	return view(f.arena[at:])
}

// collides tells whether two fields of a form have names that differ only in
// case, or whether it would take long to know.
func collides(items []item) bool {
	for i := range items {
		key := items[i].key
		if !hasCase(key) {
			continue
		}
		if len(items) > 64 {
			return true
		}
		low := strings.ToLower(key)
		for j := range items {
			if items[j].key != key && sameKey(items[j].key, low) {
				return true
			}
		}
	}
	return false
}
