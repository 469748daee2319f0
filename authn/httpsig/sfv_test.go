// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"
)

// parseAs reads a field and writes it back in its strict form.
func parseAs(read func(*field, string) error, text string) (string, error) {
	var f field
	if err := read(&f, text); err != nil {
		return "", err
	}
	return string(f.appendAll(nil)), nil
}

func TestStructuredFieldsAreWrittenInTheirStrictForm(t *testing.T) {
	dictionary, list, single := (*field).dictionary, (*field).list, (*field).single
	for _, c := range []struct {
		name     string
		read     func(*field, string) error
		in, want string
	}{
		{"the dictionary of RFC 9421, section 2.1.1", dictionary, "  a=1,    b=2;x=1;y=2,   c=(a   b   c)", "a=1, b=2;x=1;y=2, c=(a b c)"},
		{"a member that is true", dictionary, "a, b;x, c=?1;y=?0", "a, b;x, c;y=?0"},
		{"a member that is false", dictionary, "a=?0", "a=?0"},
		{"tabs around commas", dictionary, "a=1\t,\tb=2", "a=1, b=2"},
		{"an empty inner list", dictionary, "a=();x", "a=();x"},
		{"an inner list with spaces", dictionary, `a=(  "x"   y;z=1 )`, `a=("x" y;z=1)`},
		{"spaces before parameters", dictionary, "a=1;  x;   y=2", "a=1;x;y=2"},
		{"bytes", dictionary, "a=:aGVsbG8=:", "a=:aGVsbG8=:"},
		{"no bytes", dictionary, "a=::", "a=::"},
		{"a string with escapes", single, `"a\"b\\c"`, `"a\"b\\c"`},
		{"an integer", single, "-999999999999999", "-999999999999999"},
		{"an integer with leading zeros", single, "007", "7"},
		{"minus zero", single, "-0", "0"},
		{"a decimal", single, "1.500", "1.5"},
		{"a decimal that is whole", single, "-2.0", "-2.0"},
		{"a decimal with three digits", single, "0.105", "0.105"},
		{"a decimal between 0 and -1", single, "-0.5", "-0.5"},
		{"a date", single, "@1659578233", "@1659578233"},
		{"a token", single, "*foo/b:a.r", "*foo/b:a.r"},
		{"a display string", single, `%"f%c3%bc%22 %25"`, `%"f%c3%bc%22 %25"`},
		{"a list", list, `a;q=0.5,  ("b" 1);x , ?1`, `a;q=0.5, ("b" 1);x, ?1`},
		{"a member with an upper-case token", list, "HIT;ttl=1", "HIT;ttl=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseAs(c.read, c.in)
			if err != nil || got != c.want {
				t.Fatalf("got %q %v, want %q", got, err, c.want)
			}
			if again, err := parseAs(c.read, got); err != nil || again != got {
				t.Errorf("its own form is read as %q %v", again, err)
			}
		})
	}
}

