// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authn decides who is calling: it reads the one credential of a
// request, checks it, and puts the caller into Exchange.Principal.
//
// Methods: JWT bearer tokens (RFC 7515, 7518, 7519, 6750) under the advice of
// RFC 8725 and, where asked for, the access token profile RFC 9068; and API
// keys from the store.
//
// Threats: forged, altered, expired and confused tokens, keys guessed or used
// from elsewhere, and a request that carries two identities so that two parts
// of a system each believe another one. So a credential is read from exactly
// one place, two of them are refused, and one that is bad is refused even
// where an operation is public: it never falls through to anonymous. No answer
// says which check failed; the audit record does, without the secret.
//
// Failure policy: an issuer that is down does not stop tokens that known keys
// signed, for StaleFor (24 hours). An issuer whose keys were never got, or are
// older than that, is a Fail with issuer-unavailable; a store that cannot
// answer is a Fail with store-unavailable.
//
// State: key sets by issuer, which outlive reloads ([Issuers]), and a bounded
// cache of verified tokens by SHA-256 ([Cache]).
package authn
