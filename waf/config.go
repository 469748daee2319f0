// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
	"durward/waf/decode"
	"durward/waf/patch"
)

// Config is the `waf:` part of an API. Without it an API has no firewall.
type Config struct {
	// Mode is enforce (default), report (record what would be refused) or off.
	Mode durward.Mode `yaml:"mode"`
	// OnError says what happens when the rules cannot be run: deny (default)
	// or proceed.
	OnError durward.OnError `yaml:"on_error"`
	// Paranoia is the paranoia level of the OWASP Core Rule Set, 1 to 4: the
	// higher, the more is found, and the more of it is no attack. Default 1.
	Paranoia int `yaml:"paranoia"`
	// DetectionParanoia is the level up to which rules run and are recorded,
	// without counting for a refusal above paranoia. Default as paranoia.
	DetectionParanoia int `yaml:"detection_paranoia"`
	// InboundThreshold is the anomaly score from which a request is refused;
	// one critical finding counts 5. Default 5.
	InboundThreshold int `yaml:"inbound_threshold"`
	// OutboundThreshold is the anomaly score from which an answer is replaced;
	// one critical finding counts 5, an error 4. Default 4.
	OutboundThreshold int `yaml:"outbound_threshold"`
	// Responses says whether answers are inspected as well: off (default) or on.
	Responses string `yaml:"responses" enum:"off,on"`
	// BodyLimit is the most content in bytes that is inspected. Default 1MiB,
	// at most 64MiB.
	BodyLimit units.Bytes `yaml:"body_limit"`
	// OnBodyLimit says what happens to content beyond body_limit: refuse
	// (default) answers 413, partial inspects the first body_limit bytes, and
	// pass_unchecked inspects the header only. What was not inspected is recorded.
	OnBodyLimit string `yaml:"on_body_limit" enum:"refuse,partial,pass_unchecked"`
	// Rules are files with rules of your own for this API, in SecLang. They run
	// before those of the Core Rule Set.
	Rules []string `yaml:"rules" path:"true"`
	// Exclusions are rules that do not hold for some operations or parameters.
	Exclusions []Exclusion `yaml:"exclusions"`
	// Patches are virtual patches for this API, also when the mode is off.
	Patches []patch.Config `yaml:"patches"`
	// Narrowing says whether a value of which the contract proves that a rule
	// cannot match it is kept from that rule: on (default) or off. It saves time
	// and changes no verdict.
	Narrowing string `yaml:"narrowing" enum:"on,off"`
	// Decode says which encoded values are decoded and inspected again.
	Decode decode.Config `yaml:"decode"`
}

// Exclusion takes rules away that find what is no attack.
type Exclusion struct {
	// Rules are ids or ranges of ids: 942100, 942200-942299. At least one rule
	// or tag is needed.
	Rules []string `yaml:"rules"`
	// Tags are tags of rules: attack-sqli.
	Tags []string `yaml:"tags"`
	// Operations are the operations that the rules do not hold for. Empty is
	// all of the API.
	Operations []string `yaml:"operations"`
	// Parameters are what the rules do not look at: query.NAME, header.NAME,
	// cookie.NAME, body.NAME of a form, body.PATH.TO.MEMBER of JSON, where *
	// is any item. Empty takes the rules away altogether.
	Parameters []string `yaml:"parameters"`
	// Reason says why, for whoever reads it later.
	Reason string `yaml:"reason"`
	// Until is the last day, in UTC, on which the exclusion holds: 2027-01-31.
	// Empty is without end.
	Until string `yaml:"until"`
}

// Operation is what an operation may say in place of its API.
type Operation struct {
	// Mode is enforce, report or off.
	Mode string `yaml:"mode" enum:"enforce,report,off"`
	// Paranoia is the operation's own paranoia level.
	Paranoia int `yaml:"paranoia"`
	// InboundThreshold is the operation's own threshold for requests.
	InboundThreshold int `yaml:"inbound_threshold"`
	// Responses says whether the operation's answers are inspected: off or on.
	Responses string `yaml:"responses" enum:"off,on"`
	// BodyLimit is the most content of this operation in bytes that is inspected.
	BodyLimit units.Bytes `yaml:"body_limit"`
	// OnBodyLimit says what happens to content of this operation beyond it.
	OnBodyLimit string `yaml:"on_body_limit" enum:"refuse,partial,pass_unchecked"`
}

// Values of Responses and OnBodyLimit.
const (
	off           = "off"
	on            = "on"
	refuse        = "refuse"
	partial       = "partial"
	passUnchecked = "pass_unchecked"
)

const (
	defaultBodyLimit = 1 << 20
	highestBodyLimit = 64 << 20
)

// Refine gives c with what op says in its place.
func (c Config) Refine(op *Operation) Config {
	if op == nil {
		return c
	}
	if op.Mode != "" {
		_ = c.Mode.UnmarshalText([]byte(op.Mode)) // Check has looked at it
	}
	if op.Paranoia != 0 {
		c.Paranoia = op.Paranoia
		if c.DetectionParanoia != 0 {
			c.DetectionParanoia = max(c.DetectionParanoia, op.Paranoia)
		}
	}
	if op.InboundThreshold != 0 {
		c.InboundThreshold = op.InboundThreshold
	}
	if op.Responses != "" {
		c.Responses = op.Responses
	}
	if op.BodyLimit != 0 {
		c.BodyLimit = op.BodyLimit
	}
	if op.OnBodyLimit != "" {
		c.OnBodyLimit = op.OnBodyLimit
	}
	return c
}

