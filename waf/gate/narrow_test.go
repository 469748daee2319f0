// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"testing"

	"durward"
	"durward/internal/allocs"
	"durward/waf/gate"
	"durward/waf/seclang"
)

// languages are those that contracts prove, by the names of fields in the tests.
var languages = map[string][]durward.Language{
	"number":   {{Exprs: []string{durward.NumberExpr}, Most: 128}},
	"boolean":  {{Texts: []string{"false", "true"}}},
	"null":     {{Texts: []string{""}}},
	"uuid":     {{Exprs: []string{`\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\z`}}},
	"date":     {{Exprs: []string{`\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z`}}},
	"datetime": {{Exprs: []string{`\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\z`}}},
	"sku":      {{Exprs: []string{`^[A-Z]{2}-[0-9]{5}$`}}},
	"slug":     {{Exprs: []string{`^[a-z0-9]+(?:-[a-z0-9]+)*$`}, Most: 400}},
	"currency": {{Exprs: []string{`^[A-Z]{3}$`}}},
	"ipv4":     {{Exprs: []string{`\A[0-9]+(?:\.[0-9]+){3}\z`}}},
	"hostname": {{Exprs: []string{`\A[0-9A-Za-z.-]+\z`}, Most: 253}},
	"email":    {{Exprs: []string{`\A[ -~]+@[0-9A-Za-z:.\[\]-]+\z`}, Most: 254}},
	"uri":      {{Exprs: []string{`\A[0-9A-Za-z._~:/?#\[\]@!$&'()*+,;=%-]+\z`}}},
	"base64":   {{Exprs: []string{`\A[0-9A-Za-z+/=]*\z`}}},
	"state":    {{Texts: []string{"open", "closed", "on hold"}}},
	"operator": {{Texts: []string{"=", "<=", ">=", "<>", "like", "1' or '1'='1", "<script>alert(1)</script>"}}},
	"name":     {{Exprs: []string{`^[\p{L}' .-]+$`}, Most: 160}},
	"short":    {{Most: 8}},
	"word":     {{Exprs: []string{`^\w+$`}}},
	"phone":    {{Exprs: []string{`^\+?[0-9 ()-]{3,16}$`}}},
	"open":     {{Exprs: []string{`^[a-z]`}}},
	"optional": {{Texts: []string{""}}, {Exprs: []string{durward.NumberExpr}}},
	"text":     {{Most: 8000}},
	"any":      {{}},
}

// proof is the contract of the tests: every language as a member, in a list and
// in a list of objects.
var proof = func() *durward.Proof {
	p := &durward.Proof{Members: map[string]*durward.Proof{}}
	within := &durward.Proof{Members: map[string]*durward.Proof{}}
	for name, l := range languages {
		p.Members[name] = &durward.Proof{Texts: l}
		within.Members[name] = p.Members[name]
		p.Members[name+"s"] = &durward.Proof{Items: p.Members[name]}
	}
	p.Members["within"] = &durward.Proof{Items: within}
	p.Members["again"] = p
	p.Members["free"] = nil
	return p
}()

var theContract = &durward.Proven{Query: languages, Form: languages, JSON: proof}

var narrowings sync.Map // by gate

