// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package contract decides whether a request is one that the API's OpenAPI
// document (3.0 or 3.1) declares: its path, query, header and cookie
// parameters, its media type and its content. What is not declared is refused.
//
// Standards: OpenAPI 3.0.4 and 3.1.1, JSON Schema 2020-12 (formats asserted),
// JSON (RFC 8259 within the bounds of I-JSON, RFC 7493), URI queries (RFC 3986
// 3.4), media types (RFC 9110 8.3), cookies (RFC 6265 4.2), multipart form data
// (RFC 7578).
//
// Threats: tampered and polluted parameters (a name sent twice, a type trick),
// mass assignment (read-only and undeclared members), content that two parsers
// read in two ways (duplicate members, lone surrogates, trailing data), and
// content that is expensive to read (depth, size, compression, alias and
// pattern bombs).
//
// Failure policy: a document with a part that cannot be applied (a pattern
// that cannot run in linear time among them) does not load, unless that gap is
// named and accepted; it then leaves out one check or closes one operation. At run time a
// fault of the validator itself, a panic included, is a Fail verdict, for which
// Config.OnError decides (deny by default).
//
// JSON is held against a plan while it is read (checkpass.go), which can only
// take it; what the plan leaves goes through a tree (check.go), which explains.
//
// State: none between requests but pooled buffers. Schemas are compiled when
// the document is loaded, into a direct validator that covers JSON Schema
// 2020-12 but for dynamic references, anchors and embedded identifiers; schemas
// that lead to one are left to github.com/santhosh-tekuri/jsonschema.
package contract
