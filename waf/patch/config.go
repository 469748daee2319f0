// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"durward"
)

// Config is one virtual patch.
type Config struct {
	// ID names the patch in records and metrics: CVE-2026-1234.
	ID string `yaml:"id"`
	// Operation is the operation that it is about.
	Operation string `yaml:"operation"`
	// Path is the path that it is about where operation is not said: /users/*,
	// where * is one segment and a * at the end any rest.
	Path string `yaml:"path"`
	// Method is the method that it is about. Empty is all.
	Method string `yaml:"method"`
	// Parameter is the value that it looks at: query.NAME, header.NAME,
	// cookie.NAME, path.NAME, or body.NAME of a form or JSON, where a * stands
	// for any member or item; body alone is the whole content. Without it the
	// patch is about every request to its operation.
	Parameter string `yaml:"parameter"`
	// Condition is what the value must be for the patch to apply. Several must
	// all hold, for one and the same value. Empty is that it is there.
	Condition Condition `yaml:"condition"`
	// Until is the last day, in UTC, on which the patch holds: 2027-01-31.
	// Empty is without end.
	Until string `yaml:"until"`
	// Mode is enforce (default), report or off.
	Mode durward.Mode `yaml:"mode"`
	// Reason says why, for whoever reads it later.
	Reason string `yaml:"reason"`
}

// Condition is what a value is held against.
type Condition struct {
	// Matches is an expression (RE2) that occurs in the value.
	Matches string `yaml:"matches"`
	// NotMatches is an expression (RE2) that does not occur in it.
	NotMatches string `yaml:"not_matches"`
	// LongerThan is a number of bytes that it is longer than.
	LongerThan int `yaml:"longer_than"`
	// Contains are texts of which at least one occurs in it.
	Contains []string `yaml:"contains"`
	// Equals are texts of which it is one.
	Equals []string `yaml:"equals"`
}

// Most bytes of an expression or text, and most texts.
const (
	maxText  = 1024
	maxTexts = 100
)

var (
	idForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	methodForm = regexp.MustCompile(`^[A-Z]{1,32}$`)
)

// Check reports every field that cannot be used.
func (c *Config) Check() error {
	var faults []error
	bad := func(field, format string, args ...any) {
		faults = append(faults, durward.Invalid(field, format, args...))
	}
	if !idForm.MatchString(c.ID) {
		bad("id", "must be 1 to 64 letters, digits and . _ -")
	}
	switch {
	case c.Operation != "" && c.Path+c.Method != "":
		bad("path", "cannot stand beside operation, which has a path and a method")
	case c.Path != "" && (c.Path[0] != '/' || strings.ContainsAny(c.Path, "?#")):
		bad("path", "must begin with / and be a path")
	}
	if c.Method != "" && !methodForm.MatchString(c.Method) {
		bad("method", "must be a method in upper case")
	}
	if _, ok := readPlace(c.Parameter); !ok {
		bad("parameter", "must be query.NAME, header.NAME, cookie.NAME, path.NAME, body.NAME or body")
	}
	if c.Operation+c.Path+c.Parameter == "" {
		bad("parameter", "a patch needs an operation, a path or a parameter")
	}
	if c.Parameter == "" && !c.Condition.empty() {
		bad("condition", "needs parameter, whose value it is about")
	}
	if _, err := c.end(); err != nil {
		bad("until", "must be a day such as 2027-01-31")
	}
	return errors.Join(append(faults, durward.InvalidIn("condition", c.Condition.check()))...)
}

// CheckAll reports every fault of a list of patches, which stands in the field
// patches of what has it.
func CheckAll(all []Config) error {
	var faults []error
	seen := map[string]bool{}
	for i := range all {
		at := fmt.Sprintf("patches[%d]", i)
		faults = append(faults, durward.InvalidIn(at, all[i].Check()))
		if seen[all[i].ID] {
			faults = append(faults, durward.Invalid(at+".id", "is there twice"))
		}
		seen[all[i].ID] = true
	}
	return errors.Join(faults...)
}

func (c *Condition) empty() bool {
	return c.Matches == "" && c.NotMatches == "" && c.LongerThan == 0 && len(c.Contains)+len(c.Equals) == 0
}

func (c *Condition) check() error {
	var faults []error
	for _, e := range []struct{ field, text string }{{"matches", c.Matches}, {"not_matches", c.NotMatches}} {
		if len(e.text) > maxText {
			faults = append(faults, durward.Invalid(e.field, "is longer than %d bytes", maxText))
		} else if _, err := regexp.Compile(e.text); err != nil {
			faults = append(faults, durward.Invalid(e.field, "is no expression of RE2: %s", reason(err)))
		}
	}
	if c.LongerThan < 0 {
		faults = append(faults, durward.Invalid("longer_than", "must not be negative"))
	}
	for field, texts := range map[string][]string{"contains": c.Contains, "equals": c.Equals} {
		if len(texts) > maxTexts {
			faults = append(faults, durward.Invalid(field, "must be at most %d texts", maxTexts))
		}
		for i, t := range texts {
			if t == "" && field == "contains" || len(t) > maxText {
				faults = append(faults, durward.Invalid(fmt.Sprintf("%s[%d]", field, i), "must be of 1 to %d bytes", maxText))
			}
		}
	}
	return errors.Join(faults...)
}

// reason is what is wrong with an expression, without the expression.
func reason(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) {
		return string(e.Code)
	}
	return "it cannot be read"
}

// end is the first moment at which a patch no longer holds; zero for never.
func (c *Config) end() (time.Time, error) {
	if c.Until == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, c.Until)
	return day.AddDate(0, 0, 1), err
}

// Expired tells whether a patch is over at a time.
func (c *Config) Expired(now time.Time) bool {
	end, err := c.end()
	return err == nil && !end.IsZero() && !now.Before(end)
}
