// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func maskAll(Finding) Action { return Mask }

// pieces gives its parts one Read each.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	return n, nil
}

func (*pieces) Close() error { return nil }

// filtered reads parts through a filter, and gives the findings as well.
func filtered(t testing.TB, s *Set, events bool, parts ...[]byte) (string, []Finding) {
	t.Helper()
	var found []Finding
	source := pieces(slices.Clone(parts))
	f := s.Filter(&source, events, func(one Finding) Action {
		one.anchor = 0
		found = append(found, one)
		return Mask
	})
	out, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return int(a.Start-b.Start)*1000 + int(a.End-b.End)*100 + a.Detector - b.Detector
	})
	return string(out), found
}

// masked overwrites every finding in whole content.
func masked(s *Set, content []byte) []byte {
	out := bytes.Clone(content)
	for _, f := range s.Scan(nil, content) {
		Overwrite(out, 0, f)
	}
	return out
}

// sample has one of nearly everything, on lines and without.
func sample() []byte {
	m := newForge()
	var b strings.Builder
	all := m.credentials()
	ids := make([]string, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	b.WriteString(`{"first":"` + m.of(urlChars, 300) + `",`)
	for i, id := range ids {
		b.WriteString(`"` + id + `":"` + all[id][0] + `",`)
		if i%7 == 0 {
			b.WriteString("\n  ")
		}
	}
	for _, texts := range told {
		text, _ := json.Marshal(texts[0])
		b.WriteString(`"told":` + string(text) + ",")
	}
	b.WriteString(`"card":4111` + `111111111111,"n":[1,2,3], "peer":"10.1.2.3"}`)
	return []byte(b.String())
}

func TestAnySplitInTwoGivesWhatTheWholeGives(t *testing.T) {
	s, content := everything(), sample()
	want := string(masked(s, content))
	whole, found := filtered(t, s, false, content)
	if whole != want || len(found) < 40 {
		t.Fatalf("the filter differs from the scan, or finds little: %d", len(found))
	}
	for cut := range len(content) {
		if !testing.Short() || cut%7 == 0 {
			got, also := filtered(t, s, false, content[:cut], content[cut:])
			if got != want || !slices.Equal(also, found) {
				t.Fatalf("cut at %d: %d findings, not %d; the same text: %v", cut, len(also), len(found), got == want)
			}
		}
	}
}

func TestContentInSmallPiecesAndInLargeOnes(t *testing.T) {
	s, one := everything(), sample()
	content := bytes.Join([][]byte{cleanJSON(70 << 10), one, cleanJSON(40 << 10), one}, []byte("\n"))
	want := string(masked(s, content))
	for name, r := range map[string]io.Reader{
		"one byte":    iotest.OneByteReader(bytes.NewReader(one)),
		"half":        iotest.HalfReader(bytes.NewReader(content)),
		"with an end": iotest.DataErrReader(bytes.NewReader(content)),
		"as it is":    bytes.NewReader(content),
	} {
		got, err := io.ReadAll(s.Filter(io.NopCloser(r), false, maskAll))
		expected := want
		if name == "one byte" {
			expected = string(masked(s, one))
		}
		if err != nil || string(got) != expected {
			t.Errorf("%s: differs (%d and %d bytes), %v", name, len(got), len(expected), err)
		}
	}
}

func TestAnEventIsGivenAtOnce(t *testing.T) {
	s := everything()
	r, w := io.Pipe()
	defer w.Close()
	f := s.Filter(r, true, maskAll)
	card := "4111 1111 " + "1111 1111"
	for _, event := range []string{
		"data: hello\n\n", ": ping\n\n", "event: x\ndata: {\"card\":\"" + card + "\"}\n\n", "data: -----BEGIN " + "PRIVATE KEY-----\n\n", "data: 10.\r\n\r\n",
	} {
		go io.WriteString(w, event)
		got := make([]byte, len(event))
		if _, err := io.ReadFull(f, got); err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(event, card, "***************1111", 1); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestABlockedFindingCutsTheContent(t *testing.T) {
	s := everything()
	clean := string(cleanJSON(40 << 10))
	key := newForge().pem("PRIVATE"+" KEY", 6, "\n")
	f := s.Filter(io.NopCloser(strings.NewReader(clean+"\n"+key+"\nrest")), false, func(one Finding) Action { return Block })
	got, err := io.ReadAll(f)
	if !errors.Is(err, ErrBlocked) || strings.Contains(string(got), "BEGIN") || !strings.HasPrefix(clean, string(got)) || len(got) == 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := f.Read(make([]byte, 1)); !errors.Is(err, ErrBlocked) {
		t.Errorf("it goes on: %v", err)
	}
}

func TestAnErrorOfTheSourceIsPassedOnBehindWhatIsSafe(t *testing.T) {
	away := errors.New("away")
	f := everything().Filter(io.NopCloser(io.MultiReader(strings.NewReader("first line\n10.0."), iotest.ErrReader(away))), false, maskAll)
	got, err := io.ReadAll(f)
	if !errors.Is(err, away) || string(got) != "first line\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAWindowIsBounded(t *testing.T) {
	s := everything()
	endless := io.MultiReader(strings.NewReader("-----BEGIN "+"PRIVATE KEY-----"), iotest.HalfReader(strings.NewReader(strings.Repeat("A1b2C3d4", 40<<10))))
	f := s.Filter(io.NopCloser(endless), false, func(Finding) Action { return Report })
	buf := make([]byte, 1<<10)
	for {
		_, err := f.Read(buf)
		if cap(f.buf) > 4*Window || cap(f.out) > 4*Window {
			t.Fatalf("it holds %d and %d bytes", cap(f.buf), cap(f.out))
		}
		if err != nil {
			break
		}
	}
}

func TestPatterns(t *testing.T) {
	s := NewSet(func(Detector) bool { return false }, []*Pattern{
		{Name: "nhs", Expression: regexp.MustCompile(`\b(\d{3} ?\d{3} ?\d{4})\b`), Words: []string{"NHS"}, Check: "mod11"},
		{Name: "member", Expression: regexp.MustCompile(`M-[0-9]{6}`), Words: []string{"member", "mitglied"}},
		{Name: "account", Expression: regexp.MustCompile(`[0-9]{8,12}`), Words: []string{"account"}, Check: "luhn"},
		{Name: "rf", Expression: regexp.MustCompile(`RF[0-9]{2}[0-9A-Z]{1,21}`), Words: []string{"reference"}, Check: "mod97"},
	})
	for text, want := range map[string]string{
		`{"nhs_number":"943 476 5919"}`:                   "nhs",
		`{"nhs_number":"943 476 5918"}`:                   "",
		`{"number":"943 476 5919"}`:                       "",
		"Nhs: 9434765919":                                 "nhs",
		`{"Member":"M-123456"}`:                           "member",
		`{"MITGLIED":{"id":"M-123456"}}`:                  "member",
		"member\nM-123456":                                "",
		`{"account":"79927398713"}`:                       "account",
		`{"account":"79927398710"}`:                       "",
		`{"reference":"RF18539007547034"}`:                "rf",
		`{"reference":"RF19539007547034"}`:                "",
		"member " + strings.Repeat(".", 130) + "M-123456": "",
	} {
		got := ""
		for _, f := range s.Scan(nil, []byte(text)) {
			got += s.Detectors[f.Detector].ID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for word, ok := range map[string]bool{"nhs": true, "ab": false, "with space": true, "naïve": false, "": false, strings.Repeat("a", 33): false} {
		if (CheckWord(word) == nil) != ok {
			t.Errorf("%q", word)
		}
	}
}

func TestAMaskKeepsTheForm(t *testing.T) {
	s := everything()
	four := "4111111111" + "111111"
	for in, want := range map[string]string{
		`{"card":` + four + `}`:                      `{"card":9999999999999999}`,
		`[` + four + `, 1]`:                          `[9999999999999999, 1]`,
		`{"card":"` + four + `"}`:                    `{"card":"************1111"}`,
		`{"card":"\n` + four + `\n"}`:                `{"card":"\n************1111\n"}`,
		`{"card":"\u0020` + four + `"}`:              `{"card":"\u0020************1111"}`,
		`{"peer":"10.1.2.3:80"}`:                     `{"peer":"********:80"}`,
		`{"e":"at C:\\Users\\deploy\\x.dll, now"}`:   `{"e":"at **\\*****\\******\\*****, now"}`,
		`<a>postgres://u:` + "hunter22" + `@h/x</a>`: `<a>postgres://u:********@h/x</a>`,
	} {
		if got := string(masked(s, []byte(in))); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestAPatternThatGoesOverAStringsEndKeepsJSON(t *testing.T) {
	s := NewSet(func(Detector) bool { return false }, []*Pattern{
		{Name: "a", Expression: regexp.MustCompile(`ssn.*?\d{9}`), Words: []string{"ssn"}},
		{Name: "b", Expression: regexp.MustCompile(`[a-z0-9]*\d{8}`), Words: []string{"word"}},
		{Name: "c", Expression: regexp.MustCompile(`(?s).+`), Words: []string{"tail"}},
		{Name: "d", Expression: regexp.MustCompile(`(-?\d+\.\d+)`), Words: []string{"salary"}},
	})
	for in, want := range map[string]string{
		`{"ssn":"123456789","x":1}`:                            `{"***":"*********","x":1}`,
		`{"ssn": 123456789,"x":1}`:                             `{"***": 999999999,"x":1}`,
		`{"ssn":{"a":true,"of":null,"is":"b","no":123456789}}`: `{"***":{"*":true,"**":null,"**":"*","**":999999999}}`,
		`{"word":"q\n12345678"}`:                               `{"word":"q\n********"}`,
		`{"word":"q\u0041a12345678"}`:                          `{"word":"q\u0041*********"}`,
		`{"word":"q\\n12345678"}`:                              `{"word":"q\\*********"}`,
		`{"tail":"abc","n":{"x":[1,true,{"y":"z"}]}}`:          `{"****":"***","*":{"*":[9,true,{"*":"*"}]}}`,
		`{"tail":"[abc","n":"{"}`:                              `{"****":"****","*":"*"}`,
		`{"salary":-1234.50}`:                                  `{"salary":-9999.99}`,
		`{"salary":"1234.50"}`:                                 `{"salary":"*******"}`,
		`salary: 1234.50 a "month"`:                            `salary: ******* a "month"`,
		`tail is "no" JSON`:                                    `********"**"*****`,
	} {
		out := masked(s, []byte(in))
		if got := string(out); got != want || json.Valid([]byte(in)) && !json.Valid(out) {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if got, _ := filtered(t, s, false, bytes.SplitAfter([]byte(in), nil)...); got != want {
			t.Errorf("%s in pieces\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestAKeyIDInASignedURLIsNoLeak(t *testing.T) {
	id := "AKIA" + "IOSFODNN7EXAMPLE"
	for in, leaks := range map[string]bool{
		`{"url":"https://b.s3.amazonaws.com/k?X-Amz-Credential=` + id + `%2F20261122%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Signature=ab"}`: false,
		`{"url":"https://b.s3.amazonaws.com/k?AWSAccessKeyId=` + id + `&Signature=x"}`:                                                        false,
		`{"AWSAccessKeyId":"` + id + `"}`: true,
		`AWS_ACCESS_KEY_ID=` + id:         true,
	} {
		if found := standard().Scan(nil, []byte(in)); (len(found) > 0) != leaks {
			t.Errorf("%s: %v", in, found)
		}
	}
}

func FuzzPatternKeepsJSON(f *testing.F) {
	s := NewSet(func(Detector) bool { return false }, []*Pattern{
		{Name: "a", Expression: regexp.MustCompile(`key.{1,40}`), Words: []string{"key"}},
		{Name: "b", Expression: regexp.MustCompile(`(?s)num(.{1,9})`), Words: []string{"num"}},
	})
	for _, text := range []string{`{"key":1,"b":[true,"x"]}`, `{"num":-1.5e3}`, `["key\u0041\\",0,{}]`, `{"a":"num","key":"\n"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		out := bytes.Clone(content)
		for _, one := range s.Scan(nil, content) {
			Overwrite(out, 0, one)
			if json.Valid(content) && !json.Valid(out) {
				t.Fatalf("%q became %q", content, out)
			}
			copy(out, content)
		}
	})
}

func FuzzScan(f *testing.F) {
	s := everything()
	f.Add(sample())
	for _, texts := range told {
		for _, text := range texts {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(`{"a":"\\u00204111 1111 1111 1111"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		found := s.Scan(nil, content)
		for _, one := range found {
			if one.Start < 0 || one.End <= one.Start || one.End > int64(len(content)) {
				t.Fatalf("%+v of %d bytes", one, len(content))
			}
		}
		out := masked(s, content)
		if len(out) != len(content) {
			t.Fatalf("%d bytes became %d", len(content), len(out))
		}
		if json.Valid(content) && !json.Valid(out) {
			t.Fatalf("JSON became none: %q from %q", out, content)
		}
		for _, again := range s.Scan(nil, out) {
			for _, one := range found {
				if again.Detector == one.Detector && again.Start == one.Start && s.Detectors[one.Detector].Kind != Disclosure {
					t.Fatalf("%s is there still", s.Detectors[one.Detector].ID)
				}
			}
		}
		cut := len(content) / 3
		if got, _ := filtered(t, s, false, content[:cut], content[cut:]); got != string(out) {
			t.Fatalf("in two parts it is %q, as a whole %q", got, out)
		}
	})
}
