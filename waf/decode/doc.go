// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package decode decides which values of a request stand for another text, and
// what that is: base64 (RFC 4648, both alphabets, with and without padding), JSON
// in a string (RFC 8259), JSON web tokens (RFC 7519), escapes that come through
// one decoding too many (%25xx, \u00xx). The rules of the Core Rule Set look at
// values as they are, so an attack that the API decodes itself passes them.
//
// It finds candidates; whether one is an attack is for the rules to say. Only
// text is a candidate: what decodes to bytes that are mostly not printable is an
// id, a hash, an image. Steps are nested once. The limits of Config bound the
// work; where they end it, the finder says so.
//
// Threat: evasion by encoding. Failure policy: what cannot be decoded is no
// candidate, and the rules have seen it as it is. State kept: none.
package decode
