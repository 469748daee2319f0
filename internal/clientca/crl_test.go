// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"durward/internal/pkitest"
)

func TestRevocationListsAreHeldAgainstTheWholeChain(t *testing.T) {
	now := time.Now()
	root, namesake := pkitest.Root(t, "root"), pkitest.Root(t, "root")
	sub := root.Sub(t, "sub")
	leaf, deep := root.Leaf(t, "a"), sub.Leaf(t, "b")
	old := func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = now.Add(-2*time.Hour), now.Add(-time.Hour) }
	future := func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = now.Add(time.Hour), now.Add(2*time.Hour) }
	forged := pkitest.Root(t, "sub") // the name of the authority in between, another key
	for _, tc := range []struct {
		name  string
		who   *pkitest.Entity
		ca    []*pkitest.Entity
		lists [][]byte
		want  error
	}{
		{"on no list", leaf, nil, [][]byte{root.List(t)}, nil},
		{"another one is revoked", leaf, nil, [][]byte{root.List(t, root.Leaf(t, "x"))}, nil},
		{"revoked", leaf, nil, [][]byte{root.List(t, root.Leaf(t, "x"), leaf)}, ErrRevoked},
		{"revoked by one of two lists", leaf, nil, [][]byte{root.List(t), root.List(t, leaf)}, ErrRevoked},
		{"revoked by an old list beside a current one", leaf, nil, [][]byte{root.List(t), root.ListWith(t, old, leaf)}, ErrRevoked},
		{"the list has expired", leaf, nil, [][]byte{root.ListWith(t, old)}, ErrListExpired},
		{"the list is of the future", leaf, nil, [][]byte{root.ListWith(t, future)}, ErrListExpired},
		{"an expired list beside a current one", leaf, nil, [][]byte{root.ListWith(t, old), root.List(t)}, nil},
		{"a current list beside an expired one", leaf, nil, [][]byte{root.List(t), root.ListWith(t, old)}, nil},
		{"the list is of another authority", leaf, nil, [][]byte{pkitest.Root(t, "other").List(t)}, ErrNoList},
		{"the list is of a namesake that is trusted too", leaf, []*pkitest.Entity{root, namesake}, [][]byte{namesake.List(t)}, ErrListSignature},
		{"each namesake has its list", leaf, []*pkitest.Entity{root, namesake}, [][]byte{namesake.List(t, leaf), root.List(t)}, nil},
		{"an authority in between without a list", deep, nil, [][]byte{root.List(t)}, ErrNoList},
		{"an authority in between with its list", deep, nil, [][]byte{root.List(t), sub.List(t)}, nil},
		{"revoked by the authority in between", deep, nil, [][]byte{root.List(t), sub.List(t, deep)}, ErrRevoked},
		{"the authority in between is revoked", deep, nil, [][]byte{root.List(t, sub), sub.List(t)}, ErrRevoked},
		{"no list of the root", deep, nil, [][]byte{sub.List(t)}, ErrNoList},
		{"a forged list of the authority in between", deep, nil, [][]byte{root.List(t), forged.List(t)}, ErrListSignature},
		{"the authority in between is trusted by itself", deep, []*pkitest.Entity{sub}, [][]byte{sub.List(t)}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.ca == nil {
				tc.ca = []*pkitest.Entity{root}
			}
			v, _ := newVerifier(t, pkitest.Certificates(tc.ca...), tc.lists...)
			for range 2 {
				if _, err := v.Check(tc.who.Chain()); err != tc.want {
					t.Errorf("%v, want %v", err, tc.want)
				}
			}
		})
	}
}

