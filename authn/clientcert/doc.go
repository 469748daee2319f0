// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clientcert decides who calls by the certificate of the caller's TLS
// connection (RFC 5280), or by the one that a trusted proxy passes on (RFC
// 9440), and whether a token is used by the holder of the certificate that it
// is bound to (RFC 8705). SPIFFE ids are read as the SPIFFE-ID and X509-SVID
// standards say.
//
// The handshake has proven that the caller has the key; this package checks
// the certificate against the authorities and revocation lists of the API, at
// each request, so that a connection is worth no more than its certificate is
// now. A map then finds the consumer: its first rule that fits decides.
//
// Threats: certificates of other authorities, revoked or expired ones on living
// connections, names that are made to be read in two ways, and a Client-Cert
// field that anybody but a trusted proxy sends.
//
// Failure policy: what is not clearly good is refused; files that cannot be
// read and lists that have expired refuse too (see package clientca). Only a
// store that cannot answer is a failure of its own. State kept: bounded caches
// of verdicts, for one configuration.
package clientcert
