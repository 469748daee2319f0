// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package capability decides whether a request carries a good capability
// token: a credential that its holder can narrow, without asking anybody, and
// pass on.
//
// A token is a chain of HMAC-SHA-256 (RFC 2104) after Birgisson et al.,
// "Macaroons", NDSS 2014: the minter's key signs who the token is for, and the
// tag of each step is the key of the next, which signs one caveat. Whoever
// holds a token can add a caveat; nobody without the minter's key can take one
// away, change it or move it. All caveats must hold. The format stands in
// docs/capability-format.md, and testdata/vectors.json holds every
// implementation to it.
//
// Threats: a holder that widens what it was given, splices two tokens, or
// replays one that may be used so many times; a request that a caveat and the
// upstream read differently. Failure policy: what is unknown, malformed or
// ambiguous is refused, and what cannot be decided (the consumers or the
// counters are away) is a [durward.Unavailable]. What can be judged by the head
// of the request is judged by [Method.Authenticate]; content and counts by the
// Restrictions of the principal, after all other stages, so that a refused
// request spends no use. The package keeps no state between requests: counters
// are the caller's [Uses].
package capability
