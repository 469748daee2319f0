// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "durward"

// Request is all that Coraza and the gate see of a request in phases 1 and 2.
// Both are filled from the same Request, so that they judge the same bytes. It
// holds views, not copies: nothing of it is changed or kept after Clean returns.
type Request struct {
	Method string
	// URI is the request target as the client sent it: path and query, with
	// every escape as it was.
	URI string
	// Protocol is the version as Coraza's rules name it: "HTTP/1.1", "HTTP/2.0".
	Protocol string
	// Host is the authority when Header does not hold it: a value other than ""
	// reaches the rules as one more field, Host. ServerName is SERVER_NAME.
	Host       string
	ServerName string
	// Header is the header section in the order of the wire. A field with an
	// empty name does not reach the rules.
	Header durward.Header
	// ClientAddr and ServerAddr are addresses without port and without zone.
	ClientAddr string
	ClientPort int
	ServerAddr string
	ServerPort int
	// Body is the content as sent. It reaches the rules only when Inspect is
	// set: a stream and a body over the limit are judged by header alone.
	Body    []byte
	Inspect bool
	// Known is what is proven of the request, by a narrowing of the gate that is
	// asked; nil for nothing. It is for the gate alone.
	Known *Known
}
