// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"strings"
	"testing"

	"durward/authn/keyring/foreign"
)

func TestAForeignKeyIsIdentifiedOnlyWhereItIsTaken(t *testing.T) {
	const alien = "Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A"
	pepper := []byte(strings.Repeat("p", 32))
	ours, id, _, err := MintKey(pepper, "live")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		environments []string
		text         string
		environment  string
		id           string
	}{
		{"ext is named", []string{"live", "ext"}, alien, "ext", foreign.ID(HashKey(pepper, alien))},
		{"no environment is named", nil, alien, "", ""},
		{"another one is", []string{"live"}, alien, "", ""},
		{"one of ours", []string{"ext"}, ours, "live", id},
		{"one of ours with a slip", []string{"ext"}, ours[:len(ours)-1] + "!", "", ""},
		{"too long", []string{"ext"}, strings.Repeat("a1B2", 65), "", ""},
		{"as long as may be", []string{"ext"}, strings.Repeat("a1B2", 64), "ext", foreign.ID(HashKey(pepper, strings.Repeat("a1B2", 64)))},
	} {
		a, err := newKeyAuth(&APIKey{Environments: c.environments}, Env{Keys: onlyPepper{pepper: pepper}})
		if err != nil {
			t.Fatal(err)
		}
		environment, id, err := a.identify(c.text)
		if c.id == "" && !errors.Is(err, errKeyForm) || c.id != "" && (err != nil || environment != c.environment || id != c.id) {
			t.Errorf("%s: %s, %s, %v", c.name, environment, id, err)
		}
	}
}

// onlyPepper is a store that is asked for nothing else.
type onlyPepper struct {
	Keys
	pepper []byte
}

func (p onlyPepper) Pepper() []byte { return p.pepper }
