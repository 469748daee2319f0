// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package allocs

// Race tells that the race detector is at work, under which pools drop at
// random what they are given.
const Race = true
