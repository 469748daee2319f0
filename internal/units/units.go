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
	s := time.Duration(d).String()
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
	if err != nil || v < 0 || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return fmt.Errorf("%q is not a duration such as 10s, 5m or 30d", s)
	}
	*d = Duration(v)
	return nil
}

// Pattern is the regular expression of a duration.
func (Duration) Pattern() string { return `^([0-9]+d|0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$` }

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
	switch r.Per {
	case 0:
		return "0/s"
	case time.Second, time.Minute, time.Hour, 24 * time.Hour:
		unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h", 24 * time.Hour: "d"}[r.Per]
		return strconv.FormatInt(r.Count, 10) + "/" + unit
	}
	return strconv.FormatInt(r.Count, 10) + "/" + Duration(r.Per).String()
}

// MarshalText writes the form that UnmarshalText reads back.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a rate. The count is at least 1, the period from 1ms to
// 31 days.
func (r *Rate) UnmarshalText(text []byte) error {
	bad := fmt.Errorf("%q is not a rate such as 20/s, 600/m or 100/10s", string(text))
	count, period, ok := strings.Cut(string(text), "/")
	if !ok {
		return bad
	}
	n, err := strconv.ParseUint(count, 10, 40)
	if err != nil || n == 0 {
		return bad
	}
	if period != "" && (period[0] < '0' || period[0] > '9') {
		period = "1" + period
	}
	var d Duration
	if err := d.UnmarshalText([]byte(period)); err != nil {
		return bad
	}
	if d.Std() < time.Millisecond || d.Std() > 31*24*time.Hour {
		return bad
	}
	*r = Rate{Count: int64(n), Per: d.Std()}
	return nil
}

// Pattern is the regular expression of a rate.
func (Rate) Pattern() string { return `^[0-9]+/([0-9]+)?(ms|s|m|h|d)$` }