func TestMalformedStructuredFieldsAreRefused(t *testing.T) {
	dictionary, list, single := (*field).dictionary, (*field).list, (*field).single
	for _, c := range []struct {
		name string
		read func(*field, string) error
		in   string
	}{
		{"nothing", dictionary, ""},
		{"only spaces", dictionary, "   "},
		{"a comma at the end", dictionary, "a=1,"},
		{"a comma at the start", dictionary, ",a=1"},
		{"two commas", dictionary, "a=1,,b=2"},
		{"no comma", dictionary, "a=1 b=2"},
		{"an upper-case key", dictionary, "A=1"},
		{"a key that begins with a digit", dictionary, "1a=1"},
		{"a key twice", dictionary, "a=1, a=2"},
		{"a parameter twice", dictionary, "a=1;x;x=2"},
		{"no value behind the sign", dictionary, "a="},
		{"a space before the sign", dictionary, "a =1"},
		{"a space behind the sign", dictionary, "a= 1"},
		{"a parameter without a name", dictionary, "a=1;"},
		{"a space before a semicolon", dictionary, "a=1 ;x"},
		{"an inner list that does not end", dictionary, `a=("b" `},
		{"an inner list in an inner list", dictionary, "a=((b))"},
		{"items without space between", dictionary, `a=("b""c")`},
		{"a tab in an inner list", dictionary, "a=(b\tc)"},
		{"a comma in an inner list", dictionary, "a=(b, c)"},
		{"a string that does not end", single, `"abc`},
		{"an escape at the end", single, `"abc\`},
		{"an escape of something else", single, `"a\n"`},
		{"a control in a string", single, "\"a\tb\""},
		{"a non-ASCII string", single, `"ü"`},
		{"an integer of 16 digits", single, "1000000000000000"},
		{"a lone minus", single, "-"},
		{"a plus", single, "+1"},
		{"a decimal without fraction", single, "1."},
		{"a decimal of four digits", single, "1.2345"},
		{"a decimal of 13 whole digits", single, "1234567890123.0"},
		{"a boolean of another digit", single, "?2"},
		{"a boolean alone", single, "?"},
		{"a date with a fraction", single, "@1.5"},
		{"bytes that do not end", single, ":aGVsbG8="},
		{"bytes without padding", single, ":aGVsbG8:"},
		{"bytes with bits behind the end", single, ":aGVsbG9=:"},
		{"bytes of base64url", single, ":_-8=:"},
		{"bytes with a line break", single, ":aGVs\nbG8=:"},
		{"bytes with padding inside", single, ":aG==bG8=:"},
		{"a display string in upper hex", single, `%"%C3%BC"`},
		{"a display string that is not UTF-8", single, `%"%ff"`},
		{"a display string that does not end", single, `%"abc`},
		{"a display string with half an escape", single, `%"%c"`},
		{"a display string without quote", single, `%abc`},
		{"something behind an item", single, "1, 2"},
		{"a NUL", single, "\x00"},
		{"a list member without value", list, "a, ;x"},
		{"too many members", dictionary, "a" + strings.Repeat(", a", maxMembers)},
		{"a field that is too long", dictionary, "a=" + `"` + strings.Repeat("x", maxFieldBytes) + `"`},
		{"an item that is too long", single, `"` + strings.Repeat("x", maxFieldBytes) + `"`},
		{"too many items", dictionary, "a=(" + strings.Repeat("1 ", maxItems+1) + ")"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := parseAs(c.read, c.in); err == nil {
				t.Errorf("taken as %q", got)
			}
		})
	}
	t.Run("too many parameters", func(t *testing.T) {
		text := "a=(" + strings.Repeat("1;a;b;c ", maxItems) + ")"
		if _, err := parseAs(dictionary, text); err == nil {
			t.Error("taken")
		}
	})
}

func TestLinesOfADictionaryAreReadAsOne(t *testing.T) {
	var f field
	for _, line := range []string{"a=1", "b=(x);y"} {
		if err := f.dictionary(line); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(f.appendAll(nil)); got != "a=1, b=(x);y" {
		t.Errorf("got %q", got)
	}
	if f.dictionary("a=2") == nil {
		t.Error("a key of an earlier line was taken again")
	}
	f.reset()
	if err := f.dictionary("a=2"); err != nil {
		t.Errorf("after reset: %v", err)
	}
}

// FuzzStructuredField holds the parser against itself: what it takes has one
// strict form, which it reads as the same.
func FuzzStructuredField(f *testing.F) {
	for _, seed := range []string{
		`sig1=("@method" "@query-param";name="Pet" "x";key="a");created=1618884473;keyid="k";nonce="n"`,
		"sig1=:aGVsbG8=:, b", `a="x\"y";p=%"f%c3%bc", b=1.50, c=@5, d=?0, e=*t/:`, "a=(", ":", "a=1;x;x", transformIn,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(*field, string) error{(*field).dictionary, (*field).list, (*field).single} {
			strict, err := parseAs(read, text)
			if err != nil {
				continue
			}
			again, err := parseAs(read, strict)
			if err != nil || again != strict {
				t.Fatalf("%q is written as %q, which is read as %q %v", text, strict, again, err)
			}
		}
	})
}
