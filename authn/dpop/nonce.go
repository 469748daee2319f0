// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// nonces are server-provided nonces (RFC 9449, 8 and 9) that need no memory: the
// HMAC of the number of a step of time. A step is half the lifetime. A nonce is given
// out during its step and taken until the next one ends; who uses the old one in
// between gets the new one with the answer, and need never try again. It is taken a
// step early too, for gateways that share a key and whose clocks differ: nobody
// without the key knows a nonce before it was given out.
type nonces struct {
	key  []byte
	step int64 // ns
	near atomic.Pointer[window]
}

// window is the nonces around one moment.
type window struct {
	step                    int64
	previous, current, next string
}

// processKey makes nonces end with the process, and not with a reload.
var processKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
})

func newNonces(key string, lifetime time.Duration) *nonces {
	n := &nonces{key: []byte(key), step: int64(lifetime / 2)}
	if key == "" {
		n.key = processKey()
	}
	return n
}

// window gives the nonces around now. They are computed once in a step; two
// requests that do so at the same time find the same.
func (n *nonces) window(now time.Time) *window {
	step := now.UnixNano() / n.step
	w := n.near.Load()
	if w == nil || w.step != step {
		w = &window{step, n.text(step - 1), n.text(step), n.text(step + 1)}
		n.near.Store(w)
	}
	return w
}

// text is the nonce of a step. The length of a step is in it, so that the nonces of
// one configuration say nothing under another.
func (n *nonces) text(step int64) string {
	mac := hmac.New(sha256.New, n.key)
	b := []byte("durward dpop nonce\x00")
	b = binary.BigEndian.AppendUint64(b, uint64(n.step))
	b = binary.BigEndian.AppendUint64(b, uint64(step))
	mac.Write(b)
	return base64url.EncodeToString(mac.Sum(nil)[:24])
}

func (n *nonces) at(now time.Time) string { return n.window(now).current }

// check tells whether a proof's nonce is good, and whether it is the one that is
// given out now.
func (n *nonces) check(nonce []byte, now time.Time) (good, current bool) {
	w := n.window(now)
	is := subtle.ConstantTimeCompare(nonce, view(w.current))
	old := subtle.ConstantTimeCompare(nonce, view(w.previous))
	early := subtle.ConstantTimeCompare(nonce, view(w.next))
	return is|old|early == 1, is == 1
}
