// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/egress/leak"
)

// LeakConfig is the `leaks:` part.
type LeakConfig struct {
	// Default is the action of every detector that is on by itself, in place
	// of its own: mask, block, report or off.
	Default string `yaml:"default" enum:"mask,block,report,off"`
	// Detectors gives an action to single detectors, by their ids. Detectors of
	// national ids are on only when they are named here.
	Detectors map[string]string `yaml:"detectors"`
	// Patterns are detectors of your own.
	Patterns []PatternConfig `yaml:"patterns"`
	// Allow names the detectors whose findings are the very purpose of an
	// operation, by operationId: a login returns a token.
	Allow map[string][]string `yaml:"allow"`
}

// PatternConfig is a detector of the operator's own.
type PatternConfig struct {
	// Name is the detector's id: a-z, 0-9 and _.
	Name string `yaml:"name"`
	// Pattern is the expression (RE2 syntax). Its first group, or the whole of
	// it, is what was found.
	Pattern string `yaml:"pattern"`
	// Words are those that stand before it in its line, in any case, at most
	// 128 bytes from the first of the word to the last of what is found.
	Words []string `yaml:"words"`
	// Check is a checksum that must be right: luhn, mod11, mod97 or none (the
	// default).
	Check string `yaml:"check" enum:"none,luhn,mod11,mod97"`
	// Action is mask (the default), block or report.
	Action string `yaml:"action" enum:"mask,block,report"`
}

// mostPatterns bounds what one API may add.
const mostPatterns = 64

func oneOf(field, value string, words ...string) error {
	if value == "" || slices.Contains(words, value) {
		return nil
	}
	return durward.Invalid(field, "must be one of %s", strings.Join(words, ", "))
}

// Check reports every fault of the configuration.
func (c *LeakConfig) Check() error {
	errs := []error{oneOf("default", c.Default, "mask", "block", "report", "off")}
	if len(c.Patterns) > mostPatterns {
		errs = append(errs, durward.Invalid("patterns", "are more than %d", mostPatterns))
	}
	names := map[string]bool{}
	for _, d := range leak.Builtin() {
		names[d.ID] = true
	}
	for i := range c.Patterns {
		p := &c.Patterns[i]
		at := "patterns[" + strconv.Itoa(i) + "]"
		errs = append(errs, durward.InvalidIn(at, p.fault()))
		if p.Name != "" && names[p.Name] {
			errs = append(errs, durward.Invalid(at+".name", "is the name of another detector"))
		}
		names[p.Name] = true
	}
	for id, action := range c.Detectors {
		at := "detectors." + id
		if !names[id] {
			errs = append(errs, durward.Invalid(at, "is no detector"))
		}
		if action == "" {
			action = "nothing"
		}
		errs = append(errs, oneOf(at, action, "mask", "block", "report", "off"))
	}
	for op, ids := range c.Allow {
		for i, id := range ids {
			if !names[id] {
				errs = append(errs, durward.Invalid("allow."+op+"["+strconv.Itoa(i)+"]", "is no detector"))
			}
		}
	}
	return errors.Join(errs...)
}

// fault reports every fault of a pattern.
func (p *PatternConfig) fault() error {
	var errs []error
	if p.Name == "" || strings.ContainsFunc(p.Name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_') }) {
		errs = append(errs, durward.Invalid("name", "must be made of a-z, 0-9 and _"))
	}
	if len(p.Pattern) > 512 {
		errs = append(errs, durward.Invalid("pattern", "must have at most 512 characters"))
	} else if e, err := regexp.Compile(p.Pattern); err != nil || e.MatchString("") {
		errs = append(errs, durward.Invalid("pattern", "is no RE2 expression, or one that the empty text matches"))
	}
	if len(p.Words) == 0 {
		errs = append(errs, durward.Invalid("words", "must name at least one word: an expression alone finds too much"))
	}
	for i, w := range p.Words {
		if err := leak.CheckWord(w); err != nil {
			errs = append(errs, durward.Invalid("words["+strconv.Itoa(i)+"]", "%s", err.Error()))
		}
	}
	errs = append(errs, oneOf("check", p.Check, "none", "luhn", "mod11", "mod97"), oneOf("action", p.Action, "mask", "block", "report"))
	return errors.Join(errs...)
}
