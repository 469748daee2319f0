// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package patch decides whether a request is one that a virtual patch refuses:
// a short rule against one fault of the service behind the gateway, in force
// from one minute to the next and until the service itself is mended. It is no
// rule of the rule engine's and needs none: values are looked at in their
// canonical form, as the contract's checks see them (decoded once, members of
// JSON by pointer), in time linear in their length (RE2).
//
// Threat: a known fault (a CVE) between its publication and its repair.
// Failure policy: content that a patch has to read and that is no JSON or form
// is refused by a patch about it that is enforced. A patch that has expired does
// nothing, and the log and durward validate say so. State kept: counters.
package patch
