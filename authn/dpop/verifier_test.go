// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
	"durward/authn/uses"
	"durward/internal/units"
)

// The proofs of RFC 9449, sections 4.1 (figure 2) and 7.1 (figure 13), the
// thumbprint of section 6.1 (figure 9) and the token of figure 13.
const (
	rfcTokenProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcProof      = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcToken      = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfcJKT        = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfcATH        = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
	rfcJWK        = `{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`
)

func TestTheExampleOfRFC9449Section71IsTaken(t *testing.T) {
	now := func() time.Time { return time.Unix(1562262620, 0) }
	v := verifier(t, Config{}, now)
	x := exchange(rfcProof)
	x.In.Host, x.In.Path = "resource.example.org", "/protectedresource"
	for _, wrong := range []struct{ token, jkt string }{{"x" + rfcToken, rfcJKT}, {rfcToken, rfcJKT[1:] + "A"}, {rfcToken, ""}, {"", rfcJKT}} {
		if v.Verify(t.Context(), x, wrong.token, wrong.jkt) == nil {
			t.Error("taken with another token or key")
		}
	}
	if err := v.Verify(t.Context(), x, rfcToken, rfcJKT); err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(t.Context(), x, rfcToken, rfcJKT); err != errReplay {
		t.Errorf("the second time: %v", err)
	}
}

func TestTheExampleOfRFC9449Section41IsRead(t *testing.T) {
	var p proof
	if err := p.parse(rfcTokenProof); err != nil {
		t.Fatal(err)
	}
	if string(p.jti) != "-BwC3ESc6acc2lTc" || string(p.htm) != "POST" || string(p.htu) != "https://server.example.com/token" || p.iat != 1562262616 {
		t.Errorf("read %s %s %s %d", p.jti, p.htm, p.htu, p.iat)
	}
	if !p.signed() || b64(p.jkt[:]) != rfcJKT {
		t.Error("signature or thumbprint is wrong")
	}
	// A proof without ath is for token endpoints, and not for us (4.3, check 12).
	x := exchange(rfcTokenProof)
	x.In.Method, x.In.Host, x.In.Path = "POST", "server.example.com", "/token"
	v := verifier(t, Config{}, func() time.Time { return time.Unix(1562262616, 0) })
	if err := v.Verify(t.Context(), x, rfcToken, rfcJKT); err != errToken {
		t.Errorf("without ath: %v", err)
	}
}

func TestEveryKindOfKeyIsTaken(t *testing.T) {
	for _, s := range []signer{ecSigner(), edSigner(), {"Ed25519", edSigner().key}, rsaSigner(), {"PS256", rsaSigner().key}} {
		v := verifier(t, Config{}, fixed)
		for range 20 { // r and s of every length
			if err := v.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, s.jkt()); err != nil {
				t.Errorf("%s: %v", s.alg, err)
			}
		}
		only := verifier(t, Config{Algorithms: []string{s.alg}}, fixed)
		if err := only.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, s.jkt()); err != nil {
			t.Errorf("%s alone: %v", s.alg, err)
		}
	}
}

