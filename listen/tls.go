// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"durward"
)

// certificates is the set of one listener: it chooses by SNI and reads files
// again when they were renewed. Safe for concurrent use.
type certificates struct {
	files  []Certificate
	loaded atomic.Pointer[certificateSet]
	log    *slog.Logger
}

type certificateSet struct {
	byName map[string]*tls.Certificate // lower case; "*.example.com" for wildcards
	first  *tls.Certificate
	stamps []stamp
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

var errUnknownName = errors.New("no certificate covers the name that the client asked for")

func newCertificates(files []Certificate, log *slog.Logger) (*certificates, error) {
	c := &certificates{files: files, log: log}
	set, err := readCertificates(files)
	if err != nil {
		return nil, err
	}
	c.loaded.Store(set)
	return c, nil
}

func readCertificates(files []Certificate) (*certificateSet, error) {
	set := &certificateSet{byName: map[string]*tls.Certificate{}, stamps: stampsOf(files)}
	for _, f := range files {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			// The error of LoadX509KeyPair names the file or says that the
			// key does not fit; it never holds key material.
			return nil, durward.Invalid("", "certificate %s: %v", f.Cert, err)
		}
		leaf := pair.Leaf
		if leaf == nil {
			if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
				return nil, durward.Invalid("", "certificate %s: %v", f.Cert, err)
			}
			pair.Leaf = leaf
		}
		for _, name := range leaf.DNSNames {
			if name = strings.ToLower(name); set.byName[name] == nil {
				set.byName[name] = &pair
			}
		}
		if set.first == nil {
			set.first = &pair
		}
	}
	return set, nil
}

func stampsOf(files []Certificate) []stamp {
	var out []stamp
	for _, f := range files {
		for _, name := range []string{f.Cert, f.Key} {
			var s stamp
			if info, err := os.Stat(name); err == nil {
				s = stamp{info.ModTime(), info.Size()}
			}
			out = append(out, s)
		}
	}
	return out
}

// get implements tls.Config.GetCertificate.
func (c *certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	set := c.loaded.Load()
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if name == "" {
		return set.first, nil
	}
	if pair := set.byName[name]; pair != nil {
		return pair, nil
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		if pair := set.byName["*"+name[dot:]]; pair != nil {
			return pair, nil
		}
	}
	return nil, errUnknownName
}

// refresh reads the files again when one of them changed. A set that cannot be
// read whole changes nothing: renewal tools write certificate and key one
// after the other, so the next look may find both.
func (c *certificates) refresh() {
	old := c.loaded.Load()
	changed := false
	for i, s := range stampsOf(c.files) {
		changed = changed || s != old.stamps[i]
	}
	if !changed {
		return
	}
	set, err := readCertificates(c.files)
	if err != nil {
		c.log.Error("renewed certificate not taken; the old one stays", "error", err)
		return
	}
	c.loaded.Store(set)
	c.log.Info("renewed certificates taken", "expires", set.first.Leaf.NotAfter)
}

// Expiry is a served certificate's end.
type Expiry struct {
	Names    []string
	NotAfter time.Time
}

func (c *certificates) expiries() []Expiry {
	set := c.loaded.Load()
	seen := map[*tls.Certificate]bool{}
	var out []Expiry
	add := func(pair *tls.Certificate) {
		if !seen[pair] {
			seen[pair] = true
			out = append(out, Expiry{pair.Leaf.DNSNames, pair.Leaf.NotAfter})
		}
	}
	add(set.first)
	for _, pair := range set.byName {
		add(pair)
	}
	return out
}

// suites are those of TLS 1.2 that RFC 9325, section 4.2 recommends: forward
// secret, with authenticated encryption. The standard library would offer CBC
// with HMAC-SHA1 as well. Its curves begin with X25519MLKEM768 and are kept.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// tlsConfig is the server side of TLS. clients may be nil.
func (c *certificates) tlsConfig(t *TLS, http2 bool, clients *clientAuth) *tls.Config {
	fresh := func() *tls.Config {
		cfg := &tls.Config{
			GetCertificate: c.get,
			CipherSuites:   suites,
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"http/1.1"},
		}
		if t.MinVersion == "1.3" {
			cfg.MinVersion = tls.VersionTLS13
		}
		if http2 {
			cfg.NextProtos = []string{"h2", "http/1.1"}
		}
		if clients != nil {
			clients.apply(cfg)
		}
		return cfg
	}
	cfg := fresh()
	// A resumed session needs no certificate and so would not come to
	// GetCertificate: the name is checked for each handshake.
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if _, err := c.get(hello); err != nil || clients == nil {
			return nil, err
		}
		return clients.config(fresh), nil
	}
	return cfg
}

// Misdirected tells whether a request names a host that its TLS connection was
// not made for (RFC 9110, section 15.5.20): policy may differ by host, and so
// may the certificate checks that the connection passed.
func Misdirected(in *durward.Request) bool {
	if in.TLS == nil || in.TLS.ServerName == "" {
		return false
	}
	host := in.Host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return !strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(in.TLS.ServerName, "."))
}
