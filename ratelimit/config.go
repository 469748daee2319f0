// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"durward"
	"durward/internal/units"
)

// Limit is a rate with the burst that it tolerates. In text, and where a
// configuration has a scalar, it is a rate alone: "20/s".
type Limit struct {
	// Rate is how many requests pass in the long run, such as 20/s or 1000/h.
	Rate units.Rate `yaml:"rate"`
	// Burst is how many requests may come at once after a pause. 0 means the
	// count of the rate: 20 for 20/s.
	Burst int `yaml:"burst"`
}

// UnmarshalText reads a rate alone.
func (l *Limit) UnmarshalText(text []byte) error {
	var r units.Rate
	if err := r.UnmarshalText(text); err != nil {
		return err
	}
	*l = Limit{Rate: r}
	return nil
}

// Pattern is the regular expression of a limit's scalar form.
func (Limit) Pattern() string { return units.Rate{}.Pattern() }

// burst gives the effective burst.
func (l *Limit) burst() int64 {
	if l.Burst > 0 {
		return int64(l.Burst)
	}
	return l.Rate.Count
}

// longest is how long a burst may take to refill: the reach of a counter.
const longest = 366 * 24 * time.Hour

// Check reports every fault of the limit.
func (l *Limit) Check() error {
	var faults []error
	if l.Rate.Count < 1 || l.Rate.Per <= 0 {
		faults = append(faults, durward.Invalid("rate", "a rate such as 20/s is needed"))
	}
	if l.Burst < 0 || int64(l.Burst) > math.MaxInt32 {
		faults = append(faults, durward.Invalid("burst", "must be from 0 to %d", math.MaxInt32))
	}
	if len(faults) == 0 && float64(l.burst())*float64(interval(l.Rate)) > float64(longest) {
		faults = append(faults, durward.Invalid("burst", "takes more than a year to refill at this rate"))
	}
	return errors.Join(faults...)
}

// interval is the time that one request uses up, rounded up so that the rate
// is never more than was said.
func interval(r units.Rate) time.Duration {
	return time.Duration((int64(r.Per) + r.Count - 1) / r.Count)
}

// Headers says which fields tell a client of its limits.
type Headers string

const (
	HeadersDraft  Headers = "draft"  // RateLimit and RateLimit-Policy; the default
	HeadersLegacy Headers = "legacy" // X-RateLimit-Limit, -Remaining and -Reset
	HeadersBoth   Headers = "both"
	HeadersOff    Headers = "off" // only Retry-After, on refusals
)

func (h Headers) check() error {
	switch h {
	case "", HeadersDraft, HeadersLegacy, HeadersBoth, HeadersOff:
		return nil
	}
	return durward.Invalid("headers", "must be draft, legacy, both or off")
}

func (h Headers) draft() bool  { return h == "" || h == HeadersDraft || h == HeadersBoth }
func (h Headers) legacy() bool { return h == HeadersLegacy || h == HeadersBoth }

// Config limits clients before they are authenticated. The zero value limits
// nothing.
type Config struct {
	// Mode is enforce, report or off.
	Mode durward.Mode `yaml:"mode"`
	// Total limits all requests together.
	Total *Limit `yaml:"total"`
	// PerAddress limits each client address.
	PerAddress *Limit `yaml:"per_address"`
	// IPv6Prefix is how many bits of an IPv6 address name one client for
	// per_address; 0 means 64, since one host can use a whole /64.
	IPv6Prefix int `yaml:"ipv6_prefix"`
	// PerRange limits each range of client addresses.
	PerRange *RangeLimit `yaml:"per_range"`
	// Groups limit named groups of ranges, each group as a whole. An address
	// may be in several. At most 64.
	Groups []Group `yaml:"groups"`
	// Headers says which fields tell a client of its limits: draft (RateLimit
	// and RateLimit-Policy, the default), legacy (X-RateLimit-*), both or off.
	Headers Headers `yaml:"headers" enum:"draft,legacy,both,off"`
}

const maxGroups = 64

// RangeLimit limits each range of addresses of a fixed size.
type RangeLimit struct {
	// Limit is the limit of each range.
	Limit Limit `yaml:"limit"`
	// IPv4 is the prefix length of an IPv4 range; 0 means 24.
	IPv4 int `yaml:"ipv4_prefix"`
	// IPv6 is the prefix length of an IPv6 range; 0 means 48.
	IPv6 int `yaml:"ipv6_prefix"`
}

