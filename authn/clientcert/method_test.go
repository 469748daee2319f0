// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/clientca"
	"durward/internal/pkitest"
)

func TestACertificateBecomesAPrincipal(t *testing.T) {
	root := pkitest.Root(t, "root")
	sub := root.Sub(t, "sub")
	leaf := sub.Leaf(t, "a", pkitest.URIs("spiffe://prod.example/ns/billing/sa/web"))
	m := newMethod(t, root, people, Config{Map: []Rule{{SPIFFE: "spiffe://prod.example/ns/{consumer}/sa/*", Roles: []string{"workload", "payer"}}}})
	x := over(leaf.Chain()...)
	if n := m.Present(x); n != 1 {
		t.Errorf("%d are present", n)
	}
	got, err := m.Authenticate(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.Cert.Raw)
	want := durward.Principal{
		Subject: "spiffe://prod.example/ns/billing/sa/web", Consumer: "billing", Method: "client_certificate",
		Credential: hex.EncodeToString(sum[:16]), Roles: []string{"workload", "payer", "reader"}, Expires: leaf.Cert.NotAfter, Bound: "mtls", Plan: "gold",
		Certificate: leaf.Cert, CertificateChain: []*x509.Certificate{sub.Cert, root.Cert},
	}
	equal := cmp.Comparer(func(a, b *x509.Certificate) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if got := m.Challenge("moot", true); got != "" {
		t.Errorf("challenge %q", got)
	}
}

func TestTheFirstRuleThatFitsFindsTheConsumer(t *testing.T) {
	root := pkitest.Root(t, "root")
	subject := func(n pkix.Name) pkitest.Change { return func(c *x509.Certificate) { c.Subject = n } }
	dns := func(names ...string) pkitest.Change { return func(c *x509.Certificate) { c.DNSNames = names } }
	email := func(names ...string) pkitest.Change {
		return func(c *x509.Certificate) { c.EmailAddresses = names }
	}
	noSign := func(c *x509.Certificate) { c.KeyUsage = 0 }
	spiffe := Rule{SPIFFE: "spiffe://prod.example/ns/{consumer}/sa/*"}
	anyCN := Rule{CommonName: "*", Consumer: "shipping"}
	for _, tc := range []struct {
		name     string
		change   pkitest.Change
		rules    []Rule
		subject  string
		consumer string
		err      error
	}{
		{"a common name", nil, []Rule{{CommonName: "leaf", Consumer: "billing"}}, "leaf", "billing", nil},
		{"a part of the common name", subject(pkix.Name{CommonName: "svc billing"}), []Rule{{CommonName: "svc {consumer}"}}, "svc billing", "billing", nil},
		{"no rule fits", nil, []Rule{{CommonName: "other", Consumer: "billing"}}, "", "", errUnmapped},
		{"the first of two", nil, []Rule{{CommonName: "l*f", Consumer: "billing"}, anyCN}, "leaf", "billing", nil},
		{"the second, where the first does not fit", nil, []Rule{{DNS: "*.x.test", Consumer: "billing"}, anyCN}, "leaf", "shipping", nil},
		{"an empty common name", subject(pkix.Name{Organization: []string{"O"}}), []Rule{anyCN}, "", "", errUnmapped},
		{"two common names", subject(pkix.Name{CommonName: "leaf", ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: "b"}, {Type: oidCommonName, Value: "leaf"}}}),
			[]Rule{anyCN}, "", "", errUnmapped},
		{"a subject in its own order", subject(pkix.Name{CommonName: "billing", Organization: []string{"Example"}, OrganizationalUnit: []string{"Pay"}}),
			[]Rule{{Subject: "CN={consumer},OU=Pay,O=Example"}}, "CN=billing,OU=Pay,O=Example", "billing", nil},
		{"a subject whose value looks like two", subject(pkix.Name{CommonName: "billing,O=Example"}), []Rule{{Subject: "CN=*,O=Example", Consumer: "billing"}}, "", "", errUnmapped},
		{"a subject with more parts than asked for", subject(pkix.Name{CommonName: "billing", Organization: []string{"Example"}, Country: []string{"CH"}}),
			[]Rule{{Subject: "CN=billing,O=Example", Consumer: "billing"}}, "", "", errUnmapped},
		{"a subject that turns text around", subject(pkix.Name{CommonName: "billing\u202e"}), []Rule{{Subject: "CN=*", Consumer: "billing"}}, "", "", errUnmapped},
		{"a DNS name, whatever its case", dns("Billing.Svc.Test"), []Rule{{DNS: "{consumer}.svc.test"}}, "billing.svc.test", "billing", nil},
		{"a DNS name that is deeper", dns("a.billing.svc.test"), []Rule{{DNS: "{consumer}.svc.test"}}, "", "", errUnmapped},
		{"a DNS name with a wildcard", dns("*.svc.test"), []Rule{{DNS: "*.svc.test", Consumer: "billing"}}, "", "", errUnmapped},
		{"a DNS name with a zero byte", dns("billing.svc.test\x00.evil.test"), []Rule{{DNS: "*.svc.test", Consumer: "billing"}}, "", "", errUnmapped},
		{"a DNS name with a dot at its end", dns("billing.svc.test."), []Rule{{DNS: "*.svc.test", Consumer: "billing"}}, "", "", errUnmapped},
		{"one of several DNS names", dns("other.test", "billing.svc.test"), []Rule{{DNS: "{consumer}.svc.test"}}, "billing.svc.test", "billing", nil},
		{"two DNS names of two consumers", dns("shipping.svc.test", "billing.svc.test"), []Rule{{DNS: "{consumer}.svc.test"}}, "", "", errAmbiguous},
		{"two DNS names of one consumer", dns("a.svc.test", "b.svc.test"), []Rule{{DNS: "*.svc.test", Consumer: "billing"}}, "a.svc.test", "billing", nil},
		{"an address", email("Ops@Example.TEST"), []Rule{{Email: "Ops@example.test", Consumer: "billing"}}, "Ops@example.test", "billing", nil},
		{"the local part of an address", email("billing@example.test"), []Rule{{Email: "{consumer}@example.test"}}, "billing@example.test", "billing", nil},
		{"an address with two @", email("billing@evil.test@example.test"), []Rule{{Email: "*@example.test", Consumer: "billing"}}, "", "", errUnmapped},
		{"a URI", pkitest.URIs("https://a.test/apps/billing"), []Rule{{URI: "https://a.test/apps/{consumer}"}}, "https://a.test/apps/billing", "billing", nil},
		{"a URI with a query", pkitest.URIs("https://a.test/apps/billing?x"), []Rule{{URI: "https://a.test/apps/*", Consumer: "billing"}}, "", "", errUnmapped},
		{"a SPIFFE id", pkitest.URIs("spiffe://prod.example/ns/billing/sa/web"), []Rule{spiffe}, "spiffe://prod.example/ns/billing/sa/web", "billing", nil},
		{"a SPIFFE id of another trust domain", pkitest.URIs("spiffe://test.example/ns/billing/sa/web"), []Rule{spiffe}, "", "", errUnmapped},
		{"two SPIFFE ids", pkitest.URIs("spiffe://prod.example/ns/billing/sa/web", "spiffe://prod.example/ns/shipping/sa/web"), []Rule{spiffe, anyCN}, "", "", errSVID},
		{"a SPIFFE id beside another URI", pkitest.URIs("spiffe://prod.example/ns/billing/sa/web", "https://a.test/"), []Rule{spiffe, anyCN}, "", "", errSVID},
		{"a SPIFFE id with a dot segment", pkitest.URIs("spiffe://prod.example/ns/../billing"), []Rule{spiffe, anyCN}, "", "", errSVID},
		{"a SPIFFE id without a path", pkitest.URIs("spiffe://prod.example"), []Rule{spiffe, anyCN}, "", "", errSVID},
		{"a SPIFFE id where no rule asks for one", pkitest.URIs("spiffe://prod.example"), []Rule{anyCN}, "leaf", "shipping", nil},
		{"a SPIFFE id whose key does not sign", func(c *x509.Certificate) {
			noSign(c)
			pkitest.URIs("spiffe://prod.example/ns/billing/sa/web")(c)
		}, []Rule{spiffe}, "", "", errSVID},
		{"no consumer of that id", nil, []Rule{{CommonName: "{consumer}"}}, "", "", errUnknown},
		{"what is captured is no id", subject(pkix.Name{CommonName: "Big Corp"}), []Rule{{CommonName: "{consumer}"}}, "", "", errForm},
		{"a consumer that is disabled", nil, []Rule{{CommonName: "leaf", Consumer: "gone"}}, "", "", errDisabled},
		{"a store that is away", nil, []Rule{{CommonName: "leaf", Consumer: "away"}}, "", "", errAway},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var changes []pkitest.Change
			if tc.change != nil {
				changes = append(changes, tc.change)
			}
			m := newMethod(t, root, people, Config{Map: tc.rules})
			p, err := m.Authenticate(t.Context(), over(root.Leaf(t, "leaf", changes...).Chain()...))
			if !errors.Is(err, tc.err) || tc.err == nil && err != nil {
				t.Fatalf("%v, want %v", err, tc.err)
			}
			if p.Subject != tc.subject || p.Consumer != tc.consumer || p.Known() != (tc.err == nil) {
				t.Errorf("%q is %q", p.Subject, p.Consumer)
			}
			if away, ok := errors.AsType[*durward.Unavailable](err); ok != (tc.err == errAway) || ok && away.Code != durward.CodeStoreUnavailable {
				t.Errorf("%v", err)
			}
		})
	}
}

