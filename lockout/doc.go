// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lockout decides whether a credential may be tried at all: it slows
// down and then stops brute force (many guesses at one credential), credential
// stuffing (many stolen pairs, each tried once) and password spraying (few
// guesses at many accounts). It follows the OWASP Authentication Cheat Sheet
// and NIST SP 800-63B, section 5.2.2 (throttling), and answers "wait", which
// package authn turns into a 429 with Retry-After.
//
// Failures are counted by source (an IPv4 address, an IPv6 /64), by range of
// sources (/24, /48), by claimed credential, by claimed account, and by the
// pair of a source and what it claims. The claims are those of the request,
// before anything is looked up, so that an id that exists and one that does
// not are counted and answered alike.
//
//   - A pair or a source that fails is first delayed, each time longer. Within
//     the delay an attempt is refused unchecked, be its credential good or bad;
//     after it one attempt is let through. No goroutine waits.
//   - It is then locked for a time. Many different ids from one source, or
//     from one range, lock it sooner.
//   - A credential or an account is locked as a whole only when failures come
//     from many ranges.
//   - All failures together raise an alarm when they come faster than usual.
//
// So that nobody is locked out by somebody else: a source from which a claimed
// id succeeded lately (a known pair) is refused only for failures of that very
// pair, and a source from which several different ids succeeded (a company's
// NAT) may fail as many times more. Sending the same bad credential again is
// no new guess and is not counted, so that a client with an expired token is
// not locked out by its own retries. What remains: who shares the victim's
// address can lock the pair; who has machines in many networks can keep a
// victim out of sources that it never used, for the time of a lock.
//
// State kept: four tables of fixed size for failures and two for successes,
// in memory only, under hashes with a key of the process, so that no claimed
// id and no credential stays readable. They outlive reloads. A full table
// forgets what matters least, never a lock; see table.
package lockout
