// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package httpsig decides whether a request was signed by the holder of a
// configured key, and lately, and for the first time (RFC 9421, HTTP message
// signatures; RFC 9530, digest fields; RFC 9651, structured fields). It also
// signs requests, for clients that are written in Go and for `durward sign`.
//
// Threats: a request that was altered on its way, a header or a body that the
// signer never saw, a captured request that is sent again, a signature of one
// key or algorithm that is shown as another's, and a second signature in the
// same request. So the components that must be covered are fixed by the
// configuration, content is covered by a digest that is computed here, the
// algorithm is the key's and never the request's, created is required and
// narrow, each signature is taken once, and exactly one is judged.
//
// Components are derived from the canonical request (RFC 9421, section 2.2;
// RFC 9110, section 4.2.3): what is verified is what is routed. Only what the
// client sent is looked at, never what the gateway adds.
//
// Nothing tells whether a key id exists: a signature of an unknown key is
// checked against one of the configured keys, and refused whatever comes out.
//
// Failure policy: whatever cannot be parsed, found or checked is refused. A
// store of used signatures, or of consumers, that cannot answer is
// *durward.Unavailable, as is content that could not be read.
//
// State: none of its own. Used signatures are in [Uses], from when they are
// accepted until they are too old.
package httpsig
