// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"durward"
)

var (
	noon = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	op   = &durward.Operation{API: "main", ID: "createNote", Method: "POST", Template: "/notes/{id}"}
)

func request(query, contentType, body string) *durward.Exchange {
	x := &durward.Exchange{Operation: op, Params: []durward.Param{{Name: "id", Value: "a b"}}}
	x.In = durward.Request{Method: "POST", Path: "/v1/notes/a%20b", RawQuery: query, Header: durward.Header{
		{Name: "X-Version", Value: "1.2.3"}, {Name: "Cookie", Value: `theme=dark; lang="en"`}, {Name: "Content-Type", Value: contentType},
	}}
	if body == "" {
		x.In.Body.Init(nil, 0)
		return x
	}
	x.In.Body.Init(strings.NewReader(body), int64(len(body)))
	if err := x.In.Body.SetLimit(1 << 20); err != nil {
		panic(err)
	}
	return x
}

func decide(x *durward.Exchange, patches ...Config) durward.Decision {
	for i := range patches {
		if err := patches[i].Check(); err != nil {
			panic(err)
		}
	}
	s := Stage(patches, op, func() time.Time { return noon }, nil)
	if s == nil {
		return durward.Proceed()
	}
	return s.Request(context.Background(), x)
}

const document = `{"name":"x","user":{"email":"a@b.example","tags":["one","tw\u006f"]},"items":[{"n":1},{"n":77}],"flag":true,"__proto__":{"a":1}}`

func TestAPatchLooksAtTheValueThatItNames(t *testing.T) {
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, parameter, query, kind, body string
		is                                 string
	}{
		{"of the query, decoded", "query.q", "a=1&q=x%27+y", "", "", "x' y"},
		{"of the query, by an escaped name", "query.q", "%71=v", "", "", "v"},
		{"of the query, the second of two", "query.q", "q=1&q=2", "", "", "2"},
		{"of the header, in any case", "header.x-version", "", "", "", "1.2.3"},
		{"of a cookie", "cookie.theme", "", "", "", "dark"},
		{"of a quoted cookie", "cookie.lang", "", "", "", "en"},
		{"of the path, decoded", "path.id", "", "", "", "a b"},
		{"of a form", "body.text", "", form, "a=1&text=%3Cb%3E", "<b>"},
		{"of JSON", "body.name", "", "application/json", document, "x"},
		{"of JSON, nested", "body.user.email", "", "application/merge-patch+json", document, "a@b.example"},
		{"of JSON, an item with an escape", "body.user.tags.1", "", "application/json", document, "two"},
		{"of JSON, any item", "body.items.*.n", "", "application/json", document, "77"},
		{"of JSON, any member", "body.*.email", "", "application/json", document, "a@b.example"},
		{"of JSON, a boolean", "body.flag", "", "application/json", document, "true"},
		{"of JSON, an object as a whole", "body.__proto__", "", "application/json", document, `{"a":1}`},
		{"of JSON, the second of one name", "body.a", "", "application/json", `{"a":"1","a":"2"}`, "2"},
		{"of JSON that begins with a member by another spelling", "body.name", "", "application/json", `{"n\u0061me":"x"}`, "x"},
		{"the whole content", "body", "", "text/plain", "all of it", "all of it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := decide(request(c.query, c.kind, c.body), Config{ID: "p", Parameter: c.parameter, Condition: Condition{Equals: []string{c.is}}}); d.Code != durward.CodeWAFBlocked {
				t.Errorf("%+v", d)
			}
			if d := decide(request(c.query, c.kind, c.body), Config{ID: "p", Parameter: c.parameter, Condition: Condition{Equals: []string{c.is + "."}}}); d.Verdict != durward.Allow {
				t.Errorf("another value: %+v", d)
			}
			if d := decide(request(c.query, c.kind, c.body), Config{ID: "p", Parameter: c.parameter}); d.Code != durward.CodeWAFBlocked {
				t.Errorf("that it is there: %+v", d)
			}
		})
	}
}

