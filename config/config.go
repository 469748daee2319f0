// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config decides whether a configuration document may be put to work.
// It reads one YAML document into a Config, puts the Configs of all domains
// together, and holds them against each other and against the contracts that
// they name. Every fault is reported, with file, line, column and field path.
//
// Threat: a gateway that runs with less protection than its operator believes.
// So a misspelt field, an operation that no rule covers, a rule for an
// operation that does not exist, and an API whose callers cannot be told apart
// are errors, never warnings.
//
// Failure policy: one fault anywhere and the document is not used at all.
// It keeps no state; a loaded Config is read-only and safe for concurrent use.
package config

import (
	"net/netip"

	"durward/address"
	"durward/audit"
	"durward/authn"
	"durward/contract"
	"durward/internal/strictyaml"
	"durward/internal/units"
	"durward/inventory"
	"durward/listen"
	"durward/lockout"
	"durward/observe"
	"durward/probe/schedule"
	"durward/ratelimit"
	"durward/replay"
	"durward/token"
	"durward/waf"
)

//go:generate go run ./internal/schemagen

// Config is the whole document. Relative paths start from its folder.
type Config struct {
	// Listen are the addresses where clients reach the gateway, at least one.
	Listen []Listener `yaml:"listen"`
	// Admin is where operators reach the gateway.
	Admin Admin `yaml:"admin"`
	// TrustedProxies are the networks of proxies before the gateway. Only they
	// may say, in Forwarded, X-Forwarded-* or the PROXY protocol, who the
	// client is. Default none.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// Store is where consumers and keys live: sqlite:PATH, or memory: for
	// tries, which forgets all. Default sqlite:durward.db.
	Store string `yaml:"store"`
	// Audit is the audit log.
	Audit audit.Config `yaml:"audit"`
	// Issuers are those whose tokens APIs may take, by a name that
	// authenticate refers to.
	Issuers map[string]*authn.IssuerConfig `yaml:"issuers"`
	// Token are the keys that the gateway signs with: what it tells upstreams of
	// callers. Needed where an API has an identity_token.
	Token *token.Config `yaml:"token"`
	// RateLimit limits all requests together, whatever API they are for,
	// before anything else is done for them. A limit of an API comes on top.
	RateLimit ratelimit.Config `yaml:"rate_limit"`
	// WAF is what the firewalls of all APIs share: rules of your own, and the
	// set-up of the Core Rule Set.
	WAF waf.Global `yaml:"waf"`
	// Recorder keeps exchanges for durward replay. Default off.
	Recorder replay.Config `yaml:"recorder"`
	// Inventory notes what is called, for durward inventory.
	Inventory inventory.Config `yaml:"inventory"`
	// Probe are security tests that the gateway makes of its own APIs, by name,
	// at times and after changes of the configuration.
	Probe map[string]*schedule.Config `yaml:"probe"`
	// Lockout slows down and locks out who tries credentials, over all APIs.
	Lockout lockout.Config `yaml:"lockout"`
	// Limits bound the gateway as a whole.
	Limits Limits `yaml:"limits"`
	// Tracing sends OpenTelemetry spans to a collector. Default off.
	Tracing observe.Config `yaml:"tracing"`
	// Problems says how refusals look.
	Problems Problems `yaml:"problems"`
	// Log is the operational log, on standard error.
	Log Log `yaml:"log"`
	// Defaults are what APIs have that do not say it themselves.
	Defaults Defaults `yaml:"defaults"`
	// AllowWeaker says, in words, why the document protects less than the one in
	// force. A reload that weakens is refused without it. It is recorded, and
	// counts once: for the next one it must be another text.
	AllowWeaker string `yaml:"allow_weaker"`
	// APIs are the APIs behind the gateway, at least one, by name. The name
	// stands in records, metrics and limits: lower-case letters, digits, - and _.
	APIs map[string]*API `yaml:"apis"`

	doc       *strictyaml.Document
	contracts map[string]*contract.Document
	contents  map[string]string // digests of files that are read once, by field
	digests   map[string]string // of the contracts' files
	ruleFiles map[string]string // digests of policy and directory files, by path
	unpacked  *unpacked         // of a bundle; nil of a file
}

// Listener is one entry of `listen:`.
type Listener struct {
	// Config is what the listener itself needs.
	listen.Config `yaml:",inline"`
	// Addresses are the client addresses that may call through this listener,
	// judged behind trusted proxies.
	Addresses address.Config `yaml:"addresses"`
}

// Listeners gives what package listen needs of the listeners.
func (c *Config) Listeners() []listen.Config {
	all := make([]listen.Config, len(c.Listen))
	for i := range c.Listen {
		all[i] = c.Listen[i].Config
	}
	return all
}

// Admin is the `admin:` part of the document.
type Admin struct {
	// Address serves /healthz, /readyz and /metrics in clear text, without
	// authentication: "127.0.0.1:9090". Empty serves none. It is never one of
	// the addresses of listen.
	Address string `yaml:"address"`
	// Socket is a Unix socket for `durward reload`; only the gateway's own
	// user may open it. Empty makes none; SIGHUP works all the same.
	Socket string `yaml:"socket" path:"true"`
}

// Limits is the `limits:` part of the document. Zero means the default.
type Limits struct {
	// Requests bounds the requests in flight over all APIs; further ones are
	// answered 503. Default 10000.
	Requests int `yaml:"requests"`
	// RequestsPerAddress bounds the requests in flight of one client address
	// (an IPv6 client's /64 counts as one), trusted proxies excepted; further
	// ones are answered 429. It keeps one client from holding all places and
	// all connections to an upstream. Default 500.
	RequestsPerAddress int `yaml:"requests_per_address"`
	// Drain is how long requests may take to end after SIGTERM, or after a
	// reload took their listener away; then they are cut. Default 30s.
	Drain units.Duration `yaml:"drain"`
	// Counters bounds the keys (addresses, consumers) that each limit counts;
	// what is dropped when it is reached stands in docs/failure-policy.md.
	// Default 131072, about 40 bytes each when in use.
	Counters int `yaml:"counters"`
}

// Problems is the `problems:` part of the document.
type Problems struct {
	// TypeBase is put before a problem's code to make its `type` (RFC 9457),
	// an absolute URI that ends in / or # or :, such as
	// https://api.example.com/problems/. Default urn:durward:problem:.
	TypeBase string `yaml:"type_base"`
}

// Log is the `log:` part of the document.
type Log struct {
	// Level is the least level that is logged. Default info.
	Level string `yaml:"level" enum:"debug,info,warn,error"`
	// Format is text for people or json for collectors. Default text.
	Format string `yaml:"format" enum:"text,json"`
}