// TestEachCheckFailsAlone changes one thing of a good proof, signs it again, and
// finds it refused for that reason, without a use being counted.
func TestEachCheckFailsAlone(t *testing.T) {
	s := ecSigner()
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	at := testNow.Unix()
	for _, row := range []struct {
		name   string
		header members
		key    members
		claims members
		want   error
	}{
		{"typ is missing", members{"typ": nil}, nil, nil, errHeader},
		{"typ is that of an access token", members{"typ": "at+jwt"}, nil, nil, errType},
		{"typ is in capitals", members{"typ": "DPOP+JWT"}, nil, nil, errType},
		{"typ is no string", members{"typ": 1}, nil, nil, errType},
		{"alg is missing", members{"alg": nil}, nil, nil, errHeader},
		{"alg is none", members{"alg": "none"}, nil, nil, errAlgorithm},
		{"alg is symmetric", members{"alg": "HS256"}, nil, nil, errAlgorithm},
		{"alg is of another kind of key", members{"alg": "EdDSA"}, nil, nil, errKey},
		{"alg is of an RSA key", members{"alg": "RS256"}, nil, nil, errKey},
		{"alg is empty", members{"alg": ""}, nil, nil, errAlgorithm},
		{"alg is no string", members{"alg": []string{"ES256"}}, nil, nil, errHeader},
		{"jwk is missing", members{"jwk": nil}, nil, nil, errHeader},
		{"jwk is no object", members{"jwk": "key"}, nil, nil, errKey},
		{"jwk is private", nil, members{"d": b64([]byte("0123456789abcdef0123456789abcdef"))}, nil, errPrivate},
		{"jwk holds a prime", nil, members{"p": "AQ"}, nil, errPrivate},
		{"jwk is symmetric", nil, members{"k": "AQ"}, nil, errPrivate},
		{"jwk has the d of nothing", nil, members{"d": ""}, nil, errPrivate},
		{"jwk is for encryption", nil, members{"use": "enc"}, nil, errKey},
		{"jwk is for another algorithm", nil, members{"alg": "ES384"}, nil, errKey},
		{"jwk is not for verifying", nil, members{"key_ops": []string{"sign"}}, nil, errKey},
		{"jwk has no kty", nil, members{"kty": nil}, nil, errKey},
		{"jwk has no y", nil, members{"y": nil}, nil, errKey},
		{"jwk is of another curve", nil, members{"crv": "P-384"}, nil, errKey},
		{"jwk is not on the curve", nil, members{"y": b64(make([]byte, 32))}, nil, errBinding},
		{"crit asks for what is not understood", members{"crit": []string{"exp"}}, nil, nil, errParam},
		{"b64 changes what is signed", members{"b64": false}, nil, nil, errParam},
		{"x5c brings a second key", members{"x5c": []string{"AA"}}, nil, nil, errParam},
		{"jku brings keys from elsewhere", members{"jku": "https://evil.example/k"}, nil, nil, errParam},
		{"jti is missing", nil, nil, members{"jti": nil}, errPayload},
		{"jti is no string", nil, nil, members{"jti": 7}, errPayload},
		{"jti is empty", nil, nil, members{"jti": ""}, errJTI},
		{"jti is too long", nil, nil, members{"jti": pad(maxJTI + 1)}, errJTI},
		{"htm is missing", nil, nil, members{"htm": nil}, errPayload},
		{"htm is another method", nil, nil, members{"htm": "POST"}, errMethod},
		{"htm is in small letters", nil, nil, members{"htm": "get"}, errMethod},
		{"htu is missing", nil, nil, members{"htu": nil}, errPayload},
		{"htu is another path", nil, nil, members{"htu": testURL + "1"}, errTarget},
		{"htu is another host", nil, nil, members{"htu": "https://api.example.org/spaces/7"}, errTarget},
		{"htu is not encrypted", nil, nil, members{"htu": "http://api.example.com/spaces/7"}, errTarget},
		{"iat is missing", nil, nil, members{"iat": nil}, errPayload},
		{"iat is a string", nil, nil, members{"iat": "1800000000"}, errPayload},
		{"iat is negative", nil, nil, members{"iat": -at}, errPayload},
		{"iat is too old", nil, nil, members{"iat": at - 61}, errAge},
		{"iat is in the future", nil, nil, members{"iat": at + 6}, errAge},
		{"iat is in milliseconds", nil, nil, members{"iat": at * 1000}, errPayload},
		{"exp has passed", nil, nil, members{"exp": at}, errAge},
		{"nbf is to come", nil, nil, members{"nbf": at + 6}, errAge},
		{"exp is a string", nil, nil, members{"exp": "x"}, errPayload},
		{"exp is zero", nil, nil, members{"exp": 0}, errPayload},
		{"ath is missing", nil, nil, members{"ath": nil}, errToken},
		{"ath is of another token", nil, nil, members{"ath": rfcATH}, errToken},
		{"ath is the token", nil, nil, members{"ath": testToken}, errToken},
		{"nonce is no string", nil, nil, members{"nonce": 1}, errPayload},
	} {
		t.Run(row.name, func(t *testing.T) {
			raw := s.proof(row.header, row.key, row.claims)
			if err := v.Verify(t.Context(), exchange(raw), testToken, s.jkt()); err != row.want {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

func TestWhatIsUnusualButRightIsTaken(t *testing.T) {
	at := testNow.Unix()
	s := ecSigner()
	for _, row := range []struct {
		name                string
		header, key, claims members
	}{
		{"unknown parameters and claims", members{"kid": "1", "x": []any{map[string]any{"alg": "none"}}}, members{"kid": "k", "ext": true}, members{"exp2": nil, "sub": "me", "deep": []any{[]any{1.5e3, nil, "}"}}}},
		{"a key as WebCrypto exports it", nil, members{"key_ops": []string{"sign", "verify"}, "ext": true, "use": "sig", "alg": "ES256"}, nil},
		{"as old as may be", nil, nil, members{"iat": at - 60}},
		{"as new as may be", nil, nil, members{"iat": at + 5}},
		{"a fraction of a second", nil, nil, members{"iat": float64(at) + 0.25}},
		{"exp and nbf that hold", nil, nil, members{"exp": at + 1, "nbf": at + 5}},
		{"the longest jti", nil, nil, members{"jti": pad(maxJTI)}},
		{"a nonce that nobody asked for", nil, nil, members{"nonce": "from elsewhere"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := verifier(t, Config{}, fixed)
			if err := v.Verify(t.Context(), exchange(s.proof(row.header, row.key, row.claims)), testToken, s.jkt()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARequestHasExactlyOneProof(t *testing.T) {
	s := ecSigner()
	one, two := s.proof(nil, nil, nil), s.proof(nil, nil, nil)
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range []*durward.Exchange{exchange(), exchange(one, two), exchange(one, one), exchange(one, "")} {
		if err := v.Verify(t.Context(), x, testToken, s.jkt()); err != errField {
			t.Errorf("case %d: %v", n, err)
		}
	}
	for n, field := range []string{one + "," + two, one + ", " + two, "", " " + one, one + " ", `"` + one + `"`, "DPoP " + one} {
		if err := v.Verify(t.Context(), exchange(field), testToken, s.jkt()); err != errForm {
			t.Errorf("field %d: %v", n, err)
		}
	}
	if n := v.Present(exchange(one, two)); n != 2 {
		t.Errorf("%d present", n)
	}
}

func TestTheKeyMustBeTheTokens(t *testing.T) {
	s := ecSigner()
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, jkt string
		want      error
	}{
		{"a stolen token with the thief's proof", edSigner().jkt(), errBinding},
		{"a token that is not bound", "", errUnbound},
		{"part of the thumbprint", s.jkt()[:42], errBinding},
		{"the thumbprint padded", s.jkt() + "=", errBinding},
		{"the thumbprint in other letters", strings.ToLower(s.jkt()), errBinding},
	} {
		if err := v.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, row.jkt); err != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestAProofIsGoodOnce(t *testing.T) {
	at := testNow
	now := func() time.Time { return at }
	s, other := ecSigner(), edSigner()
	v := verifier(t, Config{}, now)
	same := members{"jti": "one"}
	if err := v.Verify(t.Context(), exchange(s.proof(nil, nil, same)), testToken, s.jkt()); err != nil {
		t.Fatal(err)
	}
	again := func(what string, x *durward.Exchange) {
		t.Helper()
		if err := v.Verify(t.Context(), x, testToken, s.jkt()); err != errReplay {
			t.Errorf("%s: %v", what, err)
		}
	}
	again("the same jti in another proof", exchange(s.proof(nil, nil, same)))
	x := exchange(s.proof(nil, nil, members{"jti": "one", "htu": "https://api.example.com/other"}))
	x.In.Path = "/other"
	again("the same jti for another path", x)
	x = exchange(s.proof(nil, nil, members{"jti": "one", "htm": "POST"}))
	x.In.Method = "POST"
	again("the same jti for another method", x)
	again("the same jti with an escape", exchange(func() string {
		h, c := s.texts()
		i, j := strings.Index(c, `"jti":"`)+7, 0
		j = i + strings.IndexByte(c[i:], '"')
		return s.raw(h, c[:i]+`\u006fne`+c[j:])
	}()))
	if err := v.Verify(t.Context(), exchange(other.proof(nil, nil, same)), testToken, other.jkt()); err != nil {
		t.Errorf("the same jti of another key: %v", err)
	}
	// Until the very last moment at which its iat is taken.
	last := s.proof(nil, nil, members{"jti": "two", "iat": at.Unix() + 5})
	if err := v.Verify(t.Context(), exchange(last), testToken, s.jkt()); err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{time.Second, 64 * time.Second, 65 * time.Second} {
		at = testNow.Add(later)
		again("after "+later.String(), exchange(last))
	}
	at = testNow.Add(65*time.Second + 1)
	if err := v.Verify(t.Context(), exchange(last), testToken, s.jkt()); err != errAge {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOfConcurrentReplaysExactlyOneWins(t *testing.T) {
	s := ecSigner()
	v := verifier(t, Config{}, fixed)
	raw := s.proof(nil, nil, nil)
	var won, replayed atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			switch err := v.Verify(t.Context(), exchange(raw), testToken, s.jkt()); err {
			case nil:
				won.Add(1)
			case errReplay:
				replayed.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || replayed.Load() != 31 {
		t.Errorf("%d won, %d were refused", won.Load(), replayed.Load())
	}
}

func TestWhoCannotRememberCannotDecide(t *testing.T) {
	s := ecSigner()
	full := &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errors.New("full")}
	for _, cause := range []error{full, errors.New("connection refused")} {
		v, err := New(Config{}, usesFunc(func(string, [32]byte, int, time.Time) (bool, error) { return true, cause }), fixed)
		if err != nil {
			t.Fatal(err)
		}
		err = v.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, s.jkt())
		if away, ok := errors.AsType[*durward.Unavailable](err); !ok || away.Code != durward.CodeStoreUnavailable || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestAFullMemoryRefuses(t *testing.T) {
	s := edSigner()
	v, err := New(Config{}, uses.New(8, fixed), fixed)
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for range 20 {
		err := v.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, s.jkt())
		if _, away := errors.AsType[*durward.Unavailable](err); err != nil && !away {
			t.Fatal(err)
		}
		if err == nil {
			good++
		}
	}
	if good != 8 {
		t.Errorf("%d of 8 were taken", good)
	}
}

func TestOnlyConfiguredAlgorithmsAreTaken(t *testing.T) {
	v, err := New(Config{Algorithms: []string{"EdDSA", "PS256"}}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []signer{ecSigner(), rsaSigner(), {"Ed25519", edSigner().key}} {
		if err := v.Verify(t.Context(), exchange(s.proof(nil, nil, nil)), testToken, s.jkt()); err != errAlgorithm {
			t.Errorf("%s: %v", s.alg, err)
		}
	}
}

func TestTheWindowIsConfigured(t *testing.T) {
	s := ecSigner()
	cfg := Config{MaxAge: units.Duration(10 * time.Second), Skew: units.Duration(30 * time.Second)}
	for age, want := range map[int64]error{-31: errAge, -30: nil, 10: nil, 11: errAge} {
		v := verifier(t, cfg, fixed)
		raw := s.proof(nil, nil, members{"iat": testNow.Unix() - age})
		if err := v.Verify(t.Context(), exchange(raw), testToken, s.jkt()); err != want {
			t.Errorf("%d s old: %v, want %v", age, err, want)
		}
	}
}
