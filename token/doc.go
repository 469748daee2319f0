// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package token decides what the gateway says under its own signature: which
// key signs, which keys upstreams may trust, and what an identity token tells
// them about the caller.
//
// [Keys] is the gateway's set of signing keys (Ed25519, RFC 8037, or ECDSA
// P-256). It makes them, keeps them in a directory, and takes turns by age:
// the next key is published in the key set (RFC 7517) before it signs, and the
// last one stays there until none of its tokens can be alive. [Identity] is a
// stage that adds a short-lived signed token (RFC 7519) to the request for the
// upstream.
//
// Threats: an upstream that believes any request that reaches it; an identity
// token that is sent to another upstream (aud), used for another request (the
// request claim) or later (exp); a token taken for one of another kind (typ,
// RFC 8725, 3.11); a scope that becomes two in a list with spaces; a private
// key that others can read, or a torn key file.
//
// Failure policy: key files that cannot be used stop the start; once running,
// the keys that were read last stay in use and the log says so. A token that
// cannot be made refuses the request.
//
// State kept: the keys, on disk and in memory, and a bounded number of tokens
// that may be used again.
package token
