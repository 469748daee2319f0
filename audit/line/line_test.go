// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package line

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/internal/allocs"
)

const outcome = `{"seq":10,"time":"2026-11-21T19:33:40.871132Z","kind":"outcome","request_id":"R1","client":"203.0.113.9","subject":"an\u006e","consumer":"acme","credential":"k1","api":"moot","operation":"createSpace","verb":"POST","path":"/spaces/7","object":{"space":"7"},"status":403,"code":"forbidden","stage":"authz","reason":"a \"quoted\" {brace}","steps":[{"verdict":"deny","mode":"report","on_error":"deny","stage":"waf","code":"waf-blocked","reason":"],}"}],"findings":[{"rule":942100,"class":"sqli","in":"query","name":"q"}],"answer":{"stripped":2,"leaks":[{"detector":"aws_key","offset":3,"count":1}]},"took_us":383,"bytes_out":187,"hash":"ab"}`

func TestALineIsReadWithoutDecodingIt(t *testing.T) {
	r, ok := Parse([]byte(outcome))
	if !ok {
		t.Fatal("it is refused")
	}
	if r.Seq != 10 || !r.Time.Equal(time.Date(2026, 11, 21, 19, 33, 40, 871132000, time.UTC)) || r.Status != 403 || r.TookUS != 383 || r.BytesOut != 187 {
		t.Errorf("numbers: %+v", r)
	}
	for want, got := range map[string][]byte{
		"outcome": r.Kind, "R1": r.RequestID, "203.0.113.9": r.Client, "ann": r.Subject, "acme": r.Consumer, "k1": r.Credential,
		"moot": r.API, "createSpace": r.Operation, "POST": r.Verb, "/spaces/7": r.Path, "forbidden": r.Code, "authz": r.Stage,
		`a "quoted" {brace}`: r.Reason,
	} {
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if diff := cmp.Diff([]string{"942100", "authz", "authz/forbidden", "aws_key", "sqli", "stripped", "waf", "waf/waf-blocked"}, r.Detections()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/spaces/7", "spaces", "7", "7", "space=7"}, r.Objects()); diff != "" {
		t.Error(diff)
	}
}

func TestEachRecordHasTheOutcomeThatItsCodeSays(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{`{"seq":1,"kind":"attempt","status":200}`, ""},
		{`{"seq":1,"kind":"system","message":"started"}`, ""},
		{`{"seq":1,"kind":"outcome","status":200}`, Allowed},
		{`{"seq":1,"kind":"outcome","status":503}`, Allowed}, // the upstream's own answer
		{`{"seq":1,"kind":"outcome","status":403,"code":"forbidden"}`, Refused},
		{`{"seq":1,"kind":"outcome","status":502,"code":"upstream-unreachable"}`, Failed},
		{`{"seq":1,"kind":"flood","code":"rate-limited","count":7}`, Refused},
	} {
		r, ok := Parse([]byte(test.line))
		if got := r.Outcome(); !ok || got != test.want {
			t.Errorf("%s: %q, want %q (%v)", test.line, got, test.want, ok)
		}
	}
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	for _, bad := range []string{
		"", "{", "{}", "[]", `{"seq":1`, `{"seq":"1"}`, `{"seq":-1}`, `{"seq":1}x`, `{"seq":1}}`, `{"seq":1,}`, `{"seq":1 "kind":"x"}`,
		`{"kind":"attempt"}`, `{"seq":0}`, `{"seq":1,"kind":7}`, `{"seq":1,"time":"yesterday"}`, `{"seq":1,"kind":"\x"}`,
		`{"seq":1,"steps":[}`, `{"seq":1,"steps":[{]}`, `{"seq":1,"kind":"a`, `{"seq":1,"status":"200"}`, strings.Repeat("[", 1000),
	} {
		if r, ok := Parse([]byte(bad)); ok {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
}

func TestReadingALineAllocatesNothing(t *testing.T) {
	line := []byte(strings.ReplaceAll(strings.ReplaceAll(outcome, `\u006e`, "n"), `\"`, "'"))
	if n := allocs.PerRun(100, func() {
		if _, ok := Parse(line); !ok {
			t.Fatal("refused")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse holds the reading against encoding/json: what is taken is the same,
// and what encoding/json takes of our shape is taken.
func FuzzParse(f *testing.F) {
	f.Add([]byte(outcome))
	f.Add([]byte(`{"seq":1,"kind":"system","message":"\ud800"}`))
	f.Add([]byte(`{"seq":1,"steps":[[]],"x":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := Parse(line)
		r.Detections()
		r.Objects()
		if !ok || !json.Valid(line) {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(line, &want) != nil {
			t.Fatalf("no object: %q", line)
		}
		last := map[string]string{}
		Each(line, func(key, value []byte) { last[string(key)] = string(value) })
		for key, value := range last {
			if strings.ContainsAny(key, "\\") || !json.Valid([]byte(`"`+key+`"`)) || strings.ContainsRune(key, 0xfffd) {
				continue
			}
			if string(want[key]) != value && strings.TrimSpace(string(want[key])) != strings.TrimSpace(value) {
				t.Fatalf("%q is %q, want %q", key, value, want[key])
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	line := []byte(outcome)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		Parse(line)
	}
}
