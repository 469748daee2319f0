// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func TestAWrongSignatureIsRefused(t *testing.T) {
	for _, s := range []signer{ecSigner(), edSigner(), rsaSigner(), {"PS256", rsaSigner().key}} {
		v, err := New(Config{}, noUse(t), fixed)
		if err != nil {
			t.Fatal(err)
		}
		raw := s.proof(nil, nil, nil)
		dot := strings.LastIndexByte(raw, '.')
		sig, err := base64url.DecodeString(raw[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(sig)
		flipped[len(sig)/2] ^= 1
		other := strings.Split(s.proof(nil, nil, members{"jti": "other"}), ".")
		for name, wrong := range map[string][]byte{
			"a bit flipped":              flipped,
			"cut":                        sig[:len(sig)-1],
			"longer":                     append(bytes.Clone(sig), 0),
			"zeros":                      make([]byte, len(sig)),
			"ones":                       bytes.Repeat([]byte{0xff}, len(sig)),
			"of another proof":           must(base64url.DecodeString(other[2])),
			"one byte":                   {1},
			"halves swapped":             append(bytes.Clone(sig[len(sig)/2:]), sig[:len(sig)/2]...),
			"of the payload's text only": s.sign(strings.Split(raw, ".")[1]),
		} {
			if err := v.Verify(t.Context(), exchange(raw[:dot+1]+b64(wrong)), testToken, s.jkt()); err != errSignature {
				t.Errorf("%s, %s: %v", s.alg, name, err)
			}
		}
		if err := v.Verify(t.Context(), exchange(raw[:dot+1]), testToken, s.jkt()); err != errForm {
			t.Errorf("%s, none: %v", s.alg, err)
		}
	}
}

func TestASignatureOfTheWrongSchemeIsRefused(t *testing.T) {
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	pkcs := rsaSigner()
	pss := signer{"PS256", pkcs.key}
	for name, raw := range map[string]string{
		"PS256 signed as RS256": pkcs.proof(members{"alg": "PS256"}, nil, nil),
		"RS256 signed as PS256": pss.proof(members{"alg": "RS256"}, nil, nil),
	} {
		if err := v.Verify(t.Context(), exchange(raw), testToken, pkcs.jkt()); err != errSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
	// JWS has r and s of fixed length, and not the DER that other protocols have.
	s := ecSigner()
	raw := s.proof(nil, nil, nil)
	dot := strings.LastIndexByte(raw, '.')
	sum := sha256.Sum256([]byte(raw[:dot]))
	der := must(ecdsa.SignASN1(rand.Reader, s.key.(*ecdsa.PrivateKey), sum[:]))
	if err := v.Verify(t.Context(), exchange(raw[:dot+1]+b64(der)), testToken, s.jkt()); err != errSignature {
		t.Errorf("DER: %v", err)
	}
}

func TestAKeyThatIsNotOnTheCurveIsRefused(t *testing.T) {
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	s := ecSigner()
	for name, key := range map[string]members{
		"another point":       {"y": b64(bytes.Repeat([]byte{1}, 32))},
		"zero":                {"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		"beyond the field":    {"x": b64(bytes.Repeat([]byte{0xff}, 32))},
		"the point of others": edwards(s),
	} {
		raw := s.proof(nil, key, nil)
		jkt := must(Thumbprint(must(json.Marshal(key.apply(s.jwk())))))
		if err := v.Verify(t.Context(), exchange(raw), testToken, jkt); err != errSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// edwards is x of one key and y of another.
func edwards(s signer) members { return members{"x": edSigner().jwk()["x"], "y": s.jwk()["y"]} }

func TestIntegersAreWrittenAsDERDemands(t *testing.T) {
	for _, n := range []int64{0, 1, 127, 128, 255, 256, 1 << 31, 1<<62 + 5} {
		var b [32]byte
		big.NewInt(n).FillBytes(b[:])
		got := appendInteger(nil, b[:])
		want := []byte{2, 1, 0}
		if v := big.NewInt(n).Bytes(); len(v) > 0 {
			if v[0] >= 0x80 {
				v = append([]byte{0}, v...)
			}
			want = append([]byte{2, byte(len(v))}, v...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d: % x, want % x", n, got, want)
		}
	}
}
