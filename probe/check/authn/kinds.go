// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authn tests whether operations ask who calls, and whether they look
// well at the answer (OWASP API2:2023): credentials that are missing, malformed,
// forged in the known ways of JSON Web Tokens (RFC 7515, RFC 7519, RFC 8725), or
// revoked; and other ways to say who one is.
//
// Each operation's controls are what it answers to somebody who may, and to
// nobody: a forged credential counts as taken when the answer is the first and
// not the second, twice. Operations that answer to nobody are public and left
// alone, unless the document says that they need a credential.
package authn

import (
	"durward/probe/check"
	"durward/probe/finding"
)

const (
	owasp  = "API2:2023"
	fixJWT = "issuers:\n  corp: {issuer: \"https://id.example.com\", jwks_url: \"https://id.example.com/keys.json\", audiences: [shop], algorithms: [RS256]}\napis:\n  shop:\n    authenticate: [{jwt: corp}]\n"
	fixAny = "authenticate: [{jwt: corp}]  # or api_key; what is not declared public needs a credential\n"
	same   = "The call with the forged credential is answered like the good one and not like the one of nobody, twice."
)

func kind(id, title string, cwe int, severity finding.Severity, oracle, fix, advice string) finding.Kind {
	return finding.Kind{ID: id, Title: title, CWE: cwe, OWASP: owasp, Severity: severity, Oracle: oracle, Fix: fix, Advice: advice}
}

var (
	missing = kind("auth-missing", "An operation answers without a credential", 306, finding.Critical,
		"The document demands a credential, or a user's own thing is changed; the call without any is answered like the good one, twice.",
		fixAny, "Ask for the credential in one place before all operations, and list the public ones.")
	malformed = kind("auth-malformed-accepted", "Any text is taken for a credential", 287, finding.Critical, same, fixAny,
		"Look the credential up or verify its signature; that it is there says nothing.")
	partial = kind("auth-credential-partial", "A part of a credential is enough", 303, finding.High, same, fixAny,
		"Compare the whole credential, with its case, in constant time.")
	inQuery = kind("auth-token-in-query", "A credential is taken from the query", 598, finding.Low,
		"Without the field that the document names, the call is denied; with the credential in the query it is answered like the good one, twice.",
		fixAny, "Take credentials from header fields or cookies only: URLs are logged and shared.")
	none = kind("jwt-alg-none", "Tokens without a signature are taken (alg none)", 347, finding.Critical, same, fixJWT,
		"Take only the algorithms that you configure, never the one that the token names.")
	unverified = kind("jwt-signature-unverified", "A token's signature is not verified", 347, finding.Critical, same, fixJWT,
		"Verify the token; decoding it is not enough.")
	empty = kind("jwt-empty-signature", "Tokens with an empty signature are taken", 347, finding.Critical, same, fixJWT,
		"Refuse tokens without a signature before their algorithm is looked at.")
	confusion = kind("jwt-alg-confusion", "The public key is taken for a shared secret", 347, finding.Critical, same, fixJWT,
		"Bind each key to its algorithm; an RSA key never verifies an HMAC.")
	weak = kind("jwt-weak-secret", "Tokens are signed with a secret that is easily guessed", 521, finding.Critical,
		"A word of a short list verifies the user's own token; a changed token that is signed with it is answered like the good one, twice.",
		fixJWT, "Sign with a private key, or with 32 random bytes.")
	kid = kind("jwt-kid-injection", "A token's kid chooses a file or goes into a query", 347, finding.Critical, same, fixJWT,
		"Look kid up in the set of known keys; never build a path or a query of it.")
	embedded = kind("jwt-embedded-key", "The key that comes with a token verifies it", 347, finding.Critical, same, fixJWT,
		"Ignore jwk and x5c of a token's header.")
	keyURL = kind("jwt-key-url", "The service fetches keys from where a token says", 918, finding.High,
		"The token's jku or x5u names an address of the run's own listener that nobody else has; the service asked for it.",
		fixJWT, "Ignore jku and x5u of a token's header.")
	expired = kind("jwt-expired-accepted", "Expired tokens are taken", 613, finding.High,
		"A token that the service takes is taken as well with exp an hour ago, twice.", fixJWT, "Refuse tokens whose exp is over.")
	notBefore = kind("jwt-not-before-ignored", "Tokens are taken before their time", 613, finding.Low,
		"A token that the service takes is taken as well with nbf in an hour, twice.", fixJWT, "Refuse tokens whose nbf is not reached.")
	audience = kind("jwt-audience-ignored", "Tokens for other services are taken", 287, finding.Medium,
		"A token that the service takes is taken as well with another aud, twice.", fixJWT, "Compare aud with the service's own name.")
	issuer = kind("jwt-issuer-ignored", "Tokens of any issuer are taken", 287, finding.Medium,
		"A token that the service takes is taken as well with another iss, twice.", fixJWT, "Compare iss with the issuer that the key belongs to.")
	critical = kind("jwt-crit-ignored", "Critical extensions of tokens are ignored", 347, finding.Info,
		"A token that the service takes is taken as well with a crit header that nobody knows, twice.", fixJWT, "Refuse crit that is not understood (RFC 7515, section 4.1.11).")
	logout = kind("logout-ineffective", "A credential is taken after the logout", 613, finding.Medium,
		"A call with the credential is good before the logout, the logout is answered 2xx, and the same call is good afterwards, twice.",
		"# after a logout: durward token revoke --id JTI (or --subject), or introspection of opaque tokens\n", "Keep the identifiers of revoked tokens until they expire, or sessions on the server.")
	override = kind("identity-override", "A parameter or header field says who calls", 290, finding.Critical,
		"With a field or parameter that names another user, a call is answered with that user's own data, which it lacks otherwise, twice.",
		"upstream: {identity: {subject: X-User}}  # set from the verified credential; what a client sends is dropped\nvalidation: {mode: enforce, unknown_query: refuse}\n", "Take the caller's name from the verified credential only.")
	rewritten = kind("path-override", "A header field changes which operation is called", 436, finding.High,
		"A denied call is answered like the good one when it is sent to another path with its own in a header field, twice.",
		"upstream: {forward: both}  # X-Original-URL, X-Rewrite-URL and their like are always dropped\n", "Do not route by header fields that come from outside.")
	address = kind("address-header-trusted", "A header field that names a trusted address opens an operation", 290, finding.High,
		"A denied call is answered like the good one when a header field says that it comes from loopback, twice.",
		"trusted_proxies: [10.0.0.0/8]  # your own; such fields of all others are dropped\n", "Trust such fields from your own proxies only, and never for access.")
	spelling = kind("path-spelling-bypass", "Another spelling of the path opens an operation", 178, finding.High,
		"A denied call is answered like the good one under another spelling of its path, twice.",
		"validation: {mode: enforce}  # paths are made canonical, or refused, before anything is decided\n", "Decide on access after the path was normalized, where it is routed.")
)

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{
		{Name: "authentication", Writes: true, Operation: operation,
			Kinds: []finding.Kind{missing, malformed, partial, none, unverified, empty, confusion, weak, kid, embedded, keyURL,
				expired, notBefore, audience, issuer, critical}},
		{Name: "identity-override", Operation: overrides, Kinds: []finding.Kind{override, rewritten, address, spelling}},
		{Name: "sessions", Writes: true, API: sessions, Kinds: []finding.Kind{logout, inQuery}},
	}
}
