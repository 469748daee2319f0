// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestThumbprints(t *testing.T) {
	// RFC 7638, 3.1; RFC 8037, A.3; RFC 9449, 6.1.
	const rsa7638 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	for _, row := range []struct{ name, key, want string }{
		{"RSA", rsa7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"Ed25519", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{"EC", rfcJWK, rfcJKT},
		{"EC with white space and in another order", "\n{ \"y\" : \"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\t\"crv\":\"P-256\" , \"use\":\"sig\",\r\n\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\" }\n", rfcJKT},
		{"EC with escapes", strings.Replace(rfcJWK, "P-256", `P\u002d256`, 1), rfcJKT},
	} {
		if got, err := Thumbprint([]byte(row.key)); got != row.want || err != nil {
			t.Errorf("%s: %s, %v", row.name, got, err)
		}
	}
	for _, s := range []signer{ecSigner(), edSigner(), rsaSigner()} {
		key := jose.JSONWebKey{Key: s.key.Public()}
		want, err := key.Thumbprint(5) // crypto.SHA256
		if err != nil {
			t.Fatal(err)
		}
		if got := s.jkt(); got != b64(want) {
			t.Errorf("%s: %s, and another implementation says %s", s.alg, got, b64(want))
		}
	}
}

func TestKeysThatAreWeakOrInTwoFormsAreRefused(t *testing.T) {
	ec, ed, rs := ecSigner().jwk(), edSigner().jwk(), rsaSigner().jwk()
	modulus := func(bits uint, low int64) string {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return b64(n.Add(n, big.NewInt(low)).Bytes())
	}
	text := func(m map[string]any, name string) string { return m[name].(string) }
	for _, row := range []struct {
		name string
		of   map[string]any
		with members
		want error
	}{
		{"EC as it should be", ec, nil, nil},
		{"EC with coordinates cut", ec, members{"x": text(ec, "x")[:42]}, errKey},
		{"EC with a zero more", ec, members{"x": "AA" + text(ec, "x")}, errKey},
		{"EC with padding", ec, members{"x": text(ec, "x") + "="}, errKey},
		{"EC with a line break", ec, members{"x": text(ec, "x")[:20] + "\n" + text(ec, "x")[20:]}, errKey},
		{"EC in the other alphabet", ec, members{"x": "+" + text(ec, "x")[1:]}, errKey},
		{"EC with loose bits", ec, members{"x": strings.Repeat("A", 42) + "B"}, errKey},
		{"EC with a modulus", ec, members{"n": "AQAB"}, errKey},
		{"EC of secp256k1", ec, members{"crv": "secp256k1"}, errKey},
		{"EC that is called OKP", ec, members{"kty": "OKP"}, errKey},
		{"EC without curve", ec, members{"crv": nil}, errKey},
		{"Ed25519 as it should be", ed, nil, nil},
		{"Ed25519 with y", ed, members{"y": text(ec, "y")}, errKey},
		{"Ed448", ed, members{"crv": "Ed448"}, errKey},
		{"X25519, which cannot sign", ed, members{"crv": "X25519"}, errKey},
		{"Ed25519 cut", ed, members{"x": text(ed, "x")[:40]}, errKey},
		{"Ed25519 that is private", ed, members{"d": text(ed, "x")}, errPrivate},
		{"RSA as it should be", rs, nil, nil},
		{"RSA of 2048 bits", rs, members{"n": modulus(2048, 1)}, nil},
		{"RSA of 2047 bits", rs, members{"n": modulus(2047, 1)}, errKey},
		{"RSA of 1024 bits", rs, members{"n": modulus(1024, 1)}, errKey},
		{"RSA of 4096 bits", rs, members{"n": modulus(4096, 1)}, nil},
		{"RSA of 4097 bits", rs, members{"n": modulus(4097, 1)}, errKey},
		{"RSA of 16384 bits", rs, members{"n": modulus(16384, 1)}, errKey},
		{"RSA with an even modulus", rs, members{"n": modulus(2048, 2)}, errKey},
		{"RSA with a zero before", rs, members{"n": b64(append([]byte{0}, must(base64url.DecodeString(text(rs, "n")))...))}, errKey},
		{"RSA with exponent 1", rs, members{"e": "AQ"}, errKey},
		{"RSA with exponent 3", rs, members{"e": "Aw"}, errKey},
		{"RSA with an even exponent", rs, members{"e": b64([]byte{1, 0, 2})}, errKey},
		{"RSA with a larger exponent", rs, members{"e": b64([]byte{1, 0, 0, 1})}, nil},
		{"RSA with an exponent that is too large", rs, members{"e": b64([]byte{0x80, 0, 0, 1})}, errKey},
		{"RSA with an exponent of five bytes", rs, members{"e": b64([]byte{1, 0, 0, 0, 1})}, errKey},
		{"RSA with a zero before the exponent", rs, members{"e": b64([]byte{0, 1, 0, 1})}, errKey},
		{"RSA without exponent", rs, members{"e": nil}, errKey},
		{"RSA with a curve", rs, members{"crv": "P-256"}, errKey},
		{"RSA with other primes", rs, members{"oth": []any{}}, errPrivate},
		{"symmetric", map[string]any{"kty": "oct", "k": "AAAA"}, nil, errPrivate},
		{"of a kind in small letters", ec, members{"kty": "ec"}, errKey},
		{"nothing", map[string]any{}, nil, errKey},
		{"key_ops of a string", ec, members{"key_ops": "verify"}, errKey},
		{"key_ops that are empty", ec, members{"key_ops": []string{}}, errKey},
	} {
		t.Run(row.name, func(t *testing.T) {
			of := map[string]any{}
			for k, v := range row.of {
				of[k] = v
			}
			_, err := Thumbprint(must(json.Marshal(row.with.apply(of))))
			if err != row.want {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
	for _, text := range []string{"", "null", "[]", `"key"`, "{", rfcJWK + "{}", strings.Replace(rfcJWK, "{", `{"kty":"EC",`, 1), strings.Replace(rfcJWK, `"kty"`, `"\u006bty"`, 1)} {
		if got, err := Thumbprint([]byte(text)); err == nil {
			t.Errorf("%q has the thumbprint %s", text, got)
		}
	}
}

// TestWycheproofSignatures holds the keys and signatures of those kinds against
// foreign vectors: what they call invalid must not pass.
func TestWycheproofSignatures(t *testing.T) {
	data, err := os.ReadFile("../../../shared/vectors/wycheproof/json_web_signature_test.json")
	if err != nil {
		t.Skip("the vectors are not here: ", err)
	}
	var file struct {
		TestGroups []struct {
			Public json.RawMessage `json:"public"`
			Tests  []struct {
				TcID    int
				Comment string
				JWS     json.RawMessage `json:"jws"`
				Result  string
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	checked, good := 0, 0
	for _, g := range file.TestGroups {
		var key jwk
		if len(g.Public) == 0 || key.parse(bytes.TrimSpace(g.Public)) != nil {
			continue
		}
		for _, one := range g.Tests {
			var compact string
			if json.Unmarshal(one.JWS, &compact) != nil {
				continue
			}
			checked++
			valid := wycheproof(compact, key)
			if valid {
				good++
			}
			if valid && one.Result == "invalid" {
				t.Errorf("%d (%s) is taken", one.TcID, one.Comment)
			}
		}
	}
	t.Logf("%d checked, %d good", checked, good)
	if checked < 20 || good < 2 {
		t.Errorf("only %d checked, %d good", checked, good)
	}
}

// wycheproof checks a JWS of any type with a given key, as a proof would be.
func wycheproof(compact string, key jwk) bool {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return false
	}
	var ok bool
	p := proof{key: key, input: parts[0] + "." + parts[1]}
	var header []byte
	if _, header, ok = decode(nil, parts[0]); !ok {
		return false
	}
	if _, p.sig, ok = decode(nil, parts[2]); !ok {
		return false
	}
	if _, _, ok = decode(nil, parts[1]); !ok {
		return false
	}
	o, ok := openDocument(header)
	if !ok {
		return false
	}
	var alg []byte
	for o.next() {
		if string(o.name) == "alg" && !onceText(&alg, o.value) || string(o.name) == "crit" {
			return false
		}
	}
	p.alg = algorithmOf(string(alg))
	return !o.bad && key.fits(p.alg) && p.signed()
}
