// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity holds the users that a test run acts as, how each gets its
// credentials, and how they are put on requests and renewed.
package identity

// Credential is one thing that shows who calls, as it is sent.
type Credential struct {
	// Scheme is the name of the document's security scheme that it is for; empty
	// when none is known.
	Scheme string
	// In is header, query or cookie, Name the field's, Prefix what stands before
	// the secret ("Bearer ").
	In, Name, Prefix string
	Secret           string
}

// Identity is one user. It is safe for concurrent use.
type Identity struct {
	Name  string
	Roles []string
	// Scopes are those that its tokens have, where that is known.
	Scopes []string
}
