// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package introspect decides on opaque bearer tokens by asking the
// authorization server that issued them (RFC 7662).
//
// A server's answer is taken only when it is plain JSON that says
// `"active": true` and when times, audience, issuer and kind of the token are
// as configured. It is remembered by the SHA-256 of the token: a good token
// for a minute, but never beyond its exp; a bad one for some seconds. Many
// requests with one token cause one question.
//
// Threats: revoked tokens that live on in a memory; an answer that two readers
// understand differently (a member twice); a refresh token that is active as
// well; a token for another service (RFC 7662, section 4); a redirect that
// takes the token, and the gateway's credential, elsewhere; random tokens that
// push good ones out of memory, or that make the gateway flood its own
// authorization server. Good and bad tokens have memories of their own, and
// tokens never seen before have a rate, slots and a circuit of their own:
// callers who were known before are not held up by them.
//
// Failure policy: whenever the server cannot be asked, or what it says cannot
// be read, the token is neither accepted nor rejected: the error is a
// [durward.Unavailable]. A token that was good before is not accepted either.
//
// State kept: both memories, bounded; they do not outlive the [Client].
package introspect
