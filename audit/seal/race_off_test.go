// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package seal

const raceEnabled = false
