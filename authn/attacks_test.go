// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// TestKnownTokenAttacksAreRefused has a row for every attack; each token but
// for its flaw is one that is accepted (the first row of the test proves it).
func TestKnownTokenAttacksAreRefused(t *testing.T) {
	ec, rk := es("ec"), rs("rsa")
	f := newFixture(t, setOf(ec.jwk(), rk.jwk()), nil)
	now := f.clock.Now()
	good := claims(now, nil)
	allowed(t, f.ask(ec.sign(ec.header(), good)))
	allowed(t, f.ask(rk.sign(rk.header(), good)))

	header := func(members string) string { return ec.sign(`{"alg":"ES256","kid":"ec",`+members+`}`, good) }
	alg := func(name string) string { return ec.sign(fmt.Sprintf(`{"alg":%q,"kid":"ec"}`, name), good) }
	unsigned := func(name string) string { return b64(fmt.Sprintf(`{"alg":%q}`, name)) + "." + b64(good) + "." }
	payload := func(p string) string { return ec.sign(ec.header(), p) }
	tok := payload(good)
	parts := strings.Split(tok, ".")
	sig := func(s []byte) string { return parts[0] + "." + parts[1] + "." + b64(string(s)) }
	raw, _ := base64.RawURLEncoding.DecodeString(parts[2])
	order := ecKey().Curve.Params().N
	wide := func(r, s *big.Int) string {
		b := make([]byte, 64)
		r.FillBytes(b[:32])
		s.FillBytes(b[32:])
		return sig(b)
	}
	der, _ := ecKey().Sign(rand.Reader, sum(parts[0]+"."+parts[1]), nil)
	stranger := signingKey{"ec", "ES256", newECKey()}

	for name, row := range map[string]struct {
		token string
		why   error
	}{
		"alg none without signature":                {unsigned("none"), errTokenForm},
		"alg None without signature":                {unsigned("None"), errTokenForm},
		"alg NONE without signature":                {unsigned("NONE"), errTokenForm},
		"alg none with a signature":                 {alg("none"), errAlgorithm},
		"alg nOnE with a signature":                 {alg("nOnE"), errAlgorithm},
		"alg in lower case":                         {alg("es256"), errAlgorithm},
		"alg with a space":                          {alg("ES256 "), errAlgorithm},
		"alg empty":                                 {alg(""), errAlgorithm},
		"alg missing":                               {ec.sign(`{"kid":"ec"}`, good), errHeaderType},
		"alg a list":                                {ec.sign(`{"alg":["ES256"],"kid":"ec"}`, good), errHeaderType},
		"alg off the list":                          {alg("RS512"), errAlgorithm},
		"alg of another key type":                   {alg("RS256"), errSignature},
		"alg EdDSA on an EC key":                    {alg("EdDSA"), errSignature},
		"HS256 keyed with the RSA key as PEM":       {confused(rk.kid, publicPEM(t), good), errAlgorithm},
		"HS256 keyed with the JWK":                  {confused(rk.kid, []byte(rk.jwk()), good), errAlgorithm},
		"HS256 keyed with nothing":                  {confused("ec", nil, good), errAlgorithm},
		"PS256 under a key for RS256":               {signingKey{"rsa", "PS256", rsaKey()}.sign(`{"alg":"PS256","kid":"rsa"}`, good), errSignature},
		"kid of a path":                             {ec.sign(`{"alg":"ES256","kid":"../../dev/null"}`, good), errUnknownKey},
		"kid of SQL":                                {ec.sign(`{"alg":"ES256","kid":"x' UNION SELECT 'k"}`, good), errUnknownKey},
		"kid of another key":                        {ec.sign(`{"alg":"ES256","kid":"rsa"}`, good), errSignature},
		"kid a number":                              {ec.sign(`{"alg":"ES256","kid":1}`, good), errHeaderType},
		"kid null":                                  {ec.sign(`{"alg":"ES256","kid":null}`, good), errHeaderType},
		"kid empty":                                 {ec.sign(`{"alg":"ES256","kid":""}`, good), errHeaderType},
		"kid with a line break":                     {ec.sign("{\"alg\":\"ES256\",\"kid\":\"ec\\n\"}", good), errHeaderType},
		"kid with a NUL":                            {ec.sign(`{"alg":"ES256","kid":"ec\u0000"}`, good), errHeaderType},
		"kid too long":                              {ec.sign(`{"alg":"ES256","kid":"`+strings.Repeat("k", 257)+`"}`, good), errHeaderType},
		"jku":                                       {header(`"jku":"https://evil.example/jwks"`), errHeaderParam},
		"x5u":                                       {header(`"x5u":"https://evil.example/c.pem"`), errHeaderParam},
		"x5c":                                       {header(`"x5c":["MIIB"]`), errHeaderParam},
		"embedded jwk":                              {stranger.sign(`{"alg":"ES256","jwk":`+stranger.jwk()+`}`, good), errHeaderParam},
		"crit":                                      {header(`"crit":["exp"],"exp":1`), errHeaderParam},
		"crit empty":                                {header(`"crit":[]`), errHeaderParam},
		"b64 false":                                 {header(`"b64":false`), errHeaderParam},
		"zip":                                       {header(`"zip":"DEF"`), errHeaderParam},
		"cty JWT (nested)":                          {header(`"cty":"JWT"`), errHeaderParam},
		"header parameter by escape":                {header(`"\u006aku":"https://evil.example"`), errHeaderParam},
		"nested JWT as payload":                     {payload(tok), errPayload},
		"duplicate alg":                             {ec.sign(`{"alg":"none","alg":"ES256","kid":"ec"}`, good), errHeader},
		"duplicate kid by escape":                   {ec.sign(`{"alg":"ES256","kid":"ec","\u006bid":"rsa"}`, good), errHeader},
		"duplicate claim":                           {payload(`{"sub":"admin",` + good[1:]), errPayload},
		"duplicate claim by escape":                 {payload(`{"\u0073ub":"admin",` + good[1:]), errPayload},
		"duplicate member deep inside":              {payload(`{"x":{"a":[{"b":1,"b":2}]},` + good[1:]), errPayload},
		"header not an object":                      {ec.sign(`["ES256"]`, good), errHeader},
		"header with a byte order mark":             {ec.sign("\ufeff"+ec.header(), good), errHeader},
		"bytes behind the header":                   {ec.sign(ec.header()+"{}", good), errHeader},
		"payload empty":                             {payload(""), errPayload},
		"payload a list":                            {payload("[" + good + "]"), errPayload},
		"payload null":                              {payload("null"), errPayload},
		"payload not UTF-8":                         {payload("{\"x\":\"\xff\"," + good[1:]), errPayload},
		"payload too deep":                          {payload(`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "," + good[1:]), errPayload},
		"payload of too many members":               {payload(`{"x":[` + strings.Repeat("1,", 2000) + "1]," + good[1:]), errPayload},
		"signature missing":                         {parts[0] + "." + parts[1] + ".", errTokenForm},
		"signature and its dot missing":             {parts[0] + "." + parts[1], errTokenForm},
		"four parts":                                {tok + ".x", errTokenForm},
		"five parts (JWE)":                          {"a.b.c.d.e", errTokenForm},
		"header part empty":                         {"." + parts[1] + "." + parts[2], errTokenForm},
		"trailing line feed":                        {tok + "\n", errTokenForm},
		"trailing space":                            {tok + " ", errTokenForm},
		"line break inside":                         {tok[:9] + "\r\n" + tok[9:], errTokenForm},
		"padding":                                   {tok + "==", errTokenForm},
		"standard base64 alphabet":                  {parts[0] + "." + parts[1] + "." + "+/" + parts[2][2:], errTokenForm},
		"non-canonical last character":              {parts[0] + "." + parts[1] + "." + nonCanonical(parts[2]), errTokenForm},
		"JSON serialisation":                        {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, errTokenForm},
		"oversized":                                 {payload(claims(now, map[string]any{"x": strings.Repeat("x", 8<<10)})), errTokenSize},
		"changed payload":                           {parts[0] + "." + b64(claims(now, map[string]any{"sub": "admin"})) + "." + parts[2], errSignature},
		"signed by a stranger with a known kid":     {stranger.sign(stranger.header(), good), errSignature},
		"signed by a stranger without kid":          {stranger.sign(`{"alg":"ES256"}`, good), errUnknownKey},
		"ECDSA r and s zero (CVE-2022-21449)":       {wide(new(big.Int), new(big.Int)), errSignature},
		"ECDSA r and s the order":                   {wide(order, order), errSignature},
		"ECDSA r zero":                              {wide(new(big.Int), big.NewInt(1)), errSignature},
		"ECDSA signature too short":                 {sig(raw[:63]), errSignature},
		"ECDSA signature with a zero more":          {sig(append([]byte{0}, raw...)), errSignature},
		"ECDSA signature in DER":                    {sig(der), errSignature},
		"ECDSA signature of one byte":               {sig([]byte{1}), errSignature},
		"iss of nobody":                             {payload(claims(now, map[string]any{"iss": "https://evil.example"})), errIssuer},
		"iss with a slash more":                     {payload(claims(now, map[string]any{"iss": testIssuer + "/"})), errIssuer},
		"iss in upper case":                         {payload(claims(now, map[string]any{"iss": strings.ToUpper(testIssuer)})), errIssuer},
		"iss a list":                                {payload(claims(now, map[string]any{"iss": []string{testIssuer}})), errIssuer},
		"iss missing":                               {payload(claims(now, map[string]any{"iss": nil})), errIssuer},
		"claim in the wrong case":                   {payload(claims(now, map[string]any{"exp": nil, "Exp": now.Unix() + 60})), errNoExp},
		"issuer claim in the wrong case":            {payload(claims(now, map[string]any{"iss": nil, "ISS": testIssuer})), errIssuer},
		"ID token's header typ of another protocol": {ec.sign(`{"alg":"ES256","kid":"ec","typ":"dpop+jwt"}`, good), errType},
		"logout token":                              {ec.sign(`{"alg":"ES256","kid":"ec","typ":"logout+jwt"}`, good), errType},
		"typ a list":                                {ec.sign(`{"alg":"ES256","kid":"ec","typ":["JWT"]}`, good), errHeaderType},
	} {
		t.Run(name, func(t *testing.T) {
			f.clock.Move(time.Nanosecond)
			x := bearer(row.token)
			d := f.stage.Request(context.Background(), x)
			refused(t, d, row.why)
			if x.Principal.Known() {
				t.Error("a principal is set")
			}
			if got := x.Extra.Get("Www-Authenticate"); got != `Bearer realm="moot", error="invalid_token"` {
				t.Errorf("challenge %s", got)
			}
			if len(row.token) > 20 && strings.Contains(d.Err.Error(), row.token[:20]) {
				t.Error("the error holds the token")
			}
		})
	}
	if n := f.fake.count(jwksURL); n > 2 {
		t.Errorf("%d fetches, want one at first and one for all unknown keys", n)
	}
	if n := f.cache.Len(); n != 2 {
		t.Errorf("%d tokens in the cache, want the two good ones", n)
	}
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

func publicPEM(t *testing.T) []byte {
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// confused is a token that is MACed with what everybody knows.
func confused(kid string, secret []byte, payload string) string {
	signed := b64(fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid)) + "." + b64(payload)
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(signed))
	return signed + "." + b64(string(m.Sum(nil)))
}

// nonCanonical changes bits of the last character that decode to nothing.
func nonCanonical(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[i|1])
}
