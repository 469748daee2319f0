// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package explain answers questions about a configuration without putting it
// to work: which stages act on a request, with which settings from which line
// of the document; what would become of a request; and who could make it.
//
// The answers come from the compiled pipeline itself, whose stages judge the
// request in a trial: nothing is sent to an upstream, recorded, or counted
// for anybody. Limits are those of a gateway that has just started, and a
// proof that is used in a trial is still good at the gateway. Keys of issuers
// and answers of authorization servers are fetched as the gateway would.
//
// No secret is shown: values that are tagged as secrets are left out, and a
// credential of the request appears nowhere in the answer.
package explain
