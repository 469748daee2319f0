// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package listen

import (
	"net/http"
	"syscall"
	"time"
)

// cpu is what this process has used, client and server alike.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Round(time.Millisecond)
}

func onlyHTTP1(p *http.Protocols) { p.SetHTTP1(true) }
