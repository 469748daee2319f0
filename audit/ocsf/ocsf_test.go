// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"durward/audit"
)

const hashEnd = `,"hash":"8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92"}`

// lines are a record of every kind, with every field that it can have.
var lines = map[string]string{
	"attempt": `{"seq":7,"time":"2026-11-22T10:11:12.345678Z","kind":"attempt","request_id":"01REQ","trace_id":"0af7651916cd43dd8448eb211c80319c","client":"203.0.113.9","peer":"203.0.113.9:4711",` +
		`"subject":"ann","consumer":"acme","issuer":"corp","method":"jwt","credential":"jti-1","bound":"dpop","plan":"gold","api":"moot","operation":"postMessage","verb":"POST","host":"api.example.com:8443",` +
		`"path":"/spaces/7/messages","object":{"space":"7"},"proto":"HTTP/1.1","user_agent":"curl/8"` + hashEnd,
	"outcome": `{"seq":8,"time":"2026-11-22T10:11:12.345678Z","kind":"outcome","request_id":"01REQ","client":"203.0.113.9","subject":"ann","consumer":"acme","credential":"jti-1","api":"moot","operation":"postMessage",` +
		`"verb":"POST","path":"/spaces/7/messages","object":{"space":"7","message":"9"},"status":403,"code":"forbidden","stage":"authz","reason":"no role","steps":[{"verdict":"fail","mode":"enforce","on_error":"deny","stage":"waf"}],` +
		`"policies":["rules of postMessage"],"findings":[{"rule":942100}],"upstream":{"attempts":1},"answer":{"stripped":1},"took_us":12345,"bytes_in":23,"bytes_out":187,"stages":{"route":3,"authz":4}` + hashEnd,
	"allowed": `{"seq":9,"time":"2026-11-22T10:11:12Z","kind":"outcome","request_id":"01REQ","client":"2001:db8::1","peer":"10.0.0.1:99","verb":"GET","host":"[2001:db8::2]:80","path":"/x","operation":"getX","api":"moot","status":200,"took_us":900` + hashEnd,
	"unauthenticated": `{"seq":10,"time":"2026-11-22T10:11:12Z","kind":"outcome","request_id":"01REQ","client":"203.0.113.9","api":"moot","operation":"whoAmI","verb":"GET","path":"/me","status":401,"code":"unauthenticated",` +
		`"stage":"authn","reason":"jwt: expired","issuer":"corp","method":"jwt","took_us":26` + hashEnd,
	"unreadable":     `{"seq":11,"time":"2026-11-22T10:11:12Z","kind":"outcome","request_id":"01REQ","status":400,"code":"malformed","stage":"canonical","took_us":2` + hashEnd,
	"sealed":         `{"seq":12,"time":"2026-11-22T10:11:12Z","kind":"outcome","request_id":"01REQ","who":"h:aaaa","from":"h:bbbb","sealed":"AAAA","operation":"getX","verb":"GET","status":200,"took_us":900` + hashEnd,
	"upstream fails": `{"seq":13,"time":"2026-11-22T10:11:12Z","kind":"outcome","request_id":"01REQ","client":"203.0.113.9","operation":"getX","verb":"PATCH","status":502,"code":"upstream-invalid","stage":"upstream","took_us":9` + hashEnd,
	"flood":          `{"seq":14,"time":"2026-11-22T10:11:12Z","kind":"flood","client":"203.0.113.9","api":"moot","operation":"whoAmI","code":"rate-limited","count":184,"took_us":10000000` + hashEnd,
	"flood of logins": `{"seq":15,"time":"2026-11-22T10:11:12Z","kind":"flood","code":"unauthenticated","count":184,"took_us":10000000` +
		hashEnd,
	"system": `{"seq":16,"time":"2026-11-22T10:11:12Z","kind":"system","message":"started","detail":"configuration 1f","clock":{"source":"system","state":"synchronised","error_us":15},` +
		`"actor":{"uid":0,"user":"root","host":"gate-1","pid":7,"command":"run"}` + hashEnd,
	"begun": `{"seq":17,"time":"2026-11-22T10:11:12Z","kind":"system","message":"audit file begun","prev":"00","last_action":"X"` + hashEnd,
	"admin": `{"seq":18,"time":"2026-11-22T10:11:12Z","kind":"admin","actor":{"uid":0,"user":"root","login":"ann","host":"gate-1","pid":4711,"command":"consumer set"},"action":"consumer.update","action_id":"HV",` +
		`"targets":["consumer:acme"],"count":1,"changes":[{"field":"roles","before":"reader","after":"writer"}]` + hashEnd,
}

func convert(t *testing.T, line string) map[string]any {
	t.Helper()
	if _, _, err := audit.Decode([]byte(line)); err != nil {
		t.Fatalf("the test's line is none of the log's: %v\n%s", err, line)
	}
	text, err := Append(nil, []byte(line))
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return e
}

// at gives the value at a path of names; a list gives that of its first item.
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func TestEveryKindOfRecordIsAnEventOfTheSchema(t *testing.T) {
	s := published()
	if s == nil {
		t.Log("the published schema is not on this machine: only our own table is checked")
	}
	for name, line := range lines {
		e := convert(t, line)
		for _, required := range []string{"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata.product.vendor_name", "metadata.version", "metadata.uid"} {
			if at(e, required) == nil {
				t.Errorf("%s has no %s", name, required)
			}
		}
		if s != nil {
			for _, fault := range s.faults(e) {
				t.Errorf("%s: %s", name, fault)
			}
		}
	}
}

