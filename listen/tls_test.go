// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"durward"
)

func handshake(address string, cfg *tls.Config) (*tls.ConnectionState, error) {
	c, err := tls.DialWithDialer(dialer, "tcp", address, cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	state := c.ConnectionState()
	return &state, nil
}

func TestCertificatesAreChosenByName(t *testing.T) {
	a := newAuthority(t)
	until := time.Now().Add(time.Hour)
	_, address := start(t, says("ok"), Config{TLS: &TLS{Certificates: []Certificate{
		a.issue("first", until, "first.test", "both.test"),
		a.issue("second", until, "Second.test", "*.wild.test", "both.test"),
	}}})
	for name, tc := range map[string]struct{ sni, want string }{
		"by its own name":                   {"second.test", "second"},
		"whatever the case":                 {"FIRST.test", "first"},
		"by a wildcard":                     {"a.wild.test", "second"},
		"the first of two that cover it":    {"both.test", "first"},
		"the first when no name is asked":   {"", "first"},
		"none for an unknown name":          {"third.test", ""},
		"none two labels below a wildcard":  {"a.b.wild.test", ""},
		"none for the wildcard's own label": {"wild.test", ""},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := handshake(address, &tls.Config{ServerName: tc.sni, InsecureSkipVerify: true})
			switch {
			case tc.want == "" && err == nil:
				t.Errorf("got %s", state.PeerCertificates[0].Subject.CommonName)
			case tc.want != "" && (err != nil || state.PeerCertificates[0].Subject.CommonName != tc.want):
				t.Errorf("%v, %v", state, err)
			}
		})
	}
}

func TestWeakTLSIsRefused(t *testing.T) {
	a := newAuthority(t)
	_, address := start(t, says("ok"), a.secure())
	strict := a.secure()
	strict.TLS.MinVersion = "1.3"
	_, only13 := start(t, says("ok"), strict)
	base := func(low, high uint16, suites ...uint16) *tls.Config {
		return &tls.Config{ServerName: "example.test", RootCAs: a.pool, MinVersion: low, MaxVersion: high, CipherSuites: suites}
	}
	for name, tc := range map[string]struct {
		address string
		cfg     *tls.Config
		ok      bool
	}{
		"TLS 1.3":                         {address, base(tls.VersionTLS13, tls.VersionTLS13), true},
		"TLS 1.2":                         {address, base(tls.VersionTLS12, tls.VersionTLS12), true},
		"TLS 1.1":                         {address, base(tls.VersionTLS10, tls.VersionTLS11), false},
		"TLS 1.2 with CBC and SHA-1":      {address, base(tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA), false},
		"TLS 1.2 with RC4":                {address, base(tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA), false},
		"TLS 1.2 without forward secrecy": {address, base(tls.VersionTLS12, tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256), false},
		"TLS 1.2 where 1.3 is asked":      {only13, base(tls.VersionTLS12, tls.VersionTLS12), false},
		"TLS 1.3 where 1.3 is asked":      {only13, base(tls.VersionTLS13, tls.VersionTLS13), true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := handshake(tc.address, tc.cfg); (err == nil) != tc.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

// A ticket is no way round the choice by name: a resumed session needs no
// certificate, so the choice alone would not be asked.
func TestAResumedSessionBringsNoUnknownName(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			_, address := start(t, says("ok"), a.secure())
			cache := &oneSession{}
			cfg := &tls.Config{ServerName: "example.test", InsecureSkipVerify: true, ClientSessionCache: cache, MaxVersion: version}
			for i, want := range []bool{false, true} {
				c, err := tls.DialWithDialer(dialer, "tcp", address, cfg)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
				io.ReadAll(c) // the ticket of TLS 1.3 comes with it
				if c.ConnectionState().DidResume != want {
					t.Fatalf("connection %d resumed: %v", i, !want)
				}
				c.Close()
			}
			cfg.ServerName = "other.test"
			if state, err := handshake(address, cfg); err == nil {
				t.Errorf("taken, resumed %v", state.DidResume)
			}
		})
	}
}

// oneSession gives the one session that it has for every name.
type oneSession struct{ s *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.s, o.s != nil }
func (o *oneSession) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		o.s = s
	}
}

