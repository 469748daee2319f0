// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"text/template"
)

// haproxyConfig logs every request to its standard output, which is a file.
// Tokens are checked for what Durward checks: algorithm, issuer, audience, time
// and signature; then every subject has a counter.
var haproxyConfig = template.Must(template.New("haproxy").Parse(`# Written by bench.
global
  log stdout len 4096 format raw local0
  nbthread 1
  maxconn 6000
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 300s
  timeout server 30s
  timeout http-request 10s
  timeout http-keep-alive 300s
{{- if .Limit}}
backend limits
  stick-table type {{if .Alg}}string len 64{{else}}ip{{end}} size 100k expire 1h store http_req_rate({{if .Refusing}}1h{{else}}10s{{end}})
{{- end}}
frontend bench
  bind {{.Listen}}{{if .TLS}} ssl crt {{.Material}}/server.pem ssl-min-ver TLSv1.3 alpn http/1.1{{end}}
{{- if .Alg}}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('$.sub')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str {{.Alg}} }
  http-request deny deny_status 401 unless { var(txn.iss) -m str {{.Issuer}} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str {{.Audience}} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"{{.Material}}/{{.Alg}}.pub.pem") 1 }
{{- end}}
{{- if .Limit}}
  http-request track-sc0 {{if .Alg}}var(txn.sub){{else}}src{{end}} table limits
  http-request deny deny_status 429 if { sc0_http_req_rate gt {{if .Refusing}}1{{else}}100000000{{end}} }
{{- end}}
  default_backend items
backend items
  option forwardfor
  http-reuse always
  server upstream {{.Upstream}}
`))

// configureHAProxy leaves -q out: it would close the standard output, which is
// the log.
func configureHAProxy(binary string, s setup) ([]string, error) {
	path := filepath.Join(s.dir, "haproxy.cfg")
	return []string{binary, "-db", "-f", path}, render(path, haproxyConfig, s.values())
}

// nginxConfig logs every request to a file, in the format of its default.
var nginxConfig = template.Must(template.New("nginx").Parse(`# Written by bench.
daemon off;
{{- if .Firewall}}
load_module {{.Module}};
{{- end}}
{{- if .Root}}
user root;
{{- end}}
worker_processes 1;
worker_rlimit_nofile 16000;
pid {{.Dir}}/nginx.pid;
error_log {{.Dir}}/error.log crit;
events { worker_connections 12000; }
http {
  access_log {{.Dir}}/access.log combined;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
{{- if .Firewall}}
  client_body_buffer_size 128k;
  modsecurity on;
  modsecurity_rules_file {{.Dir}}/modsecurity.conf;
{{- end}}
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
{{- if .Limit}}
  limit_req_zone $binary_remote_addr zone=limits:10m rate={{if .Refusing}}1r/m{{else}}1000000r/s{{end}};
  limit_req_status 429;
{{- end}}
  upstream items {
    server {{.Upstream}};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen {{.Listen}}{{if .TLS}} ssl{{end}};
{{- if .TLS}}
    ssl_certificate {{.Material}}/server.crt;
    ssl_certificate_key {{.Material}}/server.key;
    ssl_protocols TLSv1.3;
{{- end}}
    location / {
{{- if .Limit}}
      limit_req zone=limits{{if not .Refusing}} burst=1000000 nodelay{{end}};
{{- end}}
      proxy_pass http://items;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`))

func configureNginx(binary string, s setup) ([]string, error) {
	path := filepath.Join(s.dir, "nginx.conf")
	argv := []string{binary, "-p", s.dir, "-e", filepath.Join(s.dir, "error.log"), "-c", path}
	return argv, render(path, nginxConfig, s.values())
}

// caddyConfig logs every request to a file, as JSON.
var caddyConfig = template.Must(template.New("caddy").Parse(`# Written by bench.
{
	admin off
	auto_https off
	persist_config off
	log {
		level WARN
	}
}
{{if .TLS}}https{{else}}http{{end}}://:{{.Port}} {
	bind 127.0.0.1
{{- if .TLS}}
	tls {{.Material}}/server.crt {{.Material}}/server.key {
		protocols tls1.3
	}
{{- end}}
	log {
		output file {{.Dir}}/access.log {
			roll_disabled
		}
	}
	reverse_proxy {{.Upstream}} {
		transport http {
			keepalive_idle_conns_per_host 64
		}
	}
}
`))

func configureCaddy(binary string, s setup) ([]string, error) {
	path := filepath.Join(s.dir, "Caddyfile")
	argv := []string{binary, "run", "--config", path, "--adapter", "caddyfile"}
	return argv, render(path, caddyConfig, s.values())
}

// values are what the peers' configurations are filled with.
func (s setup) values() map[string]any {
	return map[string]any{
		"Dir": s.dir, "Material": s.material, "Listen": s.listen, "Port": portOf(s.listen),
		"Upstream": s.upstream, "TLS": s.tls, "Alg": s.alg, "Issuer": tokenIssuer, "Audience": tokenAudience,
		"Limit": s.limit != noLimit, "Refusing": s.limit == refusing, "Firewall": s.firewall, "Root": os.Geteuid() == 0,
	}
}
