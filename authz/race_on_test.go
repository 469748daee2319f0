// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package authz

// raceDetector makes pools drop what they hold, at random.
const raceDetector = true
