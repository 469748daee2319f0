// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/internal/allocs"
)

func std(s string) string     { return base64.StdEncoding.EncodeToString([]byte(s)) }
func rawStd(s string) string  { return base64.RawStdEncoding.EncodeToString([]byte(s)) }
func urlSafe(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }

const attack = "1' OR 1=1 -- ~~~???>>>" // its base64 has + and /

// found gives what a finder found in one value, as "steps: text".
func found(t *testing.T, c Config, value string) (out []string) {
	t.Helper()
	f := New(&c)
	defer f.Release()
	f.Text(Header, "X-Data", value)
	for _, v := range f.Found {
		if v.In != Header || v.Name != "X-Data" {
			t.Errorf("in %q name %q", v.In, v.Name)
		}
		out = append(out, v.Steps+": "+v.Text)
	}
	return out
}

func TestWhatAValueStandsFor(t *testing.T) {
	wide := func(s string) string {
		var b strings.Builder
		for _, c := range s {
			b.WriteString(string(c) + "\x00")
		}
		return b.String()
	}
	for _, c := range []struct {
		name, value string
		want        []string
	}{
		{"standard base64", std(attack), []string{"base64: " + attack}},
		{"without padding", rawStd(attack + "1"), []string{"base64: " + attack + "1"}},
		{"the URL-safe alphabet", urlSafe(attack), []string{"base64url: " + attack}},
		{"a plus that became a space", strings.ReplaceAll(std(attack), "+", " "), []string{"base64: " + attack}},
		{"with line breaks", std(attack)[:12] + "\r\n" + std(attack)[12:], []string{"base64: " + attack}},
		{"as a data URI", "data:text/plain;base64," + std(attack), []string{"base64: " + attack}},
		{"in UTF-16", std(wide(attack)), []string{"base64: " + attack}},
		{"a byte that is no text in it", std("\x01" + attack), []string{"base64: \x01" + attack}},
		{"nested once", std(urlSafe(attack)), []string{"base64+base64url: " + attack}},
		{"nested twice", std(std(std(attack))), []string{"base64+base64: " + std(attack)}},
		{"JSON in it", std(`{"a":["1' OR 1=1"]}`), []string{"base64+json: 1' OR 1=1"}},
		{"JSON", `{"a":{"b":"x\u0027 or 1"},"n":12,"t":true}`, []string{"json: x' or 1"}},
		{"an array", `[ "<b>", ["c c"] ]`, []string{"json: <b>", "json: c c"}},
		{"a string in a string", `"\"<b>bold</b>\""`, []string{"json+json: <b>bold</b>"}},
		{"a name that is none", `{"<script>":1}`, []string{"json: <script>"}},
		{"base64 in JSON", `{"a":"` + std(attack) + `"}`, []string{"json+base64: " + attack}},
		{"a web token", "eyJ" + rawStd(`{"alg":"none"}`)[3:] + "." + rawStd(`{"sub":"x' or 1=1"}`) + ".c2ln", []string{"jwt: x' or 1=1"}},
		{"percent twice", "%27%20or 1", []string{"percent: ' or 1"}},
		{"percent four times", "%252525253Cb%252525253E", []string{"percent+percent: <b>"}},
		{"percent and u", "%u0027 or", []string{"percent: ' or"}},
		{"unicode escapes", `\u003cscript\x3e\u{27}`, []string{"unicode: <script>'"}},
		{"both", `%5cu0027 or 1`, []string{"percent+unicode: ' or 1"}},
		{"an identifier", "550e8400-e29b-41d4-a716-446655440000", nil},
		{"a hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", nil},
		{"a random key", "k7Jx2Qp9Lw4RzT8vYb3NmC6dFgH1sKaX", nil},
		{"the beginning of an image", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", nil},
		{"a sentence", "Select a seat for two and bring the union card along", nil},
		{"a word", "Authorization", nil},
		{"a short one", std("' or 1"), nil},
		{"what only looks like JSON", `{"a": nothing}`, nil},
		{"a percent sign", "100% of it, 5%-10%", nil},
		{"a path of Windows", `C:\users\xavier`, nil},
		{"a length that base64 cannot have", strings.Repeat("A", 13), nil},
		{"nothing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, found(t, Config{}, c.value)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEachDecodingCanBeSwitchedOff(t *testing.T) {
	for value, c := range map[string]Config{
		std(attack):                {Base64: "off"},
		`{"a":"<b>"}`:              {JSON: "off"},
		"%27%20or 1":               {Escapes: "off"},
		std(std(std("<b> in it"))): {Base64: "off", JSON: "off", Escapes: "off"},
	} {
		if got := found(t, c, value); got != nil {
			t.Errorf("%q: %q", value, got)
		}
		if len(found(t, Config{}, value)) == 0 {
			t.Errorf("%q is found by nothing", value)
		}
	}
	if (&Config{Base64: "off", JSON: "off", Escapes: "off"}).Enabled() || !(&Config{}).Enabled() {
		t.Error("Enabled")
	}
}

func TestValuesAreFoundWhereTheyStand(t *testing.T) {
	f := New(&Config{})
	defer f.Release()
	f.Query("a=1&q=" + strings.ReplaceAll(std(attack), "+", "%2B") + "&%61b=%257B%2522x%2522:1&empty=&novalue")
	f.Pairs(Body, []byte("t=%7B%22x%22%3A%22<i>%22%7D"))
	f.Cookies("sid=1; pref=" + std(attack) + `; quoted="` + std(attack) + `"`)
	f.Segments("/files/" + urlSafe(attack) + "/x")
	f.JSON([]byte(`{"a":[1,{"b.c":"` + std(attack) + `"}],"plain":"text","":"` + std(attack) + `"}`))
	var got []string
	for _, v := range f.Found {
		got = append(got, v.In+" "+v.Name+" "+v.Steps+" "+fmt.Sprint(v.Text == attack))
	}
	want := []string{
		"query q base64 true", "query ab percent false", "body t json false", "cookie pref base64 true", "cookie quoted base64 true",
		"path  base64url true", "body json.a.1.b.c base64 true", "body json. base64 true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTheLimitsBoundWhatIsFound(t *testing.T) {
	for name, c := range map[string]Config{"values": {MaxValues: 3}, "bytes": {MaxBytes: 70}} {
		f := New(&c)
		f.JSON([]byte(`["` + strings.Repeat(std(attack)+`","`, 10) + `"]`))
		if !f.Over || len(f.Found) != 3 {
			t.Errorf("%s: over %v, %d found", name, f.Over, len(f.Found))
		}
		f.Release()
	}
	f := New(&Config{})
	defer f.Release()
	f.JSON([]byte(strings.Repeat(`[`, 1000) + `"` + std(attack)))
	if len(f.Found) != 0 {
		t.Error("it went too deep")
	}
}

func TestOrdinaryRequestsCostNoAllocation(t *testing.T) {
	query := "page=2&sort=created_at&q=seats+for+two%21&token=k7Jx2Qp9Lw4RzT8vYb3NmC6dFgH1sKaX"
	body := []byte(`{"id":"550e8400-e29b-41d4-a716-446655440000","text":"It's a \"quoted\" line.\nAnother.","n":[1,2,{"a":null}]}`)
	c := &Config{}
	if n := allocs.PerRun(200, func() {
		f := New(c)
		f.Query(query)
		f.JSON(body)
		f.Cookies("sid=550e8400e29b41d4a716446655440000; theme=dark")
		f.Segments("/api/v1/messages/550e8400-e29b-41d4-a716-446655440000")
		if len(f.Found) != 0 {
			t.Fatal(f.Found)
		}
		f.Release()
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestAReleasedFinderKeepsNothing(t *testing.T) {
	f := New(&Config{})
	f.Text(Header, "X", std(attack))
	kept := f.Found[:1]
	raw := f.raw[:1:1]
	f.Release()
	if kept[0].Text != "" || raw[0] != 0 {
		t.Error("a value of the request stayed in the pool")
	}
}

func TestFaultsOfTheConfigurationAreNamed(t *testing.T) {
	err := (&Config{Base64: "maybe", JSON: "true", Escapes: "x", MaxValues: -1, MaxBytes: 1 << 40}).Check()
	for _, field := range []string{"base64", "json", "escapes", "max_values", "max_bytes"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("no fault for %s: %v", field, err)
		}
	}
	if err := (&Config{}).Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkJSON1K(b *testing.B) {
	body := []byte(`{"items":[` + strings.TrimSuffix(strings.Repeat(`{"name":"A plain name","text":"It's a line of text."},`, 20), ",") + `]}`)
	c := &Config{}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		f := New(c)
		f.JSON(body)
		f.Release()
	}
}