// Above gives what c says of just the fields that op says, to compare the two.
func (c *Config) Above(op *Operation) *Operation {
	out := &Operation{}
	if op.Mode != "" {
		out.Mode = c.Mode.String()
	}
	if op.Paranoia != 0 {
		out.Paranoia = c.Paranoia
	}
	if op.InboundThreshold != 0 {
		out.InboundThreshold = c.InboundThreshold
	}
	if op.Responses != "" {
		out.Responses = c.Responses
	}
	if op.BodyLimit != 0 {
		out.BodyLimit = c.BodyLimit
	}
	if op.OnBodyLimit != "" {
		out.OnBodyLimit = c.OnBodyLimit
	}
	return out
}

// faults collects what a Check finds.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, durward.Invalid(field, format, args...))
}

func (f *faults) within(field string, value, least, most int) {
	if value != 0 && (value < least || value > most) {
		f.add(field, "must be from %d to %d", least, most)
	}
}

func (f *faults) word(field, value string, words ...string) {
	if value == "" {
		return
	}
	for _, w := range words {
		if value == w {
			return
		}
	}
	f.add(field, "must be %s", strings.Join(words, ", or "))
}

func (f *faults) bounds(limit units.Bytes, policy, responses string) {
	if limit < 0 || limit > highestBodyLimit {
		f.add("body_limit", "must be from 1 to 64MiB")
	}
	f.word("on_body_limit", policy, refuse, partial, passUnchecked)
	f.word("responses", responses, off, on)
}

// Check reports every field that cannot be used.
func (c *Config) Check() error {
	var f faults
	f.within("paranoia", c.Paranoia, 1, 4)
	f.within("detection_paranoia", c.DetectionParanoia, 1, 4)
	if c.DetectionParanoia != 0 && c.DetectionParanoia < max(c.Paranoia, 1) {
		f.add("detection_paranoia", "must not be below paranoia")
	}
	f.within("inbound_threshold", c.InboundThreshold, 1, 10000)
	f.within("outbound_threshold", c.OutboundThreshold, 1, 10000)
	f.bounds(c.BodyLimit, c.OnBodyLimit, c.Responses)
	f.word("narrowing", c.Narrowing, on, off)
	for i := range c.Exclusions {
		if err := c.Exclusions[i].check(); err != nil {
			f = append(f, durward.InvalidIn("exclusions["+strconv.Itoa(i)+"]", err))
		}
	}
	f = append(f, durward.InvalidIn("decode", c.Decode.Check()), patch.CheckAll(c.Patches))
	return errors.Join(f...)
}

// Check reports every field that cannot be used.
func (o *Operation) Check() error {
	var f faults
	f.word("mode", o.Mode, "enforce", "report", off)
	f.within("paranoia", o.Paranoia, 1, 4)
	f.within("inbound_threshold", o.InboundThreshold, 1, 10000)
	f.bounds(o.BodyLimit, o.OnBodyLimit, o.Responses)
	return errors.Join(f...)
}

var tagName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,128}$`)

func (e *Exclusion) check() error {
	var f faults
	if len(e.Rules)+len(e.Tags) == 0 {
		f.add("rules", "needs at least one rule or tag")
	}
	for i, text := range e.Rules {
		if r, ok := readRange(text); !ok {
			f.add(fmt.Sprintf("rules[%d]", i), "must be an id or a range of ids such as 942100 or 942200-942299")
		} else if r.holdsBookkeeping() {
			f.add(fmt.Sprintf("rules[%d]", i), "holds rules that set up or count and find nothing themselves (901, 949, 959, 980)")
		}
	}
	for i, tag := range e.Tags {
		if !tagName.MatchString(tag) || tag == "OWASP_CRS" || tag == "anomaly-evaluation" {
			f.add(fmt.Sprintf("tags[%d]", i), "must be the tag of a kind of rules, such as attack-sqli")
		}
	}
	for i, text := range e.Parameters {
		if _, ok := readParameter(text); !ok {
			f.add(fmt.Sprintf("parameters[%d]", i), "must be query.NAME, header.NAME, cookie.NAME or body.PATH of letters, digits and _ - . $ @ [ ]")
		}
	}
	if _, err := e.end(); err != nil {
		f.add("until", "must be a day such as 2027-01-31")
	}
	return errors.Join(f...)
}

// end is the first moment at which an exclusion no longer holds; zero for never.
func (e *Exclusion) end() (time.Time, error) {
	if e.Until == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, e.Until)
	return day.AddDate(0, 0, 1), err
}

// concerns tells whether an exclusion is about an operation.
func (e *Exclusion) concerns(operation string) bool {
	for _, id := range e.Operations {
		if id == operation {
			return true
		}
	}
	return len(e.Operations) == 0
}

// settings are what the engine is told for one operation, but for the profile.
func (c *Config) settings() Settings {
	or := func(n, byDefault int) int {
		if n == 0 {
			return byDefault
		}
		return n
	}
	s := Settings{
		Paranoia: or(c.Paranoia, 1), Inbound: or(c.InboundThreshold, 5), Outbound: or(c.OutboundThreshold, 4),
		Report: c.Mode == durward.Report,
	}
	s.Detection = or(c.DetectionParanoia, s.Paranoia)
	return s
}

func (c *Config) bodyLimit() int64 {
	if c.BodyLimit == 0 {
		return defaultBodyLimit
	}
	return int64(c.BodyLimit)
}
