// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dpop decides whether the caller holds the private key that its access
// token is bound to: demonstrating proof of possession, RFC 9449. A request carries
// the token as "Authorization: DPoP TOKEN" and a proof, a small JWT made for this
// one request, in the field DPoP. It makes no difference who issued the token, as
// long as its cnf.jkt (section 6.1) names the key.
//
// Who calls this package has verified the token already and says what its cnf.jkt
// is. [Verifier.Verify] then makes every check of section 4.3, the cheap ones
// first, and that the key is the token's before its signature is looked at.
//
// Threat: a token that was stolen, from a log or another server, is of no use
// without its key; a proof that was stolen with it is of no use for another
// method, path, token or time, or a second time. A proof says nothing of content
// and fields: whoever can change a request on its way can change those.
//
// Failure policy: a proof is refused for whatever is wrong with it, and the
// challenge does not say what. The one exception is the nonce: RFC 9449, sections 8
// and 9, has the client told that it needs one, and only a client whose proof is
// otherwise good, signature and key included, is told. When the memory of used
// proofs cannot answer, nothing can be decided: *durward.Unavailable.
//
// State: used proofs are remembered through [Uses], by their key and jti, as long
// as they could be accepted, and counted only once all else was found good, so that
// nobody without a bound token can fill it. Nonces are computed from a key and the
// time, and are stored nowhere.
package dpop
