// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"time"

	"durward/internal/units"
)

// Config is the `upstream:` section of an API: where its requests go, and what
// they carry. Everything but targets has a default.
type Config struct {
	// Targets are the servers that answer for this API, 1 to 64 of them, as
	// URLs (`https://10.0.3.7:9443`) or as `{url, weight, drain}`. A target
	// has a scheme, a host and perhaps a port; the path comes from the request.
	Targets []Target `yaml:"targets"`
	// Protocol is what is spoken to the targets: `auto` or `http1` for
	// HTTP/1.1, `h2` for HTTP/2 over TLS (chosen by ALPN), `h2c` for HTTP/2
	// with prior knowledge over cleartext. gRPC needs h2 or h2c. An upgrade
	// (WebSocket) always uses HTTP/1.1. Default `auto`.
	Protocol string `yaml:"protocol" enum:"auto,http1,h2,h2c"`
	// Balance says which target gets a request: `round_robin` in turn and by
	// weight, `least_requests` the one with the fewest requests in flight for
	// its weight, `hash` always the same one for a client address, as long as
	// it is healthy. Default `round_robin`.
	Balance string `yaml:"balance" enum:"round_robin,least_requests,hash"`
	// Host is the Host field that targets get: `target` for the target's own
	// authority, `preserve` for the one that the client sent, or a fixed name.
	// Default `target`.
	Host string `yaml:"host"`
	// StripPrefix removes the API's prefix from the path before it is sent.
	StripPrefix bool `yaml:"strip_prefix"`
	// TLS sets trust and client certificate for https targets. Without it the
	// system's roots are trusted and the target's host is the name to verify.
	// There is no switch that turns verification off.
	TLS *TLS `yaml:"tls"`

	// ConnectTimeout bounds connecting to a target, TLS handshake included.
	// Default 5s.
	ConnectTimeout units.Duration `yaml:"connect_timeout"`
	// Timeout bounds the wait for the head of the answer once the request was
	// sent. Running out is a 504. Default 30s.
	Timeout units.Duration `yaml:"timeout"`
	// BodyIdleTimeout bounds the silence within an answer's content; then the
	// answer is cut. Server-sent events need a value above the interval of
	// their keep-alive comments. Default 60s.
	BodyIdleTimeout units.Duration `yaml:"body_idle_timeout"`
	// WriteTimeout bounds each write of request content that the target does
	// not take. Default 30s.
	WriteTimeout units.Duration `yaml:"write_timeout"`
	// UpgradeIdle bounds the silence, in both directions, of an upgraded
	// connection (WebSocket). Default 5m.
	UpgradeIdle units.Duration `yaml:"upgrade_idle"`
	// IdleTimeout is how long an unused connection to a target is kept. It
	// should be below the target's own keep-alive time. Default 30s.
	IdleTimeout units.Duration `yaml:"idle_timeout"`
	// Upgrades are the protocols that a client may switch to (`websocket`).
	// What is said after the switch is not inspected. Default none: such a
	// request is refused.
	Upgrades []string `yaml:"upgrades"`

	// MaxConnections bounds the HTTP/1.1 connections to each target, 1 to
	// 65536. Default 512.
	MaxConnections int `yaml:"max_connections"`
	// MaxIdle bounds the unused HTTP/1.1 connections that are kept to each
	// target. Default 64.
	MaxIdle int `yaml:"max_idle"`
	// MaxWait is how long a request waits for a connection when all are in
	// use; then it is a 503. Default 1s.
	MaxWait units.Duration `yaml:"max_wait"`
	// MaxResponseHeader bounds the header section of an answer, 1 KiB to
	// 1 MiB. A larger one is a 502. Default 64KiB.
	MaxResponseHeader units.Bytes `yaml:"max_response_header"`
	// Retries is how often a request is tried again, on another target where
	// there is one, 0 to 3. A request whose method is not safe (GET, HEAD,
	// OPTIONS) is tried again only if nothing of it was sent. Default 1.
	Retries *int `yaml:"retries"`
	// Health says how a dead target is found.
	Health Health `yaml:"health"`

	// Forward says which fields tell the upstream about the client: `both`,
	// `rfc7239` (Forwarded), `x-forwarded` (X-Forwarded-For, -Proto, -Host) or
	// `off`. What a client sent in these fields is dropped in any case.
	// Default `both`.
	Forward string `yaml:"forward" enum:"both,rfc7239,x-forwarded,off"`
	// Identity names the fields that tell the upstream who calls.
	Identity Identity `yaml:"identity"`
	// Credential says what happens to the caller's credential: `strip` keeps
	// it from the upstream, `pass` sends it on, `replace` sends
	// upstream_credential instead. Default `strip`.
	Credential string `yaml:"credential" enum:"strip,pass,replace"`
	// UpstreamCredential is what `credential: replace` sends.
	UpstreamCredential *UpstreamCredential `yaml:"upstream_credential"`
}

// TLS is trust and identity towards https targets. Files are read again when
// they change; while a new file cannot be used, the old one stays.
type TLS struct {
	// CA is a PEM file with the only certificates that may sign a target's.
	// Default: the system's roots.
	CA string `yaml:"ca" path:"true"`
	// Certificate is a PEM file with the client certificate and its chain.
	Certificate string `yaml:"certificate" path:"true"`
	// Key is the PEM file with the client certificate's private key.
	Key string `yaml:"key" path:"true"`
	// ServerName is the name that a target's certificate must be for, and that
	// is sent as SNI. Default: the target's host.
	ServerName string `yaml:"server_name"`
}

