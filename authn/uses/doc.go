// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package uses decides whether something that may be used once, or N times,
// may be used again: the jti of a DPoP proof (RFC 9449, 11.1), the nonce of a
// signed request (RFC 9421, 7.2.2), the use count of a capability.
//
// # Contract
//
// [Memory] is the implementation for one process. A shared one (a Redis, for
// many nodes) implements the same method under the same contract, which package
// usestest checks:
//
//   - Atomic: of any number of concurrent calls for one id, on any node, at most
//     limit are told true until the id is forgotten. A script or a transaction
//     must count and compare in one step; a read and a write are not enough.
//   - Remembered: an id is forgotten only after the latest until that it was used
//     with, whatever the clock does, and never to make room. What must end
//     sooner is refused: until in the past, or a limit below one, is false.
//   - Only what is granted is counted. A refused use leaves the count as it was,
//     so a flood of refusals can neither overflow nor lengthen anything.
//   - Separate: an id of one space says nothing of the same id in another.
//   - Errors: whoever cannot tell answers a *durward.Unavailable, and the caller
//     refuses the request with 503. After an error the use may or may not have
//     been counted; it must never be granted twice. A shared backend gives up
//     when ctx ends, with such an error.
//
// # Threats, and who can flood
//
// The state is bounded, and what is full refuses: forgetting an id would let its
// proof be replayed. So filling it denies service, and callers must count an id
// only after everything else about the credential was found good. Then only
// holders of valid credentials can fill it, one entry for each request that was
// granted. Limits by client address stand before authentication and bound each of
// them; a space has a reserve that no other space can take, so a flood of DPoP
// proofs leaves room for capabilities. Within a space nobody has a reserve: the
// bound must be larger than the rate of granted requests times the time that they
// are remembered (a minute for proofs).
//
// Ids are put into parts by a keyed hash, so nobody can aim at one part.
//
// # State
//
// Everything is in memory. It outlives reloads and not a restart: a proof that was
// used before one can be replayed within its window afterwards, unless the proof
// carries a server nonce whose key ended with the process.
package uses