func TestListsThatCannotBeReliedOnDoNotLoad(t *testing.T) {
	root := pkitest.Root(t, "root")
	mute := pkitest.Root(t, "mute", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	extension := func(critical bool, value []byte, id ...int) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: id, Critical: critical, Value: value}}
		}
	}
	inEntry := func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{
			SerialNumber: big.NewInt(7), RevocationTime: time.Now(),
			ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}}, // certificateIssuer
		}}
	}
	spoiled := root.List(t)
	spoiled[len(spoiled)-1] ^= 1
	good := pkitest.Lists(root.List(t))
	// An authority that may not sign lists makes one all the same.
	allowed := *mute.Cert
	allowed.KeyUsage |= x509.KeyUsageCRLSign
	overreach, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
	}, &allowed, mute.Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		list []byte
		want string
	}{
		"PEM":           {good, ""},
		"DER":           {root.List(t), ""},
		"two in a file": {append(append([]byte{}, good...), good...), ""},
		"a reason in an entry": {root.ListWith(t, func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: time.Now(), ReasonCode: 1}}
		}), ""},
		"empty":                           {nil, "list 1"},
		"half":                            {good[:len(good)-30], "ends within"},
		"a certificate":                   {pkitest.Certificates(root), "X509 CRL"},
		"a signature that is wrong":       {spoiled, "not signed by the authority"},
		"signed by a namesake":            {pkitest.Root(t, "root").List(t), "not signed by the authority"},
		"of one that may sign no list":    {overreach, "not signed by the authority"},
		"a delta":                         {root.ListWith(t, extension(true, []byte{2, 1, 1}, 2, 5, 29, 27)), "delta"},
		"an indirect one":                 {root.ListWith(t, extension(true, []byte{0x30, 3, 0x84, 1, 0xff}, 2, 5, 29, 28)), "indirect or partitioned"},
		"a partitioned one, not critical": {root.ListWith(t, extension(false, []byte{0x30, 3, 0x81, 1, 0xff}, 2, 5, 29, 28)), "indirect or partitioned"},
		"an unknown critical extension":   {root.ListWith(t, extension(true, []byte{5, 0}, 1, 2, 3)), "critical extension"},
		"an entry of another authority":   {root.ListWith(t, inEntry), "critical extension"},
	} {
		files := Files{CA: pkitest.File(t, pkitest.Certificates(root, mute)), CRL: []string{pkitest.File(t, tc.list)}}
		_, err := New(files, nil, time.Now, nil)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARevocationIsInForceOnceTheListIsThere(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Leaf(t, "a")
	v, c := newVerifier(t, pkitest.Certificates(root), root.List(t))
	expect := func(when string, want error) {
		t.Helper()
		if _, err := v.Check(leaf.Chain()); err != want {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	expect("at first", nil)
	pkitest.Write(t, v.files.CRL[0], root.List(t, leaf))
	c.forward(Recheck)
	expect("with the new list", ErrRevoked)
	pkitest.Write(t, v.files.CRL[0], root.List(t))
	c.forward(Recheck)
	expect("when it is taken back", nil)
	pkitest.Write(t, v.files.CRL[0], []byte("rubbish"))
	c.forward(Recheck)
	expect("with rubbish", ErrFiles)
	os.Remove(v.files.CRL[0])
	v.Refresh()
	expect("without the file", ErrFiles)
	pkitest.Write(t, v.files.CRL[0], root.List(t))
	v.Refresh()
	expect("with a list again", nil)
}

// A verdict that is remembered ends with the list that it rests on.
func TestAListThatExpiresRefusesAndIsLoggedOnce(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Leaf(t, "a")
	v, c := newVerifier(t, pkitest.Certificates(root), root.List(t))
	var log strings.Builder
	v.log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := v.Check(leaf.Chain()); err != nil {
		t.Fatal(err)
	}
	c.forward(time.Hour + time.Minute)
	for range 3 {
		if _, err := v.Check(leaf.Chain()); err != ErrListExpired {
			t.Errorf("%v", err)
		}
		c.forward(Recheck)
	}
	if n := strings.Count(log.String(), "has expired"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
}

func FuzzRevocationList(f *testing.F) {
	root := pkitest.Root(f, "root")
	f.Add(root.List(f, root.Leaf(f, "a")))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		l, err := parseList(der)
		if err != nil {
			return
		}
		if l.crl.NextUpdate.IsZero() || l.revoked == nil {
			t.Error("a list without an end was taken")
		}
		l.checkAmong([]*x509.Certificate{root.Cert})
	})
}
