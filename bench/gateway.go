// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// setup is what a gateway is to do in one scenario.
type setup struct {
	dir      string // the gateway's own folder
	material string // the folder of keys, certificates and the contract
	listen   string // host:port
	upstream string // host:port

	tls     bool
	alg     string // the signature algorithm of bearer tokens; empty asks for none
	limit   limitKind
	noCheck bool // the contract is left unchecked

	firewall bool   // the OWASP Core Rule Set 4
	admin    string // host:port of metrics, where a gateway has them and they are needed
}

// limitKind says what limit there is.
type limitKind int

const (
	noLimit  limitKind = iota // peers have none; Durward has one all the same
	generous                  // counts every client, refuses none
	refusing                  // refuses all but the first request
)

// gateway is one contestant.
type gateway struct {
	name  string // as in results and in -gateways
	audit string // Durward's audit durability, a contestant of its own
	// binary finds the program; empty when it is not installed.
	binary func(outDir string) string
	// log is the file in its folder that takes a line for each request; empty
	// for Durward, whose audit log begins new files and sums up refusals.
	log string
	// version is the argument that prints the version.
	version []string
	// can says whether the gateway has what a scenario needs.
	can func(scenario) bool
	// configure writes the configuration and gives the command line.
	configure func(binary string, s setup) ([]string, error)
}

// label is the gateway's name in tables.
func (g gateway) label() string {
	if g.audit != "" && g.audit != defaultAudit {
		return g.name + " (" + g.audit + ")"
	}
	return g.name
}

// flagName is the gateway's name in -gateways.
func (g gateway) flagName() string {
	if g.audit != "" && g.audit != defaultAudit {
		return g.name + "-" + g.audit
	}
	return g.name
}

const defaultAudit = "group"

// gateways are all contestants, in the order of their turns.
var gateways = []gateway{
	{name: "durward", audit: defaultAudit, binary: built("durward"), version: []string{"version"},
		can: func(scenario) bool { return true }, configure: durwardWith(defaultAudit)},
	{name: "durward", audit: "buffered", binary: built("durward"), version: []string{"version"},
		can: func(s scenario) bool { return s.job != "F" && s.job != "G" }, configure: durwardWith("buffered")},
	{name: "haproxy", binary: installed("haproxy"), log: "stdout.log", version: []string{"-v"},
		can: func(s scenario) bool { return s.job != "E" && s.job != "G" }, configure: configureHAProxy},
	{name: "nginx", binary: installed("nginx"), log: "access.log", version: []string{"-v"},
		can: func(s scenario) bool { return s.job != "E" && s.alg == "" && !s.firewall }, configure: configureNginx},
	{name: modsecurityName, binary: modsecurity, log: "access.log", version: []string{"-v"},
		can: func(s scenario) bool { return s.firewall }, configure: configureModSecurity},
	{name: "caddy", binary: installed("caddy"), log: "access.log", version: []string{"version"},
		can:       func(s scenario) bool { return s.job != "E" && s.job != "G" && s.alg == "" && s.limit == noLimit },
		configure: configureCaddy},
	{name: kinName, binary: built(kinName), log: "stdout.log", version: []string{"version"},
		can: func(s scenario) bool { return s.job == "E" }, configure: configureKin},
}

// kinName is a middleware, not a gateway: it checks contracts and no more.
const kinName = "kin-openapi"

// checksContracts tells that the gateway refuses what breaks the contract.
func (g gateway) checksContracts() bool { return g.name == "durward" || g.name == kinName }

// built names a program that the bench builds itself.
func built(name string) func(string) string {
	return func(out string) string { return filepath.Join(out, name) }
}

// installed looks for a program in the bench's own folder, in PATH and where
// distributions put servers.
func installed(name string) func(string) string {
	return func(out string) string {
		if path := filepath.Join(out, "bin", name); isFile(path) {
			return path
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
			if path := filepath.Join(dir, name); isFile(path) {
				return path
			}
		}
		return ""
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readVersion asks a program for its version. Caddy as go install builds it
// does not know its own; then what the linker wrote counts.
func readVersion(binary string, args []string) string {
	out, err := exec.Command(binary, args...).CombinedOutput()
	if err == nil {
		if version := versionOf(string(out)); version != unknownVersion {
			return version
		}
	}
	if info, err := buildinfo.ReadFile(binary); err == nil && info.Main.Version != "" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return unknownVersion
}

const unknownVersion = "unknown"

// versionOf finds the version in what a program says of itself.
func versionOf(text string) string {
	for line := range strings.Lines(text) {
		for _, word := range strings.Fields(line) {
			word = strings.TrimPrefix(word[strings.LastIndexByte(word, '/')+1:], "v")
			if word != "" && word[0] >= '0' && word[0] <= '9' {
				return strings.TrimRight(word, ",;")
			}
		}
	}
	return unknownVersion
}

// choose gives the gateways of a comma-separated list; empty is all.
func choose(list string) []gateway {
	if list == "" {
		return gateways
	}
	wanted := strings.Split(list, ",")
	return slices.DeleteFunc(slices.Clone(gateways), func(g gateway) bool {
		return !slices.Contains(wanted, g.flagName())
	})
}
