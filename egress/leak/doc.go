// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package leak finds in content what must not be told: credentials (private
// keys, keys of clouds and vendors, tokens, password hashes), data of persons
// (card numbers, bank accounts, national ids) and what only an attacker can use
// (stack traces, errors of databases, default pages of servers, internal
// addresses, paths of files).
//
// One pass looks at every second pair of bytes; a table says whether a pair can
// belong to an anchor, which is a fixed text or a run of digits. Only where an
// anchor stands does a detector look at what is around it: at most reachLeft
// bytes before it and its own reach behind. Its verdict depends on nothing
// else, so content that comes in pieces gives the same findings as a whole
// (Filter), within a window of a fixed size.
//
// Threat: OWASP API8:2023 (verbose errors), API3:2023 (more data than needed),
// CWE-209, CWE-359, CWE-798. Failure policy: a detector that is not sure stays
// silent; checksums and context decide. What a detector looks for in escaped
// form ("\u0041KIA") it does not find. No state is kept beyond a window.
package leak
