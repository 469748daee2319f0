// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// domains are the packages that decide one thing each. They never import each
// other: facts travel in the Exchange.
var domains = []string{
	"listen", "route", "ratelimit", "cors", "authn", "authz", "contract",
	"egress", "proxy", "audit", "observe", "store", "token", "address", "lockout", "replay", "inventory", "waf",
}

// importRules says what a package of this module may import of it, besides
// packages below itself and internal leaves. "DOMAINS" stands for all domains.
// Relaxing a line needs an ADR.
var importRules = map[string][]string{
	"durward":         {},
	"internal/*":      {},
	"DOMAINS":         {"durward"},
	"config":          {"durward", "DOMAINS", "probe"}, // for the schedule of tests
	"revision":        {"durward", "DOMAINS", "config"},
	"pipeline":        {"durward", "DOMAINS", "config"},
	"gateway":         {"durward", "DOMAINS", "config", "pipeline", "console", "probe", "expect"},
	"explain":         {"durward", "DOMAINS", "config", "pipeline"},
	"expect":          {"durward", "DOMAINS", "config", "pipeline", "explain", "probe"},
	"console":         {"durward"},
	"durwardtest":     {"durward"},
	"probe":           {"durward"}, // tests any API: it knows only words of the gateway
	"probe/score":     {"probe", "examples/moot"},
	"cmd/durward":     {"*"},
	"examples/moot":   {}, // stands for somebody else's API: it knows nothing of the gateway
	"examples/issuer": {}, // stands for somebody else's identity provider
	"bench":           {"examples/moot"},
}

type listedPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Doc                                string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// ruleFor finds the rule of a package: its own, or that of the nearest package
// above it, whose part it then is.
func ruleFor(path string) (owner string, allowed []string, ok bool) {
	if path == "" {
		return "durward", importRules["durward"], true
	}
	for p := path; p != ""; p = p[:max(strings.LastIndexByte(p, '/'), 0)] {
		if slices.Contains(domains, p) {
			return p, importRules["DOMAINS"], true
		}
		if rule, ok := importRules[p]; ok {
			return p, rule, true
		}
		if strings.HasPrefix(p, "internal/") && !strings.Contains(p[len("internal/"):], "/") {
			return p, importRules["internal/*"], true
		}
	}
	return "", nil, false
}

func TestPackagesImportOnlyWhatTheRulesAllow(t *testing.T) {
	for _, p := range listPackages(t) {
		rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "durward"), "/")
		owner, allowed, ok := ruleFor(rel)
		if !ok {
			t.Errorf("%s has no line in importRules", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if imp != "durward" && !strings.HasPrefix(imp, "durward/") {
				if owner == "durward" && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
					t.Errorf("package durward imports %s, and may import only the standard library", imp)
				}
				continue
			}
			target, _, _ := ruleFor(strings.TrimPrefix(strings.TrimPrefix(imp, "durward"), "/"))
			switch {
			case target == owner, strings.HasPrefix(target, "internal/") && owner != "durward":
			case slices.Contains(allowed, "*"), slices.Contains(allowed, target):
			case slices.Contains(allowed, "DOMAINS") && slices.Contains(domains, target):
			default:
				t.Errorf("%s imports %s; the rules allow %v", p.ImportPath, imp, allowed)
			}
		}
	}
}

func TestEveryPackageSaysWhatItDecides(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
