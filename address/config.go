// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"errors"
	"fmt"
	"net/netip"

	"durward"
	"durward/internal/netlist"
)

// Config says from which addresses clients may call. The zero value takes
// every address.
type Config struct {
	// Mode is enforce, report or off.
	Mode durward.Mode `yaml:"mode"`
	// Allow are the address ranges that clients may call from, such as
	// 203.0.113.0/24. Once there is an allow list, here or in allow_files,
	// every other address is refused.
	Allow []netip.Prefix `yaml:"allow"`
	// Deny are address ranges that are refused, also when allow has them.
	Deny []netip.Prefix `yaml:"deny"`
	// AllowFiles are files with more ranges to allow, one range or address a
	// line; # and ; begin a comment. They are read again when they change. At
	// most 16, each of 16 MiB and a million lines.
	AllowFiles []string `yaml:"allow_files" path:"true"`
	// DenyFiles are files with more ranges to refuse, as allow_files.
	DenyFiles []string `yaml:"deny_files" path:"true"`
}

// maxRanges and maxFiles bound each list of a configuration. Longer lists of
// ranges are for files, which can change without a reload.
const (
	maxRanges = 10_000
	maxFiles  = 16
)

// Check reports every fault of the configuration. Files are read by New.
func (c *Config) Check() error {
	return errors.Join(
		checkRanges("allow", c.Allow), checkRanges("deny", c.Deny),
		checkFiles("allow_files", c.AllowFiles), checkFiles("deny_files", c.DenyFiles))
}

func checkRanges(field string, ranges []netip.Prefix) error {
	if len(ranges) > maxRanges {
		return durward.Invalid(field, "at most %d ranges; a file can hold more", maxRanges)
	}
	var faults []error
	for i, p := range ranges {
		// 0.0.0.0/0 is taken: who writes it here means all of IPv4.
		if _, err := netlist.Check(p, netlist.All); err != nil {
			faults = append(faults, durward.Invalid(fmt.Sprintf("%s[%d]", field, i), "%v", err))
		}
	}
	return errors.Join(faults...)
}

func checkFiles(field string, files []string) error {
	if len(files) > maxFiles {
		return durward.Invalid(field, "at most %d files", maxFiles)
	}
	var faults []error
	for i, name := range files {
		if name == "" {
			faults = append(faults, durward.Invalid(fmt.Sprintf("%s[%d]", field, i), "names no file"))
		}
	}
	return errors.Join(faults...)
}

// restricts tells whether there is an allow list.
func (c *Config) restricts() bool { return len(c.Allow) > 0 || len(c.AllowFiles) > 0 }

// empty tells whether every address is taken.
func (c *Config) empty() bool {
	return !c.restricts() && len(c.Deny) == 0 && len(c.DenyFiles) == 0
}