func TestRenewedCertificatesAreTakenWithoutARestart(t *testing.T) {
	a := newAuthority(t)
	first := time.Now().Add(time.Hour).Truncate(time.Second)
	pair := a.issue("example", first, "example.test")
	var log strings.Builder
	s, address := start(t, says("ok"), Config{TLS: &TLS{Certificates: []Certificate{pair}}})
	s.list()[0].current.Load().certs.log = slog.New(slog.NewTextHandler(&log, nil))
	until := func() time.Time {
		t.Helper()
		state, err := handshake(address, &tls.Config{ServerName: "example.test", RootCAs: a.pool})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].NotAfter
	}
	if !until().Equal(first) || !s.Certificates()[0].NotAfter.Equal(first) {
		t.Fatal("not the first certificate")
	}

	// Renewal tools write the chain first: the key does not fit yet.
	oldKey, err := os.ReadFile(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	second := first.Add(time.Hour)
	a.issue("example", second, "example.test")
	newKey, err := os.ReadFile(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(pair.Key, oldKey)
	s.RefreshCertificates()
	if !until().Equal(first) || !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("a half renewal was taken: %s", log.String())
	}
	a.write(pair.Key, newKey)
	s.RefreshCertificates()
	if !until().Equal(second) {
		t.Errorf("the renewal was not taken: %s", log.String())
	}
	for name, spoil := range map[string]func(){
		"an empty file":  func() { a.write(pair.Cert, nil) },
		"rubbish":        func() { a.write(pair.Cert, []byte("rubbish")) },
		"a missing file": func() { os.Remove(pair.Cert) },
	} {
		spoil()
		s.RefreshCertificates()
		if !until().Equal(second) {
			t.Errorf("%s took the certificate away", name)
		}
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the log has key material")
	}
}

func TestAConnectionIsForTheNameThatItWasMadeFor(t *testing.T) {
	for name, tc := range map[string]struct {
		sni, host string
		plain     bool
		want      bool
	}{
		"the same":                    {sni: "a.test", host: "a.test"},
		"the same with a port":        {sni: "a.test", host: "a.test:8443"},
		"the same in other case":      {sni: "A.test", host: "a.test"},
		"the same with a root dot":    {sni: "a.test", host: "a.test."},
		"another":                     {sni: "a.test", host: "b.test", want: true},
		"a name below":                {sni: "a.test", host: "x.a.test", want: true},
		"an address":                  {sni: "a.test", host: "[::1]:443", want: true},
		"no name was asked for":       {host: "b.test"},
		"cleartext has no such thing": {host: "b.test", plain: true},
	} {
		in := &durward.Request{Host: tc.host, TLS: &tls.ConnectionState{ServerName: tc.sni}}
		if tc.plain {
			in.TLS = nil
		}
		if got := Misdirected(in); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHTTPSpokenToATLSListenerIsRefused(t *testing.T) {
	a := newAuthority(t)
	_, address := start(t, says("never"), a.secure())
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: example.test\n\n")
	if rest, _ := c.ended(); !strings.HasPrefix(rest, "HTTP/1.0 400") {
		t.Errorf("%q", rest)
	}
}

func TestAListenerSpeaksTheProtocolsThatItIsToldTo(t *testing.T) {
	a := newAuthority(t)
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		out.Respond(text(200, x.In.Scheme+" "+x.In.Proto+" "+x.In.Host), nil)
	})
	secure, h2off := a.secure(), a.secure()
	h2off.HTTP2 = "off"
	client := &tls.Config{RootCAs: a.pool, ServerName: "example.test"}
	for name, tc := range map[string]struct {
		cfg     Config
		url     string
		client  *tls.Config
		want    string
		h2, h2c bool
	}{
		"HTTP/2 by ALPN":           {cfg: secure, url: "https://example.test", client: client, h2: true, want: "https HTTP/2.0 example.test"},
		"HTTP/1.1 over TLS":        {cfg: secure, url: "https://example.test", client: client, want: "https HTTP/1.1 example.test"},
		"HTTP/1.1 where h2 is off": {cfg: h2off, url: "https://example.test", client: client, h2: true, want: "https HTTP/1.1 example.test"},
		"h2c with prior knowledge": {url: "http://a", h2c: true, want: "http HTTP/2.0 a"},
		"HTTP/1.1 in clear":        {url: "http://a", want: "http HTTP/1.1 a"},
		"no h2c where it is off":   {cfg: Config{HTTP2: "off"}, url: "http://a", h2c: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, address := start(t, h, tc.cfg)
			hc := transport(t, address, tc.client.Clone(), func(p *http.Protocols) {
				p.SetHTTP1(!tc.h2c)
				p.SetHTTP2(tc.h2)
				p.SetUnencryptedHTTP2(tc.h2c)
			})
			if tc.want == "" {
				if resp, err := hc.Get(tc.url); err == nil {
					resp.Body.Close()
					t.Error(resp.Proto)
				}
				return
			}
			if _, body := get(t, hc, tc.url); body != tc.want {
				t.Errorf("%q", body)
			}
		})
	}
}
