// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"durward/audit"
)

const hostile = `{"seq":7,"time":"2026-11-21T10:00:00.5Z","kind":"outcome","subject":"=cmd|' /C calc'!A0","path":"/a\nb","code":"forbidden","status":403,"stage":"authz","reason":"a \"b\" ]\\","host":"@SUM(1)","user_agent":"+1","request_id":"-2","hash":"x"}`

func TestNoCellOfACSVFileIsAFormulaOrEndsItsRow(t *testing.T) {
	text := Formats["csv"].Header + string(appendCSV(nil, []byte(hostile)))
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 2 || strings.Count(text, "\n") != 2 {
		t.Fatalf("%v: %q", err, text)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
		if v := rows[1][i]; v != "" && strings.ContainsRune("=+-@\t\r|%", rune(v[0])) {
			t.Errorf("%s begins a formula: %q", name, v)
		}
	}
	for name, want := range map[string]string{
		"seq": "7", "time": "2026-11-21T10:00:00.500000Z", "subject": "'=cmd|' /C calc'!A0", "path": `/a\u000ab`, "outcome": "refused",
		"host": "'@SUM(1)", "user_agent": "'+1", "request_id": "'-2", "reason": `a "b" ]\`, "detections": "authz authz/forbidden",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestNoValueEndsAnElementOfASyslogMessage(t *testing.T) {
	s := &syslog{host: "gate", pid: "1"}
	got := string(s.message(nil, []byte(hostile)))
	want := `<108>1 2026-11-21T10:00:00.500000Z gate durward 1 outcome [audit@32473 seq="7" outcome="refused" code="forbidden" stage="authz" subject="=cmd|' /C calc'!A0" request_id="-2"] ` + hostile
	if got != want {
		t.Errorf("message\n%s\nwant\n%s", got, want)
	}
	if got := string(appendParam(nil, "reason", []byte(`a "b" ]\`+"\n"))); got != ` reason="a \"b\" \]\\\\u000a"` {
		t.Errorf("parameter %s", got)
	}
	if got := token("host name\n\x7f"+strings.Repeat("x", 300), 255); len(got) != 255 || strings.ContainsAny(got, " \n\x7f") {
		t.Errorf("host %q", got)
	}
}

func TestALineThatIsNoRecordIsToldAsWhatItIs(t *testing.T) {
	var b batch
	b.add(1, []byte(`{"seq":1,"broken`))
	b.add(2, []byte(`{"seq":2,"kind":"system"}`))
	for name, body := range map[string][]byte{"OTLP": appendOTLP(nil, &b), "webhook": appendWebhook(nil, "a", &b, time.Unix(0, 0))} {
		if !json.Valid(body) {
			t.Errorf("%s is no JSON: %s", name, body)
		}
		if !strings.Contains(string(body), "broken") {
			t.Errorf("%s leaves the line out", name)
		}
	}
	if got := string(appendCSV(nil, b.lines[0])); !strings.Contains(got, "broken") {
		t.Errorf("CSV: %s", got)
	}
}

func TestOnlyAGoodTraceIDIsOne(t *testing.T) {
	for id, want := range map[string]bool{
		"0af7651916cd43dd8448eb211c80319c": true, "00000000000000000000000000000000": false, "": false,
		"0AF7651916CD43DD8448EB211C80319C": false, "0af7651916cd43dd8448eb211c80319": false,
	} {
		if traceID([]byte(id)) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func TestExportsThatCannotBeMeantAreRefused(t *testing.T) {
	good := audit.Export{Name: "a", Type: "webhook", URL: "https://hook.example", Secret: webhookSecret}
	if err := (&audit.Config{Export: []audit.Export{good}}).Check(); err != nil {
		t.Fatal(err)
	}
	for field, e := range map[string]audit.Export{
		"name":      {Name: "A b", Type: "jsonl"},
		"type":      {Name: "a", Type: "smoke"},
		"max_file":  {Name: "a", Type: "csv", MaxFile: 1},
		"address":   {Name: "a", Type: "syslog", Address: "nowhere"},
		"plaintext": {Name: "a", Type: "jsonl", Plaintext: true},
		"url":       {Name: "a", Type: "otlp", URL: "http://collector.example/v1/logs"},
		"secret":    {Name: "a", Type: "webhook", URL: "https://hook.example", Secret: "whsec_c2hvcnQ="},
		"ca":        {Name: "a", Type: "syslog", Address: "a:1", Plaintext: true, CA: "ca.crt"},
	} {
		err := (&audit.Config{Export: []audit.Export{e}}).Check()
		if err == nil || !strings.Contains(err.Error(), "export[0]."+field) {
			t.Errorf("%s: %v", field, err)
		}
		if err != nil && strings.Contains(err.Error(), "c2hvcnQ") {
			t.Error("the error tells the secret")
		}
	}
	if err := (&audit.Config{Export: []audit.Export{good, good}}).Check(); err == nil || !strings.Contains(err.Error(), "export[1].name") {
		t.Errorf("twice the same name: %v", err)
	}
}

func FuzzFormats(f *testing.F) {
	f.Add([]byte(hostile))
	f.Add([]byte("{\"seq\":1,\"reason\":\"\\u001b[2J\x1b\"}"))
	s := &syslog{host: "h", pid: "1"}
	f.Fuzz(func(t *testing.T, text []byte) {
		row := string(appendCSV(nil, text))
		if rows, err := csv.NewReader(strings.NewReader(row)).ReadAll(); err != nil || len(rows) != 1 || len(rows[0]) != len(csvColumns) {
			t.Fatalf("%v: %q", err, row)
		}
		for _, out := range []string{strings.TrimSuffix(row, "\n"), string(s.message(nil, text))} {
			if i := strings.IndexFunc(out, func(r rune) bool { return unicode.IsControl(r) }); i >= 0 {
				t.Fatalf("a control character in %q", out)
			}
		}
		var b batch
		b.add(1, text)
		if body := appendOTLP(nil, &b); !json.Valid(body) {
			t.Fatalf("no JSON: %s", body)
		}
		if body := appendWebhook(nil, "n", &b, time.Unix(0, 0)); !json.Valid(body) {
			t.Fatalf("no JSON: %s", body)
		}
	})
}
