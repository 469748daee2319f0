// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"time"

	"durward"
)

// Bounds of what is stored.
const (
	maxName    = 200
	maxList    = 100
	maxElement = 200
)

var (
	consumerID    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	keyID         = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	planName      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	environmentID = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
)

func checkTexts(name string, lists ...[]string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: name is longer than %d bytes", ErrInvalid, maxName)
	}
	for _, l := range lists {
		if len(l) > maxList {
			return fmt.Errorf("%w: more than %d roles, scopes or holders", ErrInvalid, maxList)
		}
		for _, e := range l {
			if e == "" || len(e) > maxElement {
				return fmt.Errorf("%w: a role, scope or holder must have 1 to %d bytes", ErrInvalid, maxElement)
			}
		}
	}
	return nil
}

func checkPlan(name string) error {
	if name != "" && !planName.MatchString(name) {
		return fmt.Errorf("%w: plan must be %s", ErrInvalid, planName)
	}
	return nil
}

func checkNetworks(prefixes []netip.Prefix) error {
	if len(prefixes) > maxList {
		return fmt.Errorf("%w: more than %d addresses", ErrInvalid, maxList)
	}
	for _, p := range prefixes {
		// A mapped one would never match: clients are known by IPv4 then.
		if !p.IsValid() || p.Addr().Is4In6() {
			return fmt.Errorf("%w: address prefix", ErrInvalid)
		}
	}
	return nil
}

func copied[T any](values []T) []T { return append([]T(nil), values...) }

func networks(prefixes []netip.Prefix) string {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return list(texts)
}

// unNetworks reads a column of networks. One that cannot be read must not
// widen where a credential may be used.
func unNetworks(text, what string) ([]netip.Prefix, error) {
	texts, err := unlist(text)
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, fmt.Errorf("%w: addresses of %s", ErrCorrupt, what)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

func list(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(values) // strings cannot fail
	return string(text)
}

func unlist(text string) ([]string, error) {
	if text == "[]" {
		return nil, nil
	}
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("%w: a list is not JSON", ErrCorrupt)
	}
	return values, nil
}

// micros and instant turn times into columns and back; 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// oneRow is durward.ErrNotFound when a statement changed nothing.
func oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return durward.ErrNotFound
}
