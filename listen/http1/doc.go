// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package http1 decides what counts as a request on an HTTP/1.1 connection and
// how its answer is put on the wire. It is the server's side of RFC 9112
// (message syntax, framing, connection handling) with the parts of RFC 9110
// that it rests on: Host (7.2), Upgrade (7.8), Expect (10.1.1), interim answers
// (15.2), trailers (6.5). TLS, PROXY headers and HTTP/2 are package listen's;
// what path, host and field names mean is package route's.
//
// Threat: a client that disagrees with an upstream, or with a proxy before this
// one, about where a request ends, so that a part of it is taken for another
// request. Where the RFC leaves a recipient the choice to repair or to refuse,
// this package refuses: nothing is folded, joined, trimmed out of the middle or
// guessed. A client that is slow, silent or endless costs a bounded amount of
// memory and time.
//
// Failure policy: a head that cannot be read goes to the Handler as a request
// with a Fault, so that it gets a problem and a record as any refusal does, and
// the connection ends. Content that cannot be read ends with an error of
// durward.Body, and the connection ends behind the answer. An answer that
// breaks off cuts the connection, so that nobody takes it for a whole one.
//
// One goroutine serves a connection: it reads, decides, writes. An idle
// connection holds no buffer. All waiting is bounded by one sweep over the
// connections, which runs once a second at most, instead of a timer for each;
// it also finds out that the client of a long request has left.
//
// State kept: the connections that are open, the buffers of those that are
// busy, and nothing between two requests of one connection.
package http1
