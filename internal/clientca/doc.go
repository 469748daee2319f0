// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clientca decides whether a client certificate is good: its chain to
// an authority of a file, its time, its use (RFC 5280, section 6), and that no
// certificate below the authority is on a revocation list (CRL, section 5).
//
// Threats: a certificate of somebody else's authority, one that was revoked or
// has expired while its connection lives, a list that is old, partial or
// forged, and callers that make every request cost a signature check.
//
// Failure policy: files that cannot be read when the configuration loads are an
// error. Later, files that cannot be read whole, and a list that is missing for
// an issuer, expired or not signed by it, make every certificate bad that would
// have needed them. Nothing old is kept, because nobody knows what the new file
// says. State kept: the authorities and lists of the files as they were at most
// [Recheck] ago, and a bounded number of verdicts by SHA-256 of what was sent.
package clientca
