// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"durward/audit"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the hash chain of an audit log, offline."`
}

type auditVerifyCmd struct {
	Directory string `arg:"" default:"audit" help:"The log's directory."`
}

func (c *auditVerifyCmd) Run(s streams) error {
	report, err := audit.Verify(c.Directory)
	if err != nil {
		return err
	}
	files := "files"
	if report.Files == 1 {
		files = "file"
	}
	fmt.Fprintf(s.out, "%d records in %d %s: the chain is whole\n", report.Records, report.Files, files)
	// The chain cannot show that records were cut from its very end; what is
	// kept elsewhere can.
	fmt.Fprintf(s.out, "record %d has the hash %s\n", report.Last, report.Hash)
	return nil
}
