// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/units"
)

func TestATargetIsASchemeAHostAndPerhapsAPort(t *testing.T) {
	for in, want := range map[string]endpoint{
		"http://10.0.3.7":            {"http", "10.0.3.7", "10.0.3.7:80", "10.0.3.7"},
		"http://10.0.3.7:80/":        {"http", "10.0.3.7", "10.0.3.7:80", "10.0.3.7"},
		"https://API.internal":       {"https", "api.internal", "api.internal:443", "api.internal"},
		"https://api_1.internal:444": {"https", "api_1.internal:444", "api_1.internal:444", "api_1.internal"},
		"https://[2001:DB8::1]":      {"https", "[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1"},
		"http://[::1]:8080":          {"http", "[::1]:8080", "[::1]:8080", "::1"},
	} {
		got, err := parseTarget(in)
		if err != nil || got != want {
			t.Errorf("parseTarget(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestATargetThatSaysMoreIsRefused(t *testing.T) {
	for _, in := range []string{
		"", "10.0.3.7", "10.0.3.7:80", "ftp://a", "unix:/run/a", "http://", "http://:80", "http://a:", "http://a:0", "http://a:65536",
		"http://u:secret@a", "http://a/path", "http://a?q", "http://a?", "http://a#f", "http://a#", "http://a b", "http://a..b",
		"http://[fe80::1%25eth0]", "http://a\r\nb", "http://a/%zz:secret", "HTTP//a", "http:a", "http://" + strings.Repeat("a", 64),
		"http://" + strings.Repeat("a.", 127) + "aa", "http://ä.test",
	} {
		got, err := parseTarget(in)
		if err == nil {
			t.Errorf("parseTarget(%q) = %+v, want an error", in, got)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("parseTarget(%q) quotes a secret: %v", in, err)
		}
	}
}

func TestATargetReadsAndWritesItsShortForm(t *testing.T) {
	var got Target
	if err := got.UnmarshalText([]byte("http://a")); err != nil || got != (Target{URL: "http://a"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if b, err := got.MarshalText(); string(b) != "http://a" || err != nil {
		t.Errorf("MarshalText = %q, %v", b, err)
	}
	if _, err := (Target{URL: "http://a", Drain: true}).MarshalText(); err == nil {
		t.Error("a draining target has no short form")
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"http://a", "https://[::1]:443", "http://u:p@a", "http://a/b?c#d", "http://a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := parseTarget(in)
		if err != nil {
			return
		}
		again, err := parseTarget(e.String())
		if err != nil || again != e {
			t.Errorf("%q: %+v reads back as %+v, %v", in, e, again, err)
		}
		if !quotable(e.authority) {
			t.Errorf("%q gives the authority %q", in, e.authority)
		}
	})
}

func TestCheckReportsEveryFault(t *testing.T) {
	one := targets("https://a")
	for _, tc := range []struct {
		name   string
		config Config
		want   []string // fields
	}{
		{"targets alone will do", Config{Targets: one}, nil},
		{"everything set", Config{
			Targets: []Target{{URL: "https://a", Weight: 100}, {URL: "https://b", Drain: true}}, Protocol: "h2", Balance: "hash", Host: "c:8443",
			TLS: &TLS{CA: "ca", Certificate: "c", Key: "k", ServerName: "a.test"}, Retries: number(3), Forward: "rfc7239", Credential: "pass",
			Upgrades: []string{"websocket"}, MaxResponseHeader: 1 << 20, Identity: Identity{Subject: "X-User"},
			Health: Health{Active: &Active{Path: "/h?x", Status: "200"}, Passive: Passive{Count: []string{"5xx"}}},
		}, nil},
		{"no target", Config{}, []string{"targets"}},
		{"too many", Config{Targets: make([]Target, 65)}, []string{"targets"}},
		{"targets that are none, twice, too heavy", Config{Targets: []Target{{URL: "a"}, {URL: "http://b"}, {URL: "http://B/", Weight: 101}}},
			[]string{"targets[0]", "targets[2]", "targets[2]"}},
		{"h2 in clear", Config{Targets: targets("http://a"), Protocol: "h2"}, []string{"targets[0]"}},
		{"h2c over TLS", Config{Targets: one, Protocol: "h2c"}, []string{"targets[0]"}},
		{"trust for nothing", Config{Targets: targets("http://a"), TLS: &TLS{}}, []string{"tls"}},
		{"a certificate without its key", Config{Targets: one, TLS: &TLS{Certificate: "c", ServerName: "a/b"}}, []string{"tls", "tls.server_name"}},
		{"unknown words", Config{Targets: one, Protocol: "h3", Balance: "random", Forward: "yes", Credential: "no", Host: "a/b"},
			[]string{"protocol", "balance", "forward", "credential", "host"}},
		{"numbers out of range", Config{Targets: one, MaxConnections: -1, MaxIdle: -1, MaxResponseHeader: 1, Retries: number(4)},
			[]string{"max_connections", "max_idle", "max_response_header", "retries"}},
		{"upgrades", Config{Targets: one, Upgrades: []string{"WebSocket", "h2c", "TLS/1.3", ""}},
			[]string{"upgrades[0]", "upgrades[1]", "upgrades[2]", "upgrades[3]"}},
		{"identity fields with a meaning, twice, no names", Config{Targets: one, Identity: Identity{
			Subject: "X_Forwarded_User", Consumer: "X-A", Roles: "x.a", Scopes: "a b", Method: "Content-Type"}},
			[]string{"identity.subject", "identity.roles", "identity.scopes", "identity.method"}},
		{"a chain without its certificate", Config{Targets: one, Identity: Identity{ClientCertificateChain: true}},
			[]string{"identity.client_certificate_chain"}},
		{"an identity field that RFC 9440 has", Config{Targets: one, Identity: Identity{Subject: "client_cert", ClientCertificate: true}},
			[]string{"identity.subject"}},
		{"health", Config{Targets: one, Health: Health{
			Active:  &Active{Path: "h", Interval: duration(time.Millisecond), Healthy: -1, Unhealthy: 101, Status: "100-200"},
			Passive: Passive{Failures: -1, Count: []string{"slow"}}}},
			[]string{"health.passive.failures", "health.passive.count[0]", "health.active.path", "health.active.interval",
				"health.active.healthy", "health.active.unhealthy", "health.active.status"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, err := range durward.Flatten(tc.config.Check()) {
				fe, ok := err.(*durward.FieldError)
				if !ok {
					t.Fatalf("%v is not a FieldError", err)
				}
				got = append(got, fe.Field)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheZeroValueMeansTheSafeDefault(t *testing.T) {
	c := Config{Targets: targets("https://a")}.withDefaults()
	if c.Credential != "strip" || c.Host != "target" || c.Forward != "both" || len(c.Upgrades) != 0 || *c.Retries != 1 || c.Health.Passive.Off {
		t.Errorf("unsafe default: %+v", c)
	}
	for name, d := range map[string]units.Duration{
		"connect": c.ConnectTimeout, "head": c.Timeout, "body": c.BodyIdleTimeout, "write": c.WriteTimeout,
		"upgrade": c.UpgradeIdle, "idle": c.IdleTimeout, "wait": c.MaxWait,
	} {
		if d <= 0 {
			t.Errorf("%s timeout is unlimited", name)
		}
	}
	if c.MaxConnections <= 0 || c.MaxIdle <= 0 || c.MaxResponseHeader <= 0 {
		t.Errorf("unbounded: %+v", c)
	}
	zero, a := 0, Config{Retries: new(int), Health: Health{Active: &Active{}}}.withDefaults()
	if *a.Retries != zero {
		t.Error("an explicit 0 of retries was overwritten")
	}
	if diff := cmp.Diff(Active{Path: "/", Interval: duration(5 * time.Second), Timeout: duration(2 * time.Second), Healthy: 2, Unhealthy: 3, Status: "200-299"}, *a.Health.Active); diff != "" {
		t.Errorf("active (-want +got):\n%s", diff)
	}
}

func TestAStatusIsOneOrARange(t *testing.T) {
	for in, want := range map[string][2]int{
		"200": {200, 200}, "200-299": {200, 299}, "404-404": {404, 404},
		"": {}, "2xx": {}, "100": {}, "600": {}, "299-200": {}, "200-": {}, "-200": {}, "0200": {}, "200-299-300": {}, "+20-299": {},
	} {
		low, high, err := parseStatus(in)
		if bad := want == [2]int{}; bad != (err != nil) || !bad && (low != want[0] || high != want[1]) {
			t.Errorf("parseStatus(%q) = %d, %d, %v", in, low, high, err)
		}
	}
}
