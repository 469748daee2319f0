// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// configured writes a gateway's configuration and gives its text and command
// line.
func configured(t *testing.T, name string, s setup) (string, []string) {
	t.Helper()
	s.dir, s.listen, s.upstream = t.TempDir(), "127.0.0.1:8081", "127.0.0.1:9091"
	if s.material == "" {
		s.material = "/material"
	}
	for _, g := range gateways {
		if g.flagName() != name {
			continue
		}
		argv, err := g.configure("/bin/"+name, s)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(argv, func(arg string) bool { return strings.HasPrefix(arg, s.dir) && isFile(arg) })
		if at < 0 {
			t.Fatalf("%v names no file", argv)
		}
		text, err := os.ReadFile(argv[at])
		if err != nil {
			t.Fatal(err)
		}
		return string(text), argv
	}
	t.Fatalf("no gateway %s", name)
	return "", nil
}

func TestConfigurationsSayWhatTheScenarioNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		gateway   string
		setup     setup
		want, not []string
	}{
		"durward has its whole pipeline on": {"durward", setup{},
			[]string{"durability: group", "per_address: {rate: 1000000/s", "contract:", "getItem: {public: true}"},
			[]string{"issuers", "tls:", "validation", "mode: off", "waf:"}},
		"durward buffers its audit log as a variant": {"durward-buffered", setup{}, []string{"durability: buffered"}, nil},
		"durward checks tokens and counts subjects": {"durward", setup{alg: "RS256", limit: generous},
			[]string{"jwks_file", "authenticate: [{jwt: bench}]", "per_subject:", "authorize:"}, []string{"public: true"}},
		"durward refuses":               {"durward", setup{limit: refusing}, []string{"rate: 1/h, burst: 1"}, nil},
		"durward ends TLS 1.3":          {"durward", setup{tls: true}, []string{`min_version: "1.3"`, "server.crt"}, nil},
		"durward without the check":     {"durward", setup{noCheck: true}, []string{`validation: {mode: "off"}`}, nil},
		"durward has a firewall":        {"durward", setup{firewall: true}, []string{"waf: {mode: enforce}"}, nil},
		"nginx has a firewall":          {"nginx-modsecurity", setup{firewall: true}, []string{"modsecurity on;", "modsecurity_rules_file"}, nil},
		"haproxy logs and does no more": {"haproxy", setup{}, []string{"log stdout", "option httplog", "http-reuse always", "nbthread 1"}, []string{"stick-table", "jwt_verify", "ssl"}},
		"haproxy counts each subject":   {"haproxy", setup{alg: "ES256", limit: generous}, []string{`jwt_verify(txn.alg,"/material/ES256.pub.pem")`, "stick-table type string", "track-sc0 var(txn.sub)", "deny_status 401"}, []string{"gt 1 }"}},
		"haproxy refuses":               {"haproxy", setup{limit: refusing}, []string{"stick-table type ip", "track-sc0 src", "deny_status 429 if { sc0_http_req_rate gt 1 }"}, nil},
		"haproxy ends TLS 1.3":          {"haproxy", setup{tls: true}, []string{"ssl crt /material/server.pem ssl-min-ver TLSv1.3"}, nil},
		"nginx logs and keeps alive":    {"nginx", setup{}, []string{"access_log", "keepalive 64;", "worker_processes 1;", `proxy_set_header Connection "";`}, []string{"limit_req", "ssl"}},
		"nginx refuses":                 {"nginx", setup{limit: refusing}, []string{"rate=1r/m", "limit_req zone=limits;", "limit_req_status 429;"}, []string{"burst"}},
		"nginx counts and lets pass":    {"nginx", setup{limit: generous}, []string{"rate=1000000r/s", "burst=1000000 nodelay;"}, nil},
		"nginx ends TLS 1.3":            {"nginx", setup{tls: true}, []string{"listen 127.0.0.1:8081 ssl;", "ssl_protocols TLSv1.3;"}, nil},
		"kin-openapi checks":            {"kin-openapi", setup{}, []string{`"Check":true`, `"Contract":"/material/bench.openapi.yaml"`, "127.0.0.1:8081"}, nil},
		"kin-openapi does not check":    {"kin-openapi", setup{noCheck: true}, []string{`"Check":false`}, nil},
		"caddy logs":                    {"caddy", setup{}, []string{"http://:8081", "bind 127.0.0.1", "output file", "reverse_proxy 127.0.0.1:9091"}, []string{"https://"}},
		"caddy ends TLS 1.3":            {"caddy", setup{tls: true}, []string{"https://:8081", "protocols tls1.3"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text, argv := configured(t, test.gateway, test.setup)
			for _, want := range append(test.want, "127.0.0.1:9091") {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in:\n%s", want, text)
				}
			}
			for _, not := range test.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is in:\n%s", not, text)
				}
			}
			if strings.Contains(text, "<no value>") || argv[0] != "/bin/"+test.gateway {
				t.Errorf("%v:\n%s", argv, text)
			}
		})
	}
}

