// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"durward"
)

// What RFC 9421, appendix B.2, and RFC 9530 say of {"hello": "world"}.
const (
	hello       = `{"hello": "world"}`
	hello512    = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
	hello256    = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
	clientCert  = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:"
	transformIn = `transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`
	transform   = "transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:"
)

func testRequest() *durward.Exchange {
	return request("POST", "https", "example.com", "/foo", "param=Value&Pet=dog", lines(
		"Date: Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type: application/json",
		"Content-Digest: "+hello512, "Content-Length: 18"), hello)
}

func proxiedRequest() *durward.Exchange {
	return request("POST", "https", "service.internal.example", "/foo", "param=Value&Pet=dog", lines(
		"Date: Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type: application/json", "Content-Length: 18",
		"Client-Cert: "+clientCert), hello)
}

func transformed() *durward.Exchange {
	return request("GET", "https", "example.org", "/demo", "name1=Value1&Name2=value2", lines(
		"Date: Fri, 15 Jul 2022 14:24:55 GMT", "Accept: application/json", "Accept: */*"), "")
}

type vector struct {
	name, label, input, signature, base string
	request                             func() *durward.Exchange
	deterministic                       bool
}

// rfcVectors are the examples of requests in RFC 9421, appendix B.2 to B.4, and
// section 4.3. B.2.4 signs a response.
var rfcVectors = []vector{
	{
		name: "B.2.1 minimal signature with rsa-pss-sha512", label: "sig-b21", request: testRequest,
		input:     `();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
		signature: "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
		base:      `"@signature-params": ();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
	},
	{
		name: "B.2.2 selective covered components", label: "sig-b22", request: testRequest,
		input:     `("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`,
		signature: "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
		base:      "\"@authority\": example.com\n\"content-digest\": " + hello512 + "\n\"@query-param\";name=\"Pet\": dog\n\"@signature-params\": (\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
	},
	{
		name: "B.2.3 full coverage", label: "sig-b23", request: testRequest,
		input:     `("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`,
		signature: "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
		base:      "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@query\": ?param=Value&Pet=dog\n\"@authority\": example.com\n\"content-type\": application/json\n\"content-digest\": " + hello512 + "\n\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
	},
	{
		name: "B.2.5 hmac-sha256", label: "sig-b25", request: testRequest, deterministic: true,
		input:     `("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`,
		signature: "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
		base:      "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
	},
	{
		name: "B.2.6 ed25519", label: "sig-b26", request: testRequest, deterministic: true,
		input:     `("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
		signature: "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
		base:      "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
	},
	{
		name: "B.3 behind a proxy that ends TLS", label: "ttrp", request: proxiedRequest,
		input:     `("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"`,
		signature: "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==",
		base:      "\"@path\": /foo\n\"@query\": ?param=Value&Pet=dog\n\"@method\": POST\n\"@authority\": service.internal.example\n\"client-cert\": " + clientCert + "\n\"@signature-params\": (\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\");created=1618884473;keyid=\"test-key-ecc-p256\"",
	},
	{
		name: "B.4 transformations", label: "transform", request: transformed, deterministic: true,
		input:     `("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`,
		signature: "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==",
		base:      "\"@method\": GET\n\"@path\": /demo\n\"@authority\": example.org\n\"accept\": application/json, */*\n\"@signature-params\": (\"@method\" \"@path\" \"@authority\" \"accept\");created=1618884473;keyid=\"test-key-ed25519\"",
	},
	{
		name: "4.3 first of two signatures", label: "sig1", request: testRequest,
		input:     `("@method" "@authority" "@path" "content-digest" "content-type" "content-length");created=1618884475;keyid="test-key-ecc-p256"`,
		signature: "X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A==",
		base:      "\"@method\": POST\n\"@authority\": example.com\n\"@path\": /foo\n\"content-digest\": " + hello512 + "\n\"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-type\" \"content-length\");created=1618884475;keyid=\"test-key-ecc-p256\"",
	},
}

// rfcVerifiers are the test keys by id.
func rfcVerifiers(t testing.TB) map[string]*verifier {
	all := map[string]*verifier{}
	for id, k := range map[string]struct {
		alg string
		key crypto.PublicKey
	}{
		"test-key-rsa-pss": {RSAPSSSHA512, mustPublic(t, pssPublic)}, "test-key-ecc-p256": {ECDSAP256SHA256, mustPublic(t, eccPublic)},
		"test-key-ed25519": {Ed25519, mustPublic(t, ed25519Public)},
	} {
		v, err := newPublicVerifier(k.alg, k.key)
		if err != nil {
			t.Fatal(id, err)
		}
		all[id] = v
	}
	secret, _ := base64.StdEncoding.DecodeString(sharedSecret)
	v, err := newSecretVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	all["test-shared-secret"] = v
	return all
}

func TestTheExamplesOfRFC9421HaveTheirSignatureBaseAndVerify(t *testing.T) {
	verifiers := rfcVerifiers(t)
	for _, c := range rfcVectors {
		t.Run(c.name, func(t *testing.T) {
			x := c.request()
			x.In.Header.Add(headerInput, c.label+"="+c.input)
			x.In.Header.Add(headerSignature, c.label+"=:"+c.signature+":")
			var w work
			if err := w.read(x.In.Header); err != nil {
				t.Fatal(err)
			}
			s, err := w.pick("", "")
			if err != nil {
				t.Fatal(err)
			}
			msg := messageOf(x)
			if err := w.components(&s); err != nil {
				t.Fatal(err)
			}
			if err := w.makeBase(&msg, &s); err != nil {
				t.Fatal(err)
			}
			if got := string(w.base); got != c.base {
				t.Fatalf("base\n%s\nwant\n%s", got, c.base)
			}
			v := verifiers[s.keyID]
			if !v.verify(w.base, s.sig) {
				t.Error("the signature of the RFC does not verify")
			}
			if v.verify(append(w.base, ' '), s.sig) {
				t.Error("it verifies for another base too")
			}
		})
	}
}

// methodFor takes a vector as a gateway would, asking for what it covers.
func methodFor(t testing.TB, components ...string) *Method {
	return newMethod(t, Config{Components: components, NonceOptional: true}, Deps{})
}

func TestTheExamplesOfRFC9421AuthenticateAsRequests(t *testing.T) {
	for _, c := range rfcVectors {
		t.Run(c.name, func(t *testing.T) {
			x := c.request()
			x.In.Header.Add(headerInput, c.label+"="+c.input)
			x.In.Header.Add(headerSignature, c.label+"=:"+c.signature+":")
			m := methodFor(t, "@authority")
			_, err := m.Authenticate(t.Context(), x)
			// What leaves out the digest of its content is refused, although
			// its signature is good.
			switch {
			case c.label == "sig-b21":
				if err != errUncovered {
					t.Errorf("got %v", err)
				}
			case strings.Contains(c.input, "content-digest") || c.label == "transform":
				if err != nil {
					t.Errorf("refused: %v", err)
				}
			default:
				if err != errNoDigest {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestDeterministicExamplesOfRFC9421AreSignedTheSame(t *testing.T) {
	keys := signingKeys(t)
	for _, c := range rfcVectors {
		if !c.deterministic {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			x := c.request()
			list, rest, _ := strings.Cut(c.input[1:], ")")
			components := strings.Fields(list)
			_, id, _ := strings.Cut(rest, `keyid="`)
			var body []byte
			if !x.In.Body.Empty() {
				body = []byte(hello)
			}
			got, err := Sign(x.In.Method, "https://"+x.In.Host+x.In.Path+"?"+x.In.RawQuery, x.In.Header, body,
				keys[strings.TrimSuffix(id, `"`)],
				SignOptions{Components: components, Created: time.Unix(created, 0), NoNonce: true, Label: c.label})
			if err != nil {
				t.Fatal(err)
			}
			if v := got.Get(headerInput); v != c.label+"="+c.input {
				t.Errorf("Signature-Input %s", v)
			}
			if v := got.Get(headerSignature); v != c.label+"=:"+c.signature+":" {
				t.Errorf("Signature %s", v)
			}
		})
	}
}

// RFC 9421, appendix B.4, lists what an intermediary may do to a request
// without breaking its signature, and what it may not.
func TestTransformationsOfRFC9421KeepOrBreakTheSignature(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*durward.Exchange)
		want   error
	}{
		{"the original", func(*durward.Exchange) {}, nil},
		{"an added field", func(x *durward.Exchange) { x.In.Header.Add("Accept-Language", "en-US,en;q=0.5") }, nil},
		{"a changed query, which is not covered", func(x *durward.Exchange) { x.In.RawQuery += "&param=added" }, nil},
		{"Date removed, and both Accept lines made one", func(x *durward.Exchange) {
			x.In.Header = lines("Referer: https://developer.example.org/demo", "Accept: application/json, */*",
				headerInput+": "+transformIn, headerSignature+": "+transform)
		}, nil},
		{"lines in another order", func(x *durward.Exchange) {
			x.In.Header = lines("Accept: application/json", headerSignature+": "+transform, "Date: Sat, 16 Jul 2022 23:59:59 GMT",
				"Accept: */*", headerInput+": "+transformIn)
		}, nil},
		{"another method and authority", func(x *durward.Exchange) { x.In.Method, x.In.Host = "POST", "example.com" }, errWrong},
		{"Accept lines in another order", func(x *durward.Exchange) {
			x.In.Header = lines("Accept: */*", "Date: Fri, 15 Jul 2022 14:24:55 GMT", "Accept: application/json",
				headerInput+": "+transformIn, headerSignature+": "+transform)
		}, errWrong},
		{"another path", func(x *durward.Exchange) { x.In.Path = "/other" }, errWrong},
		{"a missing Accept", func(x *durward.Exchange) { x.In.Header.Del("Accept") }, errMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := transformed()
			x.In.Header.Add(headerInput, transformIn)
			x.In.Header.Add(headerSignature, transform)
			c.change(x)
			if _, err := methodFor(t, "@method", "@path", "@authority").Authenticate(t.Context(), x); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
