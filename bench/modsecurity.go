// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
)

// modsecurityName is nginx with libmodsecurity, and the same rules as Durward.
const modsecurityName = "nginx-modsecurity"

const modsecurityModule = "ngx_http_modsecurity_module.so"

// moduleDirs is where nginx's module for ModSecurity may lie: the bench's own
// folder, then where distributions put it.
func moduleDirs(out string) []string {
	return []string{filepath.Join(out, "bin"), "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"}
}

// findModule gives the module's path, "" when it is not installed.
func findModule(dirs []string) string {
	for _, dir := range dirs {
		path := filepath.Join(dir, modsecurityModule)
		if abs, err := filepath.Abs(path); err == nil && isFile(path) {
			return abs
		}
	}
	return ""
}

// modsecurity is nginx where it has the module.
func modsecurity(out string) string {
	binary := installed("nginx")(out)
	if binary == "" || findModule(moduleDirs(out)) == "" {
		return ""
	}
	return binary
}

// modsecurityRules are the settings that ModSecurity recommends, as far as they
// matter here. What a debug log or an audit log costs is not asked.
const modsecurityRules = `SecRuleEngine On
SecAuditEngine Off
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecResponseBodyAccess Off
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecAction "id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=1"
`

// configureModSecurity writes the rules, as they come with Durward, into the
// folder, and nginx's configuration.
func configureModSecurity(binary string, s setup) ([]string, error) {
	var text strings.Builder
	text.WriteString(modsecurityRules)
	setup, err := fs.ReadFile(coreruleset.FS, "@crs-setup.conf.example")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "crs-setup.conf"), setup, 0o600); err != nil {
		return nil, err
	}
	text.WriteString("Include " + filepath.Join(s.dir, "crs-setup.conf") + "\n")
	names, err := writeRules(filepath.Join(s.dir, "rules"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text.WriteString("Include " + name + "\n")
	}
	if err := os.WriteFile(filepath.Join(s.dir, "modsecurity.conf"), []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	values := s.values()
	values["Module"] = findModule(moduleDirs(filepath.Dir(filepath.Dir(s.dir))))
	path := filepath.Join(s.dir, "nginx.conf")
	argv := []string{binary, "-p", s.dir, "-e", filepath.Join(s.dir, "error.log"), "-c", path}
	return argv, render(path, nginxConfig, values)
}

// writeRules writes the rules of the request phases and their data, and gives the
// rule files in their order.
func writeRules(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(coreruleset.FS, "@owasp_crs")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		content, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/"+e.Name())
		if err != nil {
			return nil, err
		}
		// ModSecurity wants an empty line behind a rule without actions.
		content = bytes.ReplaceAll(content, []byte("\nSec"), []byte("\n\nSec"))
		path := filepath.Join(dir, e.Name())
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, fmt.Errorf("rules for ModSecurity: %w", err)
		}
		if strings.HasSuffix(path, ".conf") && !strings.Contains(path, "RESPONSE-95") {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out, nil
}