// A URI is held against the pattern as it stands in the certificate, not as a
// parser would write it.
func TestURIsAreComparedByteByByte(t *testing.T) {
	root := pkitest.Root(t, "root")
	m := newMethod(t, root, people, Config{Map: []Rule{{URI: "app://a.test/x", Consumer: "billing"}}})
	for uri, want := range map[string]error{"app://a.test/x": nil, "APP://a.test/x": errUnmapped, "app://a.test/%78": errUnmapped} {
		value, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(uri)}})
		if err != nil {
			t.Fatal(err)
		}
		leaf := root.Leaf(t, "a", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: oidSAN, Value: value}}
		})
		if _, err := m.Authenticate(t.Context(), over(leaf.Cert)); !errors.Is(err, want) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestBadCertificatesAreRejectedWithAReason(t *testing.T) {
	root := pkitest.Root(t, "root")
	now := time.Now()
	m := newMethod(t, root, people, Config{Map: []Rule{{CommonName: "*", Consumer: "billing"}}})
	cleartext := &durward.Exchange{}
	for name, tc := range map[string]struct {
		x       *durward.Exchange
		present int
		want    error
	}{
		"cleartext":            {cleartext, 0, clientca.ErrNone},
		"none was sent":        {over(), 0, clientca.ErrNone},
		"expired":              {over(root.Leaf(t, "a", pkitest.Times(now.Add(-2*time.Hour), now.Add(-time.Minute))).Cert), 1, clientca.ErrExpired},
		"of another authority": {over(pkitest.Root(t, "root").Leaf(t, "a").Cert), 1, clientca.ErrAuthority},
		"a field of somebody":  {throughProxy(fieldCert, sequence(root.Leaf(t, "a").Cert)), 0, clientca.ErrNone},
	} {
		p, err := m.Authenticate(t.Context(), tc.x)
		if !errors.Is(err, tc.want) || p.Known() || m.Present(tc.x) != tc.present {
			t.Errorf("%s: %v, %d are present", name, err, m.Present(tc.x))
		}
		if _, away := errors.AsType[*durward.Unavailable](err); away {
			t.Errorf("%s is a failure, which a policy could let pass", name)
		}
	}
}

