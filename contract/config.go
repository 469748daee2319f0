// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"strconv"
	"strings"

	"durward"
	"durward/internal/units"
)

// Config says how strictly requests are held against the API's document. Its
// zero value is the strict default. It may be refined per operation.
type Config struct {
	// Mode is enforce (default), report or off.
	Mode durward.Mode `yaml:"mode"`
	// OnError says what happens when the check itself fails: deny (default)
	// or proceed.
	OnError durward.OnError `yaml:"on_error"`
	// UnknownQuery says what happens to query parameters that the document
	// does not declare: refuse (default) or allow.
	UnknownQuery string `yaml:"unknown_query" enum:"refuse,allow"`
	// AdditionalProperties says what happens to members of a JSON object that
	// the schema does not declare: schema (default) does as the schema says,
	// refuse refuses them unless the schema says additionalProperties or
	// declares no member at all. Fields of forms are always held to the
	// latter.
	AdditionalProperties string `yaml:"additional_properties" enum:"schema,refuse"`
	// ReadOnly says what happens to members that the schema marks readOnly:
	// refuse (default) or allow. Either way they are not required.
	ReadOnly string `yaml:"read_only" enum:"refuse,allow"`
	// MaxBody is the largest content in bytes, as sent. Default 1MiB.
	MaxBody units.Bytes `yaml:"max_body"`
	// MaxDecompressed is the largest content in bytes after its content
	// coding was undone. Default four times max_body.
	MaxDecompressed units.Bytes `yaml:"max_decompressed"`
	// MaxRatio is how many times larger content may get when its content
	// coding is undone, beyond the first 4KiB. Default 100; text hardly ever
	// reaches 50.
	MaxRatio int `yaml:"max_ratio"`
	// Accept says what happens to a request whose Accept field names no media
	// type of the operation's declared answers: ignore (default) lets it pass,
	// since a server may answer in another type (RFC 9110, 12.5.1); refuse
	// answers it 406.
	Accept string `yaml:"accept" enum:"ignore,refuse"`
	// ContentEncodings are the content codings that are taken beside
	// identity: gzip, or none (default). Others are answered 415.
	ContentEncodings []string `yaml:"content_encodings"`
	// MaxDepth is how deep JSON may be nested. Default 32, at most 256.
	MaxDepth int `yaml:"max_depth"`
	// MaxMembers is the most members of one JSON object, and the most fields
	// of a query or form. Default 1000.
	MaxMembers int `yaml:"max_members"`
	// MaxItems is the most items of one array. Default 10000.
	MaxItems int `yaml:"max_items"`
	// MaxParts is the most parts of multipart content. Default 64.
	MaxParts int `yaml:"max_parts"`
	// Gaps names the parts of the contract that cannot be applied as they are
	// written and without which the API is to run: JSON pointers
	// ("#/components/schemas/User/properties/name/pattern") in the words of the
	// error that the others give, or "*" for all there are and will be. What a
	// gap leaves unchecked or closes, durward validate says. Default none:
	// such a contract does not load.
	Gaps []string `yaml:"gaps"`
}

// Values of UnknownQuery, ReadOnly, AdditionalProperties and Accept.
const (
	Refuse   = "refuse"
	Allow    = "allow"
	BySchema = "schema"
	Ignore   = "ignore"
)

const (
	defaultMaxBody = 1 << 20
	highestDepth   = 256
	highestRatio   = 1100 // deflate reaches no more than some 1030
)

// Check reports every field that cannot be used.
func (c *Config) Check() error {
	var errs []error
	word := func(field, value string, words ...string) {
		if value == "" {
			return
		}
		for _, w := range words {
			if value == w {
				return
			}
		}
		errs = append(errs, durward.Invalid(field, "must be %s or %s", words[0], words[1]))
	}
	word("unknown_query", c.UnknownQuery, Refuse, Allow)
	word("additional_properties", c.AdditionalProperties, BySchema, Refuse)
	word("read_only", c.ReadOnly, Refuse, Allow)
	word("accept", c.Accept, Ignore, Refuse)
	for i, coding := range c.ContentEncodings {
		if coding != "gzip" && coding != "identity" {
			errs = append(errs, durward.Invalid("content_encodings["+strconv.Itoa(i)+"]", "must be gzip"))
		}
	}
	if c.MaxDepth < 0 || c.MaxDepth > highestDepth {
		errs = append(errs, durward.Invalid("max_depth", "must be from 1 to %d", highestDepth))
	}
	for _, bound := range []struct {
		field string
		value int
	}{{"max_members", c.MaxMembers}, {"max_items", c.MaxItems}, {"max_parts", c.MaxParts}} {
		if bound.value < 0 || bound.value > 1e6 {
			errs = append(errs, durward.Invalid(bound.field, "must be from 1 to 1000000"))
		}
	}
	if c.MaxRatio < 0 || c.MaxRatio > highestRatio {
		errs = append(errs, durward.Invalid("max_ratio", "must be from 1 to %d", highestRatio))
	}
	if c.MaxDecompressed != 0 && int64(c.MaxDecompressed) < c.BodyLimit() {
		errs = append(errs, durward.Invalid("max_decompressed", "must not be less than max_body"))
	}
	if c.MaxBody > 1<<30 || c.MaxDecompressed > 1<<30 {
		errs = append(errs, durward.Invalid("max_body", "must not be more than 1GiB"))
	}
	for i, name := range c.Gaps {
		if name != AllGaps && !strings.Contains(name, "#") {
			errs = append(errs, durward.Invalid("gaps["+strconv.Itoa(i)+"]", "must be a place such as \"#/paths/...\", or \"*\""))
		}
	}
	return errors.Join(errs...)
}

// BodyLimit is the most bytes of content that a client may send, for
// Body.SetLimit.
func (c *Config) BodyLimit() int64 {
	if c.MaxBody == 0 {
		return defaultMaxBody
	}
	return int64(c.MaxBody)
}

// limits are the bounds that a stage works with.
type limits struct {
	depth, members, items, parts int
	body, inflated, ratio        int64
	nodes                        int // of one tree
}

func (c *Config) limits() limits {
	or := func(v, def int) int {
		if v == 0 {
			return def
		}
		return v
	}
	l := limits{
		depth: or(c.MaxDepth, 32), members: or(c.MaxMembers, 1000),
		items: or(c.MaxItems, 10000), parts: or(c.MaxParts, 64),
		body: c.BodyLimit(), inflated: int64(c.MaxDecompressed), ratio: int64(or(c.MaxRatio, 100)),
	}
	if l.inflated == 0 {
		l.inflated = 4 * l.body
	}
	// A value costs some 60 bytes against one or two on the wire, so their
	// number is bounded beside the content's size.
	l.nodes = max(100_000, l.items)
	return l
}

// variant is what of a Config changes the schemas.
type variant struct {
	closed       bool // undeclared members are refused
	takeReadOnly bool
}

func (c *Config) variant() variant {
	return variant{closed: c.AdditionalProperties == Refuse, takeReadOnly: c.ReadOnly == Allow}
}
