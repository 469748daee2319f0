// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package spec reads an API's OpenAPI document as a tester does: whatever can be
// understood is used, and the rest is a warning, where package contract, which
// guards, refuses. It knows nothing of the gateway.
//
// Standards: OpenAPI 3.1 and 3.0, Swagger 2.0; JSON and YAML; references within
// the file and to files beside or below it.
//
// Bounded: the size of files, the number of them, the depth of references.
package spec
