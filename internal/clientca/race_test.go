// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"sync"
	"testing"

	"durward/internal/pkitest"
)

// Whoever asks while the files change gets the old verdict or the new one, and
// the new one alone once the look is over.
func TestManyMayAskWhileTheFilesChange(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Leaf(t, "a")
	v, _ := newVerifier(t, pkitest.Certificates(root), root.List(t))
	revoked, clean := root.List(t, leaf), root.List(t)
	stop := make(chan struct{})
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Check(leaf.Chain()); err != nil && err != ErrRevoked {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	for i := range 20 {
		want := error(nil)
		if i%2 == 0 {
			want = ErrRevoked
			pkitest.Write(t, v.files.CRL[0], revoked)
		} else {
			pkitest.Write(t, v.files.CRL[0], clean)
		}
		v.Refresh()
		if _, err := v.Check(leaf.Chain()); err != want {
			t.Errorf("round %d: %v, want %v", i, err, want)
		}
	}
	close(stop)
	askers.Wait()
}
