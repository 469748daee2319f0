// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"durward/authn"
	"durward/contract"
)

// Init writes a first configuration for the API that the OpenAPI document at
// openapi describes and that runs at upstream, a URL. Everything is denied but
// to API keys with the roles that it makes up; nothing is public. The text
// loads as it is, from a file in the current folder; relative to that folder
// is openapi, if it is relative.
func Init(openapi, upstream string) ([]byte, error) {
	doc, err := contract.Load(openapi, contract.AllGaps)
	if err != nil {
		return nil, err
	}
	if len(doc.Operations())+len(doc.Closed()) == 0 {
		return nil, fmt.Errorf("no configuration can be made of this document: %s declares no operation", openapi)
	}
	target, prefix, err := splitUpstream(upstream, doc.Servers())
	if err != nil {
		return nil, err
	}
	text, err := firstText(&initWriter{doc: doc}, openapi, target, prefix)
	if err != nil { // most probably keys alone are not what the contract declares
		text, err = firstText(&initWriter{doc: doc, keysOnly: true}, openapi, target, prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("no configuration can be made of this document: %w", err)
	}
	return text, nil
}

// firstText writes a document and sees whether it loads.
func firstText(w *initWriter, openapi, target, prefix string) ([]byte, error) {
	w.gateway()
	w.issuers()
	w.api(openapi, target, prefix)
	text := []byte(w.String())
	_, err := Parse("durward.yaml", text, nil)
	return text, err
}

// splitUpstream parts the upstream's URL into the target and the path below
// which the API lies. Without a path it is the one of the document's server.
func splitUpstream(upstream string, servers []string) (target, prefix string, err error) {
	u, err := url.Parse(upstream)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", fmt.Errorf("the upstream must be an http or https URL such as http://127.0.0.1:9000, without user, query and fragment")
	}
	prefix = strings.TrimSuffix(u.EscapedPath(), "/")
	if prefix == "" && len(servers) > 0 {
		// A server with variables ({region}) or words for a person to fill in
		// has no path to be sure of.
		if s, err := url.Parse(servers[0]); err == nil && plainPrefix.MatchString(s.EscapedPath()) {
			prefix = strings.TrimSuffix(s.EscapedPath(), "/")
		}
	}
	return u.Scheme + "://" + u.Host, prefix, nil
}

var plainPrefix = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$`)

type initWriter struct {
	strings.Builder
	doc *contract.Document
	// keysOnly leaves the contract's security aside, which is more than keys.
	keysOnly bool
}

func (w *initWriter) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *initWriter) gateway() {
	w.line(`# yaml-language-server: $schema=durward.schema.json
# Durward before %s, as durward init wrote it.
# Only API keys with the roles below get in, and no operation is public.
# Check changes with: durward validate -c durward.yaml

listen:
  - address: 127.0.0.1:8080 # for all interfaces ":8443", with certificates:
    # tls:
    #   certificates: [{cert: tls.crt, key: tls.key}]

admin:
  address: 127.0.0.1:9090 # /healthz, /readyz and /metrics
  socket: durward.sock # for durward reload

# trusted_proxies: [10.0.0.0/8] # only these may say who the client is

store: sqlite:durward.db # consumers and keys
audit:
  directory: audit # every attempt and outcome
  # seal: {master_key: "${file:audit.master}"} # what is personal in them, readable with this key only: openssl rand -base64 32
`, comment(w.doc.Title()))
}

// issuers writes the block of a token issuer, which nobody but the operator
// can fill in, as a comment.
func (w *initWriter) issuers() {
	if !w.takesTokens() {
		return
	}
	discovery := "https://id.example.com"
	for _, s := range w.doc.SecuritySchemes() {
		if s.DiscoveryURL != "" {
			discovery = comment(s.DiscoveryURL)
			break
		}
	}
	w.line(`# The contract speaks of bearer tokens. Say who issues them, and take the # away
# here and under authenticate.
# issuers:
#   main:
#     discovery: %s
#     audiences: [%s] # what the tokens' aud must name
`, discovery, w.name())
}

func (w *initWriter) takesTokens() bool {
	return slices.ContainsFunc(w.doc.SecuritySchemes(), func(s contract.SecurityScheme) bool {
		return s.Type == "oauth2" || s.Type == "openIdConnect" || s.Type == "http" && s.Scheme == "bearer"
	})
}

func (w *initWriter) api(openapi, target, prefix string) {
	w.line("apis:\n  %s:", w.name())
	if prefix != "" {
		w.line("    prefix: %s", scalar(prefix))
	}
	w.line("    contract: %s # only what it declares can be called", scalar(openapi))
	w.gaps()
	w.line("    upstream:\n      targets: [%s]", scalarInFlow(target))
	w.authenticate()
	w.line(`    rate_limit:
      per_address: {rate: 20/s, burst: 40}
    quota:
      per_consumer: {rate: 50/s, burst: 100}
    waf: {mode: enforce} # the OWASP Core Rule Set; report only records what it would refuse
    authorize: # an operation that stands nowhere here is an error`)
	w.rules()
	w.operations()
}

// maxGapsNamed is the most gaps that are worth a line each.
const maxGapsNamed = 50

