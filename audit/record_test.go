// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// compare looks into errors and addresses as text.
var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error()) }),
}

func TestNoValueCanForgeARecordOrMoveATerminal(t *testing.T) {
	for name, hostile := range map[string]string{
		"new line":             "/a\n{\"seq\":1,\"kind\":\"system\"}",
		"carriage return":      "/a\r\nSet-Cookie: x",
		"ANSI escape":          "/a\x1b[2J\x1b[31mroot\x1b[0m",
		"C1 control":           "/a\u009b31m",
		"raw C1 byte":          "/a\x9b31m",
		"backspace and delete": "/a\b\b\x7f",
		"null":                 "/a\x00b",
		"line separators":      "/a\u2028b\u2029c\u0085d",
		"bidi override":        "/a\u202egnp.exe\u202c",
		"bidi isolate":         "/a\u2066b\u2069",
		"bidi marks":           "/a\u200eb\u200fc\u061cd",
		"byte order mark":      "/a\ufeffb",
		"not UTF-8":            "/a\xff\xfe\xc0\xaf",
		"surrogate bytes":      "/a\xed\xa0\x80",
		"markup":               "/a<script>&\"'",
		"end of string":        `/a","kind":"system","x":"`,
		"backslashes":          `/a\","kind":"system`,
		"interpolation":        "/a${jndi:ldap://x}",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Config{Directory: dir}, Options{})
			x := newExchange(hostile)
			x.In.Path, x.In.Host, x.In.Method, x.In.Proto = hostile, hostile, hostile, hostile
			x.In.Header.Set("User-Agent", hostile)
			x.Principal = durward.Principal{Subject: hostile, Consumer: hostile, Issuer: hostile, Method: hostile, Credential: hostile, Bound: hostile, Plan: hostile}
			x.Upstream.Target = hostile
			exchange(l, x, End{Status: 403, Code: durward.CodeForbidden, Stage: hostile, Reason: hostile})
			if err := l.System(hostile, hostile); err != nil {
				t.Fatal(err)
			}
			l.Close()
			r := mustVerify(t, dir)
			events := readEvents(t, dir)
			if r.Records != 6 || len(events) != 6 {
				t.Fatalf("%d records, want begun, opened, attempt, outcome, system, closed", r.Records)
			}
			want := strings.ToValidUTF8(perByte(hostile), "\ufffd")
			for _, got := range []string{events[2].Path, events[2].UserAgent, events[2].Host, events[3].Reason, events[3].Subject, events[4].Message} {
				if got != want {
					t.Errorf("read back %q, want %q", got, want)
				}
			}
			for _, line := range readLines(t, dir) {
				for _, c := range line {
					if c < 0x20 || c == 0x7f || c >= 0x80 && c <= 0x9f || c == utf8.RuneError || strings.ContainsRune("\u2028\u2029\u202e\u202c\u2066\u2069\u200e\u200f\u061c\ufeff", c) {
						t.Errorf("the file holds %U", c)
					}
				}
			}
		})
	}
}

// perByte puts one U+FFFD in the place of each byte that is not UTF-8.
func perByte(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteRune(r)
		i += size
	}
	return b.String()
}

func TestLongValuesAreCutAtACharacter(t *testing.T) {
	ev := durward.Event{Kind: durward.EventOutcome, Path: strings.Repeat("é", 2000), UserAgent: strings.Repeat("a", 5000),
		Reason: strings.Repeat("\n", 10000), Steps: make([]durward.Step, 100)}
	body := appendBody(nil, &ev)
	if len(body) > 8<<10 {
		t.Errorf("a record of %d bytes", len(body))
	}
	got, _, err := Decode(newChain(position{}).seal(nil, body))
	if err != nil {
		t.Fatal(err)
	}
	if got.Path != strings.Repeat("é", maxPath/2)+"…" || got.UserAgent != strings.Repeat("a", maxAgent)+"…" ||
		got.Reason != strings.Repeat("\n", maxReason)+"…" || len(got.Steps) != maxSteps {
		t.Errorf("path %d, agent %d, reason %d bytes, %d steps", len(got.Path), len(got.UserAgent), len(got.Reason), len(got.Steps))
	}
}

func TestTheFastPathOfAStringIsTheSlowOne(t *testing.T) {
	for c := range 256 {
		s := "a" + string([]byte{byte(c)}) + "b"
		want := string(durward.AppendString([]byte("k:"), s))
		if got := string(appendText(nil, "k:", s, 10)); got != want {
			t.Errorf("byte %#x is written %s, want %s", c, got, want)
		}
		if slow := !strings.Contains(want, s); plain(s) && slow {
			t.Errorf("byte %#x is plain", c)
		}
	}
}

func TestTimesAreInUTCWithMicroseconds(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for want, in := range map[string]time.Time{
		"2026-11-21T09:05:03.000001Z": time.Date(2026, 11, 21, 10, 5, 3, 1999, berlin),
		"0001-01-01T00:00:00.000000Z": {},
		"9999-12-31T23:59:59.999999Z": time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		"1969-12-31T23:59:59.500000Z": time.Unix(-1, 5e8),
	} {
		if got := string(appendTime(nil, in)); got != want {
			t.Errorf("%v is written %s, want %s", in, got, want)
		}
	}
	if got := string(appendTime(nil, time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC))); got != "0001-01-01T00:00:00.000000Z" {
		t.Errorf("a year of five digits is written %s", got)
	}
}

