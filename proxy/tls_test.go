// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/durwardtest"

	"durward"
)

// who answers with the name in the client's certificate.
func who(w http.ResponseWriter, r *http.Request) {
	name := "nobody"
	if len(r.TLS.PeerCertificates) > 0 {
		name = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	_, _ = io.WriteString(w, r.Proto+" "+name)
}

func TestAnUpstreamIsTrustedByItsAuthorityAndName(t *testing.T) {
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	address := ours.serveTLS("127.0.0.1", true, nil, who)
	name := ours.serveTLS("api.internal", true, nil, who)
	for _, tc := range []struct {
		name, url string
		tls       *TLS
		ok        bool
	}{
		{"own authority, address", address.URL, &TLS{CA: ours.pem}, true},
		{"own authority, name by configuration", name.URL, &TLS{CA: ours.pem, ServerName: "api.internal"}, true},
		{"another authority", address.URL, &TLS{CA: other.pem}, false},
		{"the system's roots", address.URL, nil, false},
		{"another name", name.URL, &TLS{CA: ours.pem}, false},
		{"another name by configuration", address.URL, &TLS{CA: ours.pem, ServerName: "api.internal"}, false},
	} {
		for protocol, proto := range map[string]string{"http1": "HTTP/1.1", "h2": "HTTP/2.0"} {
			t.Run(tc.name+" "+protocol, func(t *testing.T) {
				u := newUpstream(t, Config{Targets: targets(tc.url), TLS: tc.tls, Protocol: protocol}, nil)
				x := newExchange("GET", "/")
				d := call(t, u, x)
				if !tc.ok {
					mustRefuse(t, x, d, durward.CodeUpstreamUnreachable)
					if !strings.Contains(d.Err.Error(), "certificate") {
						t.Errorf("the record does not say why: %v", d.Err)
					}
					if k := durward.Lookup(d.Code); k.Status != 502 || strings.Contains(k.Detail, "certificate") {
						t.Errorf("the client gets %+v", k)
					}
					return
				}
				mustAllow(t, d)
				if got := content(t, x); got != proto+" nobody" {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

func TestAPlainTargetBehindHTTPSIsRefused(t *testing.T) {
	s := serve(t, named("plain"))
	x := newExchange("GET", "/")
	mustRefuse(t, x, call(t, newUpstream(t, Config{Targets: targets("https" + strings.TrimPrefix(s.URL, "http"))}, nil), x), durward.CodeUpstreamUnreachable)
}

func TestATargetThatDoesNotChooseHTTP2IsRefused(t *testing.T) {
	ours := newAuthority(t, "ours")
	s := ours.serveTLS("127.0.0.1", false, nil, who)
	x := newExchange("GET", "/")
	mustRefuse(t, x, call(t, newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2", TLS: &TLS{CA: ours.pem}}, nil), x), durward.CodeUpstreamUnreachable)
}

// startMutual starts a target that takes clients of one authority and counts
// no resumed sessions, and gives files with a client certificate.
func startMutual(t *testing.T) (ours, clients *authority, s *httptest.Server) {
	ours, clients = newAuthority(t, "ours"), newAuthority(t, "clients")
	return ours, clients, ours.serveTLS("127.0.0.1", true, clients, who)
}

func TestAClientCertificateIsShownAndReadAgainWhenRenewed(t *testing.T) {
	for protocol, proto := range map[string]string{"http1": "HTTP/1.1", "h2": "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			ours, clients, s := startMutual(t)
			c := durwardtest.NewClock()
			cert, key := clients.issue("client", "gateway-1")
			u := newUpstream(t, Config{
				Targets: targets(s.URL), Protocol: protocol, TLS: &TLS{CA: ours.pem, Certificate: cert, Key: key},
			}, newPools(t, c.Now))
			ask := func() string {
				x := newExchange("GET", "/")
				mustAllow(t, call(t, u, x))
				return content(t, x)
			}
			if got := ask(); got != proto+" gateway-1" {
				t.Fatalf("shown %q", got)
			}
			newCert, newKey := clients.issue("renewed", "gateway-2")
			replace(t, newCert, cert) // half a renewal: certificate and key do not match
			c.Move(2 * time.Second)
			if got := ask(); got != proto+" gateway-1" {
				t.Fatalf("half a renewal: shown %q", got)
			}
			replace(t, newKey, key)
			c.Move(2 * time.Second)
			if got := ask(); got != proto+" gateway-2" {
				t.Errorf("after the renewal: shown %q", got)
			}
		})
	}
}

// replace renames a file over another one, with a time of its own.
func replace(t *testing.T, from, to string) {
	t.Helper()
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(from, later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestATargetThatWantsACertificateRefusesUsWithoutOne(t *testing.T) {
	ours, _, s := startMutual(t)
	for _, protocol := range []string{"http1", "h2"} {
		x := newExchange("GET", "/")
		d := call(t, newUpstream(t, Config{Targets: targets(s.URL), Protocol: protocol, TLS: &TLS{CA: ours.pem}}, nil), x)
		mustRefuse(t, x, d, durward.CodeUpstreamUnreachable)
	}
}

func TestUnusableFilesFailAtLoadAndNameTheField(t *testing.T) {
	a := newAuthority(t, "ours")
	cert, key := a.issue("one", "one")
	_, otherKey := a.issue("two", "two")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		tls   TLS
		field string
	}{
		{"no such CA", TLS{CA: "/nonexistent"}, "tls.ca"},
		{"an empty CA", TLS{CA: empty}, "tls.ca"},
		{"a key as CA", TLS{CA: key}, "tls.ca"},
		{"no such certificate", TLS{Certificate: "/nonexistent", Key: key}, "tls.certificate"},
		{"no such key", TLS{Certificate: cert, Key: "/nonexistent"}, "tls.key"},
		{"another's key", TLS{Certificate: cert, Key: otherKey}, "tls.certificate"},
	} {
		p := newPools(t, nil)
		_, err := New(&Config{Targets: targets("https://a.test"), TLS: &tc.tls}, p, nil)
		list := durward.Flatten(err)
		if len(list) != 1 {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if fe, ok := list[0].(*durward.FieldError); !ok || fe.Field != tc.field || strings.Contains(fe.Reason, "PRIVATE") {
			t.Errorf("%s: %v, want a fault of %s", tc.name, list[0], tc.field)
		}
		if len(p.members) != 0 || len(p.ids) != 0 {
			t.Errorf("%s: something was left behind", tc.name)
		}
	}
}
