// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package units reads the quantities of a configuration: durations ("10s",
// "30d"), sizes ("1MiB") and rates ("20/s"). Every type implements
// encoding.TextUnmarshaler and TextMarshaler; Pattern methods give the regular
// expression for a JSON Schema. It knows nothing of the gateway.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as Go does ("1h30m", "250ms") or in
// whole days ("30d"). It is never negative.
type Duration time.Duration

// Std gives the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d Duration) String() string {
	const day = 24 * time.Hour
	if d > 0 && time.Duration(d)%day == 0 {
		return strconv.FormatInt(int64(time.Duration(d)/day), 10) + "d"
	}
	s := strings.Replace(time.Duration(d).String(), "µs", "us", 1)
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// MarshalText writes the shortest form that UnmarshalText reads back.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration; a number without unit is an error.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 31)
		if err != nil || n > 36500 {
			return fmt.Errorf("%q is not a duration such as 10s, 5m or 30d", s)
		}
		*d = Duration(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 || !plainDuration(s) {
		return fmt.Errorf("%q is not a duration such as 10s, 5m or 30d", s)
	}
	*d = Duration(v)
	return nil
}

// plainDuration keeps to what Pattern takes: no sign, no micro sign, which
// has two code points, and digits on both sides of a point.
func plainDuration(s string) bool {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '+' || s[i] == '-' || s[i] == '.' && !(digit(i-1) && digit(i+1)) {
			return false
		}
	}
	return true
}

// Pattern is the regular expression of a duration.
func (Duration) Pattern() string { return `^([0-9]+d|0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$` }

// Bytes is a size: a plain number of bytes, or one with B, KB, MB, GB (powers
// of 1000) or KiB, MiB, GiB (powers of 1024).
type Bytes int64

var byteUnits = []struct {
	suffix string
	size   int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

func (b Bytes) String() string {
	for _, u := range []int{2, 1, 0} {
		if size := byteUnits[u].size; b != 0 && int64(b)%size == 0 {
			return strconv.FormatInt(int64(b)/size, 10) + byteUnits[u].suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText writes the size with the largest power of 1024 that divides it.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, size := string(text), int64(1)
	for _, u := range byteUnits {
		if number, ok := strings.CutSuffix(s, u.suffix); ok {
			s, size = strings.TrimSuffix(number, " "), u.size
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/size {
		return fmt.Errorf("%q is not a size such as 512KiB or 10MB", string(text))
	}
	*b = Bytes(int64(n) * size)
	return nil
}

// Pattern is the regular expression of a size.
func (Bytes) Pattern() string { return `^[0-9]+( ?(B|KB|MB|GB|KiB|MiB|GiB))?$` }

// Rate is a number of events in a period: "20/s", "600/m", "1000/h", "5000/d",
// or with a multiple of a unit, "100/10s".
type Rate struct {
	Count int64
	Per   time.Duration
}

// IsZero tells that no rate was set.
func (r Rate) IsZero() bool { return r.Count == 0 && r.Per == 0 }

func (r Rate) String() string {
	count := strconv.FormatInt(r.Count, 10) + "/"
	for _, u := range rateUnits {
		switch {
		case r.Per == u.size:
			return count + u.name
		case r.Per > 0 && r.Per%u.size == 0:
			return count + strconv.FormatInt(int64(r.Per/u.size), 10) + u.name
		}
	}
	if r.Per == 0 {
		return count + "s"
	}
	return count + Duration(r.Per).String() // cannot be read back; UnmarshalText makes none
}

// rateUnits are the units of a rate's period, the largest first.
var rateUnits = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// MarshalText writes the form that UnmarshalText reads back.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a rate: a count from 1 to 999999999999 in a period from
// 1ms to 31 days, which is a unit or a whole multiple of one.
func (r *Rate) UnmarshalText(text []byte) error {
	bad := fmt.Errorf("%q is not a rate such as 20/s, 600/m or 100/10s", string(text))
	count, period, _ := strings.Cut(string(text), "/")
	n, ok := wholeNumber(count)
	if !ok {
		return bad
	}
	digits := strings.TrimRight(period, "dhms")
	multiple := int64(1)
	if digits != "" {
		if multiple, ok = wholeNumber(digits); !ok {
			return bad
		}
	}
	const longest = 31 * 24 * time.Hour
	for _, u := range rateUnits {
		if period == digits+u.name && multiple <= int64(longest/u.size) {
			*r = Rate{Count: n, Per: time.Duration(multiple) * u.size}
			return nil
		}
	}
	return bad
}

// wholeNumber reads 1 to 999999999999, without leading zeros.
func wholeNumber(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 40)
	return int64(n), err == nil && len(s) <= 12 && s[0] != '0'
}

// Pattern is the regular expression of a rate.
func (Rate) Pattern() string { return `^[1-9][0-9]{0,11}/([1-9][0-9]*)?(ms|s|m|h|d)$` }
