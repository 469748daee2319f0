// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// clocked is a service whose answers take a time that the test says, so that no
// clock of the machine is in it.
type clocked struct {
	op   *spec.Operation
	took func(value string) time.Duration
	sent int
}

func (c *clocked) Call(context.Context, *spec.Operation, *identity.Identity) (*call.Call, error) {
	return &call.Call{Op: c.op, Query: call.Values{{Name: "q", Value: "word"}}}, nil
}

func (c *clocked) Send(_ context.Context, k *call.Call, as *identity.Identity) (*check.Exchange, error) {
	c.sent++
	v, _ := k.Query[0].Value.(string)
	a := &client.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"received":true}`), Took: c.took(v)}
	return &check.Exchange{Call: k, As: as, Request: &client.Request{Method: "GET"}, Answer: a}, nil
}

func (c *clocked) Good(context.Context, *spec.Operation, *identity.Identity) (*check.Exchange, error) {
	return nil, nil
}

func (c *clocked) Do(context.Context, *client.Request) (*check.Exchange, error) { return nil, nil }

func (c *clocked) Request(context.Context, *call.Call, *identity.Identity) (*client.Request, error) {
	return &client.Request{}, nil
}

func (c *clocked) Reader(*spec.Operation) *spec.Operation { return nil }

func (c *clocked) Owns(*spec.Operation, call.Place, *identity.Identity) []any { return nil }

const base = 20 * time.Millisecond

var (
	mysqlSleep = regexp.MustCompile(`'\+\(SELECT 1 FROM \(SELECT SLEEP\(([\d.]+)\)\)x\)\+'`)
	counting   = regexp.MustCompile(`WHERE n<(\d+)\) SELECT count`)
	shellSleep = regexp.MustCompile(`;sleep ([\d.]+);`)
)

func seconds(re *regexp.Regexp, v string) time.Duration {
	m := re.FindStringSubmatch(v)
	if m == nil {
		return 0
	}
	s, _ := strconv.ParseFloat(m[1], 64)
	return time.Duration(s * float64(time.Second))
}

func TestTimesTellOnlyWhenTheyAreWhatWasAskedFor(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	jitter := func() time.Duration {
		if chance.IntN(10) == 0 {
			return time.Duration(50+chance.IntN(150)) * time.Millisecond
		}
		return 0
	}
	for _, c := range []struct {
		name string
		took func(string) time.Duration
		want string
	}{
		{"a service that sleeps when MySQL's SLEEP is in it", func(v string) time.Duration { return base + seconds(mysqlSleep, v) }, "sql-injection"},
		{"the same with late answers now and then", func(v string) time.Duration { return base + seconds(mysqlSleep, v) + jitter() }, "sql-injection"},
		{"a database that counts, a million in half a second", func(v string) time.Duration {
			m := counting.FindStringSubmatch(v)
			if m == nil {
				return base
			}
			n, _ := strconv.Atoi(m[1])
			return base + time.Duration(n)*500*time.Nanosecond
		}, "sql-injection"},
		{"a database that counts ten times as fast", func(v string) time.Duration {
			m := counting.FindStringSubmatch(v)
			if m == nil {
				return base
			}
			n, _ := strconv.Atoi(m[1])
			return base + time.Duration(n)*60*time.Nanosecond
		}, "sql-injection"},
		{"a shell that sleeps", func(v string) time.Duration { return base + seconds(shellSleep, v) }, "command-injection"},
		{"late answers now and then", func(string) time.Duration { return base + jitter() }, ""},
		{"every answer is slow", func(string) time.Duration { return time.Second + jitter() }, ""},
		{"slower with each request", slower(), ""},
		{"long texts are slow", func(v string) time.Duration { return time.Duration(len(v)) * 20 * time.Millisecond }, ""},
		{"texts with quotes are slow", func(v string) time.Duration {
			return base + time.Duration(strings.Count(v, "'"))*700*time.Millisecond
		}, ""},
		{"one wait for whatever has a sleep in it", func(v string) time.Duration {
			if strings.Contains(strings.ToLower(v), "sleep") {
				return 3 * time.Second
			}
			return base
		}, ""},
		{"a filter that holds up whatever has SQL in it", func(v string) time.Duration {
			if strings.Contains(v, "SELECT") {
				return 900 * time.Millisecond
			}
			return base
		}, ""},
		{"one count for all", func(v string) time.Duration {
			if counting.MatchString(v) {
				return time.Second
			}
			return base
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := &spec.Operation{ID: "thing", Method: "GET", Path: "/thing", Params: []*spec.Param{{Name: "q", In: "query", Required: true, Schema: &spec.Schema{Types: []string{"string"}}}}}
			w := &clocked{op: op, took: c.took}
			var got []finding.Finding
			env := &check.Env{
				API: &spec.API{Operations: []*spec.Operation{op}}, World: w, Rand: rand.New(rand.NewPCG(1, 1)),
				Report: func(f finding.Finding) { got = append(got, f) },
				Step:   func(why string, _ *check.Exchange) finding.Step { return finding.Step{Why: why} },
			}
			if err := operation(t.Context(), env, op); err != nil {
				t.Fatal(err)
			}
			if len(got) > 1 || len(got) == 0 && c.want != "" || len(got) == 1 && got[0].Kind.ID != c.want {
				t.Fatalf("found %+v, want %q", got, c.want)
			}
			if w.sent > maxPerPlace+10 {
				t.Errorf("%d requests for one place", w.sent)
			}
		})
	}
}

func slower() func(string) time.Duration {
	n := 0
	return func(string) time.Duration {
		n++
		return base + time.Duration(n)*30*time.Millisecond
	}
}

func TestEnginesAreKnownByTheirErrorsAndNothingElseIs(t *testing.T) {
	for text, want := range map[string]string{
		`{"error":"SQL logic error: unrecognized token: \"'\" (1)"}`:                                          "SQLite",
		`{"error":"near \"x\": syntax error"}`:                                                                "SQLite",
		`You have an error in your SQL syntax; check the manual that corresponds to your MySQL server`:        "MySQL",
		`ERROR: unterminated quoted string at or near "'" at character 40`:                                    "PostgreSQL",
		`pq: syntax error at or near "x"`:                                                                     "PostgreSQL",
		`Unclosed quotation mark after the character string 'x'.`:                                             "SQL Server",
		`ORA-01756: quoted string not properly terminated`:                                                    "Oracle",
		`{"name":"SequelizeDatabaseError"}`:                                                                   "a database layer",
		`(sqlite3.OperationalError) near "'x": syntax error`:                                                  "SQLite",
		`{"error":"syntax error near \"'\""}`:                                                                 "",
		`{"error":"syntax error"}`:                                                                            "",
		`{"message":"Unexpected token ' in JSON at position 3"}`:                                              "",
		`{"message":"the text is not properly terminated"}`:                                                   "",
		`{"articles":["How to read ORA messages", "SELECT is a word of SQL", "An error in your manual"]}`:     "",
		`{"error":"unterminated quoted string"}`:                                                              "",
		`{"detail":[{"loc":["query","q"],"msg":"value is not a valid integer","type":"type_error.integer"}]}`: "",
	} {
		if got, _ := sqlError(&client.Answer{Body: []byte(text)}); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestRedirectsAreReadAsBrowsersReadThem(t *testing.T) {
	for to, want := range map[string]bool{
		"https://a.example/": true, "//a.example/": true, `/\a.example/`: true, "https:a.example/": true, `\\a.example`: true,
		"https://a.example.own.test/": false, "https://own.test/?to=https://a.example/": false, "/a.example/": false, "/?next=//a.example/": false,
		"https://own.test/a.example": false, "a.example": false, "": false,
	} {
		e := &check.Exchange{Answer: &client.Answer{Status: 302, Header: http.Header{"Location": {to}}}}
		if got := leads(e, "a.example"); got != want {
			t.Errorf("%s: %t, want %t", to, got, want)
		}
		e.Answer.Status = 200
		if leads(e, "a.example") {
			t.Errorf("%s leads away without being a redirect", to)
		}
	}
}

func TestConditionsSayTheSameButForTheirTruth(t *testing.T) {
	p := &place{target: &target{env: &check.Env{Rand: rand.New(rand.NewPCG(1, 9))}}, value: "word"}
	for _, c := range append(append([]condition{}, textConditions...), orderConditions...) {
		for round := range rounds {
			yes, no := c.write(p, true, round), c.write(p, false, round)
			if yes == no || strings.Contains(yes+no, "{") {
				t.Errorf("%s: %q and %q", c.form, yes, no)
			}
			if len(yes) != len(no) {
				t.Errorf("%s: %q and %q are not of one length, which alone may decide on an answer", c.form, yes, no)
			}
		}
	}
}
