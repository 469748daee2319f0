// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package moot has the users and the truth for test runs against examples/moot,
// which is somebody else's API otherwise.
package moot

import _ "embed"

// Users is the users' file of a test run, Truth the list of flaws with what
// should be found.
var (
	//go:embed users.yaml
	Users []byte
	//go:embed truth.yaml
	Truth []byte
)
