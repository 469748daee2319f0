// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package inventory looks for operations that no document has (OWASP API9:2023):
// other versions, operations for people inside, consoles and files of
// frameworks. The list is short and the same for every service.
//
// The control of each path is one beside it that nobody has: only what answers
// otherwise than that counts.
package inventory

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

const owasp = "API9:2023"

var (
	shadow = finding.Kind{
		ID: "undocumented-operation", Title: "An operation that is in no document answers", CWE: 1059, OWASP: owasp, Severity: finding.Medium,
		Oracle: "The path answers 2xx with content, twice; a path beside it that nobody has does not, and the document has no such operation.",
		Fix:    "validation: {mode: enforce}  # what the contract does not declare is refused\n",
		Advice: "Take old versions and operations for the inside off the address that the world reaches.",
	}
	docs = finding.Kind{
		ID: "documentation-public", Title: "The API's documentation is public", CWE: 200, OWASP: owasp, Severity: finding.Info,
		Oracle: "A usual path of API documents answers with one; a path beside it does not.",
		Advice: "Decide whether it should be.",
	}
)

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{{Name: "inventory", Kinds: []finding.Kind{shadow, docs}, API: look}}
}

// known is a path of a framework or tool, with what its answer holds.
type known struct {
	path     string
	holds    *regexp.Regexp
	severity finding.Severity
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

var list = []known{
	{"/.git/HEAD", re(`^(ref: refs/|[0-9a-f]{40})`), finding.High},
	{"/.git/config", re(`\[core\]`), finding.High},
	{"/.env", re(`(?m)^[A-Z][A-Z0-9_]+\s*=`), finding.High},
	{"/.svn/entries", re(`^[0-9]+\s`), finding.Medium},
	{"/.DS_Store", re(`^\x00\x00\x00\x01Bud1`), finding.Low},
	{"/actuator", re(`"_links"`), finding.Medium},
	{"/actuator/env", re(`"(propertySources|activeProfiles)"`), finding.High},
	{"/actuator/heapdump", re(`^JAVA PROFILE`), finding.Critical},
	{"/actuator/mappings", re(`"(contexts|dispatcherServlets)"`), finding.Medium},
	{"/env", re(`"(propertySources|profiles)"`), finding.High},
	{"/debug/vars", re(`"(cmdline|memstats)"`), finding.Medium},
	{"/debug/pprof/", re(`(goroutine|heap|threadcreate)`), finding.Medium},
	{"/debug", re(`.{20,}`), finding.Medium},
	{"/_debug", re(`.{20,}`), finding.Medium},
	{"/phpinfo.php", re(`phpinfo\(\)|PHP Version`), finding.Medium},
	{"/server-status", re(`Apache Server Status`), finding.Medium},
	{"/h2-console", re(`(?i)h2 console`), finding.High},
	{"/console", re(`(?i)interactive console|werkzeug`), finding.High},
	{"/trace", re(`"(timestamp|traces)"`), finding.Medium},
	{"/config.json", re(`^\s*\{`), finding.Medium},
	{"/backup.sql", re(`(?i)(create table|insert into)`), finding.Critical},
	{"/dump.sql", re(`(?i)(create table|insert into)`), finding.Critical},
}

var documents = []string{"/openapi.json", "/openapi.yaml", "/swagger.json", "/swagger.yaml", "/v2/api-docs", "/v3/api-docs", "/api-docs",
	"/swagger-ui/", "/swagger-ui.html", "/docs", "/redoc"}

// inside are prefixes below which operations for the inside are found.
var inside = []string{"/internal", "/admin", "/debug", "/private", "/_internal", "/test", "/dev", "/backup", "/old", "/beta"}

// common are nouns that inside operations are about, besides those of the
// document.
var common = []string{"users", "config", "settings", "logs", "stats", "accounts", "env", "dump", "export", "info"}

type looker struct {
	env  *check.Env
	as   *identity.Identity
	base string
	// nothing remembers the answers of paths that nobody has.
	nothing map[string]*client.Answer
	seen    map[string]bool
}

func look(ctx context.Context, env *check.Env) error {
	l := &looker{env: env, base: base(env), nothing: map[string]*client.Answer{}, seen: map[string]bool{}}
	for _, u := range env.Users {
		if !oracle.Privileged(u) {
			l.as = u
			break
		}
	}
	for _, k := range list {
		for _, prefix := range l.prefixes() {
			if err := l.try(ctx, shadow, k.severity, prefix+k.path, k.holds); err != nil {
				return err
			}
		}
	}
	for _, d := range documents {
		for _, prefix := range l.prefixes() {
			if err := l.try(ctx, docs, finding.Info, prefix+d, re(`(?i)(openapi|swagger|redoc)`)); err != nil {
				return err
			}
		}
	}
	for _, p := range l.versions() {
		if err := l.try(ctx, shadow, finding.Medium, p, nil); err != nil {
			return err
		}
	}
	for _, p := range l.insiders() {
		if err := l.try(ctx, shadow, finding.High, p, nil); err != nil {
			return err
		}
	}
	return nil
}

// base is the path that operations are below, found by writing one down.
func base(env *check.Env) string {
	for _, s := range env.API.Servers {
		if u, err := url.Parse(s); err == nil {
			if p := strings.TrimRight(u.Path, "/"); p != "" {
				return p
			}
		}
	}
	return ""
}

func (l *looker) prefixes() []string {
	if l.base == "" {
		return []string{""}
	}
	return []string{"", l.base}
}

// nouns are the first words of the document's collections.
func (l *looker) nouns() []string {
	var out []string
	for _, op := range l.env.API.Operations {
		for _, s := range strings.Split(strings.Trim(op.Path, "/"), "/") {
			if s != "" && !strings.HasPrefix(s, "{") && !version.MatchString(s) {
				if !slices.Contains(out, s) && len(out) < 12 {
					out = append(out, s)
				}
				break
			}
		}
	}
	for _, c := range common {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (l *looker) insiders() []string {
	var out []string
	for _, prefix := range l.prefixes() {
		for _, in := range inside {
			out = append(out, prefix+in)
			for _, n := range l.nouns() {
				out = append(out, prefix+in+"/"+n)
			}
		}
		for _, n := range l.nouns() {
			out = append(out, prefix+"/"+n+"/debug", prefix+"/"+n+"/_debug", prefix+"/"+n+"/export", prefix+"/"+n+"/all")
		}
	}
	return out
}

var version = regexp.MustCompile(`^v([0-9]{1,2})$`)

// versions are the paths of lists under other versions than the document's.
func (l *looker) versions() []string {
	var out []string
	for _, op := range l.env.API.Operations {
		if op.Method != http.MethodGet || strings.Contains(op.Path, "{") || len(out) > 60 {
			continue
		}
		segments := strings.Split(l.base+op.Path, "/")
		for i, s := range segments {
			m := version.FindStringSubmatch(s)
			if m == nil {
				continue
			}
			n, _ := strconv.Atoi(m[1])
			for v := max(0, n-2); v <= n+2; v++ {
				if v != n {
					other := slices.Clone(segments)
					other[i] = "v" + strconv.Itoa(v)
					out = append(out, strings.Join(other, "/"))
				}
			}
			break
		}
	}
	return out
}

// documented tells that the document has a GET of a path.
func (l *looker) documented(path string) bool {
	rest, below := strings.CutPrefix(path, l.base)
	if !below {
		return false
	}
	return slices.ContainsFunc(l.env.API.Operations, func(op *spec.Operation) bool {
		return op.Method == http.MethodGet && matches(op.Path, rest)
	})
}

func matches(template, path string) bool {
	a, b := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	return len(a) == len(b) && !slices.ContainsFunc(indexes(len(a)), func(i int) bool {
		return a[i] != b[i] && !strings.Contains(a[i], "{")
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func (l *looker) get(ctx context.Context, path string, as *identity.Identity) (*check.Exchange, error) {
	r := &client.Request{Method: http.MethodGet, Target: path, Header: []client.Field{{Name: "Accept", Value: "*/*"}}}
	as.Apply(r)
	return l.env.World.Do(ctx, r)
}

// beside is the answer of a path that nobody has, in the same place.
func (l *looker) beside(ctx context.Context, path string, as *identity.Identity) (*client.Answer, error) {
	parent := path[:strings.LastIndexByte(strings.TrimRight(path, "/"), '/')]
	key := parent + "\x00"
	if as != nil {
		key += as.Name
	}
	if a := l.nothing[key]; a != nil {
		return a, nil
	}
	e, err := l.get(ctx, parent+"/dw-nothing-here", as)
	if err != nil {
		return nil, err
	}
	l.nothing[key] = e.Answer
	return e.Answer, nil
}

// try asks for a path as nobody and as a user.
func (l *looker) try(ctx context.Context, kind finding.Kind, severity finding.Severity, path string, holds *regexp.Regexp) error {
	if l.seen[path] || l.documented(path) {
		return nil
	}
	l.seen[path] = true
	users := []*identity.Identity{nil}
	if l.as != nil {
		users = append(users, l.as)
	}
	for _, as := range users {
		e, err := l.get(ctx, path, as)
		if err != nil {
			return err
		}
		if !tells(e.Answer, holds) {
			if e.Answer.Status == http.StatusNotFound {
				return nil
			}
			continue
		}
		control, err := l.beside(ctx, path, as)
		if err != nil {
			return err
		}
		if oracle.Accepted(control) && (oracle.Same(control.Body, e.Answer.Body) || oracle.Alike(control.Body, e.Answer.Body) || holds == nil && oracle.Decode(control.Body) != nil) {
			return nil
		}
		if e, err = l.get(ctx, path, as); err != nil || !tells(e.Answer, holds) {
			return err
		}
		l.env.Report(finding.Finding{Kind: kind, Severity: severity, Confidence: finding.Firm, Method: http.MethodGet, Path: path,
			Operation: "GET " + path, Where: path, Detail: fmt.Sprintf("%s answers, and is in no document.", path),
			Steps: []finding.Step{l.env.Step("it answers", e)}})
		return nil
	}
	return nil
}

// tells that an answer has content, of the form that is looked for.
func tells(a *client.Answer, holds *regexp.Regexp) bool {
	if !oracle.Accepted(a) || len(a.Body) < 3 {
		return false
	}
	if holds != nil {
		return holds.Match(a.Body)
	}
	return len(oracle.Items(a.Body)) > 0 && oracle.Decode(a.Body) != nil
}
