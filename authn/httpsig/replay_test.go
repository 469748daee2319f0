// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

const hmacID, edID, eccID, pssID = "test-shared-secret", "test-key-ed25519", "test-key-ecc-p256", "test-key-rsa-pss"

func TestASignedRequestIsItsKeysCaller(t *testing.T) {
	keys := signingKeys(t)
	m := newMethod(t, Config{}, Deps{})
	for _, id := range []string{hmacID, edID, eccID, pssID} {
		t.Run(id, func(t *testing.T) {
			x := signedBy(t, keys[id], SignOptions{Lifetime: time.Minute})
			if n := m.Present(x); n != 1 {
				t.Errorf("%d credentials are present", n)
			}
			p, err := m.Authenticate(t.Context(), x)
			if err != nil {
				t.Fatal(err)
			}
			want := durward.Principal{Subject: id, Method: "signature", Credential: id, Bound: "signature"}
			if id == hmacID {
				want.Roles = []string{"member"}
			}
			if d := cmp.Diff(want, p); d != "" {
				t.Error(d)
			}
			if body, err := x.In.Body.Bytes(); err != nil || string(body) != hello {
				t.Errorf("the content is no longer there: %q %v", body, err)
			}
		})
	}
}

func TestTheWindowIsInclusiveOfItsSkew(t *testing.T) {
	keys := signingKeys(t)
	for _, c := range []struct {
		name string
		o    SignOptions
		want error
	}{
		{"the oldest", SignOptions{Created: time.Unix(created-60-5, 0)}, nil},
		{"a second older", SignOptions{Created: time.Unix(created-60-6, 0)}, errOld},
		{"the newest", SignOptions{Created: time.Unix(created+5, 0)}, nil},
		{"a second newer", SignOptions{Created: time.Unix(created+6, 0)}, errFuture},
		{"expired within the skew", SignOptions{Created: time.Unix(created-25, 0), Lifetime: 20 * time.Second}, nil},
		{"expired a second before", SignOptions{Created: time.Unix(created-26, 0), Lifetime: 20 * time.Second}, errOld},
		{"a lifetime beyond the greatest age", SignOptions{Created: time.Unix(created-66, 0), Lifetime: time.Hour}, errOld},
	} {
		t.Run(c.name, func(t *testing.T) {
			uses := &memoryUses{}
			m := newMethod(t, Config{MaxAge: 60e9, ClockSkew: 5e9}, Deps{Uses: uses})
			_, err := m.Authenticate(t.Context(), signedBy(t, keys[edID], c.o))
			if err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil && !uses.until.After(time.Unix(created, 0)) {
				t.Errorf("a use is forgotten at %v, when the signature is still taken", uses.until.Unix())
			}
		})
	}
}

func TestAUseIsRememberedUntilTheSignatureIsTooOld(t *testing.T) {
	k := signingKeys(t)[edID]
	now := int64(created)
	uses := &memoryUses{}
	m := newMethod(t, Config{MaxAge: 60e9, ClockSkew: 5e9}, Deps{Uses: uses, Now: func() time.Time { return time.Unix(now, 0) }})
	x := signedBy(t, k, SignOptions{Nonce: "n"})
	if _, err := m.Authenticate(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	now = uses.until.Unix()
	if _, err := m.Authenticate(t.Context(), x); err != errOld {
		t.Errorf("when its use is forgotten: %v", err)
	}
	now--
	if _, err := m.Authenticate(t.Context(), x); err != errReplay {
		t.Errorf("a second before: %v", err)
	}
}

func TestASignatureIsTakenOnce(t *testing.T) {
	keys := signingKeys(t)
	for _, c := range []struct {
		name     string
		id       string
		optional bool
		first    SignOptions
		second   SignOptions
		change   func(*durward.Exchange)
		want     error
	}{
		{"the same request again", hmacID, false, SignOptions{Nonce: "a"}, SignOptions{Nonce: "a"}, nil, errReplay},
		{"the nonce again for another request", edID, false, SignOptions{Nonce: "a"},
			SignOptions{Nonce: "a", Components: []string{"@method", "@target-uri", "content-digest", "accept"}}, nil, errReplay},
		{"another nonce", hmacID, false, SignOptions{Nonce: "a"}, SignOptions{Nonce: "b"}, nil, nil},
		{"the same request again without nonce", hmacID, true, SignOptions{NoNonce: true}, SignOptions{NoNonce: true}, nil, errReplay},
		{"another second without nonce", hmacID, true, SignOptions{NoNonce: true},
			SignOptions{NoNonce: true, Created: time.Unix(created-1, 0)}, nil, nil},
		{"a nonce where none is needed", hmacID, true, SignOptions{Nonce: "a"}, SignOptions{Nonce: "a"}, nil, errReplay},
		{"an ECDSA signature that was made anew", eccID, true, SignOptions{NoNonce: true}, SignOptions{NoNonce: true}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMethod(t, Config{NonceOptional: c.optional}, Deps{})
			if _, err := m.Authenticate(t.Context(), signedBy(t, keys[c.id], c.first)); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Authenticate(t.Context(), signedBy(t, keys[c.id], c.second)); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestOfManyThatSendASignatureAtOnceOneWins(t *testing.T) {
	k := signingKeys(t)[edID]
	m := newMethod(t, Config{}, Deps{})
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		x := signedBy(t, k, SignOptions{Nonce: "same"})
		all.Go(func() {
			switch _, err := m.Authenticate(t.Context(), x); err {
			case nil:
				won.Add(1)
			case errReplay:
				lost.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 31 {
		t.Errorf("%d won, %d were refused as replays", won.Load(), lost.Load())
	}
}

func TestARefusedRequestDoesNotSpendItsNonce(t *testing.T) {
	k := signingKeys(t)[hmacID]
	m := newMethod(t, Config{}, Deps{})
	x := signedBy(t, k, SignOptions{Nonce: "a"})
	x.In.Body.Init(strings.NewReader("cut"), 3)
	if err := x.In.Body.SetLimit(10); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Authenticate(t.Context(), x); err != errDigestWrong {
		t.Fatal(err)
	}
	if _, err := m.Authenticate(t.Context(), signedBy(t, k, SignOptions{Nonce: "a"})); err != nil {
		t.Errorf("the whole request: %v", err)
	}
}
