// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"strings"

	"durward"
)

const maxMethod = 32

// requestLine is where the parts of a request line lie in the head.
type requestLine struct {
	method    [2]int
	target    [2]int
	authority [2]int // of a target in absolute form
	minor     int    // of the version: HTTP/1.minor
	https     bool   // scheme of a target in absolute form
	absolute  bool
}

// parse reads a request line without its end (RFC 9112, section 3), which
// begins at offset at of the head and is of visible characters and spaces.
func (l *requestLine) parse(line []byte, at int, o *Options) *fault {
	*l = requestLine{}
	space := bytes.IndexByte(line, ' ')
	if space < 0 {
		return errLineForm
	}
	method, rest := line[:space], line[space+1:]
	if len(method) > maxMethod || !all(method, token) {
		return errMethod
	}
	space = bytes.LastIndexByte(rest, ' ')
	if space < 0 {
		return errLineForm
	}
	target, version := rest[:space], rest[space+1:]
	if len(version) != 8 || string(version[:5]) != "HTTP/" || !digit(version[5]) || version[6] != '.' || !digit(version[7]) {
		return errLineForm
	}
	if version[5] != '1' || version[7] > '1' {
		return errVersion
	}
	l.minor = int(version[7] - '0')
	l.method = [2]int{at, at + len(method)}
	from := at + len(method) + 1
	l.target = [2]int{from, from + len(target)}
	switch {
	case len(target) > o.TargetBytes:
		return errTargetLong
	case bytes.IndexByte(target, ' ') >= 0, bytes.IndexByte(target, '#') >= 0:
		return errTargetByte
	case string(method) == "CONNECT":
		return errConnect
	case len(target) == 0:
		return errLineForm
	case target[0] == '/', string(target) == "*" && string(method) == "OPTIONS":
		return nil
	}
	return l.parseAbsolute(target, from)
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// parseAbsolute reads a target in absolute form (RFC 9112, section 3.2.2).
func (l *requestLine) parseAbsolute(target []byte, at int) *fault {
	n := len("http://")
	switch {
	case len(target) >= n && bytes.EqualFold(target[:n], []byte("http://")):
	case len(target) > n && bytes.EqualFold(target[:n+1], []byte("https://")):
		l.https = true
		n++
	default:
		return errTargetForm
	}
	end := bytes.IndexAny(target[n:], "/?")
	if end < 0 {
		end = len(target) - n
	}
	if !all(target[n:n+end], authority) {
		return errHostForm // user information among the rest
	}
	l.absolute = true
	l.authority = [2]int{at + n, at + n + end}
	l.target[0] += n + end
	return nil
}

// fill writes the request line into in. s is the head.
func (l *requestLine) fill(in *durward.Request, s string) {
	in.Method = method(s[l.method[0]:l.method[1]])
	in.Proto = "HTTP/1.1"
	if l.minor == 0 {
		in.Proto = "HTTP/1.0"
	}
	target := s[l.target[0]:l.target[1]]
	if i := strings.IndexByte(target, '?'); i >= 0 {
		in.RawPath, in.RawQuery = target[:i], target[i+1:]
	} else {
		in.RawPath = target
	}
	if l.absolute && in.RawPath == "" {
		in.RawPath = "/"
	}
}

// method gives the common methods without a hold on the head.
func method(s string) string {
	switch s {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	}
	return s
}
