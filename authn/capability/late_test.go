// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

var zeros = strings.Repeat("A", 43)

func TestABodyFieldCaveatNeedsTheScalar(t *testing.T) {
	for _, row := range []struct {
		name, content string
		caveat        Caveat
		ok            bool
	}{
		{"a string", `{"space":"42"}`, BodyString("/space", "42"), true},
		{"another string", `{"space":"43"}`, BodyString("/space", "42"), false},
		{"a number is no string", `{"space":42}`, BodyString("/space", "42"), false},
		{"a string is no number", `{"space":"42"}`, BodyInt("/space", 42), false},
		{"a number", ` { "a" : [ 1 , {} ] , "space" : 42 } `, BodyInt("/space", 42), true},
		{"a negative number", `{"n":-7}`, BodyInt("/n", -7), true},
		{"a longer number", `{"n":421}`, BodyInt("/n", 42), false},
		{"a number in another spelling", `{"n":42.0}`, BodyInt("/n", 42), false},
		{"a number with an exponent", `{"n":42e0}`, BodyInt("/n", 42), false},
		{"true", `{"ok":true}`, BodyBool("/ok", true), true},
		{"false for true", `{"ok":false}`, BodyBool("/ok", true), false},
		{"null", `{"to":null}`, BodyNull("/to"), true},
		{"nothing is not null", `{}`, BodyNull("/to"), false},
		{"null as a string", `{"to":"null"}`, BodyNull("/to"), false},
		{"the whole content", `"x"`, BodyString("", "x"), true},
		{"an object as the whole content", `{}`, BodyString("", "x"), false},
		{"a nested member", `{"a":{"b":{"c":1}},"c":2}`, BodyInt("/a/b/c", 1), true},
		{"a member of a scalar", `{"a":"b"}`, BodyString("/a/b", "b"), false},
		{"an object where a scalar should be", `{"a":{"b":1}}`, BodyInt("/a", 1), false},
		{"an array where a scalar should be", `{"a":[1]}`, BodyInt("/a", 1), false},
		{"an element", `{"a":[{"x":"]"},[2,3],7]}`, BodyInt("/a/2", 7), true},
		{"the first element", `[7]`, BodyInt("/0", 7), true},
		{"an element that is not there", `[7]`, BodyInt("/1", 7), false},
		{"an element of an empty array", `[]`, BodyInt("/0", 7), false},
		{"an index with a leading zero", `[1,7]`, BodyInt("/01", 7), false},
		{"the element behind the last", `[7]`, BodyInt("/-", 7), false},
		{"a number as a member's name", `{"0":7}`, BodyInt("/0", 7), true},
		{"a slash and a tilde in a name", `{"a/b":{"m~n":1}}`, BodyInt("/a~1b/m~0n", 1), true},
		{"a tilde before a one", `{"~1":1}`, BodyInt("/~01", 1), true},
		{"an empty name", `{"":1}`, BodyInt("/", 1), true},
		{"an escaped name", `{"sp\u0061ce":"42"}`, BodyString("/space", "42"), true},
		{"an escaped value", `{"space":"\u0034\u0032"}`, BodyString("/space", "42"), true},
		{"a value with quotes", `{"q":"a\"b\\"}`, BodyString("/q", `a"b\`), true},
		{"a member twice", `{"space":"42","space":"42"}`, BodyString("/space", "42"), false},
		{"a member twice, once escaped", `{"space":"42","sp\u0061ce":"7"}`, BodyString("/space", "42"), false},
		{"a member again in another case", `{"space":"42","Space":"7"}`, BodyString("/space", "42"), false},
		{"a member only in another case", `{"SPACE":"42"}`, BodyString("/space", "42"), false},
		{"a member twice above", `{"a":{"b":1},"a":{"b":2}}`, BodyInt("/a/b", 1), false},
		{"a member twice elsewhere", `{"x":{"y":1,"y":2},"n":1}`, BodyInt("/n", 1), true},
		{"a name with half a surrogate pair", `{"\ud800":1,"n":1}`, BodyInt("/n", 1), false},
		{"a value with half a surrogate pair", `{"q":"\ud800"}`, BodyString("/q", "\ufffd"), false},
		{"no JSON", `{"space":"42"`, BodyString("/space", "42"), false},
		{"two documents", `{"space":"42"}{}`, BodyString("/space", "42"), false},
		{"no UTF-8", "{\"space\":\"42\",\"x\":\"\xff\"}", BodyString("/space", "42"), false},
		{"a byte order mark", "\ufeff{\"space\":\"42\"}", BodyString("/space", "42"), false},
		{"no content", ``, BodyString("/space", "42"), false},
		{"very deep elsewhere", `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"n":1}`, BodyInt("/n", 1), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, x := newMethod(t), withContent(newExchange(minted(t, row.caveat).Text()), row.content)
			want := errContent
			if row.ok {
				want = nil
			}
			if err := m.decide(t, x); err != want {
				t.Errorf("got %v, want %v", err, want)
			}
			if got, _ := x.In.Body.Bytes(); string(got) != row.content {
				t.Error("the content has gone")
			}
		})
	}
}

func TestAllBodyFieldCaveatsMustHold(t *testing.T) {
	m := newMethod(t)
	tok := minted(t, BodyInt("/a", 1), Methods("POST"), BodyInt("/b", 2)).Text()
	for content, want := range map[string]error{`{"a":1,"b":2}`: nil, `{"a":1,"b":3}`: errContent, `{"a":2,"b":2}`: errContent} {
		if err := m.decide(t, withContent(newExchange(tok), content)); err != want {
			t.Errorf("%s: got %v, want %v", content, err, want)
		}
	}
}

func TestContentThatIsNotPlainJSONIsNotJudged(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(h *durward.Header)
		want   error
	}{
		{"JSON", nil, nil},
		{"JSON in UTF-8", func(h *durward.Header) { h.Set("Content-Type", `Application/JSON; charset="UTF-8"`) }, nil},
		{"a kind of JSON", func(h *durward.Header) { h.Set("Content-Type", "application/merge-patch+json") }, nil},
		{"JSON in another charset", func(h *durward.Header) { h.Set("Content-Type", "application/json;charset=utf-7") }, errContentType},
		{"a form", func(h *durward.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }, errContentType},
		{"text that ends in JSON", func(h *durward.Header) { h.Set("Content-Type", "text/x+json") }, errContentType},
		{"no type", func(h *durward.Header) { h.Del("Content-Type") }, errContentType},
		{"two types", func(h *durward.Header) { h.Add("Content-Type", "application/json") }, errContentType},
		{"a coding", func(h *durward.Header) { h.Set("Content-Encoding", "gzip") }, errContentType},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, x := newMethod(t), withContent(newExchange(minted(t, BodyInt("/n", 1)).Text()), `{"n":1}`)
			if row.change != nil {
				row.change(&x.In.Header)
			}
			if err := m.decide(t, x); err != row.want {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestContentIsReadWithinLimits(t *testing.T) {
	tok := minted(t, BodyInt("/n", 1)).Text()
	long := `{"n":1,"x":"` + strings.Repeat("a", maxContent) + `"}`
	m := newMethod(t)
	if err := m.decide(t, withContent(newExchange(tok), long)); err != errContentSize {
		t.Errorf("declared: %v", err)
	}
	x := withContent(newExchange(tok), "")
	x.In.Body.Init(strings.NewReader(long), -1)
	x.In.Body.SetLimit(4 << 20)
	if err := m.decide(t, x); err != errContentSize {
		t.Errorf("chunked: %v", err)
	}
	if taken := x.In.Body.Taken(); taken > maxContent+1 || durward.BodyFault(errContentSize) != durward.CodeBodyTooLarge {
		t.Errorf("%d bytes were taken", taken)
	}
	x.In.Body.Init(strings.NewReader(long), -1)
	x.In.Body.SetLimit(100)
	if err := m.decide(t, x); !errors.Is(err, durward.ErrBodyTooLarge) {
		t.Errorf("over the operation's limit: %v", err)
	}
	x.In.Body.Init(strings.NewReader(`{"n":1}`), -1)
	x.In.Body.SetLimit(100)
	x.In.Body.Read(make([]byte, 1))
	if err := m.decide(t, x); err == nil {
		t.Error("content that has gone was judged")
	}
}

func TestAUseCountIsSpentOnlyByWhatPasses(t *testing.T) {
	m := newMethod(t)
	tok := minted(t, after(time.Hour), UseCount(2), Methods("POST"), BodyInt("/n", 1)).Text()
	if err := m.decide(t, newExchange(tok)); err != errMethod {
		t.Fatalf("GET: %v", err)
	}
	if err := m.decide(t, withContent(newExchange(tok), `{"n":2}`)); err != errContent {
		t.Fatalf("other content: %v", err)
	}
	if len(m.uses) > 0 {
		t.Fatal("a refused request spent a use")
	}
	for i, want := range []error{nil, nil, errSpent, errSpent} {
		if err := m.decide(t, withContent(newExchange(tok), `{"n":1}`)); err != want {
			t.Errorf("use %d: got %v, want %v", i+1, err, want)
		}
	}
	for _, until := range m.until {
		if !until.Equal(start.Add(time.Hour)) {
			t.Errorf("the count is kept until %v", until)
		}
	}
}

func TestAllThatIsMadeFromATokenSharesItsUses(t *testing.T) {
	m := newMethod(t)
	parent := minted(t, after(time.Hour), UseCount(3))
	once, err := parent.Attenuate(OneTime())
	if err != nil {
		t.Fatal(err)
	}
	short, err := parent.Attenuate(after(time.Minute), Methods("GET"))
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		token Token
		want  error
	}{
		{once, nil}, {once, errSpent}, {once, errSpent}, // the last two cost the parent nothing
		{short, nil}, {parent, nil}, {parent, errSpent}, {short, errSpent},
	} {
		if err := m.decide(t, newExchange(step.token.Text())); err != step.want {
			t.Errorf("step %d: got %v, want %v", i, err, step.want)
		}
	}
	for _, until := range m.until {
		if !until.Equal(start.Add(time.Hour)) {
			t.Errorf("a count is kept until %v only, and the parent lives an hour", until)
		}
	}
	other := minted(t, after(time.Hour), UseCount(3))
	if err := m.decide(t, newExchange(other.Text())); err != nil {
		t.Errorf("another token of the same caveats: %v", err)
	}
}

// forged makes a token that Attenuate would not make: a holder is not bound to
// this package.
func forged(t *testing.T, tok Token, caveats ...Caveat) string {
	t.Helper()
	raw := []byte(tok.raw[:len(tok.raw)-tagSize])
	m := newMAC()
	copy(m.tag[:], tok.raw[len(raw):])
	for _, c := range caveats {
		raw = append(raw, c.Encoding()...)
		m.step(c.Encoding())
	}
	return prefix + base64url.EncodeToString(append(raw, m.tag[:]...))
}

func TestAUseCountNeedsAnEndBeforeIt(t *testing.T) {
	m := newMethod(t)
	for name, text := range map[string]string{
		"no end":               forged(t, minted(t), UseCount(3)),
		"an end behind it":     forged(t, minted(t), UseCount(3), after(time.Hour)),
		"an end after max_age": minted(t, after(25*time.Hour), UseCount(3)).Text(),
	} {
		if err := m.decide(t, newExchange(text)); err != errUsesTime {
			t.Errorf("%s: %v", name, err)
		}
	}
	five := forged(t, minted(t, after(time.Hour)), UseCount(1), UseCount(2), UseCount(3), UseCount(4), UseCount(5))
	if err := m.decide(t, newExchange(five)); err != errCounts {
		t.Errorf("five counts: %v", err)
	}
	nine := make([]Caveat, 9)
	for i := range nine {
		nine[i] = BodyInt("/n", 1)
	}
	if err := m.decide(t, withContent(newExchange(forged(t, minted(t), nine...)), `{"n":1}`)); err != errFields {
		t.Errorf("nine fields: %v", err)
	}
}

func TestUsesThatCannotBeCountedAreNotGiven(t *testing.T) {
	m := newMethod(t)
	m.usesErr = errors.New("away")
	err := m.decide(t, newExchange(minted(t, after(time.Hour), OneTime()).Text()))
	if away, ok := errors.AsType[*durward.Unavailable](err); !ok || away.Code != durward.CodeStoreUnavailable {
		t.Errorf("got %v", err)
	}
	m.usesErr = &durward.Unavailable{Code: durward.CodeOverloaded, Err: m.usesErr}
	if err := m.decide(t, newExchange(minted(t, after(time.Hour), OneTime()).Text())); err != m.usesErr {
		t.Errorf("its own code was lost: %v", err)
	}
}

// Each consumer has room of its own for its counts.
func TestCountsStandInTheSpaceOfTheirConsumer(t *testing.T) {
	m := newMethod(t)
	m.consumers["globex"] = durward.Consumer{ID: "globex"}
	for _, who := range []string{"acme", "globex"} {
		tok, err := Mint(Key{ID: "main", Secret: testSecret}, Root{Consumer: who, Subject: "cy", Issued: start}, after(time.Hour), UseCount(1), UseCount(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.decide(t, newExchange(tok.Text())); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"capability/acme", "capability/acme", "capability/globex", "capability/globex"}
	if diff := cmp.Diff(want, m.spaces); diff != "" {
		t.Error(diff)
	}
}
