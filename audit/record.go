// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"durward"
)

// Most bytes that are recorded of a value. What is cut ends in an ellipsis.
const (
	maxName     = 256 // ids, names, host
	maxAgent    = 256
	maxPath     = 2048
	maxReason   = 512
	maxSealed   = 64 << 10 // more than a sealed text can have
	maxSteps    = 16
	maxPolicies = 16
	maxFindings = 16
)

// appendBody appends the fields of a record, each with a comma before it. The
// writer puts the sequence number before them and the hash behind. Fields that
// are empty are left out.
func appendBody(b []byte, ev *durward.Event) []byte {
	b = append(b, `,"time":"`...)
	b = appendTime(b, ev.Time)
	b = append(b, `","kind":"`...)
	b = append(b, ev.Kind...) // one of our own constants
	b = append(b, '"')
	b = appendText(b, `,"request_id":`, ev.RequestID, maxName)
	b = appendTrace(b, &ev.TraceID)
	b = appendWho(b, ev)
	b = appendText(b, `,"api":`, ev.API, maxName)
	b = appendText(b, `,"operation":`, ev.Operation, maxName)
	b = appendText(b, `,"verb":`, ev.Verb, maxName)
	b = appendText(b, `,"host":`, ev.Host, maxName)
	b = appendText(b, `,"path":`, ev.Path, maxPath)
	b = appendObject(b, ev.Object)
	b = appendText(b, `,"proto":`, ev.Proto, maxName)
	b = appendText(b, `,"user_agent":`, ev.UserAgent, maxAgent)
	b = appendText(b, `,"who":`, ev.Who, maxName)
	b = appendText(b, `,"from":`, ev.From, maxName)
	b = appendText(b, `,"sealed":`, ev.Sealed, maxSealed)
	switch ev.Kind {
	case durward.EventOutcome:
		b = appendEnd(b, ev)
	case durward.EventFlood:
		b = appendText(b, `,"code":`, string(ev.Code), maxName)
		b = appendNumber(b, `,"count":`, int64(ev.Count))
		b = appendNumber(b, `,"took_us":`, ev.Took.Microseconds())
	case durward.EventSystem:
		b = appendText(b, `,"message":`, ev.Message, maxReason)
		b = appendText(b, `,"detail":`, ev.Detail, maxReason)
		b = appendClock(b, &ev.Clock)
	}
	if ev.Admin != nil {
		b = appendAdmin(b, ev.Admin)
	}
	return b
}

func appendWho(b []byte, ev *durward.Event) []byte {
	if ev.Client.IsValid() {
		b = append(b, `,"client":"`...)
		b = ev.Client.WithZone("").AppendTo(b)
		b = append(b, '"')
	}
	if ev.Peer.IsValid() {
		b = append(b, `,"peer":"`...)
		b = netip.AddrPortFrom(ev.Peer.Addr().WithZone(""), ev.Peer.Port()).AppendTo(b)
		b = append(b, '"')
	}
	b = appendText(b, `,"subject":`, ev.Subject, maxName)
	b = appendText(b, `,"consumer":`, ev.Consumer, maxName)
	b = appendText(b, `,"issuer":`, ev.Issuer, maxName)
	b = appendText(b, `,"method":`, ev.Method, maxName)
	b = appendText(b, `,"credential":`, ev.Credential, maxName)
	b = appendText(b, `,"bound":`, ev.Bound, maxName)
	return appendText(b, `,"plan":`, ev.Plan, maxName)
}

func appendEnd(b []byte, ev *durward.Event) []byte {
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(ev.Status), 10)
	b = appendText(b, `,"code":`, string(ev.Code), maxName)
	b = appendText(b, `,"stage":`, ev.Stage, maxName)
	b = appendText(b, `,"reason":`, ev.Reason, maxReason)
	if len(ev.Steps) > 0 {
		b = appendSteps(b, ev.Steps)
	}
	b = appendTexts(b, `,"policies":[`, ev.Policies)
	b = appendFindings(b, ev.Findings)
	if u := &ev.Upstream; u.Target != "" || u.Attempts != 0 {
		b = append(b, `,"upstream":{"attempts":`...)
		b = strconv.AppendInt(b, int64(u.Attempts), 10)
		b = appendText(b, `,"target":`, u.Target, maxName)
		b = appendNumber(b, `,"took_us":`, u.Took.Microseconds())
		b = appendNumber(b, `,"bytes_out":`, u.BytesOut)
		b = appendNumber(b, `,"bytes_in":`, u.BytesIn)
		b = append(b, '}')
	}
	if !ev.Guard.None() {
		b = appendGuard(b, &ev.Guard)
	}
	b = append(b, `,"took_us":`...)
	b = strconv.AppendInt(b, ev.Took.Microseconds(), 10)
	b = appendNumber(b, `,"bytes_in":`, ev.BytesIn)
	b = appendNumber(b, `,"bytes_out":`, ev.BytesOut)
	return appendStages(b, ev.Stages)
}

