// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"testing"
	"time"

	"durward"
	"durward/durwardtest"
)

// TestTheTimeOfARefusalDoesNotTellWhichKeysExist is statistics over many tries:
// were no signature checked for an unknown id, its refusal would take a quarter
// less time with hmac-sha256, and almost none with the others.
func TestTheTimeOfARefusalDoesNotTellWhichKeysExist(t *testing.T) {
	all := rfcKeys(t)
	for name, row := range map[string]struct{ id, text, other string }{
		HMACSHA256: {hmacID, "base64:" + sharedSecret, "another secret of thirty-two bytes"},
		Ed25519:    {edID, ed25519Private, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ended := all[row.id]
			ended.NotAfter = time.Unix(created, 0)
			m := newMethod(t, Config{Keys: map[string]Key{row.id: all[row.id], "ended": ended}}, Deps{})
			signer := func(id, text string) *SigningKey {
				k, err := NewSigningKey(id, "", []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				return k
			}
			wrong := signedBy(t, signer(row.id, row.text), SignOptions{})
			if wrong.In.Method = "PUT"; row.other != "" { // not what was signed
				wrong = signedBy(t, signer(row.id, row.other), SignOptions{})
			}
			ways := map[string]func(){}
			for why, x := range map[error]*durward.Exchange{
				errWrong:    wrong,
				errUnknown:  signedBy(t, signer("nobody-knows", row.text), SignOptions{}),
				errKeyEnded: signedBy(t, signer("ended", row.text), SignOptions{}),
			} {
				ways[why.Error()] = func() {
					if _, err := m.Authenticate(t.Context(), x); err != why {
						t.Errorf("%v, want %v", err, why)
					}
				}
			}
			durwardtest.SameTime(t, 1.2, ways)
		})
	}
}