// Group limits a set of address ranges as a whole.
type Group struct {
	// Name is the group's name in answers and records.
	Name string `yaml:"name"`
	// Ranges are the group's address ranges, such as 203.0.113.0/24.
	Ranges []netip.Prefix `yaml:"ranges"`
	// Limit is the limit of all of them together.
	Limit Limit `yaml:"limit"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	faults := []error{c.Headers.check(), checkBits("ipv6_prefix", c.IPv6Prefix, 128)}
	if c.Total != nil {
		faults = append(faults, durward.InvalidIn("total", c.Total.Check()))
	}
	if c.PerAddress != nil {
		faults = append(faults, durward.InvalidIn("per_address", c.PerAddress.Check()))
	}
	if r := c.PerRange; r != nil {
		faults = append(faults, durward.InvalidIn("per_range", errors.Join(
			durward.InvalidIn("limit", r.Limit.Check()),
			checkBits("ipv4_prefix", r.IPv4, 32), checkBits("ipv6_prefix", r.IPv6, 128))))
	}
	if len(c.Groups) > maxGroups {
		faults = append(faults, durward.Invalid("groups", "at most %d groups", maxGroups))
	}
	names := map[string]bool{"total": true, "per-address": true, "per-range": true}
	for i := range c.Groups {
		g := &c.Groups[i]
		faults = append(faults, durward.InvalidIn(fmt.Sprintf("groups[%d]", i), g.check(names)))
		names[g.Name] = true
	}
	return errors.Join(faults...)
}

func (g *Group) check(taken map[string]bool) error {
	faults := []error{durward.InvalidIn("limit", g.Limit.Check())}
	if !validName(g.Name) {
		faults = append(faults, durward.Invalid("name", "must be 1 to 64 letters, digits, - and _"))
	} else if taken[g.Name] {
		faults = append(faults, durward.Invalid("name", "%q is taken by another limit", g.Name))
	}
	if len(g.Ranges) == 0 {
		faults = append(faults, durward.Invalid("ranges", "at least one range is needed"))
	}
	for i, r := range g.Ranges {
		if !r.IsValid() {
			faults = append(faults, durward.Invalid(fmt.Sprintf("ranges[%d]", i), "is not an address range"))
		} else if r.Addr().Is4In6() {
			faults = append(faults, durward.Invalid(fmt.Sprintf("ranges[%d]", i), "write an IPv4 range as IPv4"))
		}
	}
	return errors.Join(faults...)
}

func checkBits(field string, bits, most int) error {
	if bits < 0 || bits > most {
		return durward.Invalid(field, "must be from 1 to %d", most)
	}
	return nil
}

// validName keeps names to what needs no quoting in a structured field.
func validName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// PrincipalConfig limits who was authenticated. The zero value limits nothing.
type PrincipalConfig struct {
	// Mode is enforce, report or off.
	Mode durward.Mode `yaml:"mode"`
	// PerConsumer limits each application or partner. A principal without a
	// consumer counts by its subject.
	PerConsumer *Limit `yaml:"per_consumer"`
	// PerSubject limits each user: the subject of a token within its issuer,
	// or the consumer of a key.
	PerSubject *Limit `yaml:"per_subject"`
	// PerCredential limits each key or token. A credential without an id
	// counts by its subject.
	PerCredential *Limit `yaml:"per_credential"`
	// Plans are other limits, for callers whose key or consumer is on a rate
	// plan: all of a plan's limits count instead of the three above, none of
	// which it inherits. They need at least one limit above, which counts for
	// callers without a plan and for those of a plan that is not named here.
	// At most 64.
	Plans map[string]Plan `yaml:"plans"`
	// Headers says which fields tell a client of its limits: draft (RateLimit
	// and RateLimit-Policy, the default), legacy (X-RateLimit-*), both or off.
	Headers Headers `yaml:"headers" enum:"draft,legacy,both,off"`
}

// Plan is the limits of a rate plan. At least one is needed.
type Plan struct {
	// PerConsumer limits each application or partner on the plan.
	PerConsumer *Limit `yaml:"per_consumer"`
	// PerSubject limits each user on the plan.
	PerSubject *Limit `yaml:"per_subject"`
	// PerCredential limits each key or token on the plan.
	PerCredential *Limit `yaml:"per_credential"`
}

const maxPlans = 64

// own gives the limits that count for callers without a plan.
func (c *PrincipalConfig) own() Plan {
	return Plan{c.PerConsumer, c.PerSubject, c.PerCredential}
}

// Check reports every fault of the configuration.
func (c *PrincipalConfig) Check() error {
	own := c.own()
	faults := []error{c.Headers.check(), own.check()}
	if len(c.Plans) > maxPlans {
		faults = append(faults, durward.Invalid("plans", "at most %d plans", maxPlans))
	}
	// Without it, a plan's name that was misspelt in the store would lift every
	// limit.
	if len(c.Plans) > 0 && own == (Plan{}) {
		faults = append(faults, durward.Invalid("plans", "need per_consumer, per_subject or per_credential beside them, for callers of no plan and of an unknown one"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Plans)) {
		p := c.Plans[name]
		if !validName(name) {
			faults = append(faults, durward.Invalid("plans", "a name must be 1 to 64 letters, digits, - and _"))
			continue
		}
		if p == (Plan{}) {
			faults = append(faults, durward.Invalid("plans."+name, "has no limit"))
		}
		faults = append(faults, durward.InvalidIn("plans."+name, p.check()))
	}
	return errors.Join(faults...)
}

func (p *Plan) check() error {
	var faults []error
	for _, one := range []struct {
		field string
		limit *Limit
	}{{"per_consumer", p.PerConsumer}, {"per_subject", p.PerSubject}, {"per_credential", p.PerCredential}} {
		if one.limit != nil {
			faults = append(faults, durward.InvalidIn(one.field, one.limit.Check()))
		}
	}
	return errors.Join(faults...)
}
