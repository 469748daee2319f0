// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strconv"
	"unsafe"
)

// item is one member of a collection: its key as it was sent, and its value.
type item struct {
	key, val string
	class    *class // what is asked of val; nil for all
	declared bool   // key is a name of the contract
}

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
	if cap(f.arena) > 4*maxKept {
		f.arena = nil
	}
	clear(f.path)
	if cap(f.path) > maxKept {
		f.path = nil
	}
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

func (f *facts) decimal(n int) string {
	at := len(f.arena)
	f.arena = strconv.AppendInt(f.arena, int64(n), 10)
	return view(f.arena[at:])
}

// readBody fills what the body gives, after phase 1 has chosen the processor.
// False means that the body is not one that the gate reads as Coraza does.
func (f *facts) readBody(r *Request, l *limits, k *Known) bool {
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
		return f.readJSON(r.Body, l, k)
	}
	return false
}