// Whatever is done in a running system, a connection is judged anew.
func TestALivingConnectionEndsWithItsCertificate(t *testing.T) {
	root := pkitest.Root(t, "root")
	at := time.Now()
	ca, crl := pkitest.File(t, pkitest.Certificates(root)), pkitest.File(t, root.List(t))
	store := book{"billing": {ID: "billing"}}
	cfg := Config{CA: ca, CRL: []string{crl}, Map: []Rule{{CommonName: "*", Consumer: "billing"}}}
	m, err := New(cfg, Deps{Consumers: store, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	leaf := root.Leaf(t, "a", pkitest.Times(at.Add(-time.Hour), at.Add(30*time.Minute)))
	x := over(leaf.Cert)
	expect := func(when string, want error) {
		t.Helper()
		if _, err := m.Authenticate(t.Context(), x); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	expect("at first", nil)
	store["billing"] = durward.Consumer{ID: "billing", Disabled: true}
	expect("its consumer is disabled", errDisabled)
	store["billing"] = durward.Consumer{ID: "billing"}
	pkitest.Write(t, crl, root.List(t, leaf))
	at = at.Add(clientca.Recheck)
	expect("revoked", clientca.ErrRevoked)
	pkitest.Write(t, crl, root.List(t))
	at = at.Add(clientca.Recheck)
	expect("the list is taken back", nil)
	at = at.Add(time.Hour)
	expect("expired", clientca.ErrExpired)
}

func TestAConsumerCallsFromItsAddressesOnly(t *testing.T) {
	root := pkitest.Root(t, "root")
	inside, spot := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.7/32")
	leaf := root.Leaf(t, "a")
	for _, tc := range []struct {
		name     string
		consumer durward.Consumer
		from     string
		want     error
	}{
		{"anywhere", durward.Consumer{}, "203.0.113.1", nil},
		{"within", durward.Consumer{Addresses: []netip.Prefix{inside}}, "192.0.2.1", nil},
		{"outside", durward.Consumer{Addresses: []netip.Prefix{inside}}, "203.0.113.1", errAddress},
		{"within and denied", durward.Consumer{Addresses: []netip.Prefix{inside}, Denied: []netip.Prefix{spot}}, "192.0.2.7", errAddress},
		{"denied", durward.Consumer{Denied: []netip.Prefix{spot}}, "192.0.2.7", errAddress},
		{"not the one that is denied", durward.Consumer{Denied: []netip.Prefix{spot}}, "192.0.2.8", nil},
	} {
		m := newMethod(t, root, book{"billing": tc.consumer}, Config{Map: []Rule{{CommonName: "*", Consumer: "billing"}}})
		x := over(leaf.Cert)
		x.Client.Address = netip.MustParseAddr(tc.from)
		if _, err := m.Authenticate(t.Context(), x); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestWithoutAStoreTheMapAloneDecides(t *testing.T) {
	root := pkitest.Root(t, "root")
	m := newMethod(t, root, nil, Config{Map: []Rule{{CommonName: "{consumer}", Roles: []string{"r"}}}})
	p, err := m.Authenticate(t.Context(), over(root.Leaf(t, "nobody-knows").Cert))
	if err != nil || p.Consumer != "nobody-knows" || !cmp.Equal(p.Roles, []string{"r"}) {
		t.Errorf("%v, %v", p, err)
	}
}

func TestEqualConfigurationsShareAMethod(t *testing.T) {
	root := pkitest.Root(t, "root")
	s := NewShared(Deps{Consumers: people})
	cfg := Config{CA: pkitest.File(t, pkitest.Certificates(root)), Map: []Rule{{CommonName: "a", Consumer: "billing"}}}
	other := cfg
	other.FromProxy = true
	a, err1 := s.Method(cfg)
	b, err2 := s.Method(cfg)
	c, err3 := s.Method(other)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if a != b || a == c {
		t.Error("shared wrongly")
	}
	cfg.CA = "missing.pem"
	if _, err := s.Method(cfg); err == nil || !strings.Contains(err.Error(), "missing.pem") {
		t.Errorf("%v", err)
	}
}
