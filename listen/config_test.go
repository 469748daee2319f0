// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

func TestCheckReportsEveryFault(t *testing.T) {
	ok := Config{Address: "127.0.0.1:8443"}
	with := func(set func(*Config)) Config { c := ok; set(&c); return c }
	for name, tc := range map[string]struct {
		cfg  Config
		want []string // fields with a fault
	}{
		"the least":               {ok, nil},
		"every interface":         {with(func(c *Config) { c.Address = ":8443" }), nil},
		"IPv6":                    {with(func(c *Config) { c.Address = "[::1]:0" }), nil},
		"localhost":               {with(func(c *Config) { c.Address = "localhost:80" }), nil},
		"no port":                 {with(func(c *Config) { c.Address = "127.0.0.1" }), []string{"address"}},
		"no address":              {with(func(c *Config) { c.Address = "" }), []string{"address"}},
		"a name":                  {with(func(c *Config) { c.Address = "example.test:80" }), []string{"address"}},
		"a port by name":          {with(func(c *Config) { c.Address = ":http" }), []string{"address"}},
		"a port with a zero":      {with(func(c *Config) { c.Address = ":080" }), []string{"address"}},
		"a port too large":        {with(func(c *Config) { c.Address = ":65536" }), []string{"address"}},
		"h2 maybe":                {with(func(c *Config) { c.HTTP2 = "maybe" }), []string{"http2"}},
		"TLS without certificate": {with(func(c *Config) { c.TLS = &TLS{} }), []string{"tls.certificates"}},
		"TLS 1.1":                 {with(func(c *Config) { c.TLS = &TLS{Certificates: []Certificate{{"a", "b"}}, MinVersion: "1.1"} }), []string{"tls.min_version"}},
		"half a certificate":      {with(func(c *Config) { c.TLS = &TLS{Certificates: []Certificate{{"a", "b"}, {Cert: "a"}, {Key: "b"}}} }), []string{"tls.certificates[1].key", "tls.certificates[2].cert"}},
		"limits that are none": {with(func(c *Config) {
			c.Limits = Limits{HeaderBytes: 1, HeaderTimeout: units.Duration(time.Hour), BodyTimeout: 1, BodyMinRate: -1,
				WriteTimeout: -1, IdleTimeout: 1, Connections: -1, ConnectionsPerAddress: -1, Streams: 1e6}
		}), []string{"limits.header_bytes", "limits.header_timeout", "limits.body_timeout", "limits.body_min_rate",
			"limits.write_timeout", "limits.idle_timeout", "limits.connections", "limits.connections_per_address", "limits.streams"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range durward.Flatten(tc.cfg.Check()) {
				field, _, _ := strings.Cut(err.Error(), ": ")
				got = append(got, field)
			}
			if strings.Join(got, " ") != strings.Join(tc.want, " ") {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestZeroLimitsAreTheDefaults(t *testing.T) {
	l := Limits{}.withDefaults()
	if l.Check() != nil || l.HeaderBytes != 32<<10 || l.HeaderTimeout.Std() != 10*time.Second || l.BodyTimeout.Std() != 20*time.Second ||
		l.BodyMinRate != 500 || l.WriteTimeout.Std() != 30*time.Second || l.IdleTimeout.Std() != 45*time.Second ||
		l.Connections != 20000 || l.ConnectionsPerAddress != 1000 || l.Streams != 100 {
		t.Errorf("%+v", l)
	}
	if got := (Limits{Streams: 7}).withDefaults().Streams; got != 7 {
		t.Errorf("a set limit became %d", got)
	}
}
