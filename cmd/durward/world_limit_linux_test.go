// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func init() { commands["filelimit"] = (*world).cmdFileLimit }

// cmdFileLimit: "filelimit BYTES|none" bounds how large the files of the running
// process may become, as a full disk would: writes beyond it fail.
func (w *world) cmdFileLimit(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 || w.process == nil {
		return errors.New("usage: filelimit BYTES|none, of a started process")
	}
	pid := w.process.cmd.Process.Pid
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if args[0] != "none" {
		n, err := strconv.ParseUint(args[0], 10, 63)
		if err != nil {
			return err
		}
		limit.Cur = n
	}
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
}
