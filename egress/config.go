// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/internal/units"
)

const (
	defaultBody = 1 << 20
	mostBody    = 64 << 20
)

// Config is the `response:` part of an API.
type Config struct {
	// Mode is enforce, report (record what would be changed) or off.
	Mode durward.Mode `yaml:"mode"`
	// RemoveHeaders are names of answer fields to remove, beside those that
	// are always removed because they name the upstream's software: Server,
	// X-Powered-By, X-AspNet-Version, X-AspNetMvc-Version, X-Runtime,
	// X-Generator, X-Backend-Server, X-Served-By, X-Debug-Token and
	// X-Debug-Token-Link.
	RemoveHeaders []string `yaml:"remove_headers"`
	// SetHeaders are fields that every answer of the upstream gets, in place
	// of the upstream's own.
	SetHeaders map[string]string `yaml:"set_headers"`
	// Errors says what happens to the content of errors: mask (the default)
	// replaces it by a problem document of the same status where that is 5xx, and
	// where it is 4xx and a stack trace, an error of a database, a server's default
	// page, an internal address or a path of a file is found in it. pass lets 5xx
	// through, and only reports what is found.
	Errors string `yaml:"errors" enum:"mask,pass"`
	// HSTS is the max-age of Strict-Transport-Security (RFC 6797) on answers
	// to requests that came over TLS; 0 sends none.
	HSTS units.Duration `yaml:"hsts"`
	// BrowserHeaders says whether fields that only browsers look at are set
	// where the upstream has none: nosniff (the default) sets
	// X-Content-Type-Options; strict adds a Content-Security-Policy that
	// allows nothing, Referrer-Policy and Cross-Origin-Resource-Policy, for
	// APIs that serve no pages; off sets none.
	BrowserHeaders string `yaml:"browser_headers" enum:"nosniff,strict,off"`
	// Disclosures says what happens to the same where it is found in an answer
	// that is no error, or in a header field: report (the default), mask, block
	// or off.
	Disclosures string `yaml:"disclosures" enum:"report,mask,block,off"`
	// Leaks says what happens to credentials and data of persons in any answer.
	Leaks LeakConfig `yaml:"leaks"`
	// MaxBody is how much of an answer's content is looked at before any of it is
	// sent. What is longer, and streams, are guarded while they are sent. Default
	// 1MiB.
	MaxBody units.Bytes `yaml:"max_body"`
	// Unguarded says what happens to an answer whose content cannot be looked
	// into: report (the default) records and counts it, refuse does not send it.
	Unguarded string `yaml:"unguarded" enum:"report,refuse"`
	// Cache says who may store an answer to a request with credentials: no-store
	// (the default) lets nobody, unless the upstream itself says private;
	// private lets the client alone; upstream leaves the upstream's word.
	Cache string `yaml:"cache" enum:"no-store,private,upstream"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var errs []error
	if !slices.Contains([]string{"", "mask", "pass"}, c.Errors) {
		errs = append(errs, durward.Invalid("errors", "must be mask or pass"))
	}
	if !slices.Contains([]string{"", "nosniff", "strict", "off"}, c.BrowserHeaders) {
		errs = append(errs, durward.Invalid("browser_headers", "must be nosniff, strict or off"))
	}
	for i, name := range c.RemoveHeaders {
		if fault := fieldFault(name); fault != "" {
			errs = append(errs, durward.Invalid("remove_headers["+strconv.Itoa(i)+"]", "%s", fault))
		}
	}
	for name, value := range c.SetHeaders {
		if fault := fieldFault(name); fault != "" {
			errs = append(errs, durward.Invalid("set_headers."+name, "%s", fault))
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
			errs = append(errs, durward.Invalid("set_headers."+name, "the value holds a control character"))
		}
	}
	if c.HSTS.Std()%1e9 != 0 {
		errs = append(errs, durward.Invalid("hsts", "must be whole seconds"))
	}
	errs = append(errs, oneOf("disclosures", c.Disclosures, "report", "mask", "block", "off"), oneOf("unguarded", c.Unguarded, "report", "refuse"),
		oneOf("cache", c.Cache, "no-store", "private", "upstream"), durward.InvalidIn("leaks", c.Leaks.Check()))
	if c.MaxBody < 0 || c.MaxBody > mostBody {
		errs = append(errs, durward.Invalid("max_body", "must be at most 64MiB"))
	}
	return errors.Join(errs...)
}

// framing are the fields that say where an answer ends; nobody but the
// listener may set or remove them.
var framing = []string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Keep-Alive", "Te"}

func fieldFault(name string) string {
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }):
		return "is not a field name"
	case slices.Contains(framing, durward.CanonicalName(name)):
		return "frames the message and cannot be changed"
	}
	return ""
}

// isToken tells whether r may stand in a token (RFC 9110, section 5.6.2).
func isToken(r rune) bool {
	return r < 0x7f && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}
