// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"durward/probe/check"
	"durward/probe/finding"
)

// transport asks what the connection is protected by, where it is at all.
func transport(ctx context.Context, env *check.Env) error {
	u, err := url.Parse(env.Origin)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "443")
	}
	state := shake(ctx, addr, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	if state != nil {
		certificate(env, state, time.Now())
	}
	old := shake(ctx, addr, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, CipherSuites: all()})
	if old != nil {
		report(env, nil, oldTLS, finding.Certain, "tls.version", "The server takes "+tls.VersionName(old.Version)+".")
	}
	weak := shake(ctx, addr, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: weakSuites()})
	if weak != nil {
		report(env, nil, weakCipher, finding.Certain, "tls.cipher", "The server takes "+tls.CipherSuiteName(weak.CipherSuite)+".")
	}
	return nil
}

// shake makes a handshake and nothing else; nil where the server refuses it.
func shake(ctx context.Context, addr string, cfg *tls.Config) *tls.ConnectionState {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// Whether the certificate is good is looked at by itself, and nothing secret
	// is sent.
	cfg.InsecureSkipVerify = true
	c, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil
	}
	defer c.Close()
	state := c.(*tls.Conn).ConnectionState()
	return &state
}

// weakSuites are those without forward secrecy, with RC4 or 3DES.
func weakSuites() []uint16 {
	var out []uint16
	for _, s := range tls.InsecureCipherSuites() {
		out = append(out, s.ID)
	}
	return out
}

func all() []uint16 {
	out := weakSuites()
	for _, s := range tls.CipherSuites() {
		out = append(out, s.ID)
	}
	return out
}

func certificate(env *check.Env, state *tls.ConnectionState, now time.Time) {
	if len(state.PeerCertificates) == 0 {
		return
	}
	c := state.PeerCertificates[0]
	k := badCertificate
	switch {
	case now.After(c.NotAfter):
		k.Severity = finding.Medium
		report(env, nil, k, finding.Certain, "tls.certificate", "The certificate has expired on "+c.NotAfter.UTC().Format(time.DateOnly)+".")
	case now.Add(14 * 24 * time.Hour).After(c.NotAfter):
		report(env, nil, k, finding.Certain, "tls.certificate", fmt.Sprintf("The certificate ends on %s.", c.NotAfter.UTC().Format(time.DateOnly)))
	case c.CheckSignatureFrom(c) == nil:
		report(env, nil, k, finding.Certain, "tls.certificate", "The certificate is signed by itself.")
	}
}