func TestAllOfAConditionHoldsForOneValue(t *testing.T) {
	for _, c := range []struct {
		name  string
		query string
		Condition
		applies bool
	}{
		{"an expression occurs", "q=abc", Condition{Matches: "b"}, true},
		{"an expression does not", "q=abc", Condition{Matches: "^b"}, false},
		{"one does not that must not", "q=abc", Condition{NotMatches: "^[0-9]+$"}, true},
		{"one does that must not", "q=123", Condition{NotMatches: "^[0-9]+$"}, false},
		{"longer", "q=1234", Condition{LongerThan: 3}, true},
		{"just as long", "q=123", Condition{LongerThan: 3}, false},
		{"one of some texts", "q=xyz", Condition{Contains: []string{"a", "z"}}, true},
		{"none of them", "q=xyz", Condition{Contains: []string{"a", "b"}}, false},
		{"each in another value", "q=abcd&q=x", Condition{LongerThan: 3, Contains: []string{"x"}}, false},
		{"all in one value", "q=1&q=abcx", Condition{LongerThan: 3, Contains: []string{"x"}, Matches: "^a", NotMatches: "z", Equals: []string{"abcx"}}, true},
		{"the value is not there", "r=1", Condition{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(request(c.query, "", ""), Config{ID: "p", Parameter: "query.q", Condition: c.Condition})
			if got := d.Code == durward.CodeWAFBlocked; got != c.applies {
				t.Errorf("applies %v", got)
			}
		})
	}
}

func TestAPatchIsAboutItsOperationPathAndMethod(t *testing.T) {
	for _, c := range []struct {
		name    string
		patch   Config
		applies bool
	}{
		{"its operation", Config{Operation: "createNote"}, true},
		{"another operation", Config{Operation: "listNotes"}, false},
		{"its path", Config{Path: "/v1/notes/a%20b"}, true},
		{"a pattern", Config{Path: "/v1/*/a%20b"}, true},
		{"a star at the end", Config{Path: "/v1/*"}, true},
		{"a star is one segment", Config{Path: "/*/a%20b"}, false},
		{"another path", Config{Path: "/v1/notes"}, false},
		{"its method", Config{Path: "/*", Method: "POST"}, true},
		{"another method", Config{Path: "/*", Method: "GET"}, false},
		{"the last day", Config{Path: "/*", Until: "2027-01-31"}, true},
		{"the day before", Config{Path: "/*", Until: "2027-01-30"}, false},
		{"switched off", Config{Path: "/*", Mode: durward.Off}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.patch.ID = "p"
			if got := decide(request("", "", ""), c.patch).Verdict == durward.Deny; got != c.applies {
				t.Errorf("applies %v", got)
			}
		})
	}
}

func TestAPatchEndsByTheClockWithoutAReload(t *testing.T) {
	now := noon
	s := Stage([]Config{{ID: "p", Path: "/*", Until: "2027-01-31"}}, op, func() time.Time { return now }, nil)
	if s.Request(context.Background(), request("", "", "")).Verdict != durward.Deny {
		t.Fatal("it does not hold")
	}
	now = now.Add(12 * time.Hour)
	if s.Request(context.Background(), request("", "", "")).Verdict != durward.Allow {
		t.Error("it holds on the day after")
	}
}

func TestAnEnforcedPatchGoesBeforeOneThatReports(t *testing.T) {
	counts := &Counts{}
	s := Stage([]Config{{ID: "told", Path: "/*", Mode: durward.Report}, {ID: "done", Parameter: "query.q"}}, op, time.Now, counts)
	if d := s.Request(context.Background(), request("q=1", "", "")); d.Reported || d.Err.Error() != "virtual patch done: query.q" {
		t.Errorf("%+v", d)
	}
	if d := s.Request(context.Background(), request("", "", "")); !d.Reported || d.Code != durward.CodeWAFBlocked || d.Err.Error() != "virtual patch told" {
		t.Errorf("%+v", d)
	}
	n := map[string]int64{}
	counts.Matches(func(c int64, id string) { n[id] = c })
	if n["told"] != 1 || n["done"] != 1 {
		t.Errorf("%v", n)
	}
}

