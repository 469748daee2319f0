// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
)

// Rules is a rule set: SecLang text, and the files that it includes.
type Rules struct {
	Text     string // of the request phases, and all else
	Response string // of the response phases only
	FS       fs.FS

	files *files
}

// Variables by which a transaction is told from others.
const (
	profileVariable = "durward_profile"
	reportVariable  = "durward_report"
)

// Ids of the rules that are made here. CRS takes 900000 to 999999 and the
// recommended settings of Coraza 200000 and some.
const (
	firstID     = 9_000_000
	reportID    = firstID
	argumentsID = firstID + 1
	setupID     = firstID + 2
	profileID   = firstID + 100
)

// hardLimit is the most content in bytes that the engine takes at all; the
// stage hands on no more than its own limit, which is below this.
const hardLimit = 128 << 20

// preamble begins with the settings that Coraza recommends. What Durward insists
// on comes behind: nothing is written to a log, content stays in memory, and a
// request of which arguments would be left out is refused.
const preamble = `Include @coraza.conf-recommended
SecRuleEngine On
SecAuditEngine Off
SecDebugLogLevel 0
SecRequestBodyAccess On
SecRequestBodyLimit %[1]d
SecRequestBodyInMemoryLimit %[1]d
SecRequestBodyLimitAction Reject
SecResponseBodyAccess On
SecResponseBodyLimit %[1]d
SecResponseBodyLimitAction ProcessPartial
SecResponseBodyMimeTypesClear
SecResponseBodyMimeType text/plain text/html text/xml application/json application/problem+json application/xml
SecArgumentsLimit %[2]d
Include @crs-setup.conf.example
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecRule TX:durward_report "@streq 1" "id:%[3]d,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"
SecRule ARGUMENTS_LIMIT_REACHED "!@eq 0" "id:%[4]d,phase:2,deny,log,msg:'More arguments than are inspected'"
`

// What CRS takes where nobody says more.
var (
	plainMethods = []string{"GET", "HEAD", "POST", "OPTIONS"}
	plainTypes   = []string{
		"application/x-www-form-urlencoded", "multipart/form-data", "text/xml", "application/xml", "application/soap+xml", "application/json",
	}
)

// writer puts the text of a rule set together.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// head writes everything before the first rule of CRS or the operator.
func (w *writer) head(g *Global, methods, types []string) {
	arguments := g.MaxArguments
	if arguments == 0 {
		arguments = defaultMaxArguments
	}
	fmt.Fprintf(w, preamble, hardLimit, arguments, reportID, argumentsID)
	setup := map[string]string{
		"allowed_methods":              strings.Join(union(plainMethods, methods), " "),
		"allowed_request_content_type": "|" + strings.Join(union(plainTypes, types), "| |") + "|",
	}
	maps.Copy(setup, g.Setup)
	w.WriteString(`SecAction "id:`)
	fmt.Fprintf(w, "%d,phase:1,pass,nolog", setupID)
	for _, name := range slices.Sorted(maps.Keys(setup)) {
		fmt.Fprintf(w, ",setvar:'tx.%s=%s'", name, setup[name])
	}
	w.WriteString("\"\n")
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) && setupWord(s) {
			out = append(out, s)
		}
	}
	return out
}

// setupWord tells whether a method or media type can stand in a setvar.
func setupWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`'"\|,%{}`, r)
	})
}

func (w *writer) include(paths ...string) { w.WriteString(included(paths)) }

// included is text that includes files, by absolute path where they are the
// operator's.
func included(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		if !strings.HasPrefix(path, "@") {
			if abs, err := filepath.Abs(path); err == nil {
				path = abs
			}
		}
		b.WriteString("Include " + path + "\n")
	}
	return b.String()
}

// crsFiles lists the rule files of CRS in their order.
func crsFiles() ([]string, error) {
	entries, err := fs.ReadDir(coreruleset.FS, "@owasp_crs")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".conf") {
			out = append(out, "@owasp_crs/"+e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}
