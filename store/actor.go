// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	"durward"
	"durward/internal/account"
)

// ProcessActor gives who runs this process, as the operating system knows them.
var ProcessActor = sync.OnceValue(func() durward.Actor {
	a := durward.Actor{UID: os.Getuid(), PID: os.Getpid()}
	a.Host, _ = os.Hostname()
	a.User = account.Name(a.UID)
	// The account that the session began with stays the same through su and
	// sudo, and only the kernel sets it (proc_pid_loginuid(5)).
	if text, err := os.ReadFile("/proc/self/loginuid"); err == nil {
		login, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		if err == nil && login != math.MaxUint32 && int(login) != a.UID {
			a.Login = account.Name(int(login))
		}
	}
	return a
})
