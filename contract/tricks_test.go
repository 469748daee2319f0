// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
)

const tricksDoc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x:
    post:
      operationId: op
      parameters:
        - {name: n, in: query, schema: {type: integer, format: int64}}
        - {name: b, in: query, schema: {type: boolean}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              properties:
                i: {type: integer}
                i32: {type: integer, format: int32}
                i64: {type: integer, format: int64}
                f: {type: number, format: float}
                d: {type: number, format: double}
                min: {type: number, minimum: 0}
                one: {const: 1}
                s: {type: string, maxLength: 4}
                b: {type: boolean}
                a: {type: array, items: {type: integer}}
                o: {type: object}
                any: {}
                nil: {type: "null"}
`

// Each row is one way to make two readers of the same bytes see two things, or
// to make one of them work for too long.
func TestTricksWithTypesAndNumbers(t *testing.T) {
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	digits := strings.Repeat("9", 400)
	for _, test := range []struct{ name, body, want string }{
		{"an integer", `{"i":1}`, "allow"},
		{"an integer with a fraction of zero", `{"i":1.0}`, "allow"},
		{"an integer with an exponent", `{"i":1e2}`, "allow"},
		{"an integer by a negative exponent", `{"i":100e-2}`, "allow"},
		{"a fraction for an integer", `{"i":1.5}`, "invalid-body: body /i: must be an integer"},
		{"a fraction by an exponent", `{"i":1e-1}`, "invalid-body: body /i: must be an integer"},
		{"a string for an integer", `{"i":"1"}`, "invalid-body: body /i: must be an integer"},
		{"a boolean for an integer", `{"i":true}`, "invalid-body: body /i: must be an integer"},
		{"a list of one for an integer", `{"i":[1]}`, "invalid-body: body /i: must be an integer"},
		{"an object for an integer", `{"i":{}}`, "invalid-body: body /i: must be an integer"},
		{"null for an integer", `{"i":null}`, "invalid-body: body /i: must be an integer"},
		{"an integer for a boolean", `{"b":1}`, "invalid-body: body /b: must be true or false"},
		{"a string for a boolean", `{"b":"true"}`, "invalid-body: body /b: must be true or false"},
		{"true for the constant 1", `{"one":true}`, "invalid-body: body /one: is not one of the allowed values"},
		{"1.0 for the constant 1", `{"one":1.0}`, "allow"},
		{"a string for the constant 1", `{"one":"1"}`, "invalid-body: body /one: is not one of the allowed values"},
		{"a number for a string", `{"s":1}`, "invalid-body: body /s: must be a string"},
		{"a list of characters for a string", `{"s":["a"]}`, "invalid-body: body /s: must be a string"},
		{"an object with numbers as names for a list", `{"a":{"0":1}}`, "invalid-body: body /a: must be an array"},
		{"a list for an object", `{"o":[]}`, "invalid-body: body /o: must be an object"},
		{"a string that holds JSON for an object", `{"o":"{}"}`, "invalid-body: body /o: must be an object"},
		{"false for null", `{"nil":false}`, "invalid-body: body /nil: must be null"},
		{"a list for the whole", `[{"i":1}]`, "invalid-body: body : must be an object"},
		{"a string for the whole", `"{}"`, "invalid-body: body : must be an object"},
		{"a member of another language", `{"__proto__":{}}`, "invalid-body: body /__proto__: is not allowed here"},
		{"a name in other letters", `{"I":1}`, "invalid-body: body /I: is not allowed here"},
		{"a name with a combining mark", "{\"i\u0301\":1}", "invalid-body: body /i\u0301: is not allowed here"},

		{"the greatest int32", `{"i32":2147483647}`, "allow"},
		{"one more", `{"i32":2147483648}`, "invalid-body: body /i32: is not in the required format"},
		{"the least int32", `{"i32":-2147483648}`, "allow"},
		{"one less", `{"i32":-2147483649}`, "invalid-body: body /i32: is not in the required format"},
		{"the greatest int64", `{"i64":9223372036854775807}`, "allow"},
		{"one more", `{"i64":9223372036854775808}`, "invalid-body: body /i64: is not in the required format"},
		{"the least int64", `{"i64":-9223372036854775808}`, "allow"},
		{"one less", `{"i64":-9223372036854775809}`, "invalid-body: body /i64: is not in the required format"},
		{"an int64 that a double rounds into range", `{"i64":9223372036854775807.5}`, "invalid-body: body /i64: must be an integer"},
		{"an int64 with an exponent", `{"i64":1e18}`, "allow"},
		{"too large an exponent for int64", `{"i64":1e19}`, "invalid-body: body /i64: is not in the required format"},
		{"2^53 and one, exactly", `{"i":9007199254740993}`, "allow"},
		{"the greatest float", `{"f":3.4028234663852886e38}`, "allow"},
		{"beyond float", `{"f":3.5e38}`, "invalid-body: body /f: is not in the required format"},
		{"beyond double", `{"d":1e309}`, "invalid-body: body /d: is not in the required format"},
		{"1e400", `{"any":1e400}`, "allow"},
		{"1e400 for a double", `{"d":1e400}`, "invalid-body: body /d: is not in the required format"},
		{"1e401", `{"any":1e401}`, "invalid-body: body /any: is a number out of bounds"},
		{"an exponent of twenty digits", `{"any":1e99999999999999999999}`, "invalid-body: body /any: is a number out of bounds"},
		{"400 digits", `{"any":` + digits + `}`, "invalid-body: body /any: is a number out of bounds"},
		{"400 digits for an integer", `{"i":` + digits + `}`, "invalid-body: body /i: is a number out of bounds"},
		{"400 digits behind the point", `{"any":0.` + digits + `}`, "invalid-body: body /any: is a number out of bounds"},
		{"minus zero, which is zero", `{"min":-0,"i":-0}`, "allow"},
		{"minus zero with a fraction", `{"min":-0.0,"i":-0.0}`, "allow"},
		{"minus zero with an exponent", `{"min":-0e5}`, "allow"},
		{"hardly less than zero", `{"min":-1e-400}`, "invalid-body: body /min: is too small"},
		{"a leading zero", `{"i":01}`, "malformed-body: body : is not valid JSON"},
		{"a plus sign", `{"i":+1}`, "malformed-body: body /i: is not valid JSON"},
		{"a hexadecimal number", `{"i":0x1}`, "malformed-body: body : is not valid JSON"},
		{"no number", `{"any":NaN}`, "malformed-body: body /any: is not valid JSON"},
		{"infinity", `{"any":-Infinity}`, "malformed-body: body /any: is not valid JSON"},

		{"nested too deeply", `{"any":` + deep + `}`, "is nested too deeply"},
		{"nested far too deeply", `{"any":` + strings.Repeat("[", 100_000), "is nested too deeply"},
		{"objects nested too deeply", `{"any":` + strings.Repeat(`{"a":`, 100_000), "is nested too deeply"},
		{"a member twice", `{"i":1,"i":2}`, "malformed-body: body /i: is repeated"},
		{"a member twice by an escape", `{"i":1,"\u0069":2}`, "malformed-body: body /i: is repeated"},
		{"a member twice where nothing is declared", `{"any":{"x":1,"y":{},"x":1}}`, "malformed-body: body /any/x: is repeated"},
		{"data behind the value", `{"i":1}{"i":2}`, "malformed-body: body : has data after its end"},
		{"a NUL behind the value", "{\"i\":1}\x00", "malformed-body: body : has data after its end"},
		{"a comment", `{"i":1/*2*/}`, "malformed-body: body : is not valid JSON"},
		{"a comma at the end", `{"i":1,}`, "malformed-body: body : is not valid JSON"},
		{"single quotes", `{'i':1}`, "malformed-body: body : is not valid JSON"},
		{"no end", `{"i":1`, "malformed-body: body : is not valid JSON"},
		{"a byte order mark", "\ufeff{}", "malformed-body: body : is not valid JSON"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "malformed-body: body : is not valid JSON"},
		{"a stray continuation byte", "{\"s\":\"\x80\"}", "malformed-body: body /s: is not valid UTF-8"},
		{"an overlong slash", "{\"any\":\"\xc0\xaf\"}", "malformed-body: body /any: is not valid UTF-8"},
		{"an encoded surrogate", "{\"any\":\"\xed\xa0\x80\"}", "malformed-body: body /any: is not valid UTF-8"},
		{"a code point beyond the last", "{\"any\":\"\xf4\x90\x80\x80\"}", "malformed-body: body /any: is not valid UTF-8"},
		{"bad UTF-8 in a name", "{\"any\":{\"\xff\":1}}", "malformed-body: body /any: is not valid UTF-8"},
		{"half a surrogate pair", `{"any":"\ud83d"}`, "malformed-body: body /any: is not valid UTF-8"},
		{"a surrogate pair the wrong way round", `{"any":"\ude00\ud83d"}`, "malformed-body: body /any: is not valid UTF-8"},
		{"a raw line break in a string", "{\"any\":\"\n\"}", "malformed-body: body /any: is not valid JSON"},
		{"characters are counted, not bytes", `{"s":"éééé"}`, "allow"},
		{"nor units of UTF-16", `{"s":"😀\ud83d\ude00😀😀"}`, "allow"},
		{"a length hidden in escapes", `{"s":"\u0061\u0061\u0061\u0061\u0061"}`, "invalid-body: body /s: is too long"},
	} {
		s := mustStage(t, mustParse(t, tricksDoc), "op", &Config{})
		got := ask(s, request{body: test.body})
		if got != test.want && !(strings.HasPrefix(test.want, "is ") && strings.HasSuffix(got, test.want)) {
			t.Errorf("%s: got %.200s, want %s", test.name, got, test.want)
		}
		// It is the same one level down in a value that the schema says nothing
		// of, for what makes content unreadable.
		if strings.HasPrefix(test.want, "malformed-body") && strings.HasSuffix(got, reasonUTF8) {
			if got := ask(s, request{body: `{"any":[` + test.body + `]}`}); !strings.HasSuffix(got, reasonUTF8) {
				t.Errorf("%s, below: %s", test.name, got)
			}
		}
	}
}

func TestTricksWithParameters(t *testing.T) {
	s := mustStage(t, mustParse(t, tricksDoc), "op", &Config{})
	for _, test := range []struct{ name, query, want string }{
		{"an integer", "n=9223372036854775807", "allow"},
		{"one more", "n=9223372036854775808", "format"},
		{"400 digits", "n=" + strings.Repeat("9", 400), "must be an integer"},
		{"a fraction of zero", "n=1.0", "must be an integer"},
		{"an exponent", "n=1e2", "must be an integer"},
		{"minus zero", "n=-0", "must be an integer"},
		{"a plus sign, which is a space", "n=+1", "must be an integer"},
		{"an escaped plus sign", "n=%2B1", "must be an integer"},
		{"a leading zero", "n=01", "must be an integer"},
		{"digits of another script", "n=%D9%A3", "must be an integer"},
		{"hexadecimal", "n=0x1", "must be an integer"},
		{"a quoted number", "n=%221%22", "must be an integer"},
		{"a list", "n=1,2", "must be an integer"},
		{"twice", "n=1&n=1", "must not be repeated"},
		{"twice by an escape", "n=1&%6E=1", "must not be repeated"},
		{"as a list of another language", "n[]=1", "is not allowed here"},
		{"without a value", "n", "must be an integer"},
		{"null", "n=null", "must be an integer"},
		{"a word for a boolean", "b=yes", "must be true or false"},
		{"a number for a boolean", "b=1", "must be true or false"},
		{"other letters for a boolean", "b=True", "must be true or false"},
		{"a semicolon, which some servers split at", "n=1;n=2", "is not well-formed"},
		{"a NUL", "n=1%00", "has a character that is not allowed"},
		{"overlong UTF-8", "n=%C0%B1", "has a character that is not allowed"},
		{"half an escape", "n=1%", "has a character that is not allowed"},
	} {
		if got := ask(s, request{query: test.query}); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: got %.200s, want %s", test.name, got, test.want)
		}
	}
}
