// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ratelimit decides whether a client or a principal may send another
// request now.
//
// [ByClient] limits before authentication, in total, by address, by address
// range and by group of ranges; [ByPrincipal] after it, by consumer, user and
// credential. The algorithm is GCRA (ITU-T I.371, the virtual scheduling form
// of the leaky bucket): one timestamp a key, and in any span of time t no more
// than burst + rate * t requests pass.
//
// Answers carry the fields of draft-ietf-httpapi-ratelimit-headers-10, a
// refusal is a 429 (RFC 6585 section 4) with Retry-After (RFC 9110 section
// 10.2.3).
//
// The threats are floods, guessing and exhausted quotas, and attackers who
// fill the limiter's own memory. Memory is bounded; when it is full, keys share
// counters rather than being forgotten, so that a full table refuses too much
// and never lets too much through (see table). No stage of this package can
// fail, so there is no failure policy.
//
// The counters are the state kept: in memory, in [Counters], which outlives
// reloads. Everything is safe for concurrent use.
package ratelimit
