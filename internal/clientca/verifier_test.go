// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/internal/pkitest"
)

// clock is a clock that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func newVerifier(t testing.TB, ca []byte, lists ...[]byte) (*Verifier, *clock) {
	t.Helper()
	files := Files{CA: pkitest.File(t, ca)}
	for _, l := range lists {
		files.CRL = append(files.CRL, pkitest.File(t, l))
	}
	c := &clock{at: time.Now()}
	v, err := New(files, nil, c.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v, c
}

// signWith makes a leaf of e with a key of the caller's.
func signWith(t testing.TB, e *pkitest.Entity, public any) *x509.Certificate {
	t.Helper()
	template := e.Leaf(t, "other key").Cert
	der, err := x509.CreateCertificate(rand.Reader, template, e.Cert, public, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACertificateIsTakenOnlyWhenEverythingAboutItIsGood(t *testing.T) {
	now := time.Now()
	root, other := pkitest.Root(t, "root"), pkitest.Root(t, "root") // the same name, another key
	sub := root.Sub(t, "sub")
	constrained := root.Sub(t, "constrained", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"inside.test"}
	})
	serverOnly := root.Sub(t, "for servers", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	noPath := root.Sub(t, "no authorities below", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	outdated := root.Sub(t, "outdated", pkitest.Times(now.Add(-2*time.Hour), now.Add(-time.Hour)))
	v, _ := newVerifier(t, pkitest.Certificates(root))
	weakRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	strongRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dns := func(names ...string) pkitest.Change { return func(c *x509.Certificate) { c.DNSNames = names } }
	usage := func(u ...x509.ExtKeyUsage) pkitest.Change { return func(c *x509.Certificate) { c.ExtKeyUsage = u } }
	extension := func(critical bool, size int) pkitest.Change {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: critical, Value: make([]byte, size)}}
		}
	}
	for _, tc := range []struct {
		name  string
		certs []*x509.Certificate
		want  error
	}{
		{"a good one", root.Leaf(t, "a").Chain(), nil},
		{"one of an authority in between, with its certificate", sub.Leaf(t, "a").Chain(), nil},
		{"one of an authority in between, without", sub.Leaf(t, "a").Chain()[:1], ErrAuthority},
		{"one without extended key usage", root.Leaf(t, "a", usage()).Chain(), nil},
		{"an RSA key of 2048 bits", []*x509.Certificate{signWith(t, root, &strongRSA.PublicKey)}, nil},
		{"none", nil, ErrNone},
		{"expired", root.Leaf(t, "a", pkitest.Times(now.Add(-2*time.Hour), now.Add(-time.Second))).Chain(), ErrExpired},
		{"not yet valid", root.Leaf(t, "a", pkitest.Times(now.Add(time.Hour), now.Add(2*time.Hour))).Chain(), ErrNotYet},
		{"an authority in between has expired", outdated.Leaf(t, "a").Chain(), ErrExpired},
		{"of another authority with the same name", other.Leaf(t, "a").Chain(), ErrAuthority},
		{"signed by itself", pkitest.SelfSigned(t, "a").Chain(), ErrAuthority},
		{"made for servers", root.Leaf(t, "a", usage(x509.ExtKeyUsageServerAuth)).Chain(), ErrUsage},
		{"for any use, which a client's is", root.Leaf(t, "a", usage(x509.ExtKeyUsageAny)).Chain(), nil},
		{"made to encrypt", root.Leaf(t, "a", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }).Chain(), ErrUsage},
		{"of an authority for servers", serverOnly.Leaf(t, "a").Chain(), ErrUsage},
		{"that of the authority itself", root.Chain(), ErrIsCA},
		{"that of an authority in between", sub.Chain(), ErrIsCA},
		{"issued by a client", root.Leaf(t, "a").Leaf(t, "b").Chain(), ErrAuthority},
		{"a name outside of the constraints", constrained.Leaf(t, "a", dns("a.outside.test")).Chain(), ErrConstraint},
		{"a name within the constraints", constrained.Leaf(t, "a", dns("a.inside.test")).Chain(), nil},
		{"an authority too many", noPath.Sub(t, "below").Leaf(t, "a").Chain(), ErrConstraint},
		{"an unknown critical extension", root.Leaf(t, "a", extension(true, 1)).Chain(), ErrChain},
		{"an unknown extension that is not critical", root.Leaf(t, "a", extension(false, 1)).Chain(), nil},
		{"15 KiB", root.Leaf(t, "a", extension(false, 15<<10)).Chain(), nil},
		{"20 KiB", root.Leaf(t, "a", extension(false, 20<<10)).Chain(), ErrSize},
		{"a chain of more than 32 KiB", append(root.Leaf(t, "a").Chain(), root.Leaf(t, "b", extension(false, 32<<10)).Cert), ErrSize},
		{"a chain of nine", append(root.Leaf(t, "a").Chain(), make([]*x509.Certificate, 8)...), ErrSize},
		{"an RSA key of 1024 bits", []*x509.Certificate{signWith(t, root, &weakRSA.PublicKey)}, ErrKey},
		{"a P-224 key", []*x509.Certificate{signWith(t, root, &p224.PublicKey)}, ErrKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if whole := !slices.Contains(tc.certs, nil); whole && (Fits(tc.certs) != nil) != (tc.want == ErrSize) {
				t.Errorf("fits: %v", Fits(tc.certs))
			}
			for _, how := range []string{"first", "again"} {
				got, err := v.Check(tc.certs)
				if !errors.Is(err, tc.want) || tc.want == nil && err != nil {
					t.Fatalf("%s: %v, want %v", how, err, tc.want)
				}
				if tc.want != nil {
					continue
				}
				last := got.Chain[len(got.Chain)-1]
				if got.Chain[0] != tc.certs[0] || !last.Equal(root.Cert) || got.Thumbprint != sha256.Sum256(tc.certs[0].Raw) {
					t.Errorf("%s: chain of %d, thumbprint %x", how, len(got.Chain), got.Thumbprint)
				}
			}
		})
	}
}

