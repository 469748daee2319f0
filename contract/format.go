// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"time"
)

// A format is asserted: a value that is not of it is refused. A format that is
// in neither table is a hint and checks nothing, as JSON Schema says.
var stringFormats = map[string]func(string) bool{
	"uuid":                  isUUID,
	"date":                  isDate,
	"time":                  isTime,
	"date-time":             isDateTime,
	"duration":              isDuration,
	"email":                 isEmail,
	"idn-email":             isIDNEmail,
	"hostname":              isHostname,
	"ipv4":                  isIPv4,
	"ipv6":                  isIPv6,
	"uri":                   func(s string) bool { return isURI(s, true, false) },
	"uri-reference":         func(s string) bool { return isURI(s, false, false) },
	"iri":                   func(s string) bool { return isURI(s, true, true) },
	"iri-reference":         func(s string) bool { return isURI(s, false, true) },
	"json-pointer":          isPointer,
	"relative-json-pointer": isRelativePointer,
	"regex":                 func(s string) bool { _, err := compilePattern(s); return err == nil },
	"byte":                  isBase64,
}

var numberFormats = map[string]func(string) bool{
	"int32": func(s string) bool { return isWithin(s, "-2147483648", "2147483647") },
	"int64": func(s string) bool {
		return isWithin(s, "-9223372036854775808", "9223372036854775807")
	},
	"float":  func(s string) bool { return rat(s).Cmp(maxFloat32) <= 0 && rat(s).Cmp(minFloat32) >= 0 },
	"double": func(s string) bool { return rat(s).Cmp(maxFloat64) <= 0 && rat(s).Cmp(minFloat64) >= 0 },
}

var (
	maxFloat32 = rat("3.4028234663852886e38")
	minFloat32 = rat("-3.4028234663852886e38")
	maxFloat64 = rat("1.7976931348623157e308")
	minFloat64 = rat("-1.7976931348623157e308")
)

func isWithin(s, low, high string) bool {
	return isInteger(s) && compareNumbers(s, low) >= 0 && compareNumbers(s, high) <= 0
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isAlnum(c byte) bool { return isAlpha(c) || c-'0' <= 9 }

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

// isDate is RFC 3339 full-date.
func isDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' || !isDigits(s[:4]) || !isDigits(s[5:7]) || !isDigits(s[8:]) {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func twoDigits(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// isTime is RFC 3339 full-time. A leap second is one only at 23:59:60 UTC.
func isTime(s string) bool {
	if len(s) < 9 || s[2] != ':' || s[5] != ':' || !isDigits(s[:2]) || !isDigits(s[3:5]) || !isDigits(s[6:8]) {
		return false
	}
	h, m, sec := twoDigits(s), twoDigits(s[3:]), twoDigits(s[6:])
	rest := s[8:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if n == 1 {
			return false
		}
		rest = rest[n:]
	}
	offset := 0
	switch {
	case rest == "Z" || rest == "z":
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' && isDigits(rest[1:3]) && isDigits(rest[4:]):
		oh, om := twoDigits(rest[1:]), twoDigits(rest[4:])
		if oh > 23 || om > 59 {
			return false
		}
		if offset = oh*60 + om; rest[0] == '-' {
			offset = -offset
		}
	default:
		return false
	}
	if sec == 60 {
		return h <= 23 && m <= 59 && ((h*60+m-offset)%1440+1440)%1440 == 1439
	}
	return h <= 23 && m <= 59 && sec <= 59
}

func isDateTime(s string) bool {
	return len(s) > 11 && (s[10] == 'T' || s[10] == 't') && isDate(s[:10]) && isTime(s[11:])
}

// isDuration is RFC 3339 appendix A.
func isDuration(s string) bool {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return false
	}
	if weeks, ok := strings.CutSuffix(rest, "W"); ok {
		return isDigits(weeks)
	}
	date, clock, hasTime := strings.Cut(rest, "T")
	if hasTime && clock == "" || !hasTime && date == "" {
		return false
	}
	return durationPart(date, "YMD") && durationPart(clock, "HMS")
}

// durationPart reads numbers whose units follow each other without a gap.
func durationPart(s, units string) bool {
	previous := -1
	for s != "" {
		n := 0
		for n < len(s) && s[n]-'0' <= 9 {
			n++
		}
		if n == 0 || n == len(s) {
			return false
		}
		unit := strings.IndexByte(units, s[n])
		if unit < 0 || previous >= 0 && unit != previous+1 {
			return false
		}
		previous, s = unit, s[n+1:]
	}
	return true
}

func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		// Two hyphens in this place mark an encoded label; only punycode is one.
		if len(label) > 3 && label[2:4] == "--" && !strings.EqualFold(label[:2], "xn") {
			return false
		}
		for i := 0; i < len(label); i++ {
			if !isAlnum(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n")
}

func isPointer(s string) bool {
	if s != "" && s[0] != '/' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return true
}

func isRelativePointer(s string) bool {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	if n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	return s[n:] == "#" || isPointer(s[n:])
}
