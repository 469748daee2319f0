// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"durward"
)

func TestALabelOrTagPicksTheSignature(t *testing.T) {
	keys := signingKeys(t)
	two := func() *durward.Exchange {
		x := signedBy(t, keys[edID], SignOptions{Label: "client", Tag: "app"})
		other := signedBy(t, keys[hmacID], SignOptions{Label: "proxy", Tag: "edge"})
		x.In.Header.Set(headerInput, x.In.Header.Get(headerInput)+", "+other.In.Header.Get(headerInput))
		x.In.Header.Add(headerSignature, other.In.Header.Get(headerSignature))
		return x
	}
	for _, c := range []struct {
		name    string
		cfg     Config
		request func() *durward.Exchange
		present int
		subject string
		want    error
	}{
		{"neither", Config{}, two, 2, "", errMany},
		{"a label", Config{Label: "client"}, two, 1, edID, nil},
		{"the other label", Config{Label: "proxy"}, two, 1, hmacID, nil},
		{"a tag", Config{Tag: "app"}, two, 1, edID, nil},
		{"a label and its tag", Config{Label: "proxy", Tag: "edge"}, two, 1, hmacID, nil},
		{"a label with the other's tag", Config{Label: "proxy", Tag: "app"}, two, 1, "", errNone},
		{"a label that is not there", Config{Label: "sig1"}, two, 1, "", errNone},
		{"a tag on one signature", Config{Tag: "app"}, func() *durward.Exchange { return signedBy(t, keys[edID], SignOptions{}) }, 1, "", errNone},
		{"no signature", Config{}, func() *durward.Exchange { return request("GET", "https", "a", "/", "", nil, "") }, 0, "", errInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMethod(t, c.cfg, Deps{})
			x := c.request()
			if n := m.Present(x); n != c.present {
				t.Errorf("%d are present, want %d", n, c.present)
			}
			p, err := m.Authenticate(t.Context(), x)
			if err != c.want || p.Subject != c.subject {
				t.Errorf("got %q %v, want %q %v", p.Subject, err, c.subject, c.want)
			}
		})
	}
}

