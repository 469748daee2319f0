// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package version says which build this is.
package version

import (
	"runtime"
	"runtime/debug"
)

// Number is the release; the linker sets it for release builds.
var Number = "0.1.0-dev"

// Commit is the revision that the build was made from, or "unknown".
func Commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "unknown"
}

// Go is the version of the toolchain.
func Go() string { return runtime.Version() }
