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
	fmt.Fprintf(s.out, "%d records in %d files: the chain is whole\n", report.Records, report.Files)
	return nil
}
