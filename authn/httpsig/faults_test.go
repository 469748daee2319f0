// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"
	"time"

	"durward"
)

func TestEveryFaultOfASignedRequestIsRefused(t *testing.T) {
	keys := signingKeys(t)
	own := keys[hmacID]
	edit := func(name, old, new string) func(*durward.Exchange) {
		return func(x *durward.Exchange) {
			v := x.In.Header.Get(name)
			if !strings.Contains(v, old) {
				panic(name + " has no " + old)
			}
			x.In.Header.Set(name, strings.Replace(v, old, new, 1))
		}
	}
	at := func(seconds int64) SignOptions { return SignOptions{Created: time.Unix(created+seconds, 0)} }
	covering := func(components ...string) SignOptions { return SignOptions{Components: components} }
	all := []string{"@method", "@target-uri", "content-digest"}
	for _, c := range []struct {
		name    string
		options SignOptions
		change  func(*durward.Exchange)
		want    error
	}{
		{"no Signature", SignOptions{}, func(x *durward.Exchange) { x.In.Header.Del(headerSignature) }, errSignature},
		{"no Signature-Input", SignOptions{}, func(x *durward.Exchange) { x.In.Header.Del(headerInput) }, errInput},
		{"a malformed Signature-Input", SignOptions{}, edit(headerInput, "(", "[("), errInput},
		{"a Signature-Input that is no inner list", SignOptions{}, func(x *durward.Exchange) { x.In.Header.Set(headerInput, "sig1=1") }, errInput},
		{"a Signature-Input that is too large", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Add(headerInput, `b="`+strings.Repeat("x", maxFieldBytes-20)+`"`)
		}, errInput},
		{"a malformed Signature", SignOptions{}, edit(headerSignature, "=:", "=;"), errSignature},
		{"a Signature that is a string", SignOptions{}, func(x *durward.Exchange) { x.In.Header.Set(headerSignature, `sig1="AAAA"`) }, errSignature},
		{"a Signature with a parameter", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Set(headerSignature, x.In.Header.Get(headerSignature)+";x")
		}, errSignature},
		{"an empty Signature", SignOptions{}, func(x *durward.Exchange) { x.In.Header.Set(headerSignature, "sig1=::") }, errSignature},
		{"a Signature that is too long", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Set(headerSignature, "sig1=:"+strings.Repeat("AAAA", 500)+":")
		}, errSignature},
		{"a Signature under another label", SignOptions{}, edit(headerSignature, "sig1", "sig2"), errPair},
		{"two signatures", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Add(headerInput, strings.Replace(x.In.Header.Get(headerInput), "sig1", "sig2", 1))
			x.In.Header.Add(headerSignature, strings.Replace(x.In.Header.Get(headerSignature), "sig1", "sig2", 1))
		}, errMany},
		{"one Signature-Input and two Signatures", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Add(headerSignature, "sig2=:AAAA:")
		}, errMany},
		{"the same label twice", SignOptions{}, func(x *durward.Exchange) {
			x.In.Header.Add(headerInput, x.In.Header.Get(headerInput))
		}, errInput},
		{"no keyid", SignOptions{}, edit(headerInput, ";keyid=\""+hmacID+"\"", ""), errNoKeyID},
		{"a keyid that is a token", SignOptions{}, edit(headerInput, "\""+hmacID+"\"", "token"), errParams},
		{"a keyid that is too long", SignOptions{}, edit(headerInput, hmacID, strings.Repeat("k", maxText+1)), errParams},
		{"an unknown keyid", SignOptions{}, edit(headerInput, hmacID, "nobody"), errUnknown},
		{"the keyid of another key", SignOptions{}, edit(headerInput, hmacID, edID), errWrong},
		{"no created", SignOptions{}, edit(headerInput, ";created=1618884473", ""), errNoCreated},
		{"a created that is a decimal", SignOptions{}, edit(headerInput, "1618884473", "1618884473.0"), errParams},
		{"a created before 1970", SignOptions{}, edit(headerInput, "1618884473", "-1"), errParams},
		{"another created", SignOptions{}, edit(headerInput, "1618884473", "1618884474"), errWrong},
		{"created too long ago", at(-300 - 30 - 1), nil, errOld},
		{"created in the future", at(31), nil, errFuture},
		{"expired", SignOptions{Created: time.Unix(created-61, 0), Lifetime: 30 * time.Second}, nil, errOld},
		{"expires before it was created", SignOptions{}, edit(headerInput, ";keyid", ";expires=1618884473;keyid"), errParams},
		{"no nonce", SignOptions{NoNonce: true}, nil, errNoNonce},
		{"an empty nonce", SignOptions{Nonce: "x"}, edit(headerInput, `nonce="x"`, `nonce=""`), errParams},
		{"another nonce", SignOptions{Nonce: "x"}, edit(headerInput, `nonce="x"`, `nonce="y"`), errWrong},
		{"an algorithm of another key", SignOptions{}, edit(headerInput, ";keyid", `;alg="ed25519";keyid`), errWrong},
		{"an alg that is no string", SignOptions{}, edit(headerInput, ";keyid", `;alg=ed25519;keyid`), errParams},
		{"an added component", SignOptions{}, edit(headerInput, ` "content-type"`, ` "content-type" "accept"`), errWrong},
		{"a component twice", SignOptions{}, edit(headerInput, ` "content-type"`, ` "content-type" "content-type"`), errTwice},
		{"a component twice, its parameters in another order", SignOptions{},
			edit(headerInput, ` "content-type"`, ` "x";sf;key="a" "x";key="a";sf`), errTwice},
		{"a component of responses", SignOptions{}, edit(headerInput, ` "content-type"`, ` "@status"`), errComponent},
		{"a component that is a token", SignOptions{}, edit(headerInput, ` "content-type"`, ` content-type`), errComponent},
		{"a component that is not there", SignOptions{}, edit(headerInput, ` "content-type"`, ` "x-none"`), errMissing},
		{"too many components", SignOptions{}, edit(headerInput, ` "content-type"`, strings.Repeat(` "content-type"`, maxComponents)), errBase},
		{"the method left out", covering("@target-uri", "content-digest"), nil, errUncovered},
		{"the target left out", covering("@method", "content-digest"), nil, errUncovered},
		{"only a part of the target", covering("@method", "@authority", "@path", "content-digest"), nil, errUncovered},
		{"the digest left out", covering("@method", "@target-uri"), nil, errNoDigest},
		{"the digest of another algorithm only", covering("@method", "@target-uri", `content-digest;key="sha-256"`),
			edit(headerInput, `key="sha-256"`, `key="md5"`), errNoDigest},
		{"another method", SignOptions{}, func(x *durward.Exchange) { x.In.Method = "PUT" }, errWrong},
		{"another host", SignOptions{}, func(x *durward.Exchange) { x.In.Host = "example.net" }, errWrong},
		{"another scheme", SignOptions{}, func(x *durward.Exchange) { x.Client.Scheme = "http" }, errWrong},
		{"another path", SignOptions{}, func(x *durward.Exchange) { x.In.Path += "/" }, errWrong},
		{"another query", SignOptions{}, func(x *durward.Exchange) { x.In.RawQuery += "&a=1" }, errWrong},
		{"another digest", SignOptions{}, edit("Content-Digest", "X48", "Y48"), errWrong},
		{"another content", SignOptions{}, func(x *durward.Exchange) {
			fresh := request("POST", "https", "example.com", "/", "", nil, strings.Replace(hello, "world", "World", 1))
			x.In.Body = fresh.In.Body
		}, errDigestWrong},
		{"a digest field with nothing known", covering(all...), func(x *durward.Exchange) {
			signAgain(t, x, own, lines("Content-Digest: md5=:AAAA:"))
		}, errDigestUnknown},
		{"another signature", SignOptions{}, func(x *durward.Exchange) {
			v := []byte(x.In.Header.Get(headerSignature))
			at := len("sig1=:") + 3 // another letter of base64, whatever it was
			v[at] = map[bool]byte{true: 'B', false: 'A'}[v[at] == 'A']
			x.In.Header.Set(headerSignature, string(v))
		}, errWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			uses := &memoryUses{}
			m := newMethod(t, Config{}, Deps{Uses: uses})
			x := signedBy(t, own, c.options)
			if c.change != nil {
				c.change(x)
			}
			if m.Present(x) == 0 {
				t.Error("it does not count as a credential")
			}
			p, err := m.Authenticate(t.Context(), x)
			if err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if p.Known() || len(uses.used) > 0 {
				t.Errorf("refused, but %+v and %d uses", p, len(uses.used))
			}
			if strings.Contains(err.Error(), sharedSecret[:8]) {
				t.Error("the reason has the secret")
			}
		})
	}
}

// signAgain signs x with other lines, in place of what it had.
func signAgain(t *testing.T, x *durward.Exchange, k *SigningKey, h durward.Header) {
	t.Helper()
	added, err := Sign(x.In.Method, "https://"+x.In.Host+x.In.Path+"?"+x.In.RawQuery, h, []byte(hello), k,
		SignOptions{Created: time.Unix(created, 0)})
	if err != nil {
		t.Fatal(err)
	}
	x.In.Header = append(h, added...)
}
