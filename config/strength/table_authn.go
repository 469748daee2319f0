// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

const samePlace = "methods are told apart by it"

// credentialRules are of the parties that callers' credentials come from.
var credentialRules = map[string]rule{
	"authn.IssuerConfig.issuer":           fixed("whose tokens are taken"),
	"authn.IssuerConfig.discovery":        fixed("whose tokens are taken"),
	"authn.IssuerConfig.jwks_url":         fixed(whoSigns),
	"authn.IssuerConfig.jwks_file":        fixed(whoSigns),
	"authn.IssuerConfig.ca":               pinned("only its certificates may sign the issuer's"),
	"authn.IssuerConfig.audiences":        fewer("", "audiences"),
	"authn.IssuerConfig.algorithms":       fewer("RS256,PS256,ES256,ES384,EdDSA", "signature algorithms"),
	"authn.IssuerConfig.type":             ranked("jwt", "at+jwt", "jwt", "any"),
	"authn.IssuerConfig.max_age":          lower("unlimited", "the age of a token"),
	"authn.IssuerConfig.skew":             lower("30s", "how far the issuer's clock may be off"),
	"authn.IssuerConfig.stale_for":        lower("24h", "time that keys are trusted unconfirmed"),
	"authn.IssuerConfig.refresh_interval": lower("1h", "time until a withdrawn key is refused"),
	"authn.IssuerConfig.min_refresh":      neutral(resource),
	"authn.ClaimNames.subject":            fixed(whoCalls),
	"authn.ClaimNames.consumer":           fixed(whoCalls),
	"authn.ClaimNames.roles":              fixed(whoCalls),
	"authn.ClaimNames.scopes":             fixed(whoCalls),

	"introspect.Config.url":            neutral(samePlace),
	"introspect.Config.ca":             pinned("only its certificates may sign the server's"),
	"introspect.Config.client_id":      neutral("how the gateway shows itself to the server"),
	"introspect.Config.client_secret":  neutral("how the gateway shows itself to the server"),
	"introspect.Config.bearer_token":   neutral("how the gateway shows itself to the server"),
	"introspect.Config.issuer":         pinned("the answer must name the issuer"),
	"introspect.Config.audiences":      fewer("", "audiences"),
	"introspect.Config.any_audience":   flag(false, "tokens for others are refused"),
	"introspect.Config.token_types":    fewer("Bearer,DPoP,access_token,no type", "kinds of token"),
	"introspect.Config.skew":           lower("30s", "how far the server's clock may be off"),
	"introspect.Config.cache_ttl":      lower("60s", "time that a revoked token is still taken"),
	"introspect.Config.negative_ttl":   neutral(resource),
	"introspect.Config.cache_size":     neutral(resource),
	"introspect.Config.max_concurrent": neutral(resource),
	"introspect.Config.miss_rate":      neutral(resource),
	"introspect.Config.timeout":        neutral(resource),
	"introspect.ClaimNames.subject":    fixed(whoCalls),
	"introspect.ClaimNames.consumer":   fixed(whoCalls),
	"introspect.ClaimNames.roles":      fixed(whoCalls),
	"introspect.ClaimNames.scopes":     fixed(whoCalls),
}

// methodRules are of the kinds of credential that an API takes. Those of two
// documents are paired by kind, place and issuer (methodKey).
var methodRules = map[string]rule{
	"authn.Method.jwt":                {},
	"authn.Method.api_key":            {},
	"authn.Method.introspection":      {},
	"authn.Method.client_certificate": {},
	"authn.Method.signature":          {},
	"authn.Method.capability":         {},
	"authn.Method.all": {
		key:     methodKey,
		added:   verdictOf(stronger("a further credential is needed")),
		removed: verdictOf(weaker("a credential is no longer needed")),
	},
	"authn.Method.schemes": neutral("what each operation asks for is compared"),

	"authn.JWT.issuer":          neutral(samePlace),
	"authn.JWT.header":          neutral(samePlace),
	"authn.JWT.bound":           flag(true, "only tokens that are bound to a key are taken"),
	"authn.JWT.dpop":            {},
	"authn.Introspection.bound": flag(true, "only tokens that are bound to a key are taken"),
	"authn.APIKey.header":       neutral(samePlace),
	"authn.APIKey.query":        neutral(samePlace),
	"authn.APIKey.environments": {fallback: "all but ext", leaf: environments},

	"dpop.Config.algorithms":     fewer("ES256,EdDSA,Ed25519,PS256,RS256", "signature algorithms"),
	"dpop.Config.base_url":       fixed("which requests a proof is for"),
	"dpop.Config.max_age":        lower("60s", "the age of a proof"),
	"dpop.Config.skew":           lower("5s", "how far ahead a client's clock may be"),
	"dpop.Config.nonce_key":      neutral("another key makes other nonces, as hard to guess"),
	"dpop.Config.nonce_lifetime": lower("5m", "time that a nonce is taken"),
	"dpop.Config.require_nonce":  flag(true, "no proof can be made in advance"),

	"capability.Config.header":  neutral(samePlace),
	"capability.Config.max_age": lower("24h", "the age of a token"),
	"capability.Config.keys": {
		key:     itemKey("id"),
		added:   verdictOf(weaker("a further key can mint tokens")),
		removed: verdictOf(stronger("tokens of the key are no longer taken")),
	},
	"capability.Key.id":        neutral("keys are told apart by it"),
	"capability.Key.secret":    fixed(whoSigns),
	"capability.Key.not_after": ends(),

	"clientcert.Config.ca":         fixed("whose certificates are taken"),
	"clientcert.Config.crl":        revocation(),
	"clientcert.Config.from_proxy": fixed("where the certificate comes from"),
	"clientcert.Config.map": {
		key:     itemPlace,
		added:   verdictOf(weaker("further certificates are taken, or for others than before")),
		removed: verdictOf(weaker("cannot be compared: a later rule may take the certificates")),
	},
	"clientcert.Rule.subject":     fixed(whoCalls),
	"clientcert.Rule.common_name": fixed(whoCalls),
	"clientcert.Rule.dns":         fixed(whoCalls),
	"clientcert.Rule.email":       fixed(whoCalls),
	"clientcert.Rule.uri":         fixed(whoCalls),
	"clientcert.Rule.spiffe":      fixed(whoCalls),
	"clientcert.Rule.consumer":    fixed(whoCalls),
	"clientcert.Rule.roles":       fewer("", "roles of the caller"),

	"httpsig.Config.keys": {
		added:   verdictOf(weaker("a further key can sign")),
		removed: verdictOf(stronger("signatures of the key are no longer taken")),
	},
	"httpsig.Config.components":     more("@method,@target-uri or its parts", "what a signature covers"),
	"httpsig.Config.label":          fixed("which signature counts"),
	"httpsig.Config.tag":            fixed("which signature counts"),
	"httpsig.Config.max_age":        lower("5m", "the age of a signature"),
	"httpsig.Config.clock_skew":     lower("30s", "how far a signer's clock may be off"),
	"httpsig.Config.nonce_optional": flag(false, "every signature has a nonce"),
	"httpsig.Key.algorithm":         fixed("how a signature is checked"),
	"httpsig.Key.consumer":          fixed(whoCalls),
	"httpsig.Key.not_after":         ends(),
	"httpsig.Key.public_key":        fixed(whoSigns),
	"httpsig.Key.secret":            fixed(whoSigns),
	"httpsig.Key.roles":             fewer("", "roles of the caller"),
}
