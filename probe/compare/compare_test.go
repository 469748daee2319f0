// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"durward/probe/client"
)

func answer(status int, body string) *client.Answer {
	return &client.Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
}

func learned(bodies ...string) *Baseline {
	var b Baseline
	for _, body := range bodies {
		b.Learn(answer(200, body))
	}
	return &b
}

func TestAnswersAreTheSameApartFromWhatMovesByItself(t *testing.T) {
	for _, c := range []struct {
		name    string
		learned []string
		x, y    string
		sentX   string
		sentY   string
		want    bool
	}{
		{"equal JSON", nil, `{"a":1}`, `{"a":1}`, "", "", true},
		{"members in another order", nil, `{"a":1,"b":2}`, `{"b":2,"a":1}`, "", "", true},
		{"another value", nil, `{"a":1}`, `{"a":2}`, "", "", false},
		{"one item less", nil, `{"a":[1,2,3]}`, `{"a":[1,2]}`, "", "", false},
		{"an empty list", nil, `[]`, `[{"a":1}]`, "", "", false},
		{"a time that moves", []string{`{"a":1,"t":10}`, `{"a":1,"t":11}`}, `{"a":1,"t":12}`, `{"a":1,"t":13}`, "", "", true},
		{"a time that moves and another value", []string{`{"a":1,"t":10}`, `{"a":1,"t":11}`}, `{"a":1,"t":12}`, `{"a":2,"t":13}`, "", "", false},
		{"items in an order by chance", []string{`[1,2,3]`, `[3,1,2]`}, `[2,1,3]`, `[3,2,1]`, "", "", true},
		{"items in an order that stands still", []string{`[1,2,3]`, `[1,2,3]`}, `[1,2,3]`, `[3,2,1]`, "", "", false},
		{"an order that stands still beside an id that moves", []string{`{"id":"x","l":[1,2]}`, `{"id":"y","l":[1,2]}`}, `{"id":"z","l":[1,2]}`, `{"id":"w","l":[2,1]}`, "", "", false},
		{"a member that comes and goes", []string{`{"a":1}`, `{"a":1,"hint":"x"}`}, `{"a":1}`, `{"a":1,"hint":"y"}`, "", "", true},
		{"what was sent given back", nil, `{"q":"aaaa"}`, `{"q":"bbbb"}`, "aaaa", "bbbb", true},
		{"what was sent given back in a sentence", nil, `{"q":"no \"aaaa\" here"}`, `{"q":"no \"bbbb\" here"}`, "aaaa", "bbbb", true},
		{"what was sent given back escaped", nil, `<p>&lt;aaa&gt; is not here</p>`, `<p>&lt;bbb&gt; is not here</p>`, "<aaa>", "<bbb>", true},
		{"something else beside what was sent", nil, `{"q":"aaaa","n":0}`, `{"q":"bbbb","n":3}`, "aaaa", "bbbb", false},
		{"text of the same words", nil, "one two three", "one  two\nthree", "", "", true},
		{"text of other words", nil, "one two three", "one two four", "", "", false},
		{"JSON and text", nil, `{"a":1}`, "a is 1 or so", "", "", false},
		{"nothing and nothing", nil, "", "", "", "", true},
		{"nothing and something", nil, "", "{}", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := learned(c.learned...)
			x, y := Text{answer(200, c.x), []string{c.sentX}}, Text{answer(200, c.y), []string{c.sentY}}
			if got := b.Same(x, y); got != c.want {
				t.Errorf("same: %t", got)
			}
			if got := b.Same(y, x); got != c.want {
				t.Errorf("the other way round: %t", got)
			}
			y.Answer.Status = 404
			if b.Same(x, y) {
				t.Error("answers of two statuses are the same")
			}
		})
	}
}

func TestOneWordInALongTextMayDiffer(t *testing.T) {
	long := strings.Repeat("all the same words here ", 50)
	b := learned()
	if !b.Same(Text{Answer: answer(200, long+"at 12:01")}, Text{Answer: answer(200, long+"at 12:02")}) {
		t.Error("a clock makes a page another one")
	}
	if b.Same(Text{Answer: answer(200, long)}, Text{Answer: answer(200, long+strings.Repeat("and more ", 20))}) {
		t.Error("a page with a paragraph more is the same")
	}
}

func TestNoAnswerIsLikeNoAnswerOnly(t *testing.T) {
	b := learned()
	if !b.Same(Text{}, Text{}) || b.Same(Text{Answer: answer(200, "")}, Text{}) {
		t.Error("no answer is not compared rightly")
	}
}

func TestHugeAndDeepAnswersAreComparedWithinBounds(t *testing.T) {
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	wide := "[" + strings.Repeat("1,", 100000) + "1]"
	b := learned(deep, wide)
	if !b.Same(Text{Answer: answer(200, deep)}, Text{Answer: answer(200, deep)}) || !b.Same(Text{Answer: answer(200, wide)}, Text{Answer: answer(200, wide)}) {
		t.Error("an answer is not like itself")
	}
	if n := len(take(answer(200, wide), nil).seq); n > maxFeatures {
		t.Errorf("%d features", n)
	}
}

func TestAlikeLooksAtTheFormOnly(t *testing.T) {
	for _, c := range []struct {
		x, y string
		want bool
	}{
		{`{"a":1,"b":"x"}`, `{"b":"y","a":2}`, true}, {`{"a":1}`, `{"error":"no"}`, false}, {`{"a":1}`, `{"a":1,"b":2}`, false},
		{"", "", true}, {"", `{"a":1}`, false}, {"text", "other text", true}, {`[{"a":1}]`, `[{"a":2}]`, true},
	} {
		if got := Alike(answer(200, c.x), answer(200, c.y)); got != c.want {
			t.Errorf("%s and %s: %t", c.x, c.y, got)
		}
	}
	if Alike(answer(200, "{}"), answer(201, "{}")) || Alike(nil, answer(200, "")) {
		t.Error("other statuses are alike")
	}
}

func TestWithoutTakesOutWhatWasSent(t *testing.T) {
	sent := `a"b<c> d`
	body := fmt.Sprintf("%s | a&#34;b&lt;c&gt; d | a%%22b%%3Cc%%3E+d | a\\\"b\\u003cc\\u003e d", sent)
	if got := Without(answer(200, body), sent); strings.ContainsAny(got, "bc") {
		t.Errorf("left: %q", got)
	}
}

func FuzzSame(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}]}`, `{"a":[{"b":null},1]}`, "a")
	f.Add("text", "<p>text</p>", "")
	f.Fuzz(func(t *testing.T, x, y, sent string) {
		b := learned(x)
		b.Learn(answer(200, y), sent)
		one, two := Text{answer(200, x), []string{sent}}, Text{answer(200, y), []string{sent}}
		if !b.Same(one, one) || !b.Same(two, two) {
			t.Error("an answer is not like itself")
		}
		if b.Same(one, two) != b.Same(two, one) {
			t.Error("the order of answers matters")
		}
	})
}
