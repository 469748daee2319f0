// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"text/template"
)

// durwardConfig has the whole pipeline on: canonical request, limit by address,
// route, contract, audit, and with tokens also authentication, authorization
// and a limit for each subject.
var durwardConfig = template.Must(template.New("durward").Parse(`# Written by bench.
listen:
  - address: "{{.Listen}}"
{{- if .TLS}}
    tls:
      min_version: "1.3"
      certificates: [{cert: "{{.Material}}/server.crt", key: "{{.Material}}/server.key"}]
{{- end}}
    limits: {connections_per_address: 20000}
{{- if .Firewall}}
admin: {address: "{{.Admin}}"}
{{- end}}
store: "sqlite:durward.db"
audit: {directory: audit, durability: {{.Audit}}, keep_files: 3}
log: {level: warn}
{{- if .Alg}}
issuers:
  bench:
    issuer: "{{.Issuer}}"
    jwks_file: "{{.Material}}/jwks.json"
    audiences: [{{.Audience}}]
{{- end}}
apis:
  items:
    contract: "{{.Material}}/bench.openapi.yaml"
{{- if .NoCheck}}
    validation: {mode: "off"}
{{- end}}
    upstream: {targets: ["http://{{.Upstream}}"]}
{{- if .Firewall}}
    waf: {mode: enforce}
{{- end}}
    rate_limit:
      per_address: {{if .Refusing}}{rate: 1/h, burst: 1}{{else}}{rate: 1000000/s, burst: 1000000}{{end}}
{{- if .Alg}}
    authenticate: [{jwt: bench}]
    authorize: {authenticated: [getItem, createItem, createBatch]}
    quota:
      per_subject: {rate: 1000000/s, burst: 1000000}
{{- else}}
    operations:
      getItem: {public: true}
      createItem: {public: true}
      createBatch: {public: true}
{{- end}}
`))

// durwardWith configures Durward with one durability of the audit log.
func durwardWith(audit string) func(string, setup) ([]string, error) {
	return func(binary string, s setup) ([]string, error) {
		path := filepath.Join(s.dir, "durward.yaml")
		err := render(path, durwardConfig, map[string]any{
			"Listen": s.listen, "Upstream": s.upstream, "Material": s.material, "TLS": s.tls,
			"Alg": s.alg, "Audit": audit, "Issuer": tokenIssuer, "Audience": tokenAudience,
			"Refusing": s.limit == refusing, "NoCheck": s.noCheck, "Firewall": s.firewall, "Admin": s.admin,
		})
		return []string{binary, "run", "-c", path}, err
	}
}

// render writes a configuration file.
func render(path string, t *template.Template, values map[string]any) error {
	var text bytes.Buffer
	if err := t.Execute(&text, values); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}