// gaps accepts by name what of the contract cannot be applied, and says what
// that means. So a gap that the contract gets later is an error.
func (w *initWriter) gaps() {
	gaps := w.doc.Gaps()
	if len(gaps) == 0 {
		return
	}
	w.line("    validation:\n      gaps: # parts of the contract that cannot be applied; durward validate lists them")
	if len(gaps) > maxGapsNamed {
		w.line("        - \"*\" # %d, too many to name here", len(gaps))
		return
	}
	for _, gap := range gaps {
		w.line("        # %s\n        # %s\n        - %s", comment(gap.Reason), comment(gap.Effect), scalarInFlow(gap.Name))
	}
}

// authenticate maps the contract's security schemes. Without one that works
// as it is, Durward's own keys are taken in X-API-Key.
func (w *initWriter) authenticate() {
	w.line("    authenticate:")
	if w.takesTokens() {
		w.line("      # - jwt: main")
	}
	key := "{}"
	for _, s := range w.doc.SecuritySchemes() {
		if s.Type == "apiKey" && s.In == "header" && !strings.EqualFold(s.Parameter, "Authorization") && takesKeys(s.Parameter) {
			key = "{header: " + scalarInFlow(s.Parameter) + "}"
			break
		}
	}
	w.line("      - api_key: %s # durward key create makes keys", key)
	if w.keysOnly {
		w.line("    security:\n      from: configuration # the contract declares more than keys; once authenticate lists all of it, remove this")
	}
}

// takesKeys tells that a header field may carry the gateway's API keys.
func takesKeys(name string) bool {
	methods := authn.Config{{APIKey: &authn.APIKey{Header: name}}}
	return methods.Check() == nil
}

// maxRules is the most operations that are worth a line each.
const maxRules = 4000

// rules puts every operation under a role for those that read or one for
// those that change.
func (w *initWriter) rules() {
	if len(w.doc.Operations()) == 0 {
		w.line("      authenticated: [\"*\"] # none of the contract's operations can be applied, so all are closed")
		return
	}
	w.line("      roles:")
	var readers, writers []contract.Operation
	if n := len(w.doc.Operations()); n > maxRules {
		w.line("        caller: [\"*\"] # all of %d operations, too many to list here", n)
		return
	}
	for _, op := range w.doc.Operations() {
		if op.Method == "GET" || op.Method == "HEAD" || op.Method == "OPTIONS" {
			readers = append(readers, op)
		} else {
			writers = append(writers, op)
		}
	}
	for _, role := range []struct {
		name string
		ops  []contract.Operation
	}{{"reader", readers}, {"writer", writers}} {
		if len(role.ops) > 0 {
			w.line("        %s:", role.name)
		}
		for _, op := range role.ops {
			w.line("          - %s # %s %s", scalar(op.ID), op.Method, comment(op.Template))
		}
	}
}

// asksForNothing tells whether the contract says that the operation needs no
// credential, rather than saying nothing about it.
func asksForNothing(op contract.Operation) bool {
	return op.HasSecurity && (len(op.Security) == 0 ||
		slices.ContainsFunc(op.Security, func(all []contract.Requirement) bool { return len(all) == 0 }))
}

// operations writes what the contract's streams and upgrades need, and lists
// the candidates for public operations as comments.
func (w *initWriter) operations() {
	var lines []string
	for _, op := range w.doc.Operations() {
		if op.Upgrade != "" {
			lines = append(lines, fmt.Sprintf("      %s: {upgrades: [%s]}", scalar(op.ID), scalar(op.Upgrade)))
		} else if op.Streams {
			lines = append(lines, fmt.Sprintf("      %s: {body_idle_timeout: 5m} # a stream", scalar(op.ID)))
		}
	}
	var open []string
	for _, op := range w.doc.Operations() {
		if asksForNothing(op) {
			open = append(open, fmt.Sprintf("      # %s: {public: true}", scalar(op.ID)))
		}
	}
	switch {
	case len(lines) > 0:
		w.line("    operations:\n%s", strings.Join(lines, "\n"))
	case len(open) > 0:
		w.line("    # operations:")
	}
	if len(open) > 0 {
		w.line("      # The contract lets everybody call these. To do so, take the # away, and the\n      # lines under roles.\n%s", strings.Join(open, "\n"))
	}
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// name makes the API's name of the document's title.
func (w *initWriter) name() string {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(w.doc.Title()), "-"), "-")
	name = strings.TrimSuffix(strings.TrimSuffix(name, "-api"), "-")
	if len(name) > 40 {
		name = strings.Trim(name[:40], "-")
	}
	if name == "" {
		return "api"
	}
	return name
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)

// scalar writes text as a YAML scalar that is read back as the same text.
func scalar(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan", "...":
	default:
		if plainScalar.MatchString(text) {
			return text
		}
	}
	return scalarInFlow(text)
}

// scalarInFlow writes text in quotes, which is right inside [ ] and { }, too.
func scalarInFlow(text string) string {
	quoted, err := json.Marshal(strings.ReplaceAll(text, "${", "$${"))
	if err != nil {
		return `""`
	}
	return lineEnds.Replace(string(quoted))
}

// lineEnds escapes what YAML takes for the end of a line, or drops, and JSON
// lets stand: in a comment the rest would be settings.
var lineEnds = strings.NewReplacer("\u0085", `\u0085`, "\u2028", `\u2028`, "\u2029", `\u2029`, "\ufeff", `\ufeff`, "\x7f", `\u007f`)

// comment makes text fit for a comment: one line of printable characters.
func comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, text)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	return text
}