// Identity names the fields that tell the upstream who calls. A field without
// a name is not written. A client's own fields of these names, in any
// spelling, are always removed. Bytes outside printable ASCII, `%`, and `,`
// within a list are percent-encoded.
type Identity struct {
	// Subject gets the authenticated subject.
	Subject string `yaml:"subject"`
	// Consumer gets the id of the calling application.
	Consumer string `yaml:"consumer"`
	// Roles gets the caller's roles, separated by commas.
	Roles string `yaml:"roles"`
	// Scopes gets the caller's scopes, separated by spaces.
	Scopes string `yaml:"scopes"`
	// Method gets how the caller was authenticated (`jwt`, `api_key`,
	// `client_certificate`).
	Method string `yaml:"method"`
	// ClientCertificate writes the caller's certificate, once it was verified for
	// this API, into Client-Cert (RFC 9440). A client's own field is always
	// removed. Default false.
	ClientCertificate bool `yaml:"client_certificate"`
	// ClientCertificateChain writes the certificates by which it was verified,
	// from its issuer to the authority, into Client-Cert-Chain; only with
	// client_certificate. Default false.
	ClientCertificateChain bool `yaml:"client_certificate_chain"`
}

// Health says how a dead target is found.
type Health struct {
	// Active asks each target at an interval. Without it only traffic tells.
	Active *Active `yaml:"active"`
	// Passive watches the traffic.
	Passive Passive `yaml:"passive"`
}

// Active is a health check that asks.
type Active struct {
	// Path is what is asked for with GET, query allowed. Default `/`.
	Path string `yaml:"path"`
	// Interval is the time between two checks of a target, at least 100ms.
	// Default 5s.
	Interval units.Duration `yaml:"interval"`
	// Timeout bounds one check, connecting included. Default 2s.
	Timeout units.Duration `yaml:"timeout"`
	// Healthy is how many good checks in a row bring a target back, 1 to 100.
	// Default 2.
	Healthy int `yaml:"healthy"`
	// Unhealthy is how many bad checks in a row take it out, 1 to 100.
	// Default 3.
	Unhealthy int `yaml:"unhealthy"`
	// Status are the good answers, one status or a range: `200`, `200-299`.
	// Default `200-299`.
	Status string `yaml:"status"`
}

// Passive is a health check that watches: a target that fails too often in a
// row takes no traffic for a while, then one request tries it.
type Passive struct {
	// Off turns it off.
	Off bool `yaml:"off"`
	// Failures is how many in a row take a target out, 1 to 1000. Default 5.
	Failures int `yaml:"failures"`
	// Window is the time within which they must lie. Default 10s.
	Window units.Duration `yaml:"window"`
	// For is how long the target is out. Default 10s.
	For units.Duration `yaml:"for"`
	// Count lists what is a failure: `connect` (cannot be connected to, or its
	// certificate does not verify), `broken` (closed or broken before the head
	// of its answer), `timeout`, `5xx`. Only `connect` takes out the last
	// target that is left, so that nobody who finds a slow or failing
	// operation can shut the API for others. Default connect, broken, timeout.
	Count []string `yaml:"count"`
}

// defaults fills what was left out.
func (c Config) withDefaults() Config {
	def := func(d *units.Duration, v time.Duration) {
		if *d == 0 {
			*d = units.Duration(v)
		}
	}
	word := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	word(&c.Protocol, "auto")
	word(&c.Balance, "round_robin")
	word(&c.Host, "target")
	word(&c.Forward, "both")
	word(&c.Credential, "strip")
	def(&c.ConnectTimeout, 5*time.Second)
	def(&c.Timeout, 30*time.Second)
	def(&c.BodyIdleTimeout, time.Minute)
	def(&c.WriteTimeout, 30*time.Second)
	def(&c.UpgradeIdle, 5*time.Minute)
	def(&c.IdleTimeout, 30*time.Second)
	def(&c.MaxWait, time.Second)
	if c.MaxConnections == 0 {
		c.MaxConnections = 512
	}
	if c.MaxIdle == 0 {
		c.MaxIdle = min(64, c.MaxConnections)
	}
	if c.MaxResponseHeader == 0 {
		c.MaxResponseHeader = 64 << 10
	}
	if c.Retries == nil {
		one := 1
		c.Retries = &one
	}
	c.Health = c.Health.withDefaults()
	return c
}

func (h Health) withDefaults() Health {
	p := &h.Passive
	if p.Failures == 0 {
		p.Failures = 5
	}
	if p.Window == 0 {
		p.Window = units.Duration(10 * time.Second)
	}
	if p.For == 0 {
		p.For = units.Duration(10 * time.Second)
	}
	if p.Count == nil {
		p.Count = []string{"connect", "broken", "timeout"}
	}
	if h.Active == nil {
		return h
	}
	a := *h.Active
	if a.Path == "" {
		a.Path = "/"
	}
	if a.Interval == 0 {
		a.Interval = units.Duration(5 * time.Second)
	}
	if a.Timeout == 0 {
		a.Timeout = units.Duration(2 * time.Second)
	}
	if a.Healthy == 0 {
		a.Healthy = 2
	}
	if a.Unhealthy == 0 {
		a.Unhealthy = 3
	}
	if a.Status == "" {
		a.Status = "200-299"
	}
	h.Active = &a
	return h
}
