// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package listen is the door frame: it binds addresses, bounds connections,
// ends TLS (RFC 8446, and RFC 5246 with the suites of RFC 9325), reads the
// PROXY protocol of trusted peers, and turns HTTP/1.1 (RFC 9112) and HTTP/2
// (RFC 9113) into a durward.Exchange. What it hands on has a whole header
// section, a body that cannot block for ever, and a Responder.
//
// It answers the threats of slow clients, connection floods and header bombs:
// what exceeds a limit is closed or refused before any stage runs.
//
// Failure policy: an address that cannot be bound or a certificate that cannot
// be read fails the load or the reload, which then changes nothing; a renewed
// certificate file that cannot be read keeps the old one and says so. State
// kept: sockets by address, and the connections on them; both outlive a reload.
package listen

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"durward"
	"durward/internal/units"
)

// Config is one entry of `listen:`.
type Config struct {
	// Address is where to listen: "127.0.0.1:8080", ":8443", "[::1]:0".
	Address string `yaml:"address"`
	// TLS ends TLS on this listener; without it the listener is cleartext.
	TLS *TLS `yaml:"tls"`
	// ProxyProtocol expects a PROXY protocol header (version 1 or 2) on each
	// connection of a trusted proxy. A connection of anybody else that has one
	// is closed, as is one of a trusted proxy that has none.
	ProxyProtocol bool `yaml:"proxy_protocol"`
	// HTTP2 says whether HTTP/2 is spoken: on by default over TLS (by ALPN)
	// and on cleartext (prior knowledge, "h2c"); off speaks HTTP/1.1 only.
	HTTP2 string `yaml:"http2" enum:"on,off"`
	// Limits bound what one client can hold.
	Limits Limits `yaml:"limits"`
}

// TLS is the `tls:` part of a listener.
type TLS struct {
	// Certificates are chosen by the name that the client asks for (SNI); the
	// first serves clients that ask for none. A name that none covers is refused
	// in the handshake.
	Certificates []Certificate `yaml:"certificates"`
	// MinVersion is the least version of TLS, "1.2" (the default) or "1.3".
	MinVersion string `yaml:"min_version" enum:"1.2,1.3"`
	// ClientCertificates says whether clients show a certificate of their own.
	ClientCertificates ClientCertificates `yaml:"client_certificates"`
}

// Certificate names the PEM files of a certificate chain and its key. They are
// read again within ten seconds of a change.
type Certificate struct {
	Cert string `yaml:"cert" path:"true"` // certificate chain, leaf first
	Key  string `yaml:"key" path:"true"`  // private key
}

// Limits is the `limits:` part of a listener. Zero means the default.
type Limits struct {
	// HeaderBytes bounds a request's header section, target included; more is
	// a 431. Default 32KiB.
	HeaderBytes units.Bytes `yaml:"header_bytes"`
	// HeaderTimeout bounds the time from the first byte to the end of the
	// header section; slower connections are closed. Default 10s.
	HeaderTimeout units.Duration `yaml:"header_timeout"`
	// BodyTimeout is the time that a body has to begin and to catch up with
	// BodyMinRate, and the longest pause within it; slower ones get a 408.
	// Default 20s.
	BodyTimeout units.Duration `yaml:"body_timeout"`
	// BodyMinRate is the bytes a second that a body must come with on average
	// after BodyTimeout. Streams of gRPC to HTTP/2 targets are exempt.
	// Default 500B.
	BodyMinRate units.Bytes `yaml:"body_min_rate"`
	// WriteTimeout bounds one write of an answer to a client that does not
	// read; such a connection is cut. Default 30s.
	WriteTimeout units.Duration `yaml:"write_timeout"`
	// IdleTimeout closes a connection that has had no request. Default 45s. A
	// load balancer in front must let go of idle connections earlier: where it
	// waits 60s, set 75s here.
	IdleTimeout units.Duration `yaml:"idle_timeout"`
	// Connections bounds the listener's open connections; further ones are
	// closed at once. Default 20000.
	Connections int `yaml:"connections"`
	// ConnectionsPerAddress bounds one address's open connections (an IPv6
	// client's /64 counts as one), trusted proxies excepted. Default 1000.
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// Streams bounds the requests in flight on one HTTP/2 connection. Default 100.
	Streams int `yaml:"streams"`
}

