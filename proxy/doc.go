// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package proxy decides what an upstream gets of a request, which of its
// targets gets it, and what becomes of a target that fails.
//
// [Upstream.Outgoing] makes the request that is sent: it drops the hop-by-hop
// fields (RFC 9110, 7.6.1), what a client may not say about itself (Forwarded,
// X-Forwarded-*, client-certificate and method-override fields, the identity
// fields of this API, in any spelling that an upstream could fold to the same
// name) and the caller's credential, and writes Forwarded (RFC 7239),
// X-Forwarded-*, X-Request-Id and the identity fields from what the gateway
// itself knows. [Upstream.Do] picks a target, sends, and tries again where
// that is safe. HTTP/1.1 goes through package proxy/http1, HTTP/2 (RFC 9113,
// with TLS or prior knowledge) through net/http. gRPC is HTTP/2 with trailers.
//
// Threats: spoofed identity and routing fields, a credential that leaks to an
// upstream, an upstream that hangs, lies about its length or answers out of
// turn, a dead target that takes traffic, request forgery by redirect (targets
// are fixed by configuration, redirects are passed and never followed), an
// upstream with the wrong certificate.
//
// Failure policy: an upstream's fault is a 502 or 504 problem whose cause
// stands in the audit record only; with no target left it is a 503 with
// Retry-After. Nothing is sent to a target whose certificate does not verify.
// A request is sent a second time only if it cannot have had an effect: it
// never left, or its method is safe (RFC 9110, 9.2.1).
//
// State kept: connections, health and in-flight counts by target and TLS
// identity, in [Pools], which outlives a reload.
package proxy
