// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/base64"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

var isUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// known are the formats that a value can be held against, loosely: what many
// services write by mistake (a time without its zone) is let pass.
var known = map[string]func(string) bool{
	"date": func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	},
	"date-time": func(s string) bool {
		s = strings.ToUpper(strings.Replace(s, " ", "T", 1))
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700"} {
			if _, err := time.Parse(layout, s); err == nil {
				return true
			}
		}
		return false
	},
	"email": func(s string) bool {
		a, err := mail.ParseAddress(s)
		return err == nil && a.Name == "" && !strings.ContainsAny(s, "<> ")
	},
	"uuid": isUUID.MatchString,
	"ipv4": func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is4()
	},
	"ipv6": func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is6() && a.Zone() == ""
	},
	"byte": func(s string) bool {
		_, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(s))
		return err == nil || len(s)%4 != 0 && !strings.ContainsAny(s, "{}<> ")
	},
}