func narrow(t testing.TB, g *gate.Gate) *gate.Known {
	t.Helper()
	if k, ok := narrowings.Load(g); ok {
		return k.(*gate.Known)
	}
	n, err := g.Narrow([]*durward.Proven{theContract}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := n.Of(theContract)
	narrowings.Store(g, k)
	return k
}

// member makes a text of one of the languages; ok is false when it failed.
func member(r *rand.Rand, list []durward.Language) (string, bool) {
	l := list[r.IntN(len(list))]
	if l.Texts != nil {
		return l.Texts[r.IntN(len(l.Texts))], true
	}
	s := noiseText(r)
	if len(l.Exprs) > 0 {
		re, err := syntax.Parse(l.Exprs[0], syntax.Perl)
		if err != nil {
			return "", false
		}
		s = matching(r, re)
	}
	return s, isMember(&l, s)
}

func isMember(l *durward.Language, s string) bool {
	if l.Texts != nil {
		return slices.Contains(l.Texts, s)
	}
	for _, expr := range l.Exprs {
		if re := compiled(expr); !re.MatchString(s) {
			return false
		}
	}
	return l.Most == 0 || len(s) <= l.Most
}

var expressions sync.Map

func compiled(expr string) *regexp.Regexp {
	if re, ok := expressions.Load(expr); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(expr)
	expressions.Store(expr, re)
	return re
}

func isOne(list []durward.Language, s string) bool {
	return slices.ContainsFunc(list, func(l durward.Language) bool { return isMember(&l, s) })
}

func noiseText(r *rand.Rand) string {
	const signs = "abcxyzABC0129 '\"<>=;:/\\().,-_+%&$#{}[]|`\t\u00e9\u4e2d"
	runes := []rune(signs)
	var b strings.Builder
	for range r.IntN(10) {
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	return b.String()
}

// sends are the requests in which a value can be a field's.
func sends(field, value string) []*gate.Request {
	base := func(uri, contentType string, body []byte) *gate.Request {
		q := &gate.Request{Method: "POST", URI: uri, Protocol: "HTTP/1.1", Host: "api.example.org", ServerName: "api.example.org", ClientAddr: "192.0.2.7",
			Header: durward.Header{{Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}}}
		if body == nil {
			q.Method = "GET"
			return q
		}
		q.Header.Add("Content-Type", contentType)
		q.Header.Add("Content-Length", fmt.Sprint(len(body)))
		q.Body, q.Inspect = body, true
		return q
	}
	object := func(v any) []byte { b, _ := json.Marshal(v); return b }
	pair := url.QueryEscape(field) + "=" + url.QueryEscape(value)
	const jsonType = "application/json"
	return []*gate.Request{
		base("/a?"+pair+"&"+pair, "", nil),
		base("/a", "application/x-www-form-urlencoded", []byte(pair)),
		base("/a", jsonType, object(map[string]any{field: value, "free": "x"})),
		base("/a", jsonType, object(map[string]any{field + "s": []any{value, value}})),
		base("/a", jsonType, object(map[string]any{"again": map[string]any{"within": []any{map[string]any{field: value}}}})),
	}
}

// agree holds a narrowed gate against the same gate and against Coraza: a value
// of the contract changes nothing of what is said of a request.
func agree(t *testing.T, s ruleSet, field, value string) (clean bool) {
	t.Helper()
	k := narrow(t, s.gate)
	clean = true
	for i, q := range sends(field, value) {
		had, why := s.gate.Clean(q)
		q.Known = k
		has, whyNow := s.gate.Clean(q)
		q.Known = nil
		if had != has {
			t.Fatalf("%s %q in request %d: clean %v (%v), with the contract %v (%v)", field, value, i, had, why, has, whyNow)
		}
		clean = clean && had
		if has && i == 2 && says(s.oracle, q) {
			t.Fatalf("%s %q: Coraza matches what is proven clean", field, value)
		}
	}
	return clean
}

func TestAContractChangesNothingOfWhatIsSaidOfItsValues(t *testing.T) {
	for _, paranoia := range []int{1, 2} {
		t.Run(fmt.Sprint("paranoia ", paranoia), func(t *testing.T) {
			s := level(t, paranoia)
			r := rand.New(rand.NewPCG(11, uint64(paranoia)))
			for field, list := range languages {
				made := 0
				for range 24 / paranoia * sample {
					if value, ok := member(r, list); ok {
						made++
						agree(t, s, field, value)
					}
				}
				if made < 5 {
					t.Errorf("%s: only %d values", field, made)
				}
			}
		})
	}
}

// The other way round: texts that rules look for, where they are of a language.
func TestNoRuleIsKeptFromATextThatItMatches(t *testing.T) {
	s := level(t, 1)
	r := rand.New(rand.NewPCG(12, 1))
	tried, found := 0, 0
	for _, it := range s.set.Items {
		rule, ok := it.(*seclang.Rule)
		if !ok || rule.Phase > 2 {
			continue
		}
		for range 2 * sample {
			text, ok := textFor(t, r, rule.Operator)
			if !ok {
				break
			}
			for field, list := range languages {
				if isOne(list, text) {
					tried++
					if !agree(t, s, field, text) {
						found++
					}
				}
			}
		}
	}
	if tried < 300 || found < 100 {
		t.Errorf("only %d texts were of a language, and %d were found", tried, found)
	}
}

// What the contract does not take may well be found: the gate believes it, so
// that the test can tell that it is asked at all.
func TestAValueThatIsNoneOfTheContractIsNotLookedAt(t *testing.T) {
	s := level(t, 1)
	k := narrow(t, s.gate)
	for _, field := range []string{"number", "date", "currency", "state"} {
		q := sends(field, "<script>alert(1)</script>")[2]
		if clean, _ := s.gate.Clean(q); clean {
			t.Fatal("the attack is not found without a contract")
		}
		q.Known = k
		if clean, why := s.gate.Clean(q); !clean {
			t.Errorf("%s: %v is still looked for", field, why)
		}
	}
}

func TestWhatIsNotOfTheContractIsLookedAtInFull(t *testing.T) {
	s := level(t, 1)
	k := narrow(t, s.gate)
	const attack = "<script>alert(1)</script>"
	body := func(text string) *gate.Request {
		q := sends("number", "1")[2]
		q.Body = []byte(text)
		return q
	}
	quoted := `"` + attack + `"`
	query := func(target string) *gate.Request { q := sends("number", "1")[0]; q.URI = target; return q }
	header := query("/a")
	header.Header.Set("X-Number", attack)
	header.Header.Set("User-Agent", attack)
	cookie := query("/a")
	cookie.Header.Set("Cookie", "number="+attack)
	for name, q := range map[string]*gate.Request{
		"an undeclared member":                   body(`{"more":` + quoted + `}`),
		"a member of one":                        body(`{"more":{"number":` + quoted + `}}`),
		"a member of a list where one is none":   body(`{"free":[` + quoted + `]}`),
		"a member without a language":            body(`{"free":` + quoted + `}`),
		"a member of a name with a dot":          body(`{"again.number":` + quoted + `}`),
		"a name that is not declared":            body(`{"` + attack + `":1}`),
		"a name below one that is not declared":  body(`{"free":{"` + attack + `":1}}`),
		"the name of another case":               body(`{"Number":` + quoted + `}`),
		"an object where a number is":            body(`{"number":{"a":` + quoted + `}}`),
		"a list where a number is":               body(`{"number":[` + quoted + `]}`),
		"a parameter that is not declared":       query("/a?more=" + url.QueryEscape(attack)),
		"a parameter's name":                     query("/a?" + url.QueryEscape(attack) + "=1"),
		"the target":                             query("/" + url.PathEscape(attack)),
		"a parameter that is, by the raw target": query("/a?number=/etc/passwd%00../../../../etc/passwd"),
		"a header field":                         header,
		"a cookie":                               cookie,
	} {
		q.Known = k
		if clean, _ := s.gate.Clean(q); clean {
			t.Errorf("%s: the attack is not found", name)
		}
	}
}

func TestANarrowingIsForItsOwnGateOnly(t *testing.T) {
	one, other := level(t, 1), level(t, 2)
	q := sends("number", "<script>alert(1)</script>")[2]
	q.Known = narrow(t, one.gate)
	if clean, _ := other.gate.Clean(q); clean {
		t.Error("what is known by another gate is believed")
	}
	if n, err := one.gate.Narrow(nil, nil); err != nil || n.Of(theContract) != nil || n.Of(nil) != nil {
		t.Error("something is known of a request of which nothing is proven", err)
	}
	var none *gate.Narrowing
	if none.Of(theContract) != nil {
		t.Error("without a narrowing something is known")
	}
}

func TestANarrowingTakesTheAnswersOfTheOneBefore(t *testing.T) {
	g := compile(t, 1)
	small := &durward.Proven{JSON: &durward.Proof{Members: map[string]*durward.Proof{"date": proof.Members["date"], "state": proof.Members["state"], "any": proof.Members["any"]}}}
	var last *gate.Narrowing
	for range 3 {
		n, err := g.Narrow([]*durward.Proven{small}, last)
		if err != nil {
			t.Fatal(err)
		}
		last = n
		q := sends("date", "2024-05-06")[2]
		q.Known = n.Of(small)
		if clean, why := g.Clean(q); !clean {
			t.Error(why)
		}
	}
}

// FuzzNarrowedValues holds any text of a language against the gate with and
// without what the contract proves, over rules of every sort.
func FuzzNarrowedValues(f *testing.F) {
	names := slices.Sorted(maps.Keys(languages))
	for i, text := range []string{"12", "a@b", "QUJD", "false", "2024-02-29", "or", "<=", "a.b", "", "x y", "<script>", "AB-12345"} {
		f.Add(i, text)
	}
	rules := newRuleSet(directivesOf(1, "REQUEST-901-INITIALIZATION", "REQUEST-930-APPLICATION-ATTACK-LFI", "REQUEST-934-APPLICATION-ATTACK-GENERIC",
		"REQUEST-942-APPLICATION-ATTACK-SQLI", "REQUEST-944-APPLICATION-ATTACK-JAVA", "REQUEST-949-BLOCKING-EVALUATION"))
	if rules.err != nil {
		f.Fatal(rules.err)
	}
	few := map[string][]durward.Language{}
	for _, name := range []string{"number", "uuid", "datetime", "slug", "word", "state", "email", "phone"} {
		few[name] = languages[name]
	}
	p := &durward.Proven{Query: few, Form: few}
	n, err := rules.gate.Narrow([]*durward.Proven{p}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, i int, value string) {
		field := names[uint(i)%uint(len(names))]
		if few[field] == nil || !isOne(few[field], value) {
			return
		}
		for _, q := range sends(field, value)[:2] {
			had, why := rules.gate.Clean(q)
			q.Known = n.Of(p)
			if has, whyNow := rules.gate.Clean(q); had != has {
				t.Errorf("%s %q: clean %v (%v), with the contract %v (%v)", field, value, had, why, has, whyNow)
			}
		}
	})
}

func TestWhatIsKnownCostsNoAllocation(t *testing.T) {
	if allocs.Race {
		t.Skip("pools drop at random what they are given")
	}
	g := compile(t, 1)
	requests, proven := benchRequests(), benchProven()
	for _, name := range benchNames {
		n, err := g.Narrow([]*durward.Proven{proven[name]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, known := *requests[name], *requests[name]
		known.Known = n.Of(proven[name])
		without := allocs.PerRun(50, func() { g.Clean(&plain) })
		// Which values share a place in the memory of the request is a matter of a
		// random seed, so that a few are looked at twice on either side.
		if with := allocs.PerRun(50, func() { g.Clean(&known) }); with > without+2+without/10 {
			t.Errorf("%s: %v allocations, without a contract %v", name, with, without)
		}
	}
}
