// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package http1 decides how a request is put to an upstream over HTTP/1.1 and
// what counts as its answer. It is a synchronous client with a pool of
// connections to one target: the goroutine of the request writes and reads,
// and an idle connection costs neither goroutine nor buffer.
//
// It follows RFC 9112 (message syntax, framing, connection handling) and
// RFC 9110 (semantics: interim answers in section 15.2, upgrade in 7.8,
// trailers in 6.5). Where they leave a recipient the choice to repair or to
// refuse, it refuses: answers with two lengths, with a length and a transfer
// coding, with folded or ill-ended lines, with control characters.
//
// Threat: an upstream that is broken, taken over, or that disagrees with the
// gateway about where an answer ends. Its bytes must never reach another
// client's request, its size and its slowness must cost a bounded amount, and
// its text must not reach a log or an error.
//
// Failure policy: a fault ends the exchange with an *Error and the connection
// is closed. A connection is used again only when the answer ended where its
// framing says, nothing lies behind it, the request was sent to its end and
// nothing arrived while it was idle. Only GET, HEAD and OPTIONS are sent a
// second time, once, and only when a connection that had been idle ended
// before the first byte of an answer.
//
// State kept: the idle connections, the count of open ones and the requests
// that wait for one; all of them bounded by Options.
package http1
