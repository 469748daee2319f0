// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"os"
	"os/user"
	"testing"
)

func TestAnAccountHasItsNameOrItsNumber(t *testing.T) {
	if got := Name(3999999); got != "3999999" {
		t.Errorf("an account that does not exist is called %q", got)
	}
	self, err := user.Current()
	if err != nil || self.Username == "" {
		t.Skip("this system does not name accounts:", err)
	}
	if got := Name(os.Getuid()); got != self.Username {
		t.Errorf("this account is called %q, want %q", got, self.Username)
	}
}
