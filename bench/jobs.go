// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// loadKind says who makes the load of a scenario.
type loadKind int

const (
	wrkLoad       loadKind = iota // keep-alive connections
	handshakeLoad                 // a new TLS connection for each request
	idleLoad                      // connections that stay open after one request
)

// scenario is one line of the comparison: what is asked of each gateway.
type scenario struct {
	job, variant string
	load         loadKind
	post         bool
	tls          bool
	alg          string
	fresh        bool // every token is new to the gateway
	limit        limitKind
	noCheck      bool
	query        string // what stands behind the path of a GET
	batch        bool   // the content is a list of 16 KB
	firewall     bool   // the OWASP Core Rule Set 4 at paranoia level 1
}

// scenarios are all jobs. See README.md for what each shows.
var scenarios = []scenario{
	{job: "A", variant: "GET"},
	{job: "A", variant: "POST 1 KB", post: true},
	{job: "B", variant: "RS256", alg: "RS256", limit: generous},
	{job: "B", variant: "ES256", alg: "ES256", limit: generous},
	{job: "B", variant: "RS256, each token new", alg: "RS256", limit: generous, fresh: true},
	{job: "B", variant: "ES256, each token new", alg: "ES256", limit: generous, fresh: true},
	{job: "C", variant: "proxied", limit: generous},
	{job: "C", variant: "refused", limit: refusing},
	{job: "D", variant: "keep-alive", tls: true},
	{job: "D", variant: "full handshake", tls: true, load: handshakeLoad},
	{job: "E", variant: "checked", post: true},
	{job: "E", variant: "not checked", post: true, noCheck: true},
	{job: "E", variant: "GET checked", query: threeParameters},
	{job: "E", variant: "GET not checked", query: threeParameters, noCheck: true},
	{job: "F", variant: "idle connections", load: idleLoad},
	{job: "G", variant: "GET, firewall", query: threeParameters, firewall: true},
	{job: "G", variant: "GET, none", query: threeParameters},
	{job: "G", variant: "JSON 1 KB, firewall", post: true, firewall: true},
	{job: "G", variant: "JSON 1 KB, none", post: true},
	{job: "G", variant: "JSON 16 KB, firewall", post: true, batch: true, firewall: true},
	{job: "G", variant: "JSON 16 KB, none", post: true, batch: true},
}

// threeParameters are, with that of the path, the parameters of job E's GET.
const threeParameters = "?depth=3&since=2026-03-14T09:26:53Z"

// chooseScenarios gives the scenarios of a comma-separated list of jobs.
func chooseScenarios(jobs string) []scenario {
	var out []scenario
	for _, s := range scenarios {
		if jobs == "" || strings.Contains(","+strings.ToUpper(jobs)+",", ","+s.job+",") {
			out = append(out, s)
		}
	}
	return out
}

// title names the scenario in tables and file names.
func (s scenario) title() string { return s.job + " " + s.variant }

func (s scenario) slug() string {
	return strings.ToLower(strings.NewReplacer(" ", "-", ",", "").Replace(s.title()))
}

func (s scenario) method() string {
	if s.post {
		return http.MethodPost
	}
	return http.MethodGet
}

func (s scenario) path() string {
	switch {
	case s.batch:
		return "/batches"
	case s.post:
		return "/items"
	}
	return "/items/42" + s.query
}

// content names the file of what a POST sends.
func (s scenario) content() string {
	if s.batch {
		return "batch.json"
	}
	return "item.json"
}

// url is where the load goes. TLS needs the certificate's name, and to the rules
// of a firewall an address in place of a name is a finding.
func (s scenario) url(address string) string {
	if s.tls {
		return "https://localhost:" + portOf(address) + s.path()
	}
	if s.job == "G" {
		return "http://localhost:" + portOf(address) + s.path()
	}
	return "http://" + address + s.path()
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address) // an address of freeAddress
	return port
}

// tokens names the file of bearer tokens.
func (s scenario) tokens() string {
	return tokensFile(jose.SignatureAlgorithm(s.alg), s.fresh)
}