func TestCertificatesThatAreNotParsedAreJudgedAlike(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Sub(t, "sub").Leaf(t, "a")
	v, _ := newVerifier(t, pkitest.Certificates(root))
	raw := func(certs []*x509.Certificate) (out [][]byte) {
		for _, c := range certs {
			out = append(out, c.Raw)
		}
		return out
	}
	chain := raw(leaf.Chain())
	for _, tc := range []struct {
		name string
		ders [][]byte
		want error
	}{
		{"a chain", chain, nil},
		{"the chain again", chain, nil},
		{"both in one", [][]byte{append(append([]byte{}, chain[0]...), chain[1]...)}, ErrForm},
		{"none", nil, ErrNone},
		{"rubbish", [][]byte{[]byte("rubbish")}, ErrForm},
		{"rubbish behind it", [][]byte{chain[0], []byte("rubbish")}, ErrForm},
		{"a byte too many", [][]byte{append(append([]byte{}, chain[0]...), 0), chain[1]}, ErrForm},
		{"too many", make([][]byte, 9), ErrSize},
	} {
		if _, err := v.CheckDER(tc.ders); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	a, _ := v.Check(leaf.Chain())
	if b, _ := v.CheckDER(chain); a != b || a == nil {
		t.Error("the verdict was made twice")
	}
}

func TestAVerdictEndsWithTheCertificate(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Leaf(t, "a", pkitest.Times(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	v, c := newVerifier(t, pkitest.Certificates(root))
	for _, step := range []struct {
		after time.Duration
		want  error
	}{{0, nil}, {59 * time.Minute, nil}, {time.Minute + time.Second, ErrExpired}, {-2 * time.Minute, nil}, {-2 * time.Hour, ErrNotYet}} {
		c.forward(step.after)
		if _, err := v.Check(leaf.Chain()); !errors.Is(err, step.want) || step.want == nil && err != nil {
			t.Errorf("%s later: %v", step.after, err)
		}
	}
}

func TestWhatTheVerifierIsAskedToDeriveIsAskedOnce(t *testing.T) {
	root := pkitest.Root(t, "root")
	asked, refused := 0, errors.New("refused")
	v, err := New(Files{CA: pkitest.File(t, pkitest.Certificates(root))}, func(c *x509.Certificate) (any, error) {
		if asked++; c.Subject.CommonName == "bad" {
			return nil, refused
		}
		return c.Subject.CommonName, nil
	}, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	good, bad, foreign := root.Leaf(t, "good"), root.Leaf(t, "bad"), pkitest.SelfSigned(t, "x")
	for range 3 {
		if got, err := v.Check(good.Chain()); err != nil || got.Derived != "good" {
			t.Errorf("%v", err)
		}
		if _, err := v.Check(bad.Chain()); err != refused {
			t.Errorf("%v", err)
		}
		if _, err := v.Check(foreign.Chain()); err != ErrAuthority {
			t.Errorf("%v", err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestCachesStayBoundedUnderAFlood(t *testing.T) {
	v, _ := newVerifier(t, pkitest.Certificates(pkitest.Root(t, "root")))
	for i := range 4 * maxBad {
		v.CheckDER([][]byte{{byte(i), byte(i >> 8), 1}})
	}
	if n := v.bad.len(); n > maxBad || n < maxBad/2 {
		t.Errorf("%d bad verdicts are held", n)
	}
	if v.good.len() != 0 {
		t.Error("a bad certificate is among the good")
	}
}

func TestFilesThatCannotBeUsedAreAnError(t *testing.T) {
	root := pkitest.Root(t, "root")
	good := pkitest.Certificates(root)
	for name, tc := range map[string]struct {
		ca   []byte
		want string
	}{
		"empty":                     {nil, "no block"},
		"rubbish":                   {[]byte("rubbish"), "no block"},
		"half a block":              {good[:len(good)-30], "ends within"},
		"one and a half":            {append(append([]byte{}, good...), good[:40]...), "ends within"},
		"a key":                     {[]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "not \"CERTIFICATE\""},
		"a block that is none":      {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "certificate 1"},
		"a client's certificate":    {pkitest.Certificates(root, root.Leaf(t, "a")), "certificate 2 may not sign"},
		"one that signs only lists": {pkitest.Certificates(root.Sub(t, "l", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })), "may not sign"},
		"larger than the limit":     {make([]byte, maxCAFile+1), "larger"},
	} {
		_, err := New(Files{CA: pkitest.File(t, tc.ca)}, nil, time.Now, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Files{CA: "missing.pem"}, nil, time.Now, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestAChangeOfTheAuthoritiesIsInForceWithinTenSeconds(t *testing.T) {
	first, second := pkitest.Root(t, "first"), pkitest.Root(t, "second")
	a, b := first.Leaf(t, "a"), second.Leaf(t, "b")
	var log strings.Builder
	v, c := newVerifier(t, pkitest.Certificates(first))
	v.log = slog.New(slog.NewTextHandler(&log, nil))
	expect := func(when string, forA, forB error) {
		t.Helper()
		if _, err := v.Check(a.Chain()); err != forA {
			t.Errorf("%s, a: %v", when, err)
		}
		if _, err := v.Check(b.Chain()); err != forB {
			t.Errorf("%s, b: %v", when, err)
		}
	}
	expect("at first", nil, ErrAuthority)
	_, generation := v.Pool()
	pkitest.Write(t, v.files.CA, pkitest.Certificates(second))
	c.forward(Recheck - time.Second)
	expect("before the look", nil, ErrAuthority)
	c.forward(time.Second)
	expect("after the look", ErrAuthority, nil)
	//lint:ignore SA1019 the pool is of a file, and not the system's
	if pool, now := v.Pool(); now == generation || len(pool.Subjects()) != 1 {
		t.Error("the names are the old ones")
	}
	pkitest.Write(t, v.files.CA, pkitest.Certificates(first)[:100])
	v.Refresh()
	expect("with half a file", ErrFiles, ErrFiles)
	if !strings.Contains(log.String(), "cannot be read") {
		t.Errorf("log: %s", log.String())
	}
	os.Remove(v.files.CA)
	v.Refresh()
	expect("without the file", ErrFiles, ErrFiles)
	pkitest.Write(t, v.files.CA, pkitest.Certificates(first, second))
	c.forward(time.Hour)
	expect("with a whole file", nil, nil)
}

func TestAClockThatIsSetBackDoesNotStopTheLooks(t *testing.T) {
	root := pkitest.Root(t, "root")
	v, c := newVerifier(t, pkitest.Certificates(root))
	leaf := root.Leaf(t, "a")
	c.forward(-30 * time.Minute)
	pkitest.Write(t, v.files.CA, pkitest.Certificates(pkitest.Root(t, "other")))
	if _, err := v.Check(leaf.Chain()); err != ErrAuthority {
		t.Errorf("%v", err)
	}
}
