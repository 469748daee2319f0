// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package waf is the web application firewall: it decides whether a request, or
// an answer, looks like an attack. The judge is Coraza v3
// (github.com/corazawaf/coraza) with the OWASP Core Rule Set 4, both as they
// come; rules of one's own are written in SecLang, the language of ModSecurity.
//
// There is one instance of the engine for all APIs and operations, since each
// takes some 20 MiB. What operations differ in (paranoia, thresholds, exclusions,
// mode) travels in the transaction: numbers as variables that CRS's set-up keeps,
// exclusions as a profile number, for which rules are written at load that run
// before all others. An instance outlives a reload as long as its rule set is the
// same (engines.go).
//
// Threats: injection of SQL, scripts, commands and templates, traversal, request
// smuggling marks, leaks of errors and sources in answers (OWASP Top 10 A03:2021,
// API8:2023). A stream (WebSocket, gRPC, content of a type that no rule can read)
// is never buffered: its head is inspected, and what was not is said in the
// record.
//
// Failure policy: rules that cannot be run refuse the request unless on_error
// says otherwise; content beyond body_limit is refused unless on_body_limit says
// otherwise. The engine logs nothing of a request. State kept: the engines, and
// counters.
package waf
