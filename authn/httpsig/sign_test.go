// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"durward"
)

// signInput signs what input says, for parameters that Sign does not write.
func signInput(t *testing.T, x *durward.Exchange, k *SigningKey, input string) {
	t.Helper()
	var w work
	if err := w.input.dictionary(input); err != nil {
		t.Fatal(err)
	}
	s := signed{member: &w.input.members[0]}
	if err := w.components(&s); err != nil {
		t.Fatal(err)
	}
	msg := messageOf(x)
	if err := w.makeBase(&msg, &s); err != nil {
		t.Fatal(err)
	}
	sig, err := sign(k.private, w.base)
	if err != nil {
		t.Fatal(err)
	}
	x.In.Header.Set(headerInput, input)
	x.In.Header.Set(headerSignature, s.member.key+"=:"+base64.StdEncoding.EncodeToString(sig)+":")
}

func TestTheAlgorithmIsTheKeysOwn(t *testing.T) {
	k := signingKeys(t)[edID]
	for _, c := range []struct {
		name, alg string
		want      error
	}{
		{"the key's", `;alg="ed25519"`, nil},
		{"none", "", nil},
		{"another key's", `;alg="hmac-sha256"`, errAlgorithm},
		{"an unknown one", `;alg="none"`, errAlgorithm},
		{"an empty one", `;alg=""`, errAlgorithm},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := signedBy(t, k, SignOptions{})
			signInput(t, x, k, `s=("@method" "@target-uri" "content-digest");created=1618884473;keyid="test-key-ed25519";nonce="a"`+c.alg)
			if _, err := newMethod(t, Config{}, Deps{}).Authenticate(t.Context(), x); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestParametersThatNobodyKnowsAreSigned(t *testing.T) {
	k := signingKeys(t)[edID]
	x := signedBy(t, k, SignOptions{})
	signInput(t, x, k, `s=("@method" "@target-uri" "content-digest");created=1618884473;x-own=?0;keyid="test-key-ed25519";nonce="a"`)
	m := newMethod(t, Config{}, Deps{})
	changed := *x
	changed.In.Header = append(durward.Header(nil), x.In.Header...)
	changed.In.Header.Set(headerInput, strings.Replace(x.In.Header.Get(headerInput), "?0", "?1", 1))
	if _, err := m.Authenticate(t.Context(), &changed); err != errWrong {
		t.Errorf("changed: %v", err)
	}
	if _, err := m.Authenticate(t.Context(), x); err != nil {
		t.Errorf("as signed: %v", err)
	}
}

func TestAnUnknownKeyIsRefusedEvenIfItsStandInVerifies(t *testing.T) {
	k, err := NewSigningKey("nobody", "", []byte(ed25519Private))
	if err != nil {
		t.Fatal(err)
	}
	m := newMethod(t, Config{Keys: map[string]Key{edID: {Algorithm: Ed25519, PublicKey: files(t)[Ed25519]}}}, Deps{})
	if _, err := m.Authenticate(t.Context(), signedBy(t, k, SignOptions{})); err != errUnknown {
		t.Errorf("got %v", err)
	}
}

func TestUnknownIDsTakeTheTimeOfOneKnownKeyEach(t *testing.T) {
	cfg := Config{Keys: rfcKeys(t)}
	m, reloaded := newMethod(t, cfg, Deps{}), newMethod(t, cfg, Deps{})
	counts := map[string]int{}
	for i := range 1000 {
		id := "nobody-" + strconv.Itoa(i)
		k := m.standIn(id)
		counts[k.alg]++
		if m.standIn(id) != k || reloaded.standIn(id).print != k.print {
			t.Fatalf("%s is checked with another key the next time", id)
		}
	}
	for _, alg := range []string{HMACSHA256, Ed25519, ECDSAP256SHA256, RSAPSSSHA512} {
		if n := counts[alg]; n < 150 || n > 350 {
			t.Errorf("%d of 1000 ids take the time of %s", n, alg)
		}
	}
}

func TestTheTwinOfAnECDSASignatureIsAReplay(t *testing.T) {
	k := signingKeys(t)[eccID]
	m := newMethod(t, Config{NonceOptional: true}, Deps{})
	x := signedBy(t, k, SignOptions{NoNonce: true})
	if _, err := m.Authenticate(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	text := strings.Trim(strings.TrimPrefix(x.In.Header.Get(headerSignature), "sig1="), ":")
	sig, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	s.FillBytes(sig[32:])
	x.In.Header.Set(headerSignature, "sig1=:"+base64.StdEncoding.EncodeToString(sig)+":")
	if _, err := m.Authenticate(t.Context(), x); err != errReplay {
		t.Errorf("got %v", err)
	}
}

func TestNoByteThatIsCoveredCanChange(t *testing.T) {
	keys := signingKeys(t)
	o := SignOptions{Components: []string{"@method", "@target-uri", "@query-param;name=\"Pet\"", "content-digest;bs", "content-type"}}
	flip := func(s string, i int) string {
		b := []byte(s)
		b[i] ^= 1
		return string(b)
	}
	for _, id := range []string{hmacID, edID, eccID, pssID} {
		t.Run(id, func(t *testing.T) {
			m := newMethod(t, Config{}, Deps{})
			refused := func(what string, change func(*durward.Exchange)) {
				x := signedBy(t, keys[id], o)
				change(x)
				if p, err := m.Authenticate(t.Context(), x); err == nil || p.Known() {
					t.Errorf("%s: taken", what)
				}
			}
			x := signedBy(t, keys[id], o)
			if _, err := m.Authenticate(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			for name, at := range map[string]func(*durward.Exchange) *string{
				"method": func(x *durward.Exchange) *string { return &x.In.Method },
				"host":   func(x *durward.Exchange) *string { return &x.In.Host },
				"path":   func(x *durward.Exchange) *string { return &x.In.Path },
				"query":  func(x *durward.Exchange) *string { return &x.In.RawQuery },
			} {
				for i := range len(*at(x)) {
					refused(name, func(x *durward.Exchange) { *at(x) = flip(*at(x), i) })
				}
			}
			for _, name := range []string{"Content-Type", "Content-Digest", headerInput, headerSignature} {
				for i := range len(x.In.Header.Get(name)) {
					if id == pssID && name == headerSignature && i%8 != 0 {
						continue // each try costs a signature
					}
					refused(name, func(x *durward.Exchange) { x.In.Header.Set(name, flip(x.In.Header.Get(name), i)) })
				}
			}
			for i := range len(hello) {
				refused("content", func(x *durward.Exchange) {
					x.In.Body = request("POST", "https", "a", "/", "", nil, flip(hello, i)).In.Body
				})
			}
		})
	}
}

// TestWhatIsSignedVerifiesAndWhatIsNotCoveredIsFree is the property over any
// request that a client could sign.
func TestWhatIsSignedVerifiesAndWhatIsNotCoveredIsFree(t *testing.T) {
	keys := signingKeys(t)
	m := newMethod(t, Config{}, Deps{})
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{hmacID, edID, eccID}).Draw(t, "key")
		method := rapid.SampledFrom([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"}).Draw(t, "method")
		host := rapid.StringMatching(`[a-z]{1,10}\.example(:[1-9][0-9]{3})?`).Draw(t, "host")
		path := "/" + rapid.StringMatching(`[a-z0-9._~!$&'()*+,=:@-]{1,20}(%2[0-9]|%C3%A9)?`).Draw(t, "path")
		query := rapid.StringMatching(`([a-z]{1,4}=[a-zA-Z0-9+]{0,9})?(&z=(%20|1))?`).Draw(t, "query")
		body := rapid.SampledFrom([]string{"", "x", hello, strings.Repeat("long ", 5000)}).Draw(t, "body")
		value := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "value")
		h := durward.Header{{Name: "X-Covered", Value: value}, {Name: "X-Free", Value: "1"}}
		components := []string{"x-covered", "@target-uri", "@method"}
		if body != "" {
			components = append(components, fieldDigest)
		}
		url := "https://" + host + path
		if query != "" {
			url += "?" + query
		}
		added, err := Sign(method, url, h, []byte(body), keys[id], SignOptions{Components: components, Created: time.Unix(created, 0)})
		if err != nil {
			t.Fatal(err)
		}
		exchange := func(covered, free string) *durward.Exchange {
			lines := append(durward.Header{{Name: "X-Free", Value: free}, {Name: "X-Covered", Value: covered}}, added...)
			return request(method, "https", host, canonicalPath(path), query, lines, body)
		}
		if _, err := m.Authenticate(t.Context(), exchange(value+"x", "1")); err != errWrong {
			t.Fatalf("a changed field: %v", err)
		}
		if _, err := m.Authenticate(t.Context(), exchange(value, "anything")); err != nil {
			t.Fatalf("as signed: %v", err)
		}
	})
}

func TestSignRefusesWhatNoGatewayTakes(t *testing.T) {
	k := signingKeys(t)[edID]
	for _, c := range []struct {
		name, method, url string
		o                 SignOptions
	}{
		{"no method", "", "https://a.example/", SignOptions{}},
		{"a method with a space", "GET /", "https://a.example/", SignOptions{}},
		{"a method that is not ASCII", "GÉT", "https://a.example/", SignOptions{}},
		{"a URL without host", "GET", "/path", SignOptions{}},
		{"a URL of another scheme", "GET", "ftp://a.example/", SignOptions{}},
		{"a URL with a password", "GET", "https://u:p@a.example/", SignOptions{}},
		{"a URL that is none", "GET", "https://a.example/%zz", SignOptions{}},
		{"an unknown component", "GET", "https://a.example/", SignOptions{Components: []string{"@status"}}},
		{"a component twice", "GET", "https://a.example/", SignOptions{Components: []string{"@method", "@method"}}},
		{"a field that is not there", "GET", "https://a.example/", SignOptions{Components: []string{"date"}}},
		{"a label that cannot be one", "GET", "https://a.example/", SignOptions{Label: "Sig 1"}},
		{"a label that is two members", "GET", "https://a.example/", SignOptions{Label: "a=(), b"}},
		{"a nonce that cannot be written", "GET", "https://a.example/", SignOptions{Nonce: "\n"}},
		{"a tag that is too long", "GET", "https://a.example/", SignOptions{Tag: strings.Repeat("x", maxText+1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Sign(c.method, c.url, nil, nil, k, c.o); err == nil {
				t.Errorf("signed: %v", got)
			}
		})
	}
}

func TestSignMakesTheRequestCanonical(t *testing.T) {
	k := signingKeys(t)[hmacID]
	for _, c := range []struct{ name, url, host, path, query string }{
		{"an upper-case host and a default port", "https://API.Example.com:443/a", "api.example.com", "/a", ""},
		{"no path", "https://a.example", "a.example", "/", ""},
		{"escapes that need not be", "https://a.example/%7e%61%2fb%c3%a9", "a.example", "/~a%2Fb%C3%A9", ""},
		{"a query as it is", "https://a.example/?b=%7e&a", "a.example", "/", "b=%7e&a"},
		{"a fragment", "https://a.example/a#b", "a.example", "/a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			added, err := Sign("GET", c.url, nil, nil, k, SignOptions{Created: time.Unix(created, 0)})
			if err != nil {
				t.Fatal(err)
			}
			x := request("GET", "https", c.host, c.path, c.query, added, "")
			if _, err := newMethod(t, Config{}, Deps{}).Authenticate(t.Context(), x); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSignAddsOnlyWhatIsMissing(t *testing.T) {
	k := signingKeys(t)[hmacID]
	given := lines("content-digest: " + hello512)
	added, err := Sign("POST", "https://a.example/", given, []byte(hello), k, SignOptions{Created: time.Unix(created, 0), Tag: "t", Lifetime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if len(added) != 2 || added[0].Name != headerInput || added[1].Name != headerSignature {
		t.Errorf("added %v", added)
	}
	want := `sig1=("@method" "@target-uri" "content-digest");created=1618884473;expires=1618884533;keyid="test-shared-secret";nonce="`
	if v := added[0].Value; !strings.HasPrefix(v, want) || !strings.HasSuffix(v, `";tag="t"`) {
		t.Errorf("Signature-Input: %s", v)
	}
	again, err := Sign("POST", "https://a.example/", given, []byte(hello), k, SignOptions{Created: time.Unix(created, 0)})
	if err != nil || again[0] == added[0] {
		t.Errorf("the nonce is the same: %v %v", again, err)
	}
}
