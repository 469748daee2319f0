// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/pkitest"
)

// asking is a listener that asks clients for certificates.
func asking(t testing.TB, a *authority, c ClientCertificates) Config {
	t.Helper()
	cfg := a.secure()
	cfg.TLS.ClientCertificates = c
	return cfg
}

// whoCalls answers with the name in the client's certificate.
var whoCalls = serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
	name := "nobody"
	if certs := x.In.TLS.PeerCertificates; len(certs) > 0 {
		name = certs[0].Subject.CommonName
	}
	out.Respond(text(200, x.In.Proto+" "+name), nil)
})

// with is a client that shows a certificate, whichever authorities are named.
func with(a *authority, e *pkitest.Entity) *tls.Config {
	cfg := &tls.Config{RootCAs: a.pool, ServerName: "example.test"}
	if e != nil {
		pair := e.TLS()
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return cfg
}

// ask makes one request over HTTP/1.1 on a connection of its own.
func ask(address string, cfg *tls.Config) (body string, state tls.ConnectionState, err error) {
	c, err := tls.DialWithDialer(dialer, "tcp", address, cfg)
	if err != nil {
		return "", state, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"); err != nil {
		return "", state, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", state, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	io.Copy(io.Discard, c) // tickets come behind the answer's head
	return string(b), c.ConnectionState(), err
}

func TestClientsShowACertificateAsTheListenerAsks(t *testing.T) {
	a := newAuthority(t)
	root := pkitest.Root(t, "clients")
	sub := root.Sub(t, "sub")
	good, revoked, foreign := root.Leaf(t, "good"), root.Leaf(t, "revoked"), pkitest.Root(t, "clients").Leaf(t, "foreign")
	expired := root.Leaf(t, "expired", pkitest.Times(time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)))
	ca := pkitest.File(t, pkitest.Certificates(root))
	crl := pkitest.File(t, pkitest.Lists(root.List(t, revoked), sub.List(t)))
	large := root.Leaf(t, "large", func(c *x509.Certificate) {
		c.DNSNames = slices.Repeat([]string{strings.Repeat("a", 60) + ".test"}, 320)
	})
	off, request := ClientCertificates{}, ClientCertificates{Mode: "request"}
	require, listed := ClientCertificates{Mode: "require", CA: ca}, ClientCertificates{Mode: "require", CA: ca, CRL: []string{crl}}
	for _, tc := range []struct {
		name string
		mode ClientCertificates
		who  *pkitest.Entity
		want string // "" fails in the handshake
	}{
		{"not asked for", off, good, "nobody"},
		{"asked for and not shown", request, nil, "nobody"},
		{"asked for and shown", request, good, "good"},
		{"asked for, any will do, for an API judges it", request, foreign, "foreign"},
		{"asked for, an expired one too", ClientCertificates{Mode: "request", CA: ca}, expired, "expired"},
		{"asked for, and one of 20 KiB shown", request, large, ""},
		{"required and not shown", require, nil, ""},
		{"required and good", require, good, "good"},
		{"required, with an authority in between", require, sub.Leaf(t, "deep"), "deep"},
		{"required, of another authority", require, foreign, ""},
		{"required, signed by itself", require, pkitest.SelfSigned(t, "self"), ""},
		{"required, expired", require, expired, ""},
		{"required, not revoked", listed, good, "good"},
		{"required, revoked", listed, revoked, ""},
		{"required, on lists of all authorities", listed, sub.Leaf(t, "deep"), "deep"},
		{"required, without a list", ClientCertificates{Mode: "require", CA: ca, CRL: []string{pkitest.File(t, sub.List(t))}}, good, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, address := start(t, whoCalls, asking(t, a, tc.mode))
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				cfg := with(a, tc.who)
				cfg.MinVersion, cfg.MaxVersion = version, version
				body, _, err := ask(address, cfg)
				if want := "HTTP/1.1 " + tc.want; (err == nil) != (tc.want != "") || err == nil && body != want {
					t.Errorf("%s: %q, %v", tls.VersionName(version), body, err)
				}
			}
		})
	}
}

func TestTheAuthoritiesAreNamedAsTheirFileHasThem(t *testing.T) {
	a := newAuthority(t)
	first, second := pkitest.Root(t, "first"), pkitest.Root(t, "second")
	ca := pkitest.File(t, pkitest.Certificates(first))
	s, address := start(t, whoCalls, asking(t, a, ClientCertificates{Mode: "request", CA: ca}))
	named := func() (names [][]byte) {
		t.Helper()
		cfg := with(a, nil)
		cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			names = info.AcceptableCAs
			return new(tls.Certificate), nil
		}
		if _, _, err := ask(address, cfg); err != nil {
			t.Fatal(err)
		}
		return names
	}
	if got := named(); len(got) != 1 || string(got[0]) != string(first.Cert.RawSubject) {
		t.Errorf("%d are named", len(got))
	}
	pkitest.Write(t, ca, pkitest.Certificates(first, second))
	s.RefreshCertificates()
	if got := named(); len(got) != 2 || !slices.ContainsFunc(got, func(n []byte) bool { return string(n) == string(second.Cert.RawSubject) }) {
		t.Errorf("%d are named after the change", len(got))
	}
}