func TestContentThatAPatchCannotReadIsRefused(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.WriteString(z, document)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	patch := Config{ID: "p", Parameter: "body.user.email", Condition: Condition{Contains: []string{"@b"}}}
	compressed := func(body, coding string) *durward.Exchange {
		x := request("", "application/json", body)
		x.In.Header.Add("Content-Encoding", coding)
		return x
	}
	for name, c := range map[string]struct {
		x    *durward.Exchange
		want durward.Code
		why  string
	}{
		"broken JSON":           {request("", "application/json", `{"a":`), durward.CodeWAFBlocked, errContent.Error()},
		"JSON with a tail":      {request("", "application/json", `{"a":1} x`), durward.CodeWAFBlocked, errContent.Error()},
		"multipart":             {request("", "multipart/form-data; boundary=x", "--x--"), durward.CodeWAFBlocked, errContent.Error()},
		"compressed":            {compressed(zipped.String(), "gzip"), durward.CodeWAFBlocked, "virtual patch p: body.user.email"},
		"a coding not known":    {compressed(zipped.String(), "br"), durward.CodeWAFBlocked, errContent.Error()},
		"no gzip":               {compressed("{}", "gzip"), durward.CodeWAFBlocked, errContent.Error()},
		"no content":            {request("", "", ""), "", ""},
		"harmless JSON":         {request("", "application/json", `{"user":{"email":"c"}}`), "", ""},
		"a text for an object":  {request("", "application/json", `{"user":"email"}`), "", ""},
		"an array for a member": {request("", "application/json", `[1,[2,{}]]`), "", ""},
	} {
		d := decide(c.x, patch)
		if d.Code != c.want || d.Err != nil && !strings.Contains(d.Err.Error(), c.why) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestContentThatDoesNotArriveIsTheClientsFault(t *testing.T) {
	x := request("", "application/json", strings.Repeat("x", 100))
	x.In.Body.Init(strings.NewReader(strings.Repeat("x", 100)), -1)
	_ = x.In.Body.SetLimit(10)
	if d := decide(x, Config{ID: "p", Parameter: "body.a"}); d.Code != durward.CodeBodyTooLarge {
		t.Errorf("%+v", d)
	}
}

func TestFaultsOfAPatchAreNamed(t *testing.T) {
	for want, c := range map[string]Config{
		"id: must be":                   {ID: "a b", Path: "/x"},
		"path: cannot stand":            {ID: "a", Operation: "x", Path: "/x"},
		"path: must begin":              {ID: "a", Path: "x"},
		"method: must be":               {ID: "a", Path: "/x", Method: "get"},
		"parameter: must be":            {ID: "a", Parameter: "form.x"},
		"parameter: a patch needs":      {ID: "a"},
		"condition: needs parameter":    {ID: "a", Path: "/x", Condition: Condition{Matches: "x"}},
		"until: must be":                {ID: "a", Path: "/x", Until: "31.1.2027"},
		"condition.matches: is no":      {ID: "a", Parameter: "body", Condition: Condition{Matches: "(?<=a)b"}},
		"condition.not_matches: is lon": {ID: "a", Parameter: "body", Condition: Condition{NotMatches: strings.Repeat("a", 1025)}},
		"condition.longer_than: must":   {ID: "a", Parameter: "body", Condition: Condition{LongerThan: -1}},
		"condition.contains[1]: must":   {ID: "a", Parameter: "body", Condition: Condition{Contains: []string{"a", ""}}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, parameter := range []string{"body.", "body.a..b", "query.", "query", "bodyx"} {
		if _, ok := readPlace(parameter); ok {
			t.Errorf("%q is taken", parameter)
		}
	}
}

// FuzzPatch holds conditions against what they say, and the walk through JSON
// and forms against panics.
func FuzzPatch(f *testing.F) {
	f.Add(document, "user.tags.1", "two", "^t")
	f.Add("a=1&b=%zz", "b", "%zz", ".*")
	f.Add(`[[[{"a":"\ud800"}]]]`, "0.*.0.a", "", "(a|b)*$")
	f.Fuzz(func(t *testing.T, body, name, text, expression string) {
		c := Config{ID: "p", Parameter: "body." + name, Condition: Condition{Matches: expression, Contains: []string{text}}}
		if expression == "" || c.Check() != nil || body == "" || len(body) > 1<<16 {
			return
		}
		p := compile(&c, nil)
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded"} {
			x := request("", kind, body)
			any := false
			_, err := values(x, &p.at, func(v []byte) bool {
				any = true
				if p.holds(v) != (p.matches.Match(v) && strings.Contains(string(v), text)) {
					t.Fatalf("%q", v)
				}
				return false
			})
			d := decide(request("", kind, body), c)
			if d.Verdict == durward.Deny && !any && err == nil {
				t.Fatal("it refused what is not there")
			}
		}
	})
}