func TestTheSchemaFindsWhatIsWrong(t *testing.T) {
	s := published()
	if s == nil {
		t.Skip("the published schema is not on this machine")
	}
	for name, spoil := range map[string]func(e map[string]any){
		"an attribute that does not exist": func(e map[string]any) { e["colour"] = "red" },
		"a required one is missing":        func(e map[string]any) { delete(e, "src_endpoint") },
		"a text in place of a number":      func(e map[string]any) { e["severity_id"] = "1" },
		"a number that has no meaning":     func(e map[string]any) { e["status_id"] = 7.0 },
		"no address":                       func(e map[string]any) { e["src_endpoint"].(map[string]any)["ip"] = "here" },
		"an object of another kind":        func(e map[string]any) { e["actor"].(map[string]any)["user"] = map[string]any{"type_id": 0.0} },
		"an attribute of a profile":        func(e map[string]any) { e["cloud"] = map[string]any{} },
	} {
		e := convert(t, lines["attempt"])
		if spoil(e); len(s.faults(e)) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestClassesAndStates(t *testing.T) {
	for name, want := range map[string]string{
		"attempt": "6003 600301 1 0", "outcome": "6003 600301 2 2", "allowed": "6003 600302 1 1", "unauthenticated": "3002 300201 2 2",
		"unreadable": "6003 600399 2 2", "upstream fails": "6003 600303 3 2", "flood": "6003 600399 2 2", "flood of logins": "3002 300201 2 2",
		"system": "6002 600203 1 0", "begun": "6002 600299 1 0", "admin": "3004 300403 1 1", "sealed": "6003 600302 1 1",
	} {
		e := convert(t, lines[name])
		if got := fmt.Sprintf("%.0f %.0f %v %v", e["class_uid"], e["type_uid"], e["severity_id"], e["status_id"]); got != want {
			t.Errorf("%s: class, type, severity, status are %s, want %s", name, got, want)
		}
	}
}

func TestTheAddressBehindAProxyAndAKeyedHash(t *testing.T) {
	for _, tc := range []struct{ line, path, want string }{
		{"attempt", "src_endpoint.port", "4711"},
		{"allowed", "src_endpoint.ip", "2001:db8::1"},
		{"allowed", "dst_endpoint.hostname", "2001:db8::2"},
		{"unreadable", "src_endpoint.name", "unknown"},
		{"unreadable", "actor.user.name", "anonymous"},
		{"sealed", "src_endpoint.uid", "h:bbbb"},
		{"sealed", "actor.user.uid", "h:aaaa"},
		{"flood", "start_time", fmt.Sprint(1.795342262e+12)},
	} {
		if got := fmt.Sprint(at(convert(t, lines[tc.line]), tc.path)); got != tc.want {
			t.Errorf("%s of %s is %s, want %s", tc.path, tc.line, got, tc.want)
		}
	}
}

func TestWhatIsNoRecordIsNoEvent(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", "null", `{"seq":1,"kind":"attempt"}`, `{"seq":1,"time":"2026-11-22T10:11:12Z","kind":"other"}`, `{"seq":1,"time":7,"kind":"attempt"}`} {
		if out, err := Append([]byte("x"), []byte(text)); err == nil || string(out) != "x" {
			t.Errorf("%s became %s", text, out)
		}
		if out := AppendLine([]byte("x"), []byte(text)); string(out) != "x" {
			t.Errorf("%s became %s", text, out)
		}
	}
}

func TestEscapesOfTheLogAreKept(t *testing.T) {
	line := strings.Replace(lines["attempt"], `"subject":"ann"`, `"subject":"a\u009b\u202e\u001b\"}"`, 1)
	out := string(AppendLine(nil, []byte(line)))
	if !strings.Contains(out, `"uid":"a\u009b\u202e\u001b\"}"`) || strings.ContainsAny(out, "\u009b\u202e\x1b") || strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
}

// TestTheTableOfThePageIsTrue holds docs/features/audit-ocsf.md against what is
// done: each field of a record is where the table says, and what the table does
// not name is unmapped.
func TestTheTableOfThePageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/features/audit-ocsf.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Attributes")
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(table, -1)
	if len(rows) < 25 {
		t.Fatalf("only %d rows were read", len(rows))
	}
	named := map[string]bool{}
	quoted := regexp.MustCompile("`([a-z_.]+)`")
	for _, row := range rows {
		field, _, _ := strings.Cut(row[1], ".")
		named[field] = true
		for _, path := range quoted.FindAllStringSubmatch(row[2], -1) {
			found := false
			for _, line := range lines {
				var r map[string]any
				if json.Unmarshal([]byte(line), &r); at(r, row[1]) != nil && at(convert(t, line), path[1]) != nil {
					found = true
				}
			}
			if !found {
				t.Errorf("no event has %s from %s", path[1], row[1])
			}
		}
	}
	for name, line := range lines {
		var r map[string]any
		json.Unmarshal([]byte(line), &r)
		unmapped, _ := convert(t, line)["unmapped"].(map[string]any)
		for field := range r {
			if _, there := unmapped[field]; !there && !named[field] {
				t.Errorf("%s: %s is neither in the table nor unmapped", name, field)
			}
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, line := range lines {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		out, err := Append(nil, line)
		if err != nil {
			return
		}
		if !json.Valid(out) || strings.Contains(string(out), "\n") {
			t.Errorf("%q", out)
		}
	})
}