func orDefault[T ~int | ~int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// withDefaults fills in what was left out.
func (l Limits) withDefaults() Limits {
	l.HeaderBytes = orDefault(l.HeaderBytes, 32<<10)
	l.HeaderTimeout = orDefault(l.HeaderTimeout, units.Duration(10*time.Second))
	l.BodyTimeout = orDefault(l.BodyTimeout, units.Duration(20*time.Second))
	l.BodyMinRate = orDefault(l.BodyMinRate, 500)
	l.WriteTimeout = orDefault(l.WriteTimeout, units.Duration(30*time.Second))
	l.IdleTimeout = orDefault(l.IdleTimeout, units.Duration(45*time.Second))
	l.Connections = orDefault(l.Connections, 20000)
	l.ConnectionsPerAddress = orDefault(l.ConnectionsPerAddress, 1000)
	l.Streams = orDefault(l.Streams, 100)
	return l
}

// Check reports every fault that can be found without binding or reading files.
func (c *Config) Check() error {
	var errs []error
	errs = append(errs, checkAddress(c.Address))
	if c.HTTP2 != "" && c.HTTP2 != "on" && c.HTTP2 != "off" {
		errs = append(errs, durward.Invalid("http2", "must be on or off"))
	}
	if c.TLS != nil {
		errs = append(errs, durward.InvalidIn("tls", c.TLS.Check()))
	}
	return errors.Join(append(errs, durward.InvalidIn("limits", c.Limits.Check()))...)
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return durward.Invalid("address", "must be host:port, such as :8443 or 127.0.0.1:8080")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return durward.Invalid("address", "the port must be a number from 0 to 65535")
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return durward.Invalid("address", "the host must be an IP address, localhost or empty")
	}
	return nil
}

// Check reports every fault that can be found without reading files.
func (t *TLS) Check() error {
	var errs []error
	if len(t.Certificates) == 0 {
		errs = append(errs, durward.Invalid("certificates", "needs at least one certificate"))
	}
	for i, c := range t.Certificates {
		field := "certificates[" + strconv.Itoa(i) + "]"
		if c.Cert == "" {
			errs = append(errs, durward.Invalid(field+".cert", "is required"))
		}
		if c.Key == "" {
			errs = append(errs, durward.Invalid(field+".key", "is required"))
		}
	}
	if t.MinVersion != "" && t.MinVersion != "1.2" && t.MinVersion != "1.3" {
		errs = append(errs, durward.Invalid("min_version", "must be 1.2 or 1.3; older versions are not offered"))
	}
	errs = append(errs, durward.InvalidIn("client_certificates", t.ClientCertificates.Check()))
	return errors.Join(errs...)
}

// Check reports limits that would switch the protection off.
func (l *Limits) Check() error {
	var errs []error
	for _, n := range []struct {
		field    string
		value    int64
		min, max int64
	}{
		{"header_bytes", int64(l.HeaderBytes), 1 << 10, 1 << 20},
		{"header_timeout", int64(l.HeaderTimeout), int64(100 * time.Millisecond), int64(5 * time.Minute)},
		{"body_timeout", int64(l.BodyTimeout), int64(100 * time.Millisecond), int64(time.Hour)},
		{"body_min_rate", int64(l.BodyMinRate), 1, 1 << 30},
		{"write_timeout", int64(l.WriteTimeout), int64(100 * time.Millisecond), int64(time.Hour)},
		{"idle_timeout", int64(l.IdleTimeout), int64(100 * time.Millisecond), int64(24 * time.Hour)},
		{"connections", int64(l.Connections), 1, 10_000_000},
		{"connections_per_address", int64(l.ConnectionsPerAddress), 1, 10_000_000},
		{"streams", int64(l.Streams), 1, 10_000},
	} {
		if n.value != 0 && (n.value < n.min || n.value > n.max) {
			errs = append(errs, durward.Invalid(n.field, "is outside what is allowed"))
		}
	}
	return errors.Join(errs...)
}
