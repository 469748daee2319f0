// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
)

// Failures are counted by what a request claims and presents, before anything
// is verified.
func TestASignatureClaimsItsKey(t *testing.T) {
	m := newMethod(t, Config{}, Deps{})
	x := signedBy(t, signingKeys(t)[edID], SignOptions{})
	value := x.In.Header.Get("Signature")
	if id, presented := m.Claimed(x); id != edID || presented != value || value == "" {
		t.Errorf("claims %q, presents %q", id, presented)
	}
	// The key id and the nonce.
	if n := allocs.PerRun(100, func() { m.Claimed(x) }); n > 2 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
	x.In.Header.Add("Signature", "other=:AAAA:")
	if id, presented := m.Claimed(x); id != "" || presented != "" {
		t.Errorf("two fields: claims %q, presents %q", id, presented)
	}
	x.In.Header.Del("Signature-Input")
	x.In.Header.Del("Signature")
	x.In.Header.Add("Signature", "nonsense")
	if id, presented := m.Claimed(x); id != "" || presented != "nonsense" {
		t.Errorf("nonsense: claims %q, presents %q", id, presented)
	}
}

// An old signature is no guess if it is genuine, and it costs no look at what is
// used once, at the consumer or at the content. A wrong one is a guess however
// old it says it is.
func TestOnlyAGenuineSignatureHasEnded(t *testing.T) {
	for name, row := range map[string]struct {
		later  time.Duration
		change func(*durward.Exchange)
		want   error
		ended  bool
	}{
		"in time":        {later: time.Minute},
		"the last":       {later: 5*time.Minute + 30*time.Second},
		"old":            {later: 5*time.Minute + 31*time.Second, want: errOld, ended: true},
		"old and wrong":  {later: time.Hour, change: breakSignature, want: errWrong},
		"wrong":          {change: breakSignature, want: errWrong},
		"from ahead":     {later: -time.Hour, want: errFuture},
		"old, of nobody": {later: time.Hour, change: otherKey, want: errUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			used := &memoryUses{}
			m := newMethod(t, Config{}, Deps{Uses: used, Now: func() time.Time { return time.Unix(created, 0).Add(row.later) }})
			x := signedBy(t, signingKeys(t)[edID], SignOptions{})
			if row.change != nil {
				row.change(x)
			}
			_, err := m.Authenticate(t.Context(), x)
			if err != row.want || Ended(err) != row.ended {
				t.Errorf("got %v", err)
			}
			if err != nil && (len(used.used) > 0 || x.In.Body.Touched()) {
				t.Error("more was looked at than the signature")
			}
		})
	}
}

func breakSignature(x *durward.Exchange) {
	for i := range x.In.Header {
		if f := &x.In.Header[i]; f.Name == "Signature" {
			at := strings.IndexByte(f.Value, ':') + 5
			c := byte('A')
			if f.Value[at] == c {
				c = 'B'
			}
			f.Value = f.Value[:at] + string(c) + f.Value[at+1:]
		}
	}
}

func otherKey(x *durward.Exchange) {
	for i := range x.In.Header {
		if f := &x.In.Header[i]; f.Name == "Signature-Input" {
			f.Value = strings.Replace(f.Value, edID, "nobody", 1)
		}
	}
}