// The programs themselves judge their configurations, where they are installed.
func TestPeersTakeTheirConfigurations(t *testing.T) {
	material := testMaterial(t).dir
	check := map[string]func(binary string, argv []string) *exec.Cmd{
		"haproxy": func(binary string, argv []string) *exec.Cmd {
			return exec.Command(binary, "-c", "-f", argv[len(argv)-1])
		},
		"nginx": func(binary string, argv []string) *exec.Cmd {
			return exec.Command(binary, append([]string{"-t"}, argv[1:]...)...)
		},
	}
	for name, command := range check {
		binary := installed(name)(t.TempDir())
		if binary == "" {
			t.Logf("%s is not installed", name)
			continue
		}
		for _, s := range []setup{{}, {tls: true}, {limit: generous}, {limit: refusing}, {alg: "RS256", limit: generous}, {alg: "ES256", limit: generous}} {
			if name == "nginx" && s.alg != "" {
				continue
			}
			s.material = material
			_, argv := configured(t, name, s)
			if out, err := command(binary, argv).CombinedOutput(); err != nil {
				t.Errorf("%s, %+v: %v\n%s", name, s, err, out)
			}
		}
	}
}

func TestVersionsAreFoundInWhatProgramsSay(t *testing.T) {
	for text, want := range map[string]string{
		"nginx version: nginx/1.22.1\n":                                        "1.22.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n": "2.6.12-1+deb12u4",
		"v2.11.9 h1:abc=\n":                                                    "2.11.9",
		"durward v0.1.0-dev, go1.26.8\n":                                       "0.1.0-dev",
		"unknown\n":                                                            unknownVersion,
		"":                                                                     unknownVersion,
	} {
		if got := versionOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := readVersion(filepath.Join(t.TempDir(), "none"), nil); got != unknownVersion {
		t.Errorf("a program that is not there has version %q", got)
	}
}

func TestGatewaysAreChosenByName(t *testing.T) {
	if got := names(choose("")); got != "durward, durward-buffered, haproxy, nginx, nginx-modsecurity, caddy, kin-openapi" {
		t.Errorf("all: %s", got)
	}
	if got := names(choose("haproxy,durward")); got != "durward, haproxy" {
		t.Errorf("two: %s", got)
	}
	if got := choose("squid"); len(got) != 0 {
		t.Errorf("an unknown one: %s", names(got))
	}
	if len(gateways) != 7 {
		t.Errorf("choosing changed the list: %s", names(gateways))
	}
}

func TestGatewaysTakePartWhereTheyHaveWhatIsAsked(t *testing.T) {
	for _, s := range scenarios {
		var got []string
		for _, g := range gateways {
			if g.can(s) {
				got = append(got, g.flagName())
			}
		}
		want := "durward durward-buffered haproxy nginx caddy"
		switch s.job {
		case "B":
			want = "durward durward-buffered haproxy"
		case "C":
			want = "durward durward-buffered haproxy nginx"
		case "E":
			want = "durward durward-buffered kin-openapi"
		case "F":
			want = "durward haproxy nginx caddy"
		case "G":
			want = "durward nginx"
			if s.firewall {
				want = "durward nginx-modsecurity"
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", s.title(), got, want)
		}
	}
}

func TestJobsAreChosenByLetter(t *testing.T) {
	for jobs, want := range map[string]int{"": len(scenarios), "A": 2, "a,C": 4, "B": 4, "G": 6, "X": 0} {
		if got := len(chooseScenarios(jobs)); got != want {
			t.Errorf("%q: %d scenarios, want %d", jobs, got, want)
		}
	}
}
