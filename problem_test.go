// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTheTableOfProblemsIsSound(t *testing.T) {
	seen := map[Code]bool{}
	for _, k := range Kinds() {
		if seen[k.Code] {
			t.Errorf("%s stands twice", k.Code)
		}
		seen[k.Code] = true
		if k.Code == "" || strings.Trim(string(k.Code), "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("%q is no code", k.Code)
		}
		if k.Status < 400 || k.Status > 599 || http.StatusText(k.Status) == "" || k.Title == "" || k.Detail == "" {
			t.Errorf("%s: %+v", k.Code, k)
		}
		if Lookup(k.Code).Code != k.Code {
			t.Errorf("%s is not found", k.Code)
		}
	}
	for _, unknown := range []Code{"", "no-such-code"} {
		if k := Lookup(unknown); k.Code != CodeInternal || k.Status != 500 {
			t.Errorf("%q gives %+v", unknown, k)
		}
	}
}

func TestAProblemSaysWhatTheCallerMayKnow(t *testing.T) {
	x := &Exchange{ID: "req-7", Violated: []string{"per-address"}}
	secret := errors.New("connect 10.0.0.7:5432: password rejected")
	violations := Violations{{"query", "limit", "is too large"}, {"body", "/a~1b/0", "is required"}}
	for _, tt := range []struct {
		name     string
		base     string
		decision Decision
		want     map[string]any
	}{
		{"a cause stays inside", "", Refuse(CodeUpstreamUnreachable, secret),
			map[string]any{"type": "urn:durward:problem:upstream-unreachable", "status": 502., "request_id": "req-7"}},
		{"violations are told, also wrapped", "https://e.example/p/", Refuse(CodeBodyInvalid, fmt.Errorf("stage: %w", violations)),
			map[string]any{"type": "https://e.example/p/invalid-body", "status": 422., "errors": []any{
				map[string]any{"in": "query", "name": "limit", "detail": "is too large"},
				map[string]any{"in": "body", "pointer": "/a~1b/0", "detail": "is required"}}}},
		{"a spent limit has the registered type", "https://e.example/p/", Refuse(CodeRateLimited, secret),
			map[string]any{"type": QuotaExceededType, "violated-policies": []any{"per-address"}}},
		{"a forgotten decision is an internal error", "", Decision{}, map[string]any{"code": "internal-error", "status": 500.}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := NewProblem(tt.base, &tt.decision, x)
			text := p.AppendJSON(nil)
			if bytes.Contains(text, []byte("10.0.0.7")) {
				t.Errorf("the cause is told: %s", text)
			}
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			for key, want := range tt.want {
				if fmt.Sprint(got[key]) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", key, got[key], want)
				}
			}
		})
	}
}

func TestTheZeroDecisionRefuses(t *testing.T) {
	var d Decision
	var s Step
	if d.Verdict != Deny || !s.Stopped() {
		t.Error("a forgotten return lets the request go on")
	}
	for _, tt := range []struct {
		step Step
		want bool
	}{
		{Step{Verdict: Deny, Mode: Report}, false},
		{Step{Verdict: Fail}, true},
		{Step{Verdict: Fail, OnError: ProceedOnError}, false},
		{Step{Verdict: Fail, Mode: Report}, true},
		{Step{Verdict: Allow}, false},
		{Step{Verdict: Answer}, false},
	} {
		if got := tt.step.Stopped(); got != tt.want {
			t.Errorf("%+v: %v", tt.step, got)
		}
	}
}

func TestModesAreReadStrictly(t *testing.T) {
	for _, m := range []Mode{Enforce, Report, Off} {
		var back Mode
		text, _ := m.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Errorf("%s: %v, %v", text, back, err)
		}
	}
	var m Mode
	var o OnError
	for _, bad := range []string{"", "on", "Enforce", "report "} {
		if m.UnmarshalText([]byte(bad)) == nil || o.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestFaultsOfNestedConfigurationsKeepTheirPlace(t *testing.T) {
	err := InvalidIn("apis.moot", errors.Join(Invalid("targets[0]", "bad"), errors.Join(Invalid("", "worse"), Invalid("[2].key", "worst")), errors.New("plain")))
	want := []string{"apis.moot.targets[0]: bad", "apis.moot: worse", "apis.moot[2].key: worst", "apis.moot: plain"}
	got := Flatten(err)
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range got {
		if got[i].Error() != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	if InvalidIn("x", nil) != nil || Flatten(nil) != nil {
		t.Error("no fault became one")
	}
}

// FuzzAppendString holds every string to be one JSON string on one line, which
// gives the same text back and cannot move a terminal or reorder a line.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1b[31m\r\n\t\x7f", "\u202e\u2066\u2028\ufeff\u061c", "\xff\xfe", "</script>&", "\U0001f600", "\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Errorf("%q came back as %q", s, back)
		}
		for _, r := range string(text) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == '<' || r == '>' {
				t.Errorf("%U stands in %q", r, text)
			}
		}
	})
}