// appendTexts appends a list that is not empty, under a key with its bracket.
func appendTexts(b []byte, key string, texts []string) []byte {
	for _, p := range texts[:min(len(texts), maxPolicies)] {
		b = appendText(b, key, p, maxReason)
		key = ","
	}
	if key == "," {
		b = append(b, ']')
	}
	return b
}

// appendGuard appends what was found in the answer's content.
func appendGuard(b []byte, g *durward.GuardFacts) []byte {
	b = append(b, `,"answer":{"stripped":`...)
	b = strconv.AppendInt(b, int64(g.Stripped), 10)
	b = appendTexts(b, `,"fields":[`, g.Fields)
	b = appendNumber(b, `,"invalid":`, int64(g.Invalid))
	b = appendTexts(b, `,"faults":[`, g.Faults)
	b = appendText(b, `,"unguarded":`, g.Unguarded, maxName)
	if g.Streamed {
		b = append(b, `,"streamed":true`...)
	}
	key := `,"leaks":[{"detector":`
	for i := range g.Leaks {
		l := &g.Leaks[i]
		b = appendText(b, key, l.Detector, maxName)
		b = appendText(b, `,"action":`, l.Action, maxName)
		b = appendText(b, `,"place":`, l.Place, maxName)
		b = append(b, `,"offset":`...)
		b = strconv.AppendInt(b, l.Offset, 10)
		b = append(b, `,"count":`...)
		b = append(strconv.AppendInt(b, int64(l.Count), 10), '}')
		key = `,{"detector":`
	}
	if len(g.Leaks) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendFindings appends what the firewall found, without any value.
func appendFindings(b []byte, findings []durward.Finding) []byte {
	if len(findings) == 0 {
		return b
	}
	b = append(b, `,"findings":[`...)
	for i := range findings[:min(len(findings), maxFindings)] {
		f := &findings[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"rule":`...)
		b = strconv.AppendInt(b, int64(f.Rule), 10)
		b = appendText(b, `,"class":`, f.Class, maxName)
		b = appendText(b, `,"in":`, f.In, maxName)
		b = appendText(b, `,"name":`, f.Name, maxName)
		b = appendText(b, `,"decoding":`, f.Decoding, maxName)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendSteps(b []byte, steps []durward.Step) []byte {
	b = append(b, `,"steps":[`...)
	for i := range steps[:min(len(steps), maxSteps)] {
		s := &steps[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"verdict":"`...)
		b = append(b, s.Verdict.String()...)
		b = append(b, `","mode":"`...)
		b = append(b, s.Mode.String()...)
		b = append(b, `","on_error":"`...)
		b = append(b, s.OnError.String()...)
		b = append(b, '"')
		b = appendText(b, `,"stage":`, s.Stage, maxName)
		b = appendText(b, `,"code":`, string(s.Code), maxName)
		if s.Err != nil {
			b = appendText(b, `,"reason":`, s.Err.Error(), maxReason)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendText appends a field that has a value, cut to limit bytes at a
// character's border.
func appendText(b []byte, key, s string, limit int) []byte {
	if s == "" {
		return b
	}
	b = append(b, key...)
	if len(s) <= limit {
		if plain(s) {
			b = append(b, '"')
			b = append(b, s...)
			return append(b, '"')
		}
		return durward.AppendString(b, s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	b = durward.AppendString(b, s[:limit])
	return append(b[:len(b)-1], `\u2026"`...)
}

// plainByte marks what durward.AppendString writes as it is.
var plainByte = func() (table [256]bool) {
	for c := byte(0x20); c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return table
}()

// plain tells whether s is its own JSON string but for the quotes, as nearly
// all values are.
func plain(s string) bool {
	for i := range len(s) {
		if !plainByte[s[i]] {
			return false
		}
	}
	return true
}

// appendNumber appends a field that is not zero.
func appendNumber(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	b = append(b, key...)
	return strconv.AppendInt(b, n, 10)
}

// appendTime appends t in UTC as RFC 3339 with six digits of a second. A year
// that RFC 3339 cannot write becomes the zero time.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return append(b, "0001-01-01T00:00:00.000000Z"...)
	}
	hour, minute, second := t.Clock()
	micro := t.Nanosecond() / 1000
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	b = appendTwo(append(b, '.'), micro/10000)
	b = appendTwo(appendTwo(b, micro/100%100), micro%100)
	return append(b, 'Z')
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