// expected is what a record of ev can tell: fields of its kind, valid UTF-8,
// bounded, to the microsecond.
func expected(ev durward.Event) durward.Event {
	for _, s := range []*string{&ev.RequestID, &ev.Subject, &ev.Credential, &ev.Plan, &ev.Host} {
		*s = limited(*s, maxName)
	}
	ev.Path, ev.UserAgent = limited(ev.Path, maxPath), limited(ev.UserAgent, maxAgent)
	ev.Reason, ev.Message, ev.Detail = limited(ev.Reason, maxReason), limited(ev.Message, maxReason), limited(ev.Detail, maxReason)
	ev.Took = ev.Took.Truncate(time.Microsecond)
	if ev.Kind != durward.EventOutcome {
		ev.Status, ev.Reason, ev.Steps, ev.Upstream, ev.BytesIn = 0, "", nil, durward.UpstreamFacts{}, 0
	}
	if ev.Kind != durward.EventFlood {
		ev.Count = 0
	}
	if ev.Kind != durward.EventOutcome && ev.Kind != durward.EventFlood {
		ev.Took = 0
	}
	if ev.Kind != durward.EventSystem {
		ev.Message, ev.Detail = "", ""
	}
	for i := range ev.Steps {
		if s := limited(ev.Steps[i].Err.Error(), maxReason); s == "" {
			ev.Steps[i].Err = nil
		} else {
			ev.Steps[i].Err = errors.New(s)
		}
	}
	ev.Upstream.Target = limited(ev.Upstream.Target, maxName)
	return ev
}

func limited(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
		return perByte(s) + "…"
	}
	return perByte(s)
}

func FuzzRecord(f *testing.F) {
	f.Add(uint8(0), "id", "/a/b?c", "agent/1.0", "reason", []byte{127, 0, 0, 1}, int64(1500000), int64(12))
	f.Add(uint8(1), "a\r\nb", "/\u202e", "\x1b[0m", "\xff\"\\", []byte{}, int64(-1), int64(-5))
	f.Add(uint8(2), strings.Repeat("é", 300), "\u2028", "<>&", "\x00", bytes.Repeat([]byte{1}, 16), int64(1)<<62, int64(1)<<40)
	f.Add(uint8(3), "", "", "", "\xed\xa0\x80\xc0", []byte{1, 2, 3, 4}, int64(0), int64(0))
	kinds := []durward.EventKind{durward.EventAttempt, durward.EventOutcome, durward.EventFlood, durward.EventSystem}
	f.Fuzz(func(t *testing.T, kind uint8, id, path, agent, reason string, address []byte, took, number int64) {
		client, _ := netip.AddrFromSlice(address)
		ev := durward.Event{
			Kind: kinds[kind%4], Time: time.UnixMicro(took % 1e17).UTC(), RequestID: id, Client: client, Subject: reason, Credential: id, Plan: agent,
			Host: agent, Path: path, UserAgent: agent, Status: int(number % 1000), Reason: reason, Took: time.Duration(took), BytesIn: number,
			Count: int(number), Message: agent, Detail: path,
			Steps:    []durward.Step{{Stage: "s", Verdict: durward.Fail, Mode: durward.Report, OnError: durward.ProceedOnError, Err: errors.New(reason)}},
			Upstream: durward.UpstreamFacts{Target: path, Attempts: int(kind) + 1, BytesOut: number},
		}
		if y := ev.Time.Year(); y < 0 || y > 9999 {
			ev.Time = time.Time{}
		}
		if client.IsValid() {
			ev.Peer = netip.AddrPortFrom(client, uint16(number))
		}
		line := newChain(position{}).seal(nil, appendBody(nil, &ev))
		if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' || !json.Valid(line) || len(line) > maxLine {
			t.Fatalf("not one line of JSON: %q", line)
		}
		if err := newChain(position{}).check(line[:len(line)-1]); err != nil {
			t.Fatal(err)
		}
		got, sequence, err := Decode(line)
		if err != nil || sequence != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		if diff := cmp.Diff(expected(ev), got, compare); diff != "" {
			t.Fatalf("%s\n%s", diff, line)
		}
	})
}

func FuzzLine(f *testing.F) {
	good := newChain(position{}).seal(nil, []byte(`,"kind":"system"`))
	f.Add(good[:len(good)-1])
	f.Add([]byte(`{"seq":1,"hash":"`))
	f.Add([]byte(`{"seq":01` + strings.Repeat("x", 80)))
	f.Fuzz(func(t *testing.T, line []byte) {
		sequence, covered, sum, ok := splitLine(line)
		if ok && (sequence == 0 || len(sum) != 64 || len(covered)+tailLength != len(line)) {
			t.Fatalf("%d, %d, %d", sequence, len(covered), len(sum))
		}
		_, _ = beginChain(line, sequence)
		_, _, _ = Decode(line)
	})
}
