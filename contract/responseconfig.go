// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"

	"durward"
	"durward/internal/units"
)

// ResponseConfig says how the upstream's answers are held against the API's
// document. Its zero value is the strict default. It may be refined per
// operation.
type ResponseConfig struct {
	// Mode is enforce (default), report (record what would be changed) or off.
	Mode durward.Mode `yaml:"mode"`
	// UndeclaredFields says what happens to members of a JSON object that the
	// declared schema does not name: strip (default) removes them, block
	// answers with a problem in place of the whole, allow lets them pass.
	UndeclaredFields string `yaml:"undeclared_fields" enum:"strip,block,allow"`
	// UndeclaredStatus says what happens to an answer with a status that the
	// operation does not declare: replace (default) answers with a problem,
	// allow lets it pass.
	UndeclaredStatus string `yaml:"undeclared_status" enum:"replace,allow"`
	// UndeclaredType says what happens to content of a media type that is not
	// declared for the status: replace (default) answers with a problem, allow
	// lets it pass.
	UndeclaredType string `yaml:"undeclared_type" enum:"replace,allow"`
	// WriteOnly says what happens to members that the schema marks writeOnly:
	// strip (default) removes them, allow lets them pass.
	WriteOnly string `yaml:"write_only" enum:"strip,allow"`
	// Invalid says what happens to JSON that has values of other types than
	// the schema says or lacks members that it requires: report (default)
	// records it, block answers with a problem.
	Invalid string `yaml:"invalid" enum:"report,block"`
	// Unguarded says what happens to declared content that cannot be looked
	// into: media types other than JSON, and JSON without a schema. pass
	// (default) lets it pass and records it, refuse answers with a problem.
	Unguarded string `yaml:"unguarded" enum:"pass,refuse"`
	// MaxBody is the largest content in bytes that is looked at as a whole
	// before it is sent. Larger JSON is looked at while it passes, and cut
	// where it may not go on. Default 1MiB.
	MaxBody units.Bytes `yaml:"max_body"`
}

// Values of ResponseConfig beside Allow and Refuse.
const (
	Strip   = "strip"
	Block   = "block"
	Replace = "replace"
	Tell    = "report"
	Pass    = "pass"
)

// Check reports every field that cannot be used.
func (c *ResponseConfig) Check() error {
	var errs []error
	for _, f := range []struct{ field, value, words, one, two, three string }{
		{"undeclared_fields", c.UndeclaredFields, "strip, block or allow", Strip, Block, Allow},
		{"undeclared_status", c.UndeclaredStatus, "replace or allow", Replace, Allow, ""},
		{"undeclared_type", c.UndeclaredType, "replace or allow", Replace, Allow, ""},
		{"write_only", c.WriteOnly, "strip or allow", Strip, Allow, ""},
		{"invalid", c.Invalid, "report or block", Tell, Block, ""},
		{"unguarded", c.Unguarded, "pass or refuse", Pass, Refuse, ""},
	} {
		if v := f.value; v != "" && v != f.one && v != f.two && v != f.three {
			errs = append(errs, durward.Invalid(f.field, "must be %s", f.words))
		}
	}
	if c.MaxBody < 0 || c.MaxBody > 64<<20 {
		errs = append(errs, durward.Invalid("max_body", "must not be more than 64MiB"))
	}
	return errors.Join(errs...)
}

// bodyLimit is the most bytes of an answer that are kept in memory.
func (c *ResponseConfig) bodyLimit() int64 {
	if c.MaxBody == 0 {
		return defaultMaxBody
	}
	return int64(c.MaxBody)
}
