// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package units

import (
	"encoding"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreRead(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "250ms": 250 * time.Millisecond, "10s": 10 * time.Second, "1h30m": 90 * time.Minute,
		"1.5s": 1500 * time.Millisecond, "30d": 720 * time.Hour, "0d": 0, "36500d": 36500 * 24 * time.Hour,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%q is %v, %v; want %v", text, d.Std(), err, want)
		}
	}
}

func TestDurationsAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "10", "-1s", "+1s", "s", "1 s", "1w", "d", "-1d", "1.5d", "36501d", "1d2h", "1e3s", "99999999999h", " 1s", "1s ",
		"1s-1s", ".s", "1.s", ".5s", "1__0s", "1µs", "1μs",
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, d)
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour, "30d": 720 * time.Hour,
		"25h": 25 * time.Hour, "1m5s": 65 * time.Second, "10m": 10 * time.Minute, "20h": 20 * time.Hour, "1ms": time.Millisecond,
		"10h0m1s": 10*time.Hour + time.Second,
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestBytesAreRead(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "1KB": 1000, "1KiB": 1024, "2MB": 2e6, "2MiB": 2 << 20, "3GB": 3e9, "3GiB": 3 << 30,
		"10 MB": 1e7, "9223372036854775807": 1<<63 - 1,
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || int64(b) != want {
			t.Errorf("%q is %d, %v; want %d", text, b, err, want)
		}
	}
}

func TestBytesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "-1", "+1", "1.5MB", "1kb", "1K", "MB", "1 ", "1  MB", "9223372036854775808", "9007199254740993GiB", "1e3", "0x10", "1_000", "1MBB",
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, b)
		}
	}
}

func TestRatesAreRead(t *testing.T) {
	for text, want := range map[string]Rate{
		"20/s": {20, time.Second}, "600/m": {600, time.Minute}, "1000/h": {1000, time.Hour}, "5000/d": {5000, 24 * time.Hour},
		"100/10s": {100, 10 * time.Second}, "1/ms": {1, time.Millisecond}, "1/31d": {1, 31 * 24 * time.Hour}, "7/90m": {7, 90 * time.Minute},
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is %v, %v; want %v", text, r, err, want)
		}
	}
	if !(Rate{}).IsZero() || (Rate{1, time.Second}).IsZero() {
		t.Error("IsZero does not tell a rate that was not set")
	}
}

func TestRatesAreWrittenInTheLargestUnit(t *testing.T) {
	for want, r := range map[string]Rate{
		"5/s": {5, time.Second}, "5/90m": {5, 90 * time.Minute}, "5/d": {5, 24 * time.Hour}, "5/1500ms": {5, 1500 * time.Millisecond}, "0/s": {},
	} {
		if r.String() != want {
			t.Errorf("%v is written %q, want %q", struct{ Rate }{r}, r, want)
		}
	}
}

func TestRatesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "20", "/s", "20/", "0/s", "-1/s", "1.5/s", "20/x", "20/0s", "20/us", "1/32d", "20//s", "20/s/s", "20 / s", "20/-1s", "020/s", "20/05s", "20/1h30m", "20/1.5s", "20/9223372036854775807d", "9999999999999/s",
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, r)
		}
	}
}

// value is what all units are.
type value interface {
	encoding.TextUnmarshaler
	Pattern() string
	String() string
}

type written interface{ MarshalText() ([]byte, error) }

// roundTrip: what can be read is written in a form that is read as the same,
// and the pattern of the JSON Schema takes both forms.
func roundTrip(t *testing.T, text string, fresh func() value) {
	first := fresh()
	pattern := regexp.MustCompile(first.Pattern())
	if first.UnmarshalText([]byte(text)) != nil {
		return
	}
	if !pattern.MatchString(text) {
		t.Errorf("the pattern of %T refuses %q, which is read", first, text)
	}
	out, err := first.(written).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	second := fresh()
	if err := second.UnmarshalText(out); err != nil || second.String() != first.String() {
		t.Errorf("%q is written %q and read as %v, %v", text, out, second, err)
	}
	if !pattern.MatchString(string(out)) {
		t.Errorf("the pattern of %T refuses %q", first, out)
	}
}

var kinds = []func() value{
	func() value { return new(Duration) }, func() value { return new(Bytes) }, func() value { return new(Rate) },
}

func TestPatternsTakeOnlyWhatIsRead(t *testing.T) {
	for _, fresh := range kinds {
		pattern := regexp.MustCompile(fresh().Pattern())
		for _, text := range []string{"", "-1s", "+1s", "1w", "s", "1.5MB", "1kb", "MB", "20/", "/s", "0/s", "20/s ", "20/x", "1 s", "$", "many"} {
			if pattern.MatchString(text) && fresh().UnmarshalText([]byte(text)) != nil {
				t.Errorf("the pattern of %T takes %q, which cannot be read", fresh(), text)
			}
		}
	}
}

func FuzzUnits(f *testing.F) {
	for _, seed := range []string{"10s", "1h30m", "30d", "1.5us", "1µs", "1μs", "1.5ms", "0", "512KiB", "10 MB", "9223372036854775807", "20/s", "100/10s", "1/1.5h", "1/0.001s", "5/1000us", "0d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, fresh := range kinds {
			roundTrip(t, text, fresh)
			if err := fresh().UnmarshalText([]byte(text)); err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without a reason")
			}
		}
	})
}