// A ticket carries the certificate of the handshake that it came from, and is
// no way round what has changed since.
func TestAResumedSessionIsJudgedAnew(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		for change, spoil := range map[string]func(t *testing.T, root, leaf *pkitest.Entity, ca, crl string){
			"revoked": func(t *testing.T, root, leaf *pkitest.Entity, _, crl string) {
				pkitest.Write(t, crl, root.List(t, leaf))
			},
			"the authority is trusted no more": func(t *testing.T, _, _ *pkitest.Entity, ca, _ string) {
				pkitest.Write(t, ca, pkitest.Certificates(pkitest.Root(t, "other")))
			},
			"the list cannot be read": func(t *testing.T, _, _ *pkitest.Entity, _, crl string) { pkitest.Write(t, crl, []byte("rubbish")) },
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				a, root := newAuthority(t), pkitest.Root(t, "clients")
				leaf := root.Leaf(t, "a")
				ca, crl := pkitest.File(t, pkitest.Certificates(root)), pkitest.File(t, root.List(t))
				s, address := start(t, whoCalls, asking(t, a, ClientCertificates{Mode: "require", CA: ca, CRL: []string{crl}}))
				cfg := with(a, leaf)
				cfg.MaxVersion, cfg.ClientSessionCache = version, &oneSession{}
				for i, resumed := range []bool{false, true} {
					body, state, err := ask(address, cfg)
					if err != nil || body != "HTTP/1.1 a" || state.DidResume != resumed {
						t.Fatalf("connection %d: %q, resumed %v, %v", i, body, state.DidResume, err)
					}
				}
				spoil(t, root, leaf, ca, crl)
				s.RefreshCertificates()
				if body, state, err := ask(address, cfg); err == nil {
					t.Errorf("served %q, resumed %v", body, state.DidResume)
				}
			})
		}
	}
}

// The connection outlives the handshake; what it is worth does not.
func TestALivingConnectionEndsWhenItsCertificateIsRevoked(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			a, root := newAuthority(t), pkitest.Root(t, "clients")
			leaf, next := root.Leaf(t, "a"), root.Leaf(t, "b")
			ca, crl := pkitest.File(t, pkitest.Certificates(root)), pkitest.File(t, root.List(t))
			s, address := start(t, whoCalls, asking(t, a, ClientCertificates{Mode: "require", CA: ca, CRL: []string{crl}}))
			current := leaf.TLS()
			cfg := with(a, leaf)
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &current, nil }
			hc := transport(t, address, cfg, func(p *http.Protocols) {
				p.SetHTTP1(!h2)
				p.SetHTTP2(h2)
			})
			for range 2 {
				if resp, body := get(t, hc, "https://example.test/"); resp.StatusCode != 200 || !strings.HasSuffix(body, " a") {
					t.Fatalf("%s %q", resp.Status, body)
				}
			}
			pkitest.Write(t, crl, root.List(t, leaf))
			s.RefreshCertificates()
			resp, body := get(t, hc, "https://example.test/")
			if resp.StatusCode != 401 || !strings.Contains(body, "revoked") {
				t.Fatalf("on the old connection: %s %q", resp.Status, body)
			}
			// It was the last one of its connection: the client makes another,
			// and shows what it has now.
			current = next.TLS()
			for tries := 0; ; tries++ {
				resp, err := hc.Get("https://example.test/")
				if err != nil && tries < 5 {
					continue // the end of the old connection crossed with the request
				}
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || !strings.HasSuffix(string(got), " b") {
					t.Errorf("with a new certificate: %s %q", resp.Status, got)
				}
				break
			}
		})
	}
}

func TestClientCertificateSettingsAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    ClientCertificates
		want []string
	}{
		{"off", ClientCertificates{}, nil},
		{"request", ClientCertificates{Mode: "request"}, nil},
		{"require", ClientCertificates{Mode: "require", CA: "a", CRL: []string{"b"}}, nil},
		{"an unknown mode", ClientCertificates{Mode: "optional"}, []string{"mode"}},
		{"files that nobody reads", ClientCertificates{CA: "a"}, []string{"mode"}},
		{"no authorities", ClientCertificates{Mode: "require"}, []string{"ca"}},
		{"lists that nobody asks", ClientCertificates{Mode: "request", CA: "a", CRL: []string{"b"}}, []string{"crl"}},
		{"an empty list", ClientCertificates{Mode: "require", CA: "a", CRL: []string{""}}, []string{"crl[0]"}},
		{"too many lists", ClientCertificates{Mode: "require", CA: "a", CRL: slices.Repeat([]string{"b"}, 17)}, []string{"crl"}},
	} {
		var got []string
		for _, err := range durward.Flatten(tc.c.Check()) {
			got = append(got, err.(*durward.FieldError).Field)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	a := newAuthority(t)
	s, _ := start(t, whoCalls, a.secure())
	bad := asking(t, a, ClientCertificates{Mode: "require", CA: "missing.pem"})
	bad.Address = "127.0.0.1:0"
	_, err := s.Prepare(context.Background(), []Config{bad}, nil, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "listen[0].tls.client_certificates") {
		t.Errorf("%v", err)
	}
}