func TestTheConsumerOfAKeyDecidesWithIt(t *testing.T) {
	k := signingKeys(t)[edID]
	known := consumers{
		"acme":  {ID: "acme", Roles: []string{"partner"}, Plan: "gold"},
		"shut":  {ID: "shut", Disabled: true},
		"local": {ID: "local", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		"away":  {ID: "away", Denied: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		"alias": {ID: "acme"},
	}
	for _, c := range []struct {
		name, consumer string
		want           error
	}{
		{"one that is there", "acme", nil},
		{"one that is disabled", "shut", errDisabled},
		{"one that is not there", "gone", errNobody},
		{"one that may not call from here", "local", errAddress},
		{"one that is denied from here", "away", errAddress},
		{"another than was asked for", "alias", errNobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Keys: map[string]Key{edID: {Algorithm: Ed25519, PublicKey: files(t)[Ed25519], Consumer: c.consumer, Roles: []string{"member", "partner"}}}}
			m := newMethod(t, cfg, Deps{Consumers: known})
			x := signedBy(t, k, SignOptions{})
			x.Client.Address = netip.MustParseAddr("198.51.100.7")
			p, err := m.Authenticate(t.Context(), x)
			if err != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (p.Subject != "acme" || p.Consumer != "acme" || p.Plan != "gold" || p.Credential != edID || !slices.Equal(p.Roles, []string{"member", "partner"})) {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestAKeyEndsWhenItsTimeIsOver(t *testing.T) {
	k := signingKeys(t)[edID]
	for _, c := range []struct {
		name string
		at   int64
		want error
	}{{"a second before", created + 1, nil}, {"at that time", created, errKeyEnded}} {
		t.Run(c.name, func(t *testing.T) {
			end := time.Unix(c.at, 0)
			m := newMethod(t, Config{Keys: map[string]Key{edID: {Algorithm: Ed25519, PublicKey: files(t)[Ed25519], NotAfter: end}}}, Deps{})
			p, err := m.Authenticate(t.Context(), signedBy(t, k, SignOptions{}))
			if err != c.want || err == nil && !p.Expires.Equal(end) {
				t.Errorf("got %v %v", p.Expires, err)
			}
		})
	}
}

func TestWhatIsAwayIsUnavailable(t *testing.T) {
	k := signingKeys(t)[edID]
	key := func(consumer string) map[string]Key {
		return map[string]Key{edID: {Algorithm: Ed25519, PublicKey: files(t)[Ed25519], Consumer: consumer}}
	}
	body := func(err error) func(*durward.Exchange) {
		return func(x *durward.Exchange) {
			x.In.Body.Init(iotest.ErrReader(err), 18)
			_ = x.In.Body.SetLimit(100)
		}
	}
	for _, c := range []struct {
		name     string
		consumer string
		uses     error
		change   func(*durward.Exchange)
		code     durward.Code
	}{
		{"the store of consumers", "broken", nil, nil, durward.CodeStoreUnavailable},
		{"the store of uses", "", errors.New("away"), nil, durward.CodeStoreUnavailable},
		{"a store of uses that says what it is", "", &durward.Unavailable{Code: durward.CodeOverloaded, Err: errors.New("full")}, nil, durward.CodeOverloaded},
		{"content that is too large", "", nil, func(x *durward.Exchange) { _ = x.In.Body.SetLimit(3) }, durward.CodeBodyTooLarge},
		{"content that is longer than max_content", "", nil, func(x *durward.Exchange) {
			x.In.Body.Init(strings.NewReader(strings.Repeat("a", 2000)), 2000)
			_ = x.In.Body.SetLimit(4000)
		}, durward.CodeBodyTooLarge},
		{"content that turns out to be longer", "", nil, func(x *durward.Exchange) {
			x.In.Body.Init(strings.NewReader(strings.Repeat("a", 2000)), -1)
			_ = x.In.Body.SetLimit(4000)
		}, durward.CodeBodyTooLarge},
		{"content that is too slow", "", nil, body(durward.ErrBodyTimeout), durward.CodeBodyTimeout},
		{"content that is malformed", "", nil, body(durward.ErrBodyMalformed), durward.CodeMalformed},
		{"content that was cut", "", nil, body(durward.ErrBodyAborted), durward.CodeMalformed},
		{"content that somebody has read", "", nil, func(x *durward.Exchange) { _, _ = x.In.Body.Read(make([]byte, 1)) }, durward.CodeInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMethod(t, Config{Keys: key(c.consumer), MaxContent: 1 << 10}, Deps{Uses: &memoryUses{err: c.uses}, Consumers: consumers{}})
			x := signedBy(t, k, SignOptions{})
			if c.change != nil {
				c.change(x)
			}
			_, err := m.Authenticate(t.Context(), x)
			away, ok := errors.AsType[*durward.Unavailable](err)
			if !ok || away.Code != c.code {
				t.Errorf("got %v", err)
			}
			if n := x.In.Body.Taken(); n > 1<<10+1 {
				t.Errorf("%d bytes were taken", n)
			}
		})
	}
}

func TestAnswersSayWhatToSignAndNothingElse(t *testing.T) {
	m := newMethod(t, Config{}, Deps{})
	if good, bad := m.Challenge("moot", false), m.Challenge("moot", true); good != `Signature realm="moot"` || bad != good {
		t.Errorf("%q %q", good, bad)
	}
	if got, want := m.AcceptSignature(), `sig1=("@method" "@target-uri" "content-digest");created`; got != want {
		t.Errorf("got %s", got)
	}
	m = newMethod(t, Config{Label: "a", Tag: `x"y`, Components: []string{"content-digest", `@query-param;name="id"`}}, Deps{})
	if got, want := m.AcceptSignature(), `a=("content-digest" "@query-param";name="id");created;tag="x\"y"`; got != want {
		t.Errorf("got %s", got)
	}
}
