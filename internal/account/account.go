// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package account tells the names of the operating system's accounts, for
// records of who changed what. It keeps no state.
package account

import (
	"os/user"
	"strconv"
)

// Name gives the name of the account with the number, and the number itself
// when it has none or the system cannot tell.
func Name(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return id
}
