// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"net/netip"
	"testing"
	"time"

	"durward"
	"durward/authn/httpsig"
	"durward/authn/uses"
)

// TestTheWrongPlaceIsForbiddenAndNoGuess: whoever is known, by whatever
// credential, and calls from where they may not gets a 403 and not a 401, and it
// does not count towards a lockout.
func TestTheWrongPlaceIsForbiddenAndNoGuess(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	signer, err := httpsig.NewSigningKey("partner-1", "", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	keys := newFakeKeys()
	text := keys.mint(t, "live", func(k *durward.Key) { k.Denied = prefixes("192.0.2.0/24") })
	anywhere := keys.mint(t, "live", nil)
	people := someConsumers{"acme": {ID: "acme", Denied: prefixes("192.0.2.0/24")}}
	for name, row := range map[string]struct {
		cfg    Method
		fields func(t *testing.T) []string
		why    string
	}{
		"a key":                 {Method{APIKey: &APIKey{}}, func(*testing.T) []string { return []string{"X-Api-Key", text} }, "api key: not allowed from this address"},
		"a consumer by its key": {Method{APIKey: &APIKey{}}, func(*testing.T) []string { return []string{"X-Api-Key", anywhere} }, "the consumer may not call from this address"},
		"a consumer by its signature": {
			Method{Signature: &httpsig.Config{Keys: map[string]httpsig.Key{"partner-1": {Algorithm: httpsig.HMACSHA256, Secret: secret, Consumer: "acme"}}}},
			func(t *testing.T) []string {
				added, err := httpsig.Sign("GET", "https://api.example/me", nil, nil, signer, httpsig.SignOptions{Created: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				var fields []string
				for _, f := range added {
					fields = append(fields, f.Name, f.Value)
				}
				return fields
			}, "signature: its consumer may not call from this address",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &counted{}
			st, err := newStage(Config{row.cfg}, Env{Keys: keys, Consumers: people, Uses: uses.New(0, time.Now), Attempts: c, Now: time.Now}, false)
			if err != nil {
				t.Fatal(err)
			}
			for from, want := range map[string]durward.Verdict{"192.0.2.9": durward.Deny, "198.51.100.9": durward.Allow} {
				x := exchange(row.fields(t)...)
				x.In.Method, x.In.Scheme, x.In.Host, x.In.Path, x.In.RawPath = "GET", "https", "api.example", "/me", "/me"
				x.Client.Scheme, x.Client.Address = "https", netip.MustParseAddr(from)
				d := st.Request(t.Context(), x)
				if d.Verdict != want {
					t.Errorf("from %s: %v %s (%v)", from, d.Verdict, d.Code, d.Err)
				}
				if want == durward.Deny && (d.Code != durward.CodeForbidden || d.Err == nil || d.Err.Error() != row.why || x.Extra.Get("Www-Authenticate") != "") {
					t.Errorf("from %s: %s (%v) with the challenge %q", from, d.Code, d.Err, x.Extra.Get("Www-Authenticate"))
				}
			}
			if len(c.failed) != 0 || len(c.succeeded) != 1 {
				t.Errorf("%d failures and %d successes are counted", len(c.failed), len(c.succeeded))
			}
		})
	}
}
